//! One process at a time opens a storage's file, or puts another in its place.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::fault::Fault;
use super::patience::Patience;

/// What SQLite keeps beside a database.
pub(super) const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Within the process. A file that is created is opened and closed by other means than SQLite's, which would release
/// the locks of a connection that another thread has opened to it meanwhile.
static OPENING: Mutex<()> = Mutex::new(());

/// While it exists, no other thread or process opens or replaces the file.
#[derive(Debug)]
pub(super) struct Opening {
    /// Closed before the mutex is released. The lock goes with it, also if the process is killed.
    _between_processes: Connection,
    _within_process: MutexGuard<'static, ()>,
}

impl Opening {
    pub(super) fn of(path: &Path, patience: Patience) -> Result<Self, Fault> {
        let within_process = patience.lock(&OPENING)?;
        let lock = beside(path, "-lock");
        let locked = match locked(&lock, patience) {
            // It is always empty, unless somebody wrote into it.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
                fs::remove_file(&lock)?;
                locked(&lock, patience)
            }
            locked => locked,
        };
        Ok(Opening {
            _between_processes: locked?,
            _within_process: within_process,
        })
    }

    /// Creates the file if it is not there, for the eyes of its user only.
    pub(super) fn create(&self, path: &Path) -> Result<(), Fault> {
        if create_private(path)? {
            // Those of a file that was deleted alone: no part of this one.
            for companion in COMPANIONS {
                let _ = fs::remove_file(beside(path, companion));
            }
        }
        if fs::metadata(path)?.is_file() {
            return Ok(());
        }
        Err(Fault::failed("this is no file: name one, which need not exist"))
    }
}

fn locked(lock: &Path, patience: Patience) -> Result<Connection, rusqlite::Error> {
    // Where this fails, opening tells why.
    let _ = create_private(lock);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(lock, flags)?;
    connection.busy_timeout(patience.left())?;
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    Ok(connection)
}

/// Whether it was not there.
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

/// The path with something behind it.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
