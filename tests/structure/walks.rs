//! The walks of ARCHITECTURE.md: their functions exist, and are few.

use std::collections::{BTreeSet, HashSet};

use crate::{SOURCES, code, read, root, rust_files};

/// The rows `| function | file | .. |` below a heading of ARCHITECTURE.md.
fn walk(heading: &str) -> Vec<(String, String)> {
    let text = read("ARCHITECTURE.md");
    let (_, section) = text
        .split_once(&format!("\n## {heading}\n"))
        .expect("the heading exists");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let mut cells = row
            .split('|')
            .map(|cell| cell.trim().trim_matches('`').to_owned());
        cells.next();
        let mut cell = || cells.next().expect("a row has two cells");
        (cell(), cell())
    })
    .collect()
}

#[track_caller]
fn is_short(heading: &str, most_functions: usize, most_files: usize) {
    let steps = walk(heading);
    for (function, file) in &steps {
        let code = code(file);
        let is_defined = ["<", "("]
            .iter()
            .any(|next| code.contains(&format!("fn {function}{next}")));
        assert!(is_defined, "{file} has no function `{function}`");
    }
    let functions: BTreeSet<_> = steps.iter().collect();
    let files: BTreeSet<_> = steps.iter().map(|(_, file)| file).collect();
    println!(
        "{heading}: {} functions (at most {most_functions}), {} files (at most {most_files})",
        functions.len(),
        files.len()
    );
    assert!((1..=most_functions).contains(&functions.len()), "{functions:#?}");
    assert!(files.len() <= most_files, "{files:#?}");
}

#[test]
fn a_hit_in_memory_is_short() {
    is_short("A hit in memory", 10, 5);
}

#[test]
fn a_miss_in_memory_is_short() {
    is_short("A miss in memory", 20, 9);
}

#[test]
fn an_awaited_miss_on_redis_is_short() {
    is_short("An awaited miss on Redis", 25, 14);
}

/// The types and traits of the core that the code of a file names.
fn concepts(file: &str) -> BTreeSet<String> {
    let all: String = rust_files("ring-core/src")
        .iter()
        .map(|file| code(file))
        .collect();
    let defined: HashSet<_> = ["struct ", "enum ", "trait "]
        .iter()
        .flat_map(|keyword| all.split(*keyword).skip(1))
        .map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric())
                .next()
                .unwrap_or_default()
        })
        .filter(|name| name.len() > 1)
        .collect();
    // Parts of a type or trait, such as `WaitOutcome::Value`, are not counted separately.
    let code = code(file).replace("type Output", "").replace("use crate::", "");
    let words = code.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c));
    let words = words.map(|word| word.trim_matches(':').split("::").next().unwrap_or_default());
    words
        .filter(|word| defined.contains(word))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_miss_needs_few_concepts() {
    let concepts = concepts("ring-core/src/call/fetch.rs");
    println!(
        "concepts of the miss: {} (at most 15): {concepts:?}",
        concepts.len()
    );
    assert!(concepts.len() <= 15, "{concepts:?}");
}

#[test]
fn what_architecture_md_names_exists() {
    let text = read("ARCHITECTURE.md");
    let all: String = SOURCES
        .iter()
        .flat_map(|folder| rust_files(folder))
        .map(|file| code(&file))
        .collect();
    let quoted = text.split('`').skip(1).step_by(2);
    // Commands have several words.
    for name in quoted.filter(|quoted| !quoted.contains(' ')) {
        let last = name.rsplit("::").next().unwrap_or_default();
        let is_path = name.ends_with(".rs") || name.ends_with('/') || name.ends_with(".md");
        let exists = if is_path {
            let places = [""].iter().chain(&[
                "ring-core/src/",
                "ring-backends/src/",
                "ring-derive/src/",
                "ring-pages/src/",
                "ring-inspector/src/",
            ]);
            places
                .into_iter()
                .any(|place| root().join(place).join(name).exists())
        } else if last.chars().all(|c| c.is_alphanumeric() || c == '_') {
            all.contains(last)
        } else {
            true
        };
        assert!(exists, "ARCHITECTURE.md names `{name}`, which does not exist");
    }
}
