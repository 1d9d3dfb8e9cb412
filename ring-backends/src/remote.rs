//! The common part of storages behind a network, for any client: one deadline for an operation, a [`Breaker`], and repairs
//! of entries whose writes failed.
//!
//! A [`Server`] defines the keys of entries and builds requests; a [`BlockingServer`] or an [`AsyncServer`] sends them.
//! [`Remote`] makes a storage of it.
//!
//! A write that failed may still take effect later, or never: the entry counts as absent, and is deleted before the next
//! request to the server.

mod background;
mod breaker;
#[cfg(any(feature = "redis", feature = "memcached"))]
pub(crate) mod dial;
#[cfg(feature = "inspect")]
pub(crate) mod inspect;
mod leases;
mod nodes;
mod operation;
#[cfg(any(feature = "redis", feature = "memcached"))]
pub(crate) mod own_type;
#[cfg(any(feature = "redis", feature = "memcached"))]
pub(crate) mod pool;
mod releases;
mod repairs;
mod storage;
#[cfg(any(feature = "redis", feature = "memcached"))]
pub(crate) mod stream;
#[cfg(any(feature = "redis", feature = "memcached"))]
pub(crate) mod unacked;
#[cfg(any(feature = "redis", feature = "memcached"))]
pub(crate) mod unopened;

use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use ring_cache_core::flights::Flights;
use ring_cache_core::key::namespace_text;
use ring_cache_core::storage::{AfterWrite, ChangeObserver, LeaseRequest, LeaseToken};
use ring_cache_core::{Cause, Error, Name, RingKey};

use crate::process::PerProcess;
pub use breaker::Breaker;
use breaker::BreakerState;
use releases::Releases;
use repairs::Repairs;

/// The cause if the deadline passed before a connection was available.
#[cfg(any(feature = "redis", feature = "memcached"))]
pub(crate) const NO_TIME: &str = "waiting for a connection took all the time";

/// The deadline of remote storages, unless [`Remote::deadline`] sets another.
pub const DEFAULT_DEADLINE: Duration = Duration::from_millis(100);

