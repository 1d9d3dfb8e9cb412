//! The imports of files: no circles.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{SOURCES, code, rust_files};

/// A path such as `crate::key::Name`, without `crate`.
type ModulePath = Vec<String>;

/// The files of one crate, by the paths of their modules.
struct Crate {
    files: HashMap<ModulePath, String>,
    /// The names that a module re-exports, and their origins.
    exports: HashMap<ModulePath, HashMap<String, ModulePath>>,
}

impl Crate {
    fn read(folder: &str) -> Self {
        let files: HashMap<_, _> = rust_files(folder)
            .into_iter()
            .map(|file| (module_path(folder, &file), file))
            .collect();
        let mut exports: HashMap<_, HashMap<_, _>> = HashMap::new();
        for (module, file) in &files {
            for import in imports(&code(file), module) {
                if let (true, Some(name)) = (import.is_export, import.path.last()) {
                    let exported = exports.entry(module.clone()).or_default();
                    exported.insert(name.clone(), import.path);
                }
            }
        }
        Crate { files, exports }
    }

    /// The file that defines what a path names.
    fn file_of(&self, path: &[String]) -> Option<&String> {
        let module = (0..=path.len())
            .rev()
            .find(|&length| self.files.contains_key(&path[..length]))?;
        let (module, rest) = path.split_at(module);
        let exported = rest.first().and_then(|name| self.exports.get(module)?.get(name));
        match exported.filter(|origin| origin.as_slice() != path) {
            Some(origin) => self.file_of(origin),
            None => self.files.get(module),
        }
    }

    /// The files that each file imports, without re-exports.
    fn arrows(&self) -> BTreeMap<&String, BTreeSet<&String>> {
        let arrows = self.files.iter().map(|(module, file)| {
            let imports = imports(&code(file), module)
                .into_iter()
                .filter(|import| !import.is_export);
            let targets = imports.filter_map(|import| self.file_of(&import.path));
            (file, targets.filter(|target| *target != file).collect())
        });
        arrows.collect()
    }
}

/// `ring-core/src/call/fetch.rs` is the module `call::fetch`.
fn module_path(folder: &str, file: &str) -> ModulePath {
    let inner = file.strip_prefix(folder).unwrap_or(file).trim_start_matches('/');
    let segments = inner.trim_end_matches(".rs").split('/');
    segments
        .filter(|segment| *segment != "lib")
        .map(str::to_owned)
        .collect()
}

struct Import {
    path: ModulePath,
    is_export: bool,
}

/// The imports of a file's code, from its own crate.
fn imports(code: &str, module: &[String]) -> Vec<Import> {
    let mut imports = Vec::new();
    for (start, _) in code.match_indices("use ") {
        let line = &code[code[..start].rfind('\n').map_or(0, |end| end + 1)..start];
        let is_statement = line.trim().is_empty() || line.trim_start().starts_with("pub");
        let Some(end) = code[start..].find(';').filter(|_| is_statement) else {
            continue;
        };
        let tree = code[start + 4..start + end]
            .split_whitespace()
            .collect::<String>();
        for path in expanded(&tree) {
            if let Some(path) = absolute(&path, module) {
                imports.push(Import {
                    path,
                    is_export: line.trim_start().starts_with("pub"),
                });
            }
        }
    }
    imports
}

/// The paths of a tree: `a::{b,c::{d,e}}` has three.
fn expanded(tree: &str) -> Vec<String> {
    let Some(open) = tree.find('{') else {
        return vec![tree.to_owned()];
    };
    let (prefix, inner) = (&tree[..open], &tree[open + 1..tree.len() - 1]);
    let mut depth = 0;
    let branches = inner.split(|c| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        c == ',' && depth == 0
    });
    branches
        .filter(|branch| !branch.is_empty())
        .flat_map(expanded)
        .map(|path| format!("{prefix}{path}"))
        .collect()
}

/// A path from the root of the crate, if it begins there.
fn absolute(path: &str, module: &[String]) -> Option<ModulePath> {
    // `x as y` has lost its spaces: no relevant segment contains "as".
    let mut base = module.to_vec();
    let mut segments = path.split("::").peekable();
    match segments.next()? {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            base.pop();
            while segments.next_if_eq(&"super").is_some() {
                base.pop();
            }
        }
        child => base.push(child.to_owned()),
    }
    base.extend(segments.map(str::to_owned));
    Some(base)
}

/// The files reachable from `start` by imports.
fn reachable<'c>(
    arrows: &BTreeMap<&'c String, BTreeSet<&'c String>>,
    start: &'c String,
) -> BTreeSet<&'c String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![start];
    while let Some(file) = next.pop() {
        next.extend(arrows[file].iter().filter(|target| reached.insert(**target)));
    }
    reached
}

#[test]
fn no_files_import_each_other() {
    let mut circles = BTreeSet::new();
    for folder in SOURCES {
        let sources = Crate::read(folder);
        let arrows = sources.arrows();
        let count: usize = arrows.values().map(BTreeSet::len).sum();
        assert!(count > 10, "imports are found");
        for (file, targets) in &arrows {
            let back = targets
                .iter()
                .filter(|target| reachable(&arrows, target).contains(file));
            circles.extend(back.map(|target| format!("{file} -> {target}")));
        }
        println!("{folder}: {} files, {count} imports", arrows.len());
    }
    println!("imports in circles: {}", circles.len());
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn circles_are_found() {
    let [one, two, three] = ["one", "two", "three"].map(str::to_owned);
    let arrows = BTreeMap::from([
        (&one, BTreeSet::from([&two])),
        (&two, BTreeSet::from([&one])),
        (&three, BTreeSet::from([&one])),
    ]);
    assert!(reachable(&arrows, &one).contains(&one));
    assert!(!reachable(&arrows, &three).contains(&three));
}

#[test]
fn paths_are_found_in_trees() {
    let code = "use super::{a::B, c::{D, self}};\npub(crate) use crate::e::F;\nuse g::H;";
    let imports = imports(code, &["call".into(), "fetch".into()]);
    let paths: Vec<_> = imports.iter().map(|import| import.path.join("::")).collect();
    assert_eq!(
        paths,
        [
            "call::a::B",
            "call::c::D",
            "call::c::self",
            "e::F",
            "call::fetch::g::H"
        ]
    );
    assert!(imports[3].is_export && !imports[0].is_export);
}
