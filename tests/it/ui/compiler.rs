//! Compiles single files against the crate built for these tests.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::thread;

/// The root of paths in messages of Cargo and of the compiler.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The line of `rustc --version`.
pub(super) fn version() -> String {
    let output = Command::new("rustc").arg("--version").output();
    String::from_utf8(output.expect("rustc runs").stdout).expect("rustc writes UTF-8")
}

/// The files of a folder of `tests/ui`, as paths from the root.
pub(super) fn files(folder: &str) -> Vec<String> {
    let folder = format!("tests/ui/{folder}");
    let entries = std::fs::read_dir(root().join(&folder)).expect("the folder is there");
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<_> = names
        .filter(|name| name.ends_with(".rs"))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    files.sort();
    files
}

/// The compiler with the crate.
pub(super) struct Compiler {
    library: PathBuf,
}

impl Compiler {
    pub(super) fn new() -> Self {
        static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
        let library = LIBRARY.get_or_init(library).clone();
        Compiler { library }
    }

    /// The messages for each file: `Err` if it does not compile. Compiles several files at a time.
    pub(super) fn messages(
        &self,
        files: &[String],
    ) -> impl Iterator<Item = (String, Result<String, String>)> {
        let (left, done) = (Mutex::new(files.iter()), Mutex::new(Vec::new()));
        let work = || {
            while let Some(file) = { left.lock().unwrap().next() } {
                let messages = self.compile(file);
                done.lock().unwrap().push((file.clone(), messages));
            }
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        let mut done = done.into_inner().unwrap();
        done.sort();
        done.into_iter()
    }

    fn compile(&self, file: &str) -> Result<String, String> {
        let folder = self.library.parent().expect("a file lies in a folder");
        let metadata = folder.join(format!("{}.ui.rmeta", file.replace(['/', '.'], "_")));
        let output = Command::new("rustc")
            .current_dir(root())
            .args([
                "--edition=2024",
                "--crate-type=bin",
                "--crate-name=ui",
                "--verbose",
            ])
            .args(["--diagnostic-width=140", "-Adead_code"])
            .arg(format!("--emit=metadata={}", metadata.display()))
            .arg(format!("--extern=ring_cache={}", self.library.display()))
            .arg(format!("-Ldependency={}", folder.join("deps").display()))
            .arg(format!("-Ldependency={}", folder.display()))
            .arg(file)
            .output()
            .expect("rustc runs");
        _ = std::fs::remove_file(metadata);
        let messages = String::from_utf8(output.stderr).expect("rustc writes UTF-8");
        if output.status.success() {
            Ok(messages)
        } else {
            Err(messages)
        }
    }
}

/// Cargo, without the environment of this test's package: build scripts would run again.
fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let starts_with = |start| name.to_string_lossy().starts_with(start);
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
            .into_iter()
            .any(starts_with)
        {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// The library as built for these tests. Cargo knows its name: with the features and the profile of `cargo test --workspace
/// --all-features` nothing has to be built.
fn library() -> PathBuf {
    let output = cargo()
        // An example is built with the features of development dependencies, like tests.
        .args(["build", "--workspace", "--all-features", "--example=page"])
        .arg("--message-format=json-render-diagnostics")
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let messages = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let artifacts = messages
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("cargo writes JSON"));
    let of_the_crate = artifacts.filter(|message| message["target"]["name"] == "ring_cache");
    let mut files =
        of_the_crate.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    let library = files.find_map(|file| {
        let file = PathBuf::from(file.as_str()?);
        (file.extension() == Some(OsStr::new("rlib"))).then_some(file)
    });
    library.expect("cargo names the library")
}
