//! A storage in a file, which survives restarts.

mod connections;
mod fault;
mod files;
#[cfg(feature = "inspect")]
mod inspect;
mod metadata;
mod opening;
mod operations;
mod quarantine;
mod raw;
mod schema;
mod storage;
mod wait_limit;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use ring_cache_core::flights::Flights;
use ring_cache_core::key::{namespace_text, text_in_namespace};
use ring_cache_core::{Cause, Error, RingKey};
use rusqlite::{Connection, OpenFlags};

use files::Files;
use metadata::WallClock;
use wait_limit::WaitLimit;

use crate::process::PerProcess;

const DEFAULT_MAX_BYTES: u64 = 1 << 30;
const LEAST_MAX_BYTES: u64 = 64 << 10;
const DEFAULT_DEADLINE: Duration = Duration::from_millis(100);

/// How long opening waits for other processes that open the same file, if that is longer than the deadline.
const OPENING_DEADLINE: Duration = Duration::from_secs(5);

/// A storage in a file: entries survive restarts, and are shared by all processes that open the file.
///
/// ```
/// # let folder = std::env::temp_dir().join(format!("ring-cache-disk-{}", std::process::id()));
/// use ring_cache::{RingKey, ring_impl};
/// use ring_cache::coder::Cbor;
/// use ring_cache::Disk;
///
/// #[derive(RingKey)]
/// struct Page {
///     url: String,
///     #[ring_key(skip)]
///     disk: Disk,
/// }
///
/// #[ring_impl(storage = self.disk as Disk, coder = Cbor)]
/// impl Page {
///     #[ring(expire = "1h")]
///     fn words(&self) -> Vec<String> {
///         self.url.split('/').map(String::from).collect()
///     }
/// }
///
/// let disk = Disk::open(folder.join("pages.db"))?.namespace("shop").max_bytes(100 << 20);
/// let page = Page { url: "http://example.com".into(), disk };
/// page.words();
/// assert!(page.words_ring().has()?);
/// # drop(page);
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<_, ring_cache::Error>(())
/// ```
///
/// It blocks. In an `async fn` use `Blocking<Disk>`, which works on other threads.
///
/// Clones are handles to one storage. A setting, such as [`namespace`](Self::namespace), applies to the returned handle
/// and not to its clones.
///
/// # The file
///
/// The file is a database of SQLite, with a log (`-wal`), its index (`-shm`) and a lock (`-lock`) beside it. New files are
/// readable by their owner only; existing files keep their mode. The key of a row is the namespace and the text of the
/// entry's key. The value is the coder's bytes; times are in milliseconds. Two checksums (XXH3, 64 bits) cover the value,
/// and the key with the metadata. [`backend`](Self::backend) gives access to the database.
///
/// When `set` or the plain call has returned, the entry survives the end of the process, even if it is killed. A loss of
/// power may lose the last writes, and undo the last deletes.
///
/// # Several processes
///
/// Any number of processes on one machine may use one file, on a local file system. One process writes while others read;
/// writers wait for each other, up to the [`deadline`](Self::deadline). Expiry follows the wall clock, since entries outlive
/// processes. If it is set back, the expiry of an entry restarts when the entry is next found; if it is set forward,
/// entries expire early.
///
/// # Size
///
/// The file grows up to [`max_bytes`](Self::max_bytes). Then the oldest entries are evicted, whether they are read or not:
/// reads do not write. Each write removes a few expired entries, and evicts about as many bytes as it writes. The log takes
/// 4 MB more, and up to 8 MB under constant reads. It exceeds that only during a write of many entries, or while a
/// transaction stays open, such as one of [`backend`](Self::backend): from 64 MB on, writes fail until it ends.
///
/// # Failures
///
/// An operation that fails returns an [`Error`]; a plain call returns the body's result, as always. The keys of failed
/// writes and removals are remembered (the last 1,024): this handle and its clones no longer find them, and the next
/// successful write removes them.
///
/// A file of another program is not opened or changed. A damaged storage, or one of another version, is renamed to
/// `….damaged-` and the time in milliseconds, and a new one is created. The first renamed file and the last three are kept.
/// An entry whose checksum does not match is not found, and is deleted. [`damages`](Self::damages) counts both. If the file
/// or its folder is deleted while it is open, a new one is created. After a `fork` the child must open the storage itself:
/// SQLite does not allow sharing it.
///
/// A write verifies that its entry is found, and a removal that it is not. Damage while the storage is open can still go
/// unnoticed: read connections may have cached older pages, with older values. The index of the log (`-shm`) is memory
/// shared by the processes, and SQLite trusts it: writing to it may bring back older values, and if a process truncates the
/// file, the system kills the others.
#[derive(Clone)]
pub struct Disk {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    files: Arc<Files>,
    flights: Arc<PerProcess<Flights<Vec<u8>>>>,
    /// The prefix of keys.
    namespace: Box<str>,
    max_bytes: u64,
    deadline: Duration,
    clock: WallClock,
}

