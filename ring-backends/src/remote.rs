//! What storages behind a network have in common, whatever their client: one deadline for an operation, a
//! [`Breaker`], and the repair of entries whose writes failed.
//!
//! A [`Server`] says under which keys entries are stored and builds the requests, which a [`BlockingServer`] or an
//! [`AsyncServer`] sends. [`Remote`] makes a storage of it.
//!
//! A write that failed may still take effect later, or not at all: the entry counts as absent, and is deleted before the
//! server is asked for anything else.

mod breaker;
mod nodes;
mod operation;
#[cfg(any(feature = "redis", feature = "memcached"))]
pub(crate) mod own_type;
#[cfg(any(feature = "redis", feature = "memcached"))]
pub(crate) mod pool;
mod repairs;
mod storage;
#[cfg(any(feature = "redis", feature = "memcached"))]
pub(crate) mod unacked;

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
use breaker::BreakerState;
use repairs::Repairs;

/// The deadline of remote storages, unless [`Remote::deadline`] sets another.
pub const DEFAULT_DEADLINE: Duration = Duration::from_millis(100);

/// A server, or several, on which a [`Remote`] storage keeps entries.
///
/// The operations build requests, the same for blocking and awaited calls. Each is answered by one result for each key.
pub trait Server: Send + Sync + 'static {
    /// The name of the storage in errors.
    const NAME: &'static str;

    /// The key of an entry on the server. It displays as the text that [`stored_key`] returns.
    ///
    /// [`stored_key`]: ring_cache_core::BoundCall::stored_key
    type StoredKey: Clone + Eq + Hash + fmt::Display + Send + Sync + 'static;

    /// A request for one node. Its reply has a `T` for each key.
    type Request<T: Send + 'static>: Send;

    /// The key on the server of the entry of `key`. `namespace` is the text before all keys.
    fn stored_key<K: RingKey + ?Sized>(namespace: &str, key: &K) -> Self::StoredKey;

    /// The number of nodes that the entries are spread over, if each of them fails by itself: at least one. Each has a
    /// breaker and repairs of its own, and all keys of a request are on one of them.
    fn nodes(&self) -> usize {
        1
    }

    /// The node of an entry: less than [`nodes`](Self::nodes).
    fn node(&self, key: &Self::StoredKey) -> usize {
        let _ = key;
        0
    }

    /// See [`StorageBase::watch`](ring_cache_core::storage::StorageBase::watch).
    fn watch(&self, namespace: &str, observer: Arc<dyn Observer>) -> bool {
        let _ = (namespace, observer);
        false
    }

    /// Reads values.
    fn read(keys: &[Self::StoredKey]) -> Result<Self::Request<Option<Vec<u8>>>, Fault>;
    /// Reads values and their remaining time.
    fn read_expiring(keys: &[Self::StoredKey]) -> Result<Self::Request<Option<Found>>, Fault>;
    /// Stores values. No expiry is zero.
    fn write(entries: &[Entry<Self::StoredKey>]) -> Result<Self::Request<()>, Fault>;
    /// Removes entries. Returns whether each existed.
    fn remove(keys: &[Self::StoredKey]) -> Result<Self::Request<bool>, Fault>;
    /// Returns whether each entry exists.
    fn contains(keys: &[Self::StoredKey]) -> Result<Self::Request<bool>, Fault>;
    /// Restarts expiries; one of zero removes the entry. Returns whether each entry existed.
    fn touch(entries: &[(Self::StoredKey, Duration)]) -> Result<Self::Request<bool>, Fault>;
}

/// The key of an entry, its value, and its expiry.
pub type Entry<K> = (K, Vec<u8>, Option<Duration>);

/// A value, and its remaining time.
pub type Found = (Vec<u8>, Option<Duration>);

/// A server for blocking calls.
pub trait BlockingServer: Server {
    /// Sends a request to a node, and waits for the reply until about `until`.
    ///
    /// # Errors
    ///
    /// A [`Fault`]. The server may still do what was requested.
    fn send<T: Send + 'static>(
        &self,
        node: usize,
        request: Self::Request<T>,
        until: Instant,
    ) -> Result<Vec<T>, Fault>;
}

/// A server for awaited calls.
pub trait AsyncServer: Server {
    /// [`BlockingServer::send`], awaited. The future is dropped at `until`: the server may still do what was requested,
    /// but its reply must never be taken for that to another request.
    fn send_async<T: Send + 'static>(
        &self,
        node: usize,
        request: Self::Request<T>,
        until: Instant,
    ) -> impl Future<Output = Result<Vec<T>, Fault>> + Send;
}

/// A server whose entries can expire.
#[diagnostic::on_unimplemented(
    message = "the entries of this storage cannot expire",
    label = "entries cannot expire",
    note = "leave out `expire`, or choose a storage whose entries can, as `Redis`"
)]
pub trait Expiring: Server {}

