//! Other processes: this test program again, with a part to play.

use std::env;
use std::io::{BufRead, BufReader, PipeReader, Write, pipe};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::Folder;

const PART: &str = "RING_CACHE_TEST_PART";
const FILE: &str = "RING_CACHE_TEST_FILE";

/// A child process, and its output.
pub(super) struct Process {
    running: Running,
    lines: Lines,
}

/// A child process, killed on drop.
pub(super) struct Running(Child);

/// The output of several processes, in order.
pub(super) struct Lines(BufReader<PipeReader>);

/// The command that plays `part`, with the storage in `folder`.
pub(super) fn command(part: &str, folder: &Folder) -> Command {
    let command = Command::new(env::current_exe().unwrap());
    playing(command, part, folder)
}

/// The same, under a limit set by a shell.
pub(super) fn limited(limit: &str, part: &str, folder: &Folder) -> Command {
    within(
        &["sh", "-c", &format!("{limit}; exec \"$0\" \"$@\"")],
        part,
        folder,
    )
}

/// The same, started by another program, as its last arguments.
pub(super) fn within(program: &[&str], part: &str, folder: &Folder) -> Command {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).arg(env::current_exe().unwrap());
    playing(command, part, folder)
}

fn playing(mut command: Command, part: &str, folder: &Folder) -> Command {
    command.args([
        "--exact",
        "disk::children::part",
        "--nocapture",
        "--test-threads=1",
    ]);
    command.env(PART, part).env(FILE, folder.file());
    command.stdin(Stdio::piped());
    command
}

/// Starts processes that write to one pipe, which shows the order of their lines.
pub(super) fn start_together(commands: Vec<Command>) -> (Vec<Running>, Lines) {
    let (lines, voice) = pipe().unwrap();
    let start = |mut command: Command| {
        let voice = voice.try_clone().unwrap();
        Running(command.stdout(voice).spawn().unwrap())
    };
    let running = commands.into_iter().map(start).collect();
    (running, Lines(BufReader::new(lines)))
}

impl Lines {
    /// The next line, unless all have ended.
    pub(super) fn hear(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // Other lines are those of the test program itself.
            if let Some((_, said)) = line.split_once("child: ") {
                return Some(said.trim_end().to_owned());
            }
        }
    }
}

impl Running {
    /// Kills it, unless it has ended.
    pub(super) fn kill(&mut self) -> ExitStatus {
        self.0.kill().unwrap();
        self.0.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    pub(super) fn start(command: Command) -> Self {
        let (mut running, lines) = start_together(vec![command]);
        let running = running.pop().unwrap();
        Process { running, lines }
    }

    /// Its next line, if any before its end.
    pub(super) fn hear(&mut self) -> Option<String> {
        self.lines.hear()
    }

    pub(super) fn tell(&mut self) {
        writeln!(self.running.0.stdin.as_mut().unwrap()).unwrap();
    }

    pub(super) fn id(&self) -> u32 {
        self.running.0.id()
    }

    /// Waits for its successful end.
    pub(super) fn end(mut self) {
        while self.hear().is_some() {}
        let status = self.running.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

/// Writes a line to the process that started this one.
pub(super) fn say(what: impl std::fmt::Display) {
    // At once, and in one piece.
    let mut output = std::io::stdout().lock();
    output.write_all(format!("child: {what}\n").as_bytes()).unwrap();
    output.flush().unwrap();
}

/// Waits for a line from that process.
pub(super) fn listen() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// Not a test of its own: the part of the child processes.
#[test]
fn part() {
    let (Ok(part), Some(file)) = (env::var(PART), env::var_os(FILE)) else {
        return;
    };
    let file = Path::new(&file);
    match part.as_str() {
        "write and read" => super::processes::write_and_read(file),
        "hold the lock" => super::processes::hold_the_lock(file),
        "write for ever" => super::killed::writer::write_for_ever(file),
        "fill the disk" => super::full::fill_the_disk(file),
        "create privately" => super::private::create(file),
        "notice damage" => super::replaced::notice_damage(file),
        part => panic!("unknown part {part}"),
    }
}