/// A server, or several, on which a [`Remote`] storage keeps entries.
///
/// Operations build requests, the same for blocking and awaited calls. A reply has one result for each key.
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

    /// The number of nodes, at least one, that the entries are spread over and that fail separately. Each has its own
    /// breaker and repairs, and all keys of a request are on one node.
    fn nodes(&self) -> usize {
        1
    }

    /// The node of an entry: less than [`nodes`](Self::nodes).
    fn node(&self, key: &Self::StoredKey) -> usize {
        let _ = key;
        0
    }

    /// The address of a node, such as `127.0.0.1:6379`, for errors. It must not contain a password.
    fn address(&self, node: usize) -> Option<String> {
        let _ = node;
        None
    }

    /// The time of a node's last reply to any request. A timeout does not count as a failure if the node replied to another
    /// request meanwhile. `None` if unknown.
    fn answered(&self, node: usize) -> Option<Instant> {
        let _ = node;
        None
    }

    /// Why the server refuses to report changes, if it does.
    fn watch_error(&self) -> Option<String> {
        None
    }

    /// See [`StorageBase::watch`](ring_cache_core::storage::StorageBase::watch).
    fn watch(&self, namespace: &str, observer: Arc<dyn ChangeObserver>) -> bool {
        let _ = (namespace, observer);
        false
    }

    /// Reads values.
    fn read(keys: &[Self::StoredKey]) -> Result<Self::Request<Option<Vec<u8>>>, Fault>;
    /// Reads values and their remaining time.
    fn read_expiring(keys: &[Self::StoredKey]) -> Result<Self::Request<Option<Found>>, Fault>;
    /// Stores values. No expiry is zero.
    fn write(entries: &[Entry<Self::StoredKey>]) -> Result<Self::Request<()>, Fault>;
    /// Stores values under keys without entries. No expiry is zero. Returns whether each was stored.
    fn write_if_absent(entries: &[Entry<Self::StoredKey>]) -> Result<Self::Request<bool>, Fault>;
    /// Removes entries. Returns whether each existed.
    fn remove(keys: &[Self::StoredKey]) -> Result<Self::Request<bool>, Fault>;
    /// Returns whether each entry exists.
    fn contains(keys: &[Self::StoredKey]) -> Result<Self::Request<bool>, Fault>;
    /// Restarts expiries; one of zero removes the entry. Returns whether each entry existed.
    fn touch(entries: &[(Self::StoredKey, Duration)]) -> Result<Self::Request<bool>, Fault>;

    /// How the server gives leases. If it does, it implements the following methods.
    const LEASES: ServerLeases = ServerLeases::None;

    /// The key of an entry whose ring has leases: requests that write, remove or touch the entry first end its lease.
    fn leased(key: Self::StoredKey) -> Self::StoredKey {
        key
    }

    /// Asks for leases.
    fn acquire(items: &[(Self::StoredKey, LeaseRequest)]) -> Result<Self::Request<LeaseAnswer>, Fault> {
        let _ = items;
        Err(no_leases())
    }

    /// Stores values whose leases have these tokens, [with the entries](ServerLeases::WithEntries), and ends the leases unless
    /// they stay. No expiry is zero. Returns whether each was stored.
    fn write_leased(
        entries: &[LeasedEntry<Self::StoredKey>],
        after: AfterWrite,
    ) -> Result<Self::Request<bool>, Fault> {
        let _ = (entries, after);
        Err(no_leases())
    }

    /// Looks for leases [apart](ServerLeases::Apart) from entries. Returns the token of each that is there.
    fn lease_tokens(keys: &[Self::StoredKey]) -> Result<Self::Request<Option<LeaseToken>>, Fault> {
        let _ = keys;
        Err(no_leases())
    }

    /// Ends leases that have these tokens. Returns whether each existed.
    fn release(leases: &[(Self::StoredKey, LeaseToken)]) -> Result<Self::Request<bool>, Fault> {
        let _ = leases;
        Err(no_leases())
    }
}

/// The fault of a server without leases.
pub(crate) fn no_leases() -> Fault {
    Fault::Refused("this storage has no leases".into())
}

/// How a server gives leases: whether it looks at the entry in the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerLeases {
    /// Not at all.
    None,
    /// A request [for a lease](Server::acquire) also looks for the entry, and a [write under a lease](Server::write_leased)
    /// is one request.
    WithEntries,
    /// The entry is read after the lease was asked for, and written after the lease was [looked at](Server::lease_tokens).
    Apart,
}

/// A server's answer to a request for a lease.
#[derive(Debug, Default)]
pub enum LeaseAnswer {
    /// There is an entry. No lease was given.
    Found(Found),
    /// The lease was acquired, with the token of the request or with this one.
    Won(Option<LeaseToken>),
    /// Another computation has the lease.
    Busy,
    /// The server gives no leases, for this reason. It is not asked again.
    Refused(String),
    /// The server did not tell.
    #[default]
    Unknown,
}

/// An [`Entry`], and the token of its lease.
pub type LeasedEntry<K> = (K, Vec<u8>, Option<Duration>, LeaseToken);

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
    /// A [`Fault`]. The server may still execute the request.
    fn send<T: Send + 'static>(
        &self,
        node: usize,
        request: Self::Request<T>,
        until: Instant,
    ) -> Result<Vec<T>, Fault>;
}

/// A server for awaited calls.
pub trait AsyncServer: Server {
    /// [`BlockingServer::send`], awaited. The future is dropped at `until`: the server may still execute the request, but
    /// its reply must never be taken for that to another one.
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

/// A server that can find and remove the entries of one ring, without a deadline.
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

/// Why an operation on a server failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The server did not reply in time.
    Timeout,
    /// A connection to the server could not be opened.
    Unreachable(Cause),
    /// The server ended the connection.
    Disconnected(Cause),
    /// What came was not a reply, or the connection broke in another way.
    Broken(Cause),
    /// The server replied with an error.
    Refused(Cause),
    /// This process had no connection or no time for the operation before its deadline: not a failure of the server.
    Busy(Cause),
    /// The server, or this process, has as many connections as it may have: not a failure of the server.
    Full(Cause),
}

