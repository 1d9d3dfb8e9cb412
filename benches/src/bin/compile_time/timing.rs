//! The time that cargo takes, and the CPU time.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs, io};

/// Clock ticks of `/proc` in a second, on every Linux of today.
const TICKS: f64 = 100.0;

/// Cargo, in one workspace.
pub(crate) struct Cargo {
    folder: PathBuf,
}

/// Seconds of one run.
#[derive(Clone)]
pub(crate) struct Times {
    wall: f64,
    processor: f64,
}

/// Medians of many runs, in seconds.
pub(crate) struct Medians {
    pub(crate) wall: f64,
    pub(crate) processor: f64,
}

impl Cargo {
    pub(crate) fn of(folder: &Path) -> Cargo {
        Cargo {
            folder: folder.to_owned(),
        }
    }

    /// Runs cargo with its default configuration.
    pub(crate) fn run(&self, arguments: &[&str]) -> io::Result<()> {
        let mut command = Command::new(env!("CARGO"));
        let configured = env::vars_os().map(|(name, _)| name);
        let configured = configured.filter(|name| {
            let name = name.to_string_lossy();
            name.starts_with("CARGO_PROFILE_") || ["CARGO_INCREMENTAL", "RUSTFLAGS"].contains(&&*name)
        });
        for name in configured {
            command.env_remove(name);
        }
        let command = command.args(arguments).arg("--quiet").current_dir(&self.folder);
        let status = command
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .stdin(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(io::Error::other(format!(
                "cargo {}: {status}",
                arguments.join(" ")
            )));
        }
        Ok(())
    }

    /// Compiles one package from scratch, and nothing else.
    pub(crate) fn time(&self, command: &str, package: &str) -> io::Result<Times> {
        self.run(&["clean", "--package", package])?;
        let (start, worked) = (Instant::now(), processor_time()?);
        self.run(&[command, "--package", package])?;
        Ok(Times {
            wall: start.elapsed().as_secs_f64(),
            processor: processor_time()? - worked,
        })
    }
}

/// User time of all children that have ended, and of theirs.
fn processor_time() -> io::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may contain spaces.
    let (_, fields) = stat
        .rsplit_once(") ")
        .ok_or_else(|| io::Error::other("/proc/self/stat"))?;
    let ticks = fields
        .split(' ')
        .nth(13)
        .and_then(|ticks| ticks.parse::<f64>().ok());
    ticks
        .map(|ticks| ticks / TICKS)
        .ok_or_else(|| io::Error::other("/proc/self/stat"))
}

impl Medians {
    pub(crate) fn of(times: &[Times]) -> Medians {
        Medians {
            wall: median(times.iter().map(|times| times.wall)),
            processor: median(times.iter().map(|times| times.processor)),
        }
    }
}

fn median(times: impl Iterator<Item = f64>) -> f64 {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}