/// A server that can find and remove the entries of one ring. This has no deadline.
#[diagnostic::on_unimplemented(
    message = "this storage cannot clear the entries of one ring",
    label = "its server does not tell which entries there are",
    note = "delete entries by their calls, or choose a storage that can, as `Redis`"
)]
pub trait BlockingClear: BlockingServer {
    /// Removes the entries of the ring `name`, and no others.
    ///
    /// # Errors
    ///
    /// A [`Fault`]. Some entries may have been removed.
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
#[non_exhaustive]
pub enum Fault {
    /// The server did not reply in time.
    Timeout,
    /// The server could not be reached, or the connection broke.
    Disconnected(Cause),
    /// The server replied with an error.
    Refused(Cause),
}

/// A storage on a server: see the [module](self).
///
/// Clones are handles to one storage: they share connections, breakers and the computations under way.
pub struct Remote<S: Server> {
    server: Arc<S>,
    nodes: Arc<Nodes<S::StoredKey>>,
    flights: Arc<Flights<Vec<u8>>>,
    namespace: Arc<str>,
    deadline: Duration,
}

/// The state of all nodes, shared by all handles.
struct Nodes<K> {
    nodes: Box<[Node<K>]>,
    counts: Counts,
}

/// The state of one node.
struct Node<K> {
    breaker: BreakerState,
    /// The last failure that the breaker counted.
    last_fault: Mutex<String>,
    repairs: Repairs<K>,
}

#[derive(Default)]
struct Counts {
    silent: AtomicU64,
    broken: AtomicU64,
    refused: AtomicU64,
    spared: AtomicU64,
}

/// Counts of the failures of a remote storage since it was opened: see its method `health`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Operations without a reply before their deadline.
    pub silent: u64,
    /// Operations whose connection could not be opened, or broke.
    pub broken: u64,
    /// Operations that the server answered with an error.
    pub refused: u64,
    /// Operations that were not tried, since the breaker was open.
    pub spared: u64,
    /// Entries that are pending deletion, since a write to them failed.
    pub repairs: u64,
    /// Entries whose deletion was pending and is not any more, since too many were.
    pub repairs_lost: u64,
}

impl<S: Server> Remote<S> {
    /// The storage on `server`.
    pub fn new(server: S) -> Self {
        Remote {
            nodes: Arc::new(Nodes::new(server.nodes(), Breaker::default())),
            server: Arc::new(server),
            flights: Arc::default(),
            namespace: "".into(),
            deadline: DEFAULT_DEADLINE,
        }
    }

    /// Puts `namespace` and a `:` before all keys. In it `:`, `%` and everything unprintable are escaped.
    ///
    /// Storages with different namespaces share no entry, whatever the names of their rings.
    #[must_use]
    pub fn namespace(self, namespace: &str) -> Self {
        Remote {
            namespace: namespace_text(namespace).into(),
            // The computations under way are those of other entries.
            flights: Arc::default(),
            ..self
        }
    }

    /// Sets the time that a plain call may spend on the storage, look-up and store together, and an explicit verb in all.
    /// The default is 100 ms.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets when to stop asking a server that does not answer. Each of several servers has a breaker of its own.
    #[must_use]
    pub fn breaker(self, breaker: Breaker) -> Self {
        Remote {
            nodes: Arc::new(Nodes::new(self.server.nodes(), breaker)),
            ..self
        }
    }

    /// Counts of the failures so far.
    pub fn health(&self) -> Health {
        let Nodes { nodes, counts } = &*self.nodes;
        let pending = || nodes.iter().map(|node| node.repairs.pending());
        Health {
            silent: counts.silent.load(Ordering::Relaxed),
            broken: counts.broken.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
            spared: counts.spared.load(Ordering::Relaxed),
            repairs: pending().map(|pending| pending.len() as u64).sum(),
            repairs_lost: pending().map(|pending| pending.forgotten()).sum(),
        }
    }

    /// The server.
    #[cfg(any(feature = "redis", feature = "memcached"))]
    pub(crate) fn server(&self) -> &S {
        &self.server
    }
}

impl<K: Clone + Eq + Hash> Nodes<K> {
    fn new(nodes: usize, breaker: Breaker) -> Self {
        let node = |_| Node {
            breaker: BreakerState::new(breaker),
            last_fault: Mutex::default(),
            repairs: Repairs::new(),
        };
        Nodes {
            nodes: (0..nodes.max(1)).map(node).collect(),
            counts: Counts::default(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Timeout => f.write_str("the server did not answer in time"),
            Fault::Disconnected(cause) | Fault::Refused(cause) => cause.fmt(f),
        }
    }
}

impl Fault {
    /// Counts the fault, and makes it the error of an operation of the storage `name`.
    fn into_error(
        self,
        counts: &Counts,
        name: &'static str,
        operation: &'static str,
        deadline: Duration,
    ) -> Error {
        let (count, error) = match self {
            Fault::Timeout => (&counts.silent, Error::deadline(name, operation, deadline)),
            Fault::Disconnected(cause) => (&counts.broken, Error::storage(name, operation, cause)),
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
            nodes: Arc::clone(&self.nodes),
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
