//! Programs that are not installed, and what is left out then.

use std::env;
use std::error::Error;
use std::fmt;
use std::io::{ErrorKind, Write, stderr};
use std::process::{Command, Stdio};

/// The environment variable that decides what happens where a server is missing.
const SERVERS: &str = "RING_CACHE_SERVERS";

/// A server's program is not installed. Displays which one, and how to get it.
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

/// What was started; or `None` where its program is missing, with a line on stderr that says that `what` is left out.
///
/// The line is seen although tests are run by a harness that holds their output back.
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
/// If the program is missing and the environment variable `RING_CACHE_SERVERS` is `required`: so nothing is left out
/// where all is to be tested.
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
    // Not `eprintln!`, which the harness captures. Where stderr is closed, nobody is there to be told.
    _ = stderr().write_all(format!("!!! LEFT OUT: {what}: {missing}\n").as_bytes());
    None
}
