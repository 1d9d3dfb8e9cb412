//! `Memcached`: a storage on one memcached server or several.

mod address;
#[cfg(feature = "tokio")]
mod awaited;
mod blocking;
mod expiry;
#[cfg(fuzzing)]
pub mod fuzzing;
mod handshake;
#[cfg(feature = "inspect")]
mod inspect;
mod lingering;
mod rendezvous;
mod reply_buffer;
mod request;
mod stored_key;

use std::sync::Arc;
use std::time::{Duration, Instant};

use memcache::exp::MetaClient;
use parking_lot::Mutex;
use ring_cache_core::storage::{LeaseRequest, LeaseToken};
use ring_cache_core::{Error, RingKey};

use address::Address;
use address::NAME;
pub use address::Servers;
use rendezvous::Rendezvous;
use request::Request;
use stored_key::StoredKey;

use crate::process::PerProcess;
#[cfg(feature = "tokio")]
use crate::remote::AsyncServer;
use crate::remote::own_type::own_type;
use crate::remote::pool::Pool;
use crate::remote::unacked::UnackedWrites;
use crate::remote::{BlockingServer, Entry, Fault, Found, LeaseAnswer, Remote, Server, ServerLeases};

/// A storage on one or several memcached servers, version 1.6.10 or newer.
///
/// ```no_run
/// use std::sync::LazyLock;
///
/// use ring_cache::coder::Json;
/// use ring_cache::ring;
/// use ring_cache::Memcached;
///
/// static CACHE: LazyLock<Memcached> =
///     LazyLock::new(|| Memcached::open("memcache://127.0.0.1:11211").unwrap().namespace("shop"));
///
/// #[ring(storage = CACHE as Memcached, coder = Json, expire = "5m", key_prefix = "price")]
/// fn price(article: u32) -> u32 {
///     article * 10
/// }
///
/// assert_eq!(price(7), 70);
/// assert_eq!(price_ring(7).key(), "shop:price:7");
/// assert_eq!(price_ring(7).get()?, Some(70));
/// # Ok::<_, ring_cache::Error>(())
/// ```
///
/// The value is exactly the coder's bytes, with flags of zero, and the key exactly the key's text: other programs can read
/// and write both. Awaited calls need the feature `tokio`. Clones are handles to one storage.
///
/// # Keys
///
/// Memcached takes keys of up to 250 bytes, namespace included. A longer key becomes its beginning, `%~` and the BLAKE3 hash
/// of its whole text. This is the text of no other key, and `stored_key()` of a call returns it. The Python original uses
/// the SHA-1 hash of keys of 250 bytes or more, so such entries are not shared with it.
///
/// # Expiry
///
/// Expiries are rounded up to seconds, and end in January 2038 at the latest, the last date that memcached counts.
///
/// # Several servers
///
/// Keys are spread by rendezvous hashing, as by `HashClient` of Python's pymemcache. Each server has its own breaker: if a
/// server is down, only its keys are computed. They do not move to another server meanwhile, so no old value comes back
/// with the server. A bulk look-up asks all servers at the same time, and fails if all fail.
///
/// # Time
///
/// An operation ends at its deadline. Connections are opened in the background, up to 64 for each server and, for awaited
/// calls, each runtime. Memcached cannot list the entries of one ring: there is no `clear()`.
#[derive(Clone)]
pub struct Memcached {
    remote: Remote<MemcachedServer>,
}

own_type!(Memcached: Expires, Leases);

/// The servers of a [`Memcached`].
struct MemcachedServer {
    nodes: Vec<MemcachedNode>,
    rendezvous: Rendezvous,
    client: Mutex<Option<MetaClient>>,
}

/// One of the servers.
struct MemcachedNode {
    address: Arc<Address>,
    links: PerProcess<Links>,
}

/// The connections of one process to one server.
struct Links {
    connections: Arc<Pool<blocking::Connection>>,
    unacked: Arc<UnackedWrites>,
    #[cfg(feature = "tokio")]
    awaited: awaited::RuntimePools,
}

impl Memcached {
    /// The storage on one server or several, as in `"memcache://127.0.0.1:11211"`, `"10.0.0.1:11211,10.0.0.2:11211"`,
    /// `["10.0.0.1", "10.0.0.2"]` or `"memcache:///run/memcached.sock"`.
    ///
    /// Connections are opened when they are needed.
    ///
    /// # Errors
    ///
    /// If an address is invalid. The error does not show it.
    pub fn open(servers: impl Servers) -> Result<Self, Error> {
        let addresses = Address::all(servers)?;
        let names = addresses.iter().map(ToString::to_string).collect();
        let server = MemcachedServer {
            nodes: addresses.into_iter().map(MemcachedNode::new).collect(),
            rendezvous: Rendezvous::new(names),
            client: Mutex::new(None),
        };
        Ok(Memcached {
            remote: Remote::new(server).repairing(),
        })
    }

