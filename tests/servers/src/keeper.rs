//! A server's process: its start, its signals, and its end together with ours.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

const READY_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The port was taken after it was found free.
#[derive(Debug)]
pub(crate) struct PortTaken;

/// A shell whose child is the server. It runs `keeper.sh`.
///
/// A shell instead of a direct child: it outlives this process to end the server and remove the folder, and it sends
/// signals, for which another crate would be needed.
pub(crate) struct Keeper {
    program: &'static str,
    folder: PathBuf,
    shell: Mutex<Shell>,
}

struct Shell {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    server: Option<u32>,
}

impl Keeper {
    /// Takes ownership of `folder`. Starts nothing.
    pub(crate) fn new(program: &'static str, folder: &Path, arguments: &[String]) -> Keeper {
        let mut command = Command::new("sh");
        // In its own group it also outlives the killing of this process's group.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command
            .args(["-c", include_str!("keeper.sh"), "keeper"])
            .arg(folder)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("`sh`, which keeps {program}, did not start: {error}"));
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("asked for above"));
        let folder = folder.to_path_buf();
        let server = None;
        let shell = Mutex::new(Shell {
            child,
            orders,
            answers,
            server,
        });
        Keeper {
            program,
            folder,
            shell,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.running(self.with_shell(|shell| shell.server))
    }

    /// Starts the server, after the previous one has ended, and waits until it is `ready`, which gets its process id:
    /// another server may listen on the same port.
    pub(crate) fn start(&self, ready: impl Fn(u32) -> bool) -> Result<(), PortTaken> {
        let server = self.running(self.order("start"));
        let start = Instant::now();
        while !ready(server) {
            let over = ended(server) || start.elapsed() > READY_WITHIN;
            let log = self.log();
            if log.to_lowercase().contains("address already in use") {
                return Err(PortTaken);
            }
            assert!(
                !over,
                "{} ended, or was not ready within {READY_WITHIN:?}. Its log:\n{log}",
                self.program
            );
            sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Sends `SIGSTOP`, and waits until the server has stopped.
    pub(crate) fn stop(&self) {
        let server = self.running(self.order("STOP"));
        while !stopped(server) {
            sleep(LOOK_EVERY);
        }
    }

    /// Sends `SIGCONT`.
    pub(crate) fn cont(&self) {
        self.running(self.order("CONT"));
    }

    /// Sends `SIGKILL`, and waits for the end. Does nothing without a server.
    pub(crate) fn kill(&self) {
        self.order("KILL");
    }

    /// The output of the server since its last start.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    fn running(&self, server: Option<u32>) -> u32 {
        server.unwrap_or_else(|| panic!("{} is not running: it was killed", self.program))
    }

    fn order(&self, order: &str) -> Option<u32> {
        self.with_shell(|shell| {
            shell.server = shell.order(order);
            shell.server
        })
    }

    fn with_shell<T>(&self, work: impl FnOnce(&mut Shell) -> T) -> T {
        work(&mut self.shell.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shell {
    fn order(&mut self, order: &str) -> Option<u32> {
        let mut orders = self.orders.as_ref().expect("closed on drop only");
        orders
            .write_all(format!("{order}\n").as_bytes())
            .expect("the keeper ended early");
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .expect("the keeper answers in ASCII");
        assert!(answer.ends_with('\n'), "the keeper ended early");
        answer.trim().parse().ok()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.with_shell(|shell| {
            shell.orders = None;
            // It cannot fail, and a panic here would hide the test's own.
            _ = shell.child.wait();
        });
    }
}

/// Whether a child process has ended, and only its entry is left. False without `/proc`.
fn ended(process: u32) -> bool {
    states(process).iter().all(|state| *state == 'Z') && Path::new("/proc/self").exists()
}

/// Whether all threads of a process are stopped or have ended. True without `/proc`.
fn stopped(process: u32) -> bool {
    states(process).iter().all(|state| matches!(state, 'T' | 'Z'))
}

/// The states of a process's threads, as Linux abbreviates them.
fn states(process: u32) -> Vec<char> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return Vec::new();
    };
    let status = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    // `id (name) state ..`
    status
        .filter_map(|line| line.rsplit_once(") ")?.1.chars().next())
        .collect()
}