/// Begins work on a node of a server, on its own thread.
type Begin<S> = fn(&Arc<S>, &Arc<Nodes<<S as Server>::StoredKey>>, usize);

/// The background work of a storage.
struct Background<S: Server> {
    /// Deletes entries that may be out of date, until none is left.
    repair: Begin<S>,
    /// Releases leases.
    release: Begin<S>,
}

/// A storage on a server: see the [module](self).
///
/// Clones are handles to one storage: they share connections, breakers and the computations under way.
pub struct Remote<S: Server> {
    server: Arc<S>,
    nodes: Arc<PerProcess<Arc<Nodes<S::StoredKey>>>>,
    flights: Arc<PerProcess<Flights<Vec<u8>>>>,
    background: Arc<OnceLock<Background<S>>>,
    namespace: Arc<str>,
    deadline: Duration,
}

/// The state of all nodes, shared by all handles.
struct Nodes<K> {
    nodes: Box<[Node<K>]>,
    breaker: Breaker,
    counts: Counts,
    /// Whether the server gives no leases.
    without_leases: AtomicBool,
}

/// The state of one node.
struct Node<K> {
    breaker: BreakerState,
    /// The last failure that the breaker counted.
    last_fault: Mutex<String>,
    repairs: Repairs<K>,
    /// Whether a thread repairs in the background.
    is_repairing: AtomicBool,
    releases: Releases<K>,
}

#[derive(Default)]
struct Counts {
    silent: AtomicU64,
    broken: AtomicU64,
    refused: AtomicU64,
    busy: AtomicU64,
    spared: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// Counts of failures of a remote storage since it was opened: see its method `health`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Operations without a reply before their deadline.
    pub silent: u64,
    /// Operations whose connection could not be opened, or broke.
    pub broken: u64,
    /// Operations that the server answered with an error.
    pub refused: u64,
    /// Operations for which this process had no connection or no time before their deadline, as when many threads use all
    /// connections. They are not failures of the server, and no breaker counts them.
    pub busy: u64,
    /// Operations that were not tried, since the breaker was open.
    pub spared: u64,
    /// Entries that are pending deletion, since a write to them failed.
    pub repairs: u64,
    /// Entries that were dropped from the pending deletions, since there were too many.
    pub repairs_lost: u64,
    /// The last failure as text: the operation, the server and the cause, such as a wrong password, an unknown host or a
    /// full server. It stays after the server recovers.
    pub last_error: Option<String>,
    /// Why the server refuses to report changes to tiers, if it does.
    pub watch_error: Option<String>,
}

impl<S: Server> Remote<S> {
    /// The storage on `server`.
    pub fn new(server: S) -> Self {
        Remote {
            nodes: own(Nodes::new(server.nodes(), Breaker::default())),
            server: Arc::new(server),
            flights: no_flights(),
            background: Arc::default(),
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
            // Other keys, so other computations in flight.
            flights: no_flights(),
            ..self
        }
    }

    /// Sets the time that a plain call may spend on the storage, for look-up and store together, and an explicit verb in
    /// all. The default is 100 ms.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets when the storage stops asking a server that does not answer. Each server has its own breaker.
    #[must_use]
    pub fn breaker(self, breaker: Breaker) -> Self {
        Remote {
            nodes: own(Nodes::new(self.server.nodes(), breaker)),
            ..self
        }
    }

    /// The failures so far.
    pub fn health(&self) -> Health {
        let Nodes { nodes, counts, .. } = &**self.nodes();
        let pending = || nodes.iter().map(|node| node.repairs.pending());
        Health {
            silent: counts.silent.load(Ordering::Relaxed),
            broken: counts.broken.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
            busy: counts.busy.load(Ordering::Relaxed),
            spared: counts.spared.load(Ordering::Relaxed),
            repairs: pending().map(|pending| pending.len() as u64).sum(),
            repairs_lost: pending().map(|pending| pending.forgotten()).sum(),
            last_error: counts.last_error.lock().clone(),
            watch_error: self.server.watch_error(),
        }
    }

