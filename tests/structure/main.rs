//! The structure of the repository: names in ARCHITECTURE.md exist, walks are short, and files do not import each other in
//! circles. `./test.sh structure` shows the counts.

mod imports;
mod walks;

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of source code.
const SOURCES: [&str; 5] = [
    "ring-core/src",
    "ring-derive/src",
    "ring-backends/src",
    "ring-pages/src",
    "ring-inspector/src",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The Rust files below a folder, as paths from the root.
fn rust_files(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("the folder exists") {
            let entry = entry.expect("it can be read");
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path.to_str().expect("names are UTF-8").replace('\\', "/"));
            }
        }
    }
    files.sort();
    files
}

/// The code of a file without comments, and without the tests at its end.
fn code(path: &str) -> String {
    let text = read(path);
    let code = text.split("\nmod tests {").next().unwrap_or_default();
    let lines = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn files_are_counted() {
    let mut total = (0, 0);
    for folder in SOURCES {
        let files = rust_files(folder);
        let lines: usize = files.iter().map(|file| read(file).lines().count()).sum();
        println!("{folder}: {} files, {lines} lines", files.len());
        total = (total.0 + files.len(), total.1 + lines);
    }
    println!("all: {} files, {} lines", total.0, total.1);
    assert!(total.0 > 0);
}

#[test]
fn unsafe_code_is_in_one_file() {
    let files = SOURCES.iter().flat_map(|folder| rust_files(folder));
    let is_unsafe = |file: &String| code(file).split_whitespace().any(|word| word == "unsafe");
    let with_unsafe_code: Vec<_> = files.filter(is_unsafe).collect();
    assert_eq!(with_unsafe_code, ["ring-core/src/sync/readers_lock.rs"]);
}
