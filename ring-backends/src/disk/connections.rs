//! The connections to one file: one writer, and a few readers.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::fault::Fault;
use super::opening::{Opening, with_suffix};
use super::schema;
use super::wait_limit::WaitLimit;

/// The number of concurrent readers. Each connection caches pages of up to 2 MB.
const READERS: usize = 4;

/// From this size on the log is emptied although there are readers. SQLite starts at 4 MB.
const LOG_BYTES: u64 = 8 << 20;
/// From this size on writes fail, until the long read ends.
const MAX_LOG_BYTES: u64 = 64 << 20;
/// How long a write waits for readers, to empty the log.
const EMPTYING: Duration = Duration::from_millis(50);
/// The pause before the next attempt, if they did not end.
const RETRY_EMPTYING: Duration = Duration::from_millis(500);

const LOG_IS_FULL: &str = "the log is full, since a transaction has read the file for long, and still does";

/// The connections to one file.
#[derive(Debug)]
pub(super) struct Connections {
    path: PathBuf,
    identity: Identity,
    writer: Mutex<Connection>,
    /// Opened on demand.
    readers: [Mutex<Option<Connection>>; READERS],
    next: AtomicUsize,
    /// When the log may be emptied again.
    next_emptying: Mutex<Instant>,
}

impl Connections {
    /// The first connection to a file that exists.
    pub(super) fn open(path: &Path, _opening: &Opening, wait_limit: WaitLimit) -> Result<Self, Fault> {
        Ok(Connections {
            writer: Mutex::new(schema::connect(path, wait_limit)?),
            identity: Identity::of(&fs::metadata(path)?),
            path: path.to_owned(),
            readers: [const { Mutex::new(None) }; READERS],
            next: AtomicUsize::new(0),
            next_emptying: Mutex::new(Instant::now()),
        })
    }

    /// Whether the open file is still the file at the path: it may have been deleted, or replaced by a process that found it
    /// damaged.
    pub(super) fn are_current(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| Identity::of(&metadata) == self.identity)
    }

    /// Reads in one transaction.
    pub(super) fn read<R>(
        &self,
        wait_limit: WaitLimit,
        work: impl FnOnce(&Connection) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let free = self.readers.iter().find_map(Mutex::try_lock);
        let mut reader = match free {
            Some(reader) => reader,
            None => {
                let turn = self.next.fetch_add(1, Ordering::Relaxed);
                wait_limit.lock(&self.readers[turn % READERS])?
            }
        };
        let connection = match &mut *reader {
            Some(connection) => connection,
            none => none.insert(self.another(wait_limit)?),
        };
        make_ready(connection, wait_limit)?;
        work(connection)
    }

    fn another(&self, wait_limit: WaitLimit) -> Result<Connection, Fault> {
        let _opening = Opening::of(&self.path, wait_limit)?;
        if !self.are_current() {
            // The other connections belong to the deleted file.
            return Err(Fault::damaged("the file was replaced meanwhile"));
        }
        let connection = schema::connect(&self.path, wait_limit)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    /// Writes in one transaction.
    pub(super) fn write<R>(
        &self,
        wait_limit: WaitLimit,
        work: impl FnOnce(&Connection) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let writer = wait_limit.lock(&self.writer)?;
        make_ready(&writer, wait_limit)?;
        self.bound_log(&writer, wait_limit)?;
        let transaction = Transaction::new_unchecked(&writer, TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// Empties a log that constant readers let grow: SQLite empties it only while no connection reads, so the readers of this
    /// process wait for it. A long reader, such as an open transaction, prevents this; at the size limit, writes then fail.
    fn bound_log(&self, writer: &Connection, wait_limit: WaitLimit) -> Result<(), Fault> {
        let size = || fs::metadata(with_suffix(&self.path, "-wal")).map_or(0, |log| log.len());
        if size() <= LOG_BYTES || !self.is_time_to_empty() {
            return if size() > MAX_LOG_BYTES {
                Err(Fault::failed(LOG_IS_FULL))
            } else {
                Ok(())
            };
        }
        let wait = wait_limit.left().min(EMPTYING);
        let until = Instant::now() + wait;
        let readers = self.readers.iter();
        let _readers: Vec<_> = readers
            .filter_map(|reader| reader.try_lock_until(until))
            .collect();
        writer.busy_timeout(wait)?;
        let busy: i64 = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        let retry = if busy == 0 { Duration::ZERO } else { RETRY_EMPTYING };
        *self.next_emptying.lock() = Instant::now() + retry;
        if size() > MAX_LOG_BYTES {
            return Err(Fault::failed(LOG_IS_FULL));
        }
        make_ready(writer, wait_limit)
    }

    fn is_time_to_empty(&self) -> bool {
        Instant::now() >= *self.next_emptying.lock()
    }
}

fn make_ready(connection: &Connection, wait_limit: WaitLimit) -> Result<(), Fault> {
    connection.busy_timeout(wait_limit.left())?;
    if connection.is_autocommit() {
        return Ok(());
    }
    // The transaction of an operation whose rollback failed.
    let undone = connection.execute_batch("ROLLBACK");
    undone.map_err(Fault::failed)
}

/// The device and inode of a file. An inode is not reused while the file is open.
#[derive(Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Identity(metadata.dev(), metadata.ino())
    }

    /// Open files cannot be replaced on this system.
    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Identity(0, 0)
    }
}
