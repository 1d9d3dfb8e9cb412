//! Wrong uses, and what the compiler says of them: one file an option or a mistake, in `tests/ui`.
//!
//! A part of each message is the compiler's own and changes with it, so they are compared for one release only; with
//! another `test.sh` says that they were left out.

/// The release whose messages the `.stderr` files hold. `test.sh` reads it here.
const COMPILER: &str = "1.95";

#[test]
fn derive() {
    compare("tests/ui/derive/*.rs");
}

/// Some of the files use a coder.
#[test]
#[cfg(feature = "json")]
fn ring() {
    compare("tests/ui/ring/*.rs");
}

/// Storages outside the process.
#[test]
#[cfg(all(feature = "disk", feature = "memcached", feature = "redis", feature = "tokio"))]
fn storages() {
    compare("tests/ui/storages/*.rs");
}

fn compare(files: &str) {
    let version = std::process::Command::new("rustc").arg("--version").output();
    let version = String::from_utf8(version.expect("rustc is there").stdout).expect("rustc writes text");
    if version.starts_with(&format!("rustc {COMPILER}.")) {
        trybuild::TestCases::new().compile_fail(files);
    } else {
        println!("LEFT OUT: {files} holds the messages of Rust {COMPILER}, and this is {version}");
    }
}
