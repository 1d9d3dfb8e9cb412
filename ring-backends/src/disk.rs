//! A storage in a file, which survives restarts.

mod connections;
mod entry;
mod fault;
mod files;
#[cfg(feature = "inspect")]
mod inspect;
mod opening;
mod operations;
mod patience;
mod quarantine;
mod raw;
mod schema;
mod storage;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use ring_cache_core::flights::Flights;
use ring_cache_core::key::{namespace_text, text_in_namespace};
use ring_cache_core::{Cause, Error, RingKey};
use rusqlite::{Connection, OpenFlags};

use entry::WallClock;
use files::Files;
use patience::Patience;

use crate::process::PerProcess;

const DEFAULT_MAX_BYTES: u64 = 1 << 30;
const LEAST_MAX_BYTES: u64 = 64 << 10;
const DEFAULT_DEADLINE: Duration = Duration::from_millis(100);

/// How long opening waits for other processes that open the same file, if that is longer than the deadline.
const OPENING_DEADLINE: Duration = Duration::from_secs(5);

/// A storage in a file: entries are there after a restart, and for all processes that open it.
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
/// It blocks. In an `async fn` write `Blocking<Disk>`, which does its work on other threads.
///
/// Clones are handles to one storage. The settings, such as [`namespace`](Self::namespace), give a handle that has them
/// and leave clones as they were.
///
/// # The file
///
/// It is a database of SQLite, with a log (`-wal`), an index of it (`-shm`) and a lock (`-lock`) beside it. All are
/// created readable for their user only; one that is there keeps its mode. An entry lies under the text of its key, behind
/// the namespace. The value is what the coder made; moments are in milliseconds; checksums (XXH3, 64 bits) are kept of
/// the value, and of all that stands beside it together with the key. [`backend`](Self::backend) lets you look in.
///
/// An entry is there for good when `set` or the plain call has returned, also if the process is killed then. A loss of
/// power may take those of the last moments, or bring back what was deleted in them.
///
/// # Several processes
///
/// Any number may use one file, on one machine: the file system must not be one of a network. While one writes, others
/// read; those that want to write wait, for the [`deadline`](Self::deadline) at most. Expiry is by the wall clock, since
/// entries outlive processes: if it was set back, an entry lives for its whole expiry once more, counted from when it is
/// next found, and never longer; if it was set forward, entries expire early.
///
/// # Size
///
/// The file grows up to [`max_bytes`](Self::max_bytes). Then the entries that were written first make room, whether
/// they are read or not: reading writes nothing. Each write removes a few that have expired, and evicts about as many
/// bytes as it writes. The log takes 4 MB more, and up to 8 MB while others read all the time; more than that only while a
/// write of many entries is under way, or a transaction stays open, as of [`backend`](Self::backend): from 64 MB on, writes
/// fail until it ends.
///
/// # Failures
///
/// An operation that fails returns an [`Error`]; a plain call returns what the body returns, as always. What could not
/// be written or removed is remembered (the last 1,024 keys): this handle and its clones do not find it any more, and it is
/// removed with the next write that succeeds.
///
/// A file of another program is not opened, and stays as it is. A storage that is damaged, or one of another version, is
/// renamed to `….damaged-` and the time in milliseconds, and a new one begins. The first of these stays, and the last three;
/// others are deleted. An entry whose checksum does not fit is not found, and
/// is deleted. [`damages`](Self::damages) counts both. If the file, or its folder, is deleted while it is open, a new one
/// begins. After a `fork` all operations of the child are errors, since SQLite does not allow to
/// share a file: the child must open another storage.
///
/// A write makes sure that what it wrote is what is found, and what it removed is not. Damage while the storage is open can
/// escape that nonetheless: connections that read may keep pages from before it, with older values. The index of the log
/// (`-shm`) is memory that the processes share, and SQLite believes it: who writes there may bring back older values, and
/// the system ends a process when another cuts that file off.
#[derive(Clone)]
pub struct Disk {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    files: Arc<Files>,
    flights: Arc<PerProcess<Flights<Vec<u8>>>>,
    /// As it stands before keys.
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

/// What a [`Disk`] found damaged: see [`Disk::damages`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damages {
    /// Entries that were deleted since their checksums did not fit.
    pub entries: u64,
    /// Files that were put aside.
    pub files: u64,
}

impl Disk {
    /// Opens the storage in the file at `path`. The file is created if it is not there, and the folders above it.
    ///
    /// A file rather than a folder: it is one thing to name, to look into and to delete.
    ///
    /// # Errors
    ///
    /// If the file cannot be created, read or written, is a folder, or is not a storage, such as another program's database:
    /// `open` then changes nothing. A damaged storage is not an error: it is moved aside and counted.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let files = Files::open(path.as_ref(), Patience::of(None, OPENING_DEADLINE));
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

    /// Puts a namespace before all keys: with `shop`, they begin with `shop:`. A `:` of its own, a `%`, and what is not
    /// printable ASCII are escaped.
    ///
    /// Services with namespaces of their own share a file and its size, and do not see each other's entries.
    #[must_use]
    pub fn namespace(self, namespace: &str) -> Self {
        self.with(|inner| {
            inner.namespace = namespace_text(namespace).into();
            inner.flights = Arc::default();
        })
    }

    /// How many bytes the file may have, 1 GiB if nothing is said and 64 KiB at least.
    ///
    /// A value may have half of it. A file that is larger already does not shrink, but entries are evicted until it holds
    /// no more than this.
    #[must_use]
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        self.with(|inner| inner.max_bytes = max_bytes.max(LEAST_MAX_BYTES))
    }

    /// How long an operation waits for other processes and threads, 100 ms if nothing is said and a day at most.
    ///
    /// How long the file system takes is not part of it.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        self.with(|inner| inner.deadline = deadline)
    }

    /// What tells the time of day: the system's clock if nothing is said. For tests.
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

    /// What was found damaged by this handle and its clones.
    pub fn damages(&self) -> Damages {
        let files = &self.inner.files;
        Damages {
            entries: files.damaged_entries.load(Ordering::Relaxed),
            files: files.damaged_files.load(Ordering::Relaxed),
        }
    }

    /// The database behind the storage: a new connection of `rusqlite`, which reads only.
    ///
    /// It is the caller's own, so that whatever is done with it holds up no cached method. The table is `entries`, with
    /// the columns `key` and `value`, `created` and `expires` in milliseconds since 1970, and `lifetime` in
    /// milliseconds.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub fn backend(&self) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(self.path(), flags);
        let connection = opened.and_then(|connection| {
            connection.busy_timeout(self.inner.patience(None).left())?;
            Ok(connection)
        });
        connection.map_err(|error| failed("backend", error.into()))
    }

    /// The text under which an entry lies.
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
