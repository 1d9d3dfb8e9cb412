//! What storages behind a network have in common, whatever their client: one deadline for an operation, a
//! [`Breaker`], and the repair of entries whose writes failed.
//!
//! A [`Server`] says where entries lie, and does the operations on them: [`BlockingServer`] blocks, [`AsyncServer`] is
//! awaited. [`Remote`] makes a storage of it. What clients can do differs; what users may rely on does not.
//!
//! A write that failed may still be done later, or may not be done at all: what lies there is removed before the server
//! is asked for anything else, and counts as absent until then.

mod asking;
mod breaker;
#[cfg(any(feature = "redis", feature = "memcached"))]
pub(crate) mod doubts;
mod nodes;
mod repairs;
mod storage;

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use ring_cache_core::flights::Flights;
use ring_cache_core::key::namespace_text;
use ring_cache_core::storage::Observer;
use ring_cache_core::{Cause, Error, Name, RingKey};

pub use breaker::Breaker;
use breaker::Circuit;
use repairs::Repairs;

/// How long a plain call may keep a remote storage busy, unless it is told otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_millis(100);

/// A server as a storage sees it.
pub trait Server: Send + Sync + 'static {
    /// Its name in errors.
    const NAME: &'static str;

    /// Where an entry lies. It displays as the text that [`stored_key`] shows.
    ///
    /// [`stored_key`]: ring_cache_core::BoundCall::stored_key
    type Place: Clone + Eq + Hash + fmt::Display + Send + Sync + 'static;

    /// Where the entry of `key` lies. `namespace` is the text that stands before all keys.
    fn place<K: RingKey + ?Sized>(namespace: &str, key: &K) -> Self::Place;

    /// How many nodes the entries are spread over, if each of them fails by itself: at least one. Each has a breaker and
    /// repairs of its own, and no operation is given places of two of them.
    fn nodes(&self) -> usize {
        1
    }

    /// The node that an entry lies on: less than [`nodes`](Self::nodes).
    fn node(&self, place: &Self::Place) -> usize {
        let _ = place;
        0
    }

    /// See [`AnyStorage::watch`](ring_cache_core::storage::AnyStorage::watch).
    fn watch(&self, namespace: &str, observer: Arc<dyn Observer>) -> bool {
        let _ = (namespace, observer);
        false
    }
}

/// Bytes to be stored at a place, and for how long.
pub type Entry<P> = (P, Vec<u8>, Option<Duration>);

/// Bytes that were found, and how long they will still be there.
pub type Found = (Vec<u8>, Option<Duration>);

/// A server whose operations block. None may last much longer than `until`.
pub trait BlockingServer: Server {
    /// The bytes at these places.
    fn read(&self, places: &[Self::Place], until: Instant) -> Result<Vec<Option<Vec<u8>>>, Fault>;
    /// The bytes at these places, and how long they will be there.
    fn read_expiring(&self, places: &[Self::Place], until: Instant) -> Result<Vec<Option<Found>>, Fault>;
    /// Stores bytes. No expiry is zero.
    fn write(&self, entries: Vec<Entry<Self::Place>>, until: Instant) -> Result<(), Fault>;
    /// Removes entries. Says for each whether it was there.
    fn remove(&self, places: &[Self::Place], until: Instant) -> Result<Vec<bool>, Fault>;
    /// Whether entries are there.
    fn contains(&self, places: &[Self::Place], until: Instant) -> Result<Vec<bool>, Fault>;
    /// Restarts expiries. One of zero removes the entry. Says for each whether it was there.
    fn renew(&self, entries: &[(Self::Place, Duration)], until: Instant) -> Result<Vec<bool>, Fault>;
}

