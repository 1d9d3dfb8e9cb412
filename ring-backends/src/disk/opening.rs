//! A lock: one process at a time opens or replaces a storage's file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::fault::Fault;
use super::schema;
use super::wait_limit::WaitLimit;

/// Suffixes of SQLite's other files.
pub(super) const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// The size of a database's first page, in bytes.
const PAGE: u64 = 4096;

/// Locks within the process. Files are created and closed without SQLite, and closing releases the locks of another
/// connection of this process to the same file.
static OPENING: Mutex<()> = Mutex::new(());

/// Held while a thread opens or replaces the file; excludes all others.
#[derive(Debug)]
pub(super) struct Opening {
    /// Files that this call created. They are removed unless opening [succeeds](Self::succeeded).
    created: Mutex<Vec<PathBuf>>,
    /// Whether a storage was opened at the path before.
    had_lock: bool,
    /// Closed before the mutex is released, also if the process is killed.
    _between_processes: Connection,
    _within_process: MutexGuard<'static, ()>,
}

impl Opening {
    pub(super) fn of(path: &Path, wait_limit: WaitLimit) -> Result<Self, Fault> {
        let within_process = wait_limit.lock(&OPENING)?;
        let lock = with_suffix(path, "-lock");
        let had_lock = fs::symlink_metadata(&lock).is_ok();
        let created = if had_lock { Vec::new() } else { vec![lock.clone()] };
        let locked = match locked(&lock, wait_limit) {
            // The lock file is empty, unless another program wrote into it.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
                fs::remove_file(&lock)?;
                locked(&lock, wait_limit)
            }
            locked => locked,
        };
        let _between_processes = locked.inspect_err(|_| remove_all(&created))?;
        Ok(Opening {
            created: Mutex::new(created),
            had_lock,
            _between_processes,
            _within_process: within_process,
        })
    }

    /// The file is open.
    pub(super) fn succeeded(&self) {
        self.created.lock().clear();
    }

    /// Whether an unreadable file is a damaged storage, not a foreign file: it is marked as one, or its lock file existed
    /// before.
    pub(super) fn is_of_storage(&self, path: &Path) -> bool {
        let mut page = Vec::new();
        let read = File::open(path).and_then(|file| file.take(PAGE).read_to_end(&mut page));
        read.is_ok() && (self.had_lock || schema::is_marked(&page))
    }

    /// Creates the file if absent, readable by its owner only.
    pub(super) fn create(&self, path: &Path) -> Result<(), Fault> {
        if create_private(path)? {
            self.created.lock().push(path.to_owned());
            // Left over from a file that was deleted alone.
            for companion in COMPANIONS {
                let _ = fs::remove_file(with_suffix(path, companion));
            }
        }
        if fs::metadata(path)?.is_file() {
            return Ok(());
        }
        Err(Fault::failed(
            "not a regular file: name a file, which need not exist",
        ))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        remove_all(self.created.get_mut());
    }
}

fn remove_all(created: &[PathBuf]) {
    for path in created {
        for companion in COMPANIONS {
            let _ = fs::remove_file(with_suffix(path, companion));
        }
        let _ = fs::remove_file(path);
    }
}

fn locked(lock: &Path, wait_limit: WaitLimit) -> Result<Connection, rusqlite::Error> {
    // If this fails, opening reports why.
    let _ = create_private(lock);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(lock, flags)?;
    connection.busy_timeout(wait_limit.left())?;
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    Ok(connection)
}

/// Returns whether the file was absent.
fn create_private(path: &Path) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        created => Ok(created.is_ok()),
    }
}

/// The path with a suffix.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
