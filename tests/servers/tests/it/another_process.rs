//! Tests that other tests run in a separate process: with another environment, or to be killed.

use std::env;
use std::process::Command;

/// Runs one of the ignored tests of this binary.
pub(crate) fn test(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("the path of the tests"));
    command.args(["--ignored", "--exact", name]);
    command
}

/// Whether a process exists.
pub(crate) fn exists(process: &str) -> bool {
    let mut signal = Command::new("sh");
    signal.args(["-c", "kill -s 0 \"$1\" 2>/dev/null", "signal", process]);
    signal.status().expect("`sh` starts").success()
}
