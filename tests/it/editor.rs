//! Diagnostics of an editor while a body is being written: rust-analyzer reads `tests/editor`, whose bodies do not parse.

use std::process::Command;

#[test]
#[ignore = "slow: rust-analyzer reads the crate and its dependencies"]
fn half_written_bodies_hide_no_accessor() {
    let root = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("rust-analyzer")
        .args(["diagnostics", "tests/editor"])
        .current_dir(root)
        .env("CARGO_TARGET_DIR", format!("{root}/target/editor"))
        .output();
    let Some(output) = output.ok().filter(|output| !output.stdout.is_empty()) else {
        println!("!!! LEFT OUT: what an editor shows, as rust-analyzer is not installed");
        return;
    };
    let shown = String::from_utf8_lossy(&output.stdout);
    let file = "tests/editor/src/lib.rs";
    let source = std::fs::read_to_string(format!("{root}/{file}")).expect("the file is there");
    let uses = source.lines().position(|line| line.starts_with("pub fn uses"));
    let uses = uses.expect("the file uses the accessors");
    let errors = shown.split(['\n', '\r']);
    let errors = errors.filter(|line| line.contains(file) && line.contains(": Error "));
    let of_uses: Vec<&str> = errors
        .filter(|line| first_line(line).is_some_and(|line| line > uses))
        .collect();
    // This diagnostic shows that rust-analyzer looks for them.
    assert!(
        matches!(of_uses[..], [only] if only.contains("`missing_ring`")),
        "{shown}"
    );
}

/// The line, from 0, of a message such as `… from LineCol { line: 14, col: 13 } to …`.
fn first_line(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("LineCol { line: ")?;
    rest.split_once(',')?.0.parse().ok()
}
