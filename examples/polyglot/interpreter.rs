//! A Python with the original Ring.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The interpreter. A virtual environment created for it is removed with it.
pub(crate) struct Interpreter {
    pub(crate) path: PathBuf,
    environment: Option<PathBuf>,
}

impl Interpreter {
    /// The interpreter named by `POLYGLOT_PYTHON`, or else that of a virtual environment in a temporary folder.
    ///
    /// # Errors
    ///
    /// If there is none: the reason and the remedy.
    pub(crate) fn find(requirements: &Path) -> Result<Interpreter, String> {
        let interpreter = match env::var_os("POLYGLOT_PYTHON") {
            Some(path) => Interpreter {
                path: path.into(),
                environment: None,
            },
            None => make(requirements)?,
        };
        run(&interpreter.path, ["-c", "import ring, redis, pymemcache"])
            .map_err(|error| format!("{error}\nIt needs the packages of {}", requirements.display()))?;
        Ok(interpreter)
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        if let Some(environment) = &self.environment {
            _ = fs::remove_dir_all(environment);
        }
    }
}

fn make(requirements: &Path) -> Result<Interpreter, String> {
    let python = ["python3", "python"].map(Path::new);
    let python = python
        .iter()
        .find(|python| run(python, ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"]).is_ok())
        .ok_or("there is no Python 3.10 or newer: install it, or name one by POLYGLOT_PYTHON")?;
    let environment = env::temp_dir().join(format!("ring-cache-polyglot.{}", std::process::id()));
    fs::create_dir(&environment).map_err(|error| format!("{}: {error}", environment.display()))?;
    let programs = if cfg!(windows) { "Scripts" } else { "bin" };
    let interpreter = Interpreter {
        path: environment.join(programs).join("python"),
        environment: Some(environment.clone()),
    };
    println!("Making a virtual environment with the original Ring ..");
    run(python, ["-m".as_ref(), "venv".as_ref(), environment.as_os_str()])?;
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ];
    let install = install
        .map(OsStr::new)
        .into_iter()
        .chain([requirements.as_os_str()]);
    run(&interpreter.path, install)?;
    Ok(interpreter)
}

/// Runs Python. The error is its output.
fn run(python: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<(), String> {
    let output = Command::new(python)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", python.display()))?;
    if output.status.success() {
        return Ok(());
    }
    // `venv` reports missing parts on stdout.
    let said = [output.stdout, output.stderr].concat();
    Err(format!(
        "{}: {}",
        python.display(),
        String::from_utf8_lossy(&said).trim()
    ))
}