    /// The state of the nodes, in this process.
    fn nodes(&self) -> &Arc<Nodes<S::StoredKey>> {
        self.nodes.get(|before| Arc::new(before.inherited()))
    }

    /// The server.
    #[cfg(any(feature = "redis", feature = "memcached"))]
    pub(crate) fn server(&self) -> &S {
        &self.server
    }
}

fn own<K>(nodes: Nodes<K>) -> Arc<PerProcess<Arc<Nodes<K>>>> {
    Arc::new(PerProcess::new(Arc::new(nodes)))
}

fn no_flights() -> Arc<PerProcess<Flights<Vec<u8>>>> {
    Arc::new(PerProcess::new(Flights::default()))
}

impl<K: Clone + Eq + Hash> Nodes<K> {
    fn new(nodes: usize, breaker: Breaker) -> Self {
        Nodes {
            nodes: (0..nodes.max(1))
                .map(|_| Node::new(breaker, Repairs::new()))
                .collect(),
            breaker,
            counts: Counts::default(),
            without_leases: AtomicBool::new(false),
        }
    }

    /// The nodes of a forked child. Keys that are suspect in the parent stay so.
    fn inherited(&self) -> Self {
        let inherited = |node: &Node<K>| Node::new(self.breaker, node.repairs.inherited());
        Nodes {
            nodes: self.nodes.iter().map(inherited).collect(),
            breaker: self.breaker,
            counts: Counts::default(),
            without_leases: AtomicBool::new(false),
        }
    }
}

impl<K> Node<K> {
    fn new(breaker: Breaker, repairs: Repairs<K>) -> Self {
        Node {
            breaker: BreakerState::new(breaker),
            last_fault: Mutex::default(),
            repairs,
            is_repairing: AtomicBool::new(false),
            releases: Releases::new(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Timeout => f.write_str("the server did not answer in time"),
            Fault::Unreachable(cause)
            | Fault::Disconnected(cause)
            | Fault::Broken(cause)
            | Fault::Refused(cause)
            | Fault::Busy(cause)
            | Fault::Full(cause) => cause.fmt(f),
        }
    }
}

impl Fault {
    /// Whether the server failed: no reply, or an invalid one.
    fn is_failure(&self) -> bool {
        matches!(self, Fault::Timeout) || self.is_lost()
    }

    /// Whether the connection cannot be used any more, or was never opened.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(
            self,
            Fault::Unreachable(_) | Fault::Disconnected(_) | Fault::Broken(_)
        )
    }

    /// Counts the fault, and converts it to the error of an operation of the storage `name` at `address`.
    fn into_error(
        self,
        counts: &Counts,
        (name, address): (&'static str, Option<String>),
        operation: &'static str,
        deadline: Duration,
    ) -> Error {
        let (count, error) = match self {
            Fault::Timeout => (&counts.silent, Error::deadline(name, operation, deadline)),
            Fault::Unreachable(cause) | Fault::Disconnected(cause) | Fault::Broken(cause) => {
                (&counts.broken, Error::storage(name, operation, cause))
            }
            Fault::Refused(cause) => (&counts.refused, Error::storage(name, operation, cause)),
            Fault::Busy(cause) => (&counts.busy, Error::out_of_time(name, operation, cause)),
            Fault::Full(cause) => (&counts.busy, Error::unavailable(name, operation, cause)),
        };
        count.fetch_add(1, Ordering::Relaxed);
        let error = located(error, address);
        *counts.last_error.lock() = Some(error.to_string());
        error
    }
}

fn located(error: Error, address: Option<String>) -> Error {
    match address {
        Some(address) => error.at(&address),
        None => error,
    }
}

impl<S: Server> Clone for Remote<S> {
    fn clone(&self) -> Self {
        Remote {
            server: Arc::clone(&self.server),
            nodes: Arc::clone(&self.nodes),
            flights: Arc::clone(&self.flights),
            background: Arc::clone(&self.background),
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