/// A server whose operations are awaited, and dropped when `until` has come. They are those of [`BlockingServer`].
///
/// What a dropped operation was to do may be done or not, but its answer is never another's.
pub trait AsyncServer: Server {
    /// See [`BlockingServer::read`].
    fn read(
        &self,
        places: &[Self::Place],
        until: Instant,
    ) -> impl Future<Output = Result<Vec<Option<Vec<u8>>>, Fault>> + Send;
    /// See [`BlockingServer::read_expiring`].
    fn read_expiring(
        &self,
        places: &[Self::Place],
        until: Instant,
    ) -> impl Future<Output = Result<Vec<Option<Found>>, Fault>> + Send;
    /// See [`BlockingServer::write`].
    fn write(
        &self,
        entries: Vec<Entry<Self::Place>>,
        until: Instant,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
    /// See [`BlockingServer::remove`].
    fn remove(
        &self,
        places: &[Self::Place],
        until: Instant,
    ) -> impl Future<Output = Result<Vec<bool>, Fault>> + Send;
    /// See [`BlockingServer::contains`].
    fn contains(
        &self,
        places: &[Self::Place],
        until: Instant,
    ) -> impl Future<Output = Result<Vec<bool>, Fault>> + Send;
    /// See [`BlockingServer::renew`].
    fn renew(
        &self,
        entries: &[(Self::Place, Duration)],
        until: Instant,
    ) -> impl Future<Output = Result<Vec<bool>, Fault>> + Send;
}

/// A server whose entries can expire.
#[diagnostic::on_unimplemented(
    message = "the entries of this storage cannot expire",
    label = "entries cannot expire",
    note = "leave out `expire`, or choose a storage whose entries can, as `Redis`"
)]
pub trait Expiring: Server {}

/// A server that can find the entries of one ring, and drop them. That takes as long as it takes.
#[diagnostic::on_unimplemented(
    message = "this storage cannot clear the entries of one ring",
    label = "its server does not tell which entries there are",
    note = "delete entries by their calls, or choose a storage that can, as `Redis`"
)]
pub trait BlockingClear: BlockingServer {
    /// Drops the entries of the ring `name`, and no others.
    fn clear(&self, namespace: &str, name: &Name) -> Result<(), Fault>;
}

/// A [`BlockingClear`] that is awaited.
#[diagnostic::on_unimplemented(
    message = "this storage cannot clear the entries of one ring",
    label = "its server does not tell which entries there are",
    note = "delete entries by their calls, or choose a storage that can, as `Redis`"
)]
pub trait AsyncClear: AsyncServer {
    /// See [`BlockingClear::clear`].
    fn clear(&self, namespace: &str, name: &'static Name) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Why an operation of a server failed.
#[derive(Debug)]
pub enum Fault {
    /// There was no answer in time.
    Silent,
    /// The server could not be reached, or the connection broke.
    Broken(Cause),
    /// The server answered that it will not.
    Refused(Cause),
}

/// A storage on a server: see the [module](self).
///
/// Clones are handles to one storage: they share connections, breaker and the computations that are under way.
pub struct Remote<S: Server> {
    server: Arc<S>,
    lines: Arc<Lines<S::Place>>,
    flights: Arc<Flights<Vec<u8>>>,
    namespace: Arc<str>,
    deadline: Duration,
}

/// What all handles of one server know of it.
struct Lines<P> {
    nodes: Box<[Line<P>]>,
    counts: Counts,
}

/// What they know of one of its nodes.
struct Line<P> {
    circuit: Circuit,
    /// What made the circuit open.
    last_fault: Mutex<String>,
    repairs: Repairs<P>,
}

#[derive(Default)]
struct Counts {
    silent: AtomicU64,
    broken: AtomicU64,
    refused: AtomicU64,
    spared: AtomicU64,
}

/// How a remote storage fares: what [`Remote::health`] counts since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Operations without an answer within their deadline.
    pub silent: u64,
    /// Operations whose connection could not be made, or broke.
    pub broken: u64,
    /// Operations that the server answered with an error.
    pub refused: u64,
    /// Operations that were not tried, as the breaker was open.
    pub spared: u64,
    /// Entries that are to be removed when the server answers again, since a write to them failed.
    pub repairs: u64,
    /// Entries that should be removed and were forgotten, since there were too many.
    pub repairs_lost: u64,
}

impl<S: Server> Remote<S> {
    /// The storage on `server`.
    pub fn new(server: S) -> Self {
        Remote {
            lines: Arc::new(Lines::new(server.nodes(), Breaker::default())),
            server: Arc::new(server),
            flights: Arc::default(),
            namespace: "".into(),
            deadline: DEFAULT_DEADLINE,
        }
    }