    /// A blocking client of the same servers, with connections of its own, for operations that the verbs lack. It finds keys
    /// on the same servers as this storage. Its type follows the versions of the crate `memcache`.
    ///
    /// ```no_run
    /// # use ring_cache::Memcached;
    /// let memcached = Memcached::open("127.0.0.1:11211")?;
    /// memcached.backend()?.increment("visits").initial(0, 3600).send()?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the name of a server cannot be resolved, or it is a Unix socket, which this client does not support.
    pub fn backend(&self) -> Result<MetaClient, Error> {
        let server = self.remote.server();
        if let Some(client) = &*server.client.lock() {
            return Ok(client.clone());
        }
        // Not under the lock: names are resolved here.
        let client = server.client()?;
        Ok(server.client.lock().get_or_insert(client).clone())
    }
}

impl MemcachedServer {
    fn client(&self) -> Result<MetaClient, Error> {
        let ports = self.nodes.iter().map(|node| match &*node.address {
            Address::Port { host, port } => Ok((host.clone(), *port)),
            Address::Socket(_) => Err(Error::storage(NAME, "backend", "no client for Unix sockets")),
        });
        let ports = ports.collect::<Result<Vec<_>, _>>()?;
        let builder = MetaClient::builder().router(self.rendezvous.clone());
        let client = builder.connect_multiple(ports);
        client.map_err(|error| Error::storage(NAME, "backend", error))
    }
}

impl MemcachedNode {
    fn new(address: Address) -> Self {
        MemcachedNode {
            address: Arc::new(address),
            links: PerProcess::new(Links::new()),
        }
    }

    fn links(&self) -> &Links {
        self.links.get(|_| Links::new())
    }
}

impl Links {
    fn new() -> Self {
        Links {
            connections: Pool::new(),
            unacked: Arc::default(),
            #[cfg(feature = "tokio")]
            awaited: awaited::RuntimePools::new(),
        }
    }
}

impl Server for MemcachedServer {
    const NAME: &'static str = NAME;

    type StoredKey = StoredKey;
    type Request<T: Send + 'static> = Request<T>;

    fn stored_key<K: RingKey + ?Sized>(namespace: &str, key: &K) -> StoredKey {
        StoredKey::of(namespace, key)
    }

    fn nodes(&self) -> usize {
        self.nodes.len()
    }

    fn address(&self, node: usize) -> Option<String> {
        self.nodes.get(node).map(|node| node.address.to_string())
    }

    fn answered(&self, node: usize) -> Option<Instant> {
        let links = self.nodes.get(node)?.links();
        let answered = links.connections.answered();
        #[cfg(feature = "tokio")]
        let answered = answered.max(links.awaited.answered());
        answered
    }

    fn node(&self, key: &StoredKey) -> usize {
        self.rendezvous.server(key.as_str().as_bytes())
    }

    fn read(keys: &[StoredKey]) -> Result<Request<Option<Vec<u8>>>, Fault> {
        request::read(keys)
    }

    fn read_expiring(keys: &[StoredKey]) -> Result<Request<Option<Found>>, Fault> {
        request::read_expiring(keys)
    }

    fn write(entries: &[Entry<StoredKey>]) -> Result<Request<()>, Fault> {
        request::write(entries)
    }

    fn write_if_absent(entries: &[Entry<StoredKey>]) -> Result<Request<bool>, Fault> {
        request::write_if_absent(entries)
    }

    fn remove(keys: &[StoredKey]) -> Result<Request<bool>, Fault> {
        request::remove(keys)
    }

    fn contains(keys: &[StoredKey]) -> Result<Request<bool>, Fault> {
        request::contains(keys)
    }

    fn touch(entries: &[(StoredKey, Duration)]) -> Result<Request<bool>, Fault> {
        request::touch(entries)
    }

    /// Memcached compares and swaps single items only.
    const LEASES: ServerLeases = ServerLeases::Apart;

    fn leased(key: StoredKey) -> StoredKey {
        key.leased()
    }

    fn acquire(items: &[(StoredKey, LeaseRequest)]) -> Result<Request<LeaseAnswer>, Fault> {
        request::acquire(items)
    }

    fn lease_tokens(keys: &[StoredKey]) -> Result<Request<Option<LeaseToken>>, Fault> {
        request::tokens(keys)
    }

    fn release(leases: &[(StoredKey, LeaseToken)]) -> Result<Request<bool>, Fault> {
        request::release(leases)
    }
}

impl BlockingServer for MemcachedServer {
    fn send<T: Send + 'static>(
        &self,
        node: usize,
        request: Request<T>,
        until: Instant,
    ) -> Result<Vec<T>, Fault> {
        let (address, links) = (&self.nodes[node].address, self.nodes[node].links());
        blocking::send(address, &links.connections, &links.unacked, &request, until)
    }
}

#[cfg(feature = "tokio")]
impl AsyncServer for MemcachedServer {
    async fn send_async<T: Send + 'static>(
        &self,
        node: usize,
        request: Request<T>,
        until: Instant,
    ) -> Result<Vec<T>, Fault> {
        let (address, links) = (&self.nodes[node].address, self.nodes[node].links());
        awaited::send(address, &links.awaited, &links.unacked, &request, until).await
    }
}

impl ring_cache_core::storage::HoldsBytes for Memcached {}