impl Inner {
    fn flights(&self) -> &Flights<Vec<u8>> {
        self.flights.get(|_| Flights::default())
    }
}

/// Counts of damage to a [`Disk`]: see [`Disk::damages`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damages {
    /// Entries deleted because their checksums did not match.
    pub entries: u64,
    /// Files that were renamed.
    pub files: u64,
}

impl Disk {
    /// Opens the storage in the file at `path`. Creates the file and its parent folders if absent.
    ///
    /// Not a folder: a single file is easy to name, inspect and delete.
    ///
    /// # Errors
    ///
    /// If the file cannot be created, read or written, is a folder, or is not a storage, such as another program's database:
    /// `open` then changes nothing. A damaged storage is not an error: it is renamed and counted.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let files = Files::open(path.as_ref(), WaitLimit::of(None, OPENING_DEADLINE));
        Ok(Disk {
            inner: Arc::new(Inner {
                files: Arc::new(files.map_err(|cause| failed("open", cause))?),
                flights: Arc::default(),
                namespace: "".into(),
                max_bytes: DEFAULT_MAX_BYTES,
                deadline: DEFAULT_DEADLINE,
                clock: Arc::new(SystemTime::now),
            }),
        })
    }

    /// Puts a namespace before all keys: with `shop`, they begin with `shop:`. In it `:`, `%` and everything but printable
    /// ASCII are escaped.
    ///
    /// Services with different namespaces share a file and its size limit, and do not see each other's entries.
    #[must_use]
    pub fn namespace(self, namespace: &str) -> Self {
        self.with(|inner| {
            inner.namespace = namespace_text(namespace).into();
            inner.flights = Arc::default();
        })
    }

    /// Sets the largest size of the file in bytes: 1 GiB by default, at least 64 KiB.
    ///
    /// A value may take half of it. A larger file does not shrink, but entries are evicted until the used part fits.
    #[must_use]
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        self.with(|inner| inner.max_bytes = max_bytes.max(LEAST_MAX_BYTES))
    }

    /// Sets how long an operation waits for other processes and threads: 100 ms by default, at most a day.
    ///
    /// The time of the file system is not included.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        self.with(|inner| inner.deadline = deadline)
    }

    /// Sets the wall clock: the system's by default. For tests.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("ring-cache-clock-{}", std::process::id()));
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use ring_cache::{clock::{Clock, ManualClock}, storage::Storage};
    /// use ring_cache::Disk;
    ///
    /// let clock = ManualClock::default();
    /// let time = clock.clone();
    /// let disk = Disk::open(folder.join("clock.db"))?.wall_clock(move || UNIX_EPOCH + time.now());
    /// disk.set(&"key", b"value".to_vec(), Some(Duration::from_secs(60)))?;
    /// clock.advance(Duration::from_secs(60));
    /// assert_eq!(disk.get(&"key")?, None);
    /// # drop(disk);
    /// # std::fs::remove_dir_all(folder).unwrap();
    /// # Ok::<_, ring_cache::Error>(())
    /// ```
    #[must_use]
    pub fn wall_clock(self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.with(|inner| inner.clock = Arc::new(now))
    }

    fn with(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.inner);
        change(&mut inner);
        Disk {
            inner: Arc::new(inner),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.inner.files.path()
    }

    /// The damage found by this handle and its clones.
    pub fn damages(&self) -> Damages {
        let files = &self.inner.files;
        Damages {
            entries: files.damaged_entries.load(Ordering::Relaxed),
            files: files.damaged_files.load(Ordering::Relaxed),
        }
    }

    /// The database behind the storage: a new, read-only connection of `rusqlite`.
    ///
    /// It belongs to the caller, so its use delays no cached method. The table is `entries`, with the columns `key` and
    /// `value`,
    /// `created` and `expires` in milliseconds since 1970, and `lifetime` in milliseconds.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub fn backend(&self) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(self.path(), flags);
        let connection = opened.and_then(|connection| {
            connection.busy_timeout(self.inner.wait_limit(None).left())?;
            Ok(connection)
        });
        connection.map_err(|error| failed("backend", error.into()))
    }

    /// The key of an entry in the database.
    fn text<K: RingKey + ?Sized>(&self, key: &K) -> String {
        text_in_namespace(&self.inner.namespace, key)
    }
}

fn failed(operation: &'static str, cause: Cause) -> Error {
    Error::storage("disk", operation, cause)
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk")
            .field("path", &self.path())
            .field("namespace", &self.inner.namespace)
            .field("max_bytes", &self.inner.max_bytes)
            .field("deadline", &self.inner.deadline)
            .finish_non_exhaustive()
    }
}

impl ring_cache_core::storage::HoldsBytes for Disk {}
