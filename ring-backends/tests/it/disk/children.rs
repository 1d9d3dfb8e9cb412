//! Other processes: this test program once more, with a part to play.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{env, process};

use super::Folder;

const PART: &str = "RING_CACHE_TEST_PART";
const FILE: &str = "RING_CACHE_TEST_FILE";

/// A process of our own. It goes with its owner.
pub(super) struct Process {
    child: Child,
    lines: BufReader<process::ChildStdout>,
}

/// The command that plays `part`, with the storage in `folder`.
pub(super) fn command(part: &str, folder: &Folder) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([
        "--exact",
        "disk::children::part",
        "--nocapture",
        "--test-threads=1",
    ]);
    playing(command, part, folder)
}

/// The same, below a limit that a shell sets.
pub(super) fn limited(limit: &str, part: &str, folder: &Folder) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")]);
    command.arg(env::current_exe().unwrap());
    command.args([
        "--exact",
        "disk::children::part",
        "--nocapture",
        "--test-threads=1",
    ]);
    playing(command, part, folder)
}

fn playing(mut command: Command, part: &str, folder: &Folder) -> Command {
    command.env(PART, part).env(FILE, folder.file());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

impl Process {
    pub(super) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Process { child, lines }
    }

    /// What it says next, if it does before it ends.
    pub(super) fn hear(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // Others are those of the test program itself.
            if let Some((_, said)) = line.split_once("child: ") {
                return Some(said.trim_end().to_owned());
            }
        }
    }

    pub(super) fn tell(&mut self) {
        writeln!(self.child.stdin.as_mut().unwrap()).unwrap();
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end, which must be a good one.
    pub(super) fn end(mut self) {
        while self.hear().is_some() {}
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says something to the process that started this one.
pub(super) fn say(what: impl std::fmt::Display) {
    // At once, and whole.
    let mut output = std::io::stdout().lock();
    output.write_all(format!("child: {what}\n").as_bytes()).unwrap();
    output.flush().unwrap();
}

/// Waits until that process says something.
pub(super) fn listen() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// Not a test of its own: what the other processes do.
#[test]
fn part() {
    let (Ok(part), Some(file)) = (env::var(PART), env::var_os(FILE)) else {
        return;
    };
    let file = Path::new(&file);
    match part.as_str() {
        "write and read" => super::processes::write_and_read(file),
        "hold the lock" => super::processes::hold_the_lock(file),
        "write for ever" => super::killed::write_for_ever(file),
        "fill the disk" => super::faults::fill_the_disk(file),
        "create privately" => super::private::create(file),
        "notice damage" => super::replaced::notice_damage(file),
        part => panic!("nobody plays {part}"),
    }
}
