//! Programs that are not installed, and tests that are left out for it.

use std::env;
use std::error::Error;
use std::fmt;
use std::io::{ErrorKind, Write, stderr};
use std::process::{Command, Stdio};

/// The environment variable that decides what happens if a server is missing.
const SERVERS: &str = "RING_CACHE_SERVERS";

/// A server's program is not installed. Displays its name, and how to install it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    program: &'static str,
}

impl Missing {
    /// Looks for `program`.
    pub(crate) fn check(program: &'static str) -> Result<(), Missing> {
        let version = Command::new(program)
            .arg("--version")
            .stdin(Stdio::null())
            .output();
        match version {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Missing { program }),
            Err(error) => panic!("{program} is installed, and does not start: {error}"),
            Ok(_) => Ok(()),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.program;
        let formula = program.trim_end_matches("-server");
        write!(
            f,
            "`{program}` is not installed. On Debian and Ubuntu: apt-get install {program}. \
             With Homebrew: brew install {formula}"
        )
    }
}

impl Error for Missing {}

/// The started server; or `None` if its program is missing, with a line on stderr that says that `what` is left out.
///
/// A test harness that captures output does not hide the line.
///
/// ```
/// use ring_cache_test_servers::{Redis, or_leave_out};
///
/// let Some(redis) = or_leave_out("expiry in Redis", Redis::start()) else { return };
/// assert!(redis.url().starts_with("redis://127.0.0.1:"));
/// ```
///
/// # Panics
///
/// If the program is missing and the environment variable `RING_CACHE_SERVERS` is `required`: no test is left out then.
#[track_caller]
pub fn or_leave_out<T>(what: &str, started: Result<T, Missing>) -> Option<T> {
    let missing = match started {
        Ok(server) => return Some(server),
        Err(missing) => missing,
    };
    let required = env::var(SERVERS).is_ok_and(|servers| servers == "required");
    assert!(
        !required,
        "{what}: {missing}. It cannot be left out, since {SERVERS}=required"
    );
    // Not `eprintln!`, which the harness captures. If stderr is closed, the message is lost.
    _ = stderr().write_all(format!("!!! LEFT OUT: {what}: {missing}\n").as_bytes());
    None
}
