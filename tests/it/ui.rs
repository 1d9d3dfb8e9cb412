//! Compile errors: one file per option or mistake, in `tests/ui`.
//!
//! A line marked by `//~` has exactly one error, and lines without a mark have none: see `ui/marks.rs`.
//!
//! Each file is compiled alone, against the crate that `cargo test` built. The messages are compared with the `.stderr` file
//! beside it; `RING_CACHE_UI=overwrite` writes that file.
//!
//! Part of each message is the compiler's and changes with it, so messages are compared for one release only. With another
//! release, `test.sh` reports that they were left out.

mod compiler;
mod marks;
mod normal;

use compiler::Compiler;

/// The release of the messages in the `.stderr` files. `test.sh` reads it here.
const COMPILER: &str = "1.95";

#[test]
fn derive() {
    compare("derive");
}

/// Some of the files use a coder.
#[test]
#[cfg(feature = "json")]
fn ring() {
    compare("ring");
}

/// Many small mistakes, each with one error at the user's token.
#[test]
fn mistakes() {
    compare("mistakes");
}

/// Storages outside the process.
#[test]
#[cfg(all(
    feature = "disk",
    feature = "memcached",
    feature = "redis",
    feature = "tiered",
    feature = "tokio"
))]
fn storages() {
    compare("storages");
}

/// Compares the messages of all files of a folder below `tests/ui`.
fn compare(folder: &str) {
    let version = compiler::version();
    if !version.starts_with(&format!("rustc {COMPILER}.")) {
        println!("LEFT OUT: tests/ui/{folder} holds the messages of Rust {COMPILER}, and this is {version}");
        return;
    }
    let files = compiler::files(folder);
    assert!(!files.is_empty(), "tests/ui/{folder} has no file");
    let compiler = Compiler::new();
    let differences: Vec<_> = compiler.messages(&files).filter_map(difference).collect();
    assert!(
        differences.is_empty(),
        "{}\nRING_CACHE_UI=overwrite accepts these messages.",
        differences.join("\n")
    );
}

/// The difference between the messages of a file and the expected ones, if any.
fn difference((file, messages): (String, Result<String, String>)) -> Option<String> {
    let messages = match messages {
        Ok(_) => return Some(format!("{file} compiles, and should not")),
        Err(messages) => normal::normal(&messages),
    };
    let source = std::fs::read_to_string(compiler::root().join(&file)).unwrap_or_default();
    if let Some(differences) = marks::differences(&file, &source, &messages) {
        return Some(format!("{differences}\n{messages}"));
    }
    let expected = file.replace(".rs", ".stderr");
    let path = compiler::root().join(&expected);
    if std::env::var("RING_CACHE_UI").is_ok_and(|mode| mode == "overwrite") {
        std::fs::write(path, messages).expect("the folder of tests can be written to");
        return None;
    }
    let before = std::fs::read_to_string(path).unwrap_or_default();
    (before != messages).then(|| format!("==> {expected}:\n{before}\n==> {file} now:\n{messages}"))
}