    /// Puts `namespace` and a `:` before all keys. In it `:`, `%` and everything unprintable are escaped.
    ///
    /// Storages with different namespaces share no entry, whatever their rings are called.
    #[must_use]
    pub fn namespace(self, namespace: &str) -> Self {
        Remote {
            namespace: namespace_text(namespace).into(),
            // Keys of one ring are others here.
            flights: Arc::default(),
            ..self
        }
    }

    /// How long a plain call may keep the storage busy, look-up and store together, and how long an explicit verb may
    /// take: a tenth of a second unless said.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// When to stop asking a server that does not answer. Of several, each is left alone by itself.
    #[must_use]
    pub fn breaker(self, breaker: Breaker) -> Self {
        Remote {
            lines: Arc::new(Lines::new(self.server.nodes(), breaker)),
            ..self
        }
    }

    /// What went wrong so far.
    pub fn health(&self) -> Health {
        let Lines { nodes, counts } = &*self.lines;
        Health {
            silent: counts.silent.load(Ordering::Relaxed),
            broken: counts.broken.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
            spared: counts.spared.load(Ordering::Relaxed),
            repairs: nodes.iter().map(|line| line.repairs.pending() as u64).sum(),
            repairs_lost: nodes.iter().map(|line| line.repairs.lost()).sum(),
        }
    }

    /// The server.
    #[cfg(any(feature = "redis", feature = "memcached"))]
    pub(crate) fn server(&self) -> &S {
        &self.server
    }

    fn place<K: RingKey + ?Sized>(&self, key: &K) -> S::Place {
        S::place(&self.namespace, key)
    }

    fn places<K: RingKey>(&self, keys: &[K]) -> Vec<S::Place> {
        keys.iter().map(|key| self.place(key)).collect()
    }
}

impl<P: Clone + Eq + Hash> Lines<P> {
    fn new(nodes: usize, breaker: Breaker) -> Self {
        let line = |_| Line {
            circuit: Circuit::new(breaker),
            last_fault: Mutex::default(),
            repairs: Repairs::new(),
        };
        Lines {
            nodes: (0..nodes.max(1)).map(line).collect(),
            counts: Counts::default(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Silent => f.write_str("the server did not answer in time"),
            Fault::Broken(cause) | Fault::Refused(cause) => cause.fmt(f),
        }
    }
}

impl Fault {
    /// As an error of the storage `name` in this operation, which is counted.
    fn into_error(
        self,
        counts: &Counts,
        name: &'static str,
        operation: &'static str,
        deadline: Duration,
    ) -> Error {
        let (count, error) = match self {
            Fault::Silent => (&counts.silent, Error::deadline(name, operation, deadline)),
            Fault::Broken(cause) => (&counts.broken, Error::storage(name, operation, cause)),
            Fault::Refused(cause) => (&counts.refused, Error::storage(name, operation, cause)),
        };
        count.fetch_add(1, Ordering::Relaxed);
        error
    }
}

impl<S: Server> Clone for Remote<S> {
    fn clone(&self) -> Self {
        Remote {
            server: Arc::clone(&self.server),
            lines: Arc::clone(&self.lines),
            flights: Arc::clone(&self.flights),
            namespace: Arc::clone(&self.namespace),
            deadline: self.deadline,
        }
    }
}

impl<S: Server> fmt::Debug for Remote<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(S::NAME)
            .field("namespace", &self.namespace)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
