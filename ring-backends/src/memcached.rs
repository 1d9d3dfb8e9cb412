//! Memcached: entries on servers that other programs use as well.

mod address;
#[cfg(feature = "tokio")]
mod awaited;
mod blocking;
mod doubts;
mod expiry;
#[cfg(fuzzing)]
pub mod fuzzing;
mod greeting;
mod inbox;
mod place;
mod rendezvous;
mod request;

use std::sync::Arc;
use std::time::{Duration, Instant};

use memcache::exp::MetaClient;
use parking_lot::Mutex;
use ring_cache_core::{Error, RingKey};

use address::Address;
pub use address::Servers;
use doubts::Doubts;
pub use place::Place;
use rendezvous::Rendezvous;
use request::{Meaning, Request, found, stored, value, was_there};

#[cfg(feature = "tokio")]
use crate::remote::AsyncServer;
use crate::remote::pool::Pool;
use crate::remote::{BlockingServer, Entry, Expiring, Fault, Found, Remote, Server};

const NAME: &str = "memcached";

/// A storage on one memcached or several, version 1.6.10 or newer.
///
/// ```no_run
/// use std::sync::LazyLock;
///
/// use ring_cache::coder::Json;
/// use ring_cache::ring;
/// use ring_cache_backends::Memcached; // also `ring_cache::Memcached`, with the feature `memcached`
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
/// What lies there is exactly the coder's bytes, with flags of zero, under exactly the text of the key: other programs
/// read and write it too. `async fn`s need the feature `tokio`. Clones are handles to one storage.
///
/// # Keys
///
/// memcached takes keys of up to 250 bytes, namespace included. A longer one is shortened to its beginning, `%~` and the
/// BLAKE3 hash of all of its text; no other key can read like that. `stored_key()` of a call says under which text its
/// entry lies. The Python original takes the SHA-1 hash of a key of 250 bytes or more: such entries are not shared with it.
///
/// # Expiry
///
/// memcached counts whole seconds: durations are rounded up. They end in January 2038 at the latest, beyond which it
/// does not count.
///
/// # Several servers
///
/// Keys are spread by rendezvous hashing, as `HashClient` of Python's pymemcache does it. Each server has a breaker of its
/// own: one that is down harms no keys but its own, which are computed. Nothing is moved to another server meanwhile, so
/// that no old value comes back with it. A bulk look-up asks all servers at once and finds what those have that answer;
/// it fails if none does.
///
/// # Time
///
/// An operation ends with its deadline, whatever the server does. Connections are made in the background, up to 64 for
/// each server, and for each runtime. memcached cannot find the entries of one ring: there is no `clear()`.
pub type Memcached = Remote<MemcachedServer>;

/// The servers of a [`Memcached`], as its frame sees them.
pub struct MemcachedServer {
    nodes: Vec<Node>,
    rendezvous: Rendezvous,
    client: Mutex<Option<MetaClient>>,
}

/// One of the servers.
struct Node {
    address: Arc<Address>,
    connections: Arc<Pool<blocking::Connection>>,
    doubts: Arc<Doubts>,
    #[cfg(feature = "tokio")]
    awaited: awaited::Pools,
}

impl Remote<MemcachedServer> {
    /// The storage on one server or several, as in `"memcache://127.0.0.1:11211"`, `"10.0.0.1:11211,10.0.0.2:11211"`,
    /// `["10.0.0.1", "10.0.0.2"]` or `"memcache:///run/memcached.sock"`.
    ///
    /// Nothing is connected to before it is needed.
    ///
    /// # Errors
    ///
    /// If an address cannot be read.
    pub fn open(servers: impl Servers) -> Result<Self, Error> {
        let addresses = Address::all(servers)?;
        let names = addresses.iter().map(ToString::to_string).collect();
        Ok(Remote::new(MemcachedServer {
            nodes: addresses.into_iter().map(Node::new).collect(),
            rendezvous: Rendezvous::new(names),
            client: Mutex::new(None),
        }))
    }

    /// A client of the same servers, for all that the verbs cannot do. Its keys lie where those of this storage do, and
    /// it has connections of its own. It blocks.
    ///
    /// ```no_run
    /// # use ring_cache_backends::Memcached;
    /// let memcached = Memcached::open("127.0.0.1:11211")?;
    /// memcached.backend()?.increment("visits").initial(0, 3600).send()?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the name of a server cannot be looked up, or it is a Unix socket, which this client does not know.
    pub fn backend(&self) -> Result<MetaClient, Error> {
        let server = self.server();
        if let Some(client) = &*server.client.lock() {
            return Ok(client.clone());
        }
        // Looking up names takes a while.
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

    fn ask<T>(
        &self,
        first: Option<&Place>,
        request: Result<Request, Fault>,
        meaning: Meaning<T>,
        until: Instant,
    ) -> Result<Vec<T>, Fault> {
        let Node {
            address,
            connections,
            doubts,
            ..
        } = self.node_of(first);
        blocking::ask(address, connections, doubts, &request?, meaning, until)
    }

    #[cfg(feature = "tokio")]
    async fn ask_async<T>(
        &self,
        first: Option<&Place>,
        request: Result<Request, Fault>,
        meaning: Meaning<T>,
    ) -> Result<Vec<T>, Fault> {
        let node = self.node_of(first);
        awaited::ask(&node.address, &node.awaited, &node.doubts, &request?, meaning).await
    }

    /// The node of places, which all lie where the first does.
    fn node_of(&self, first: Option<&Place>) -> &Node {
        &self.nodes[first.map_or(0, |place| self.node(place))]
    }
}

impl Node {
    fn new(address: Address) -> Self {
        Node {
            address: Arc::new(address),
            connections: Pool::new(),
            doubts: Arc::default(),
            #[cfg(feature = "tokio")]
            awaited: awaited::Pools::new(),
        }
    }
}

impl Server for MemcachedServer {
    const NAME: &'static str = NAME;

    type Place = Place;

    fn place<K: RingKey + ?Sized>(namespace: &str, key: &K) -> Place {
        Place::of(namespace, key)
    }

    fn nodes(&self) -> usize {
        self.nodes.len()
    }

    fn node(&self, place: &Place) -> usize {
        self.rendezvous.server(place.as_str().as_bytes())
    }
}

impl Expiring for MemcachedServer {}

impl BlockingServer for MemcachedServer {
    fn read(&self, places: &[Place], until: Instant) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        self.ask(places.first(), Request::read(places, false), value, until)
    }

    fn read_expiring(&self, places: &[Place], until: Instant) -> Result<Vec<Option<Found>>, Fault> {
        self.ask(places.first(), Request::read(places, true), found, until)
    }

    fn write(&self, entries: Vec<Entry<Place>>, until: Instant) -> Result<(), Fault> {
        let first = entries.first().map(|(place, ..)| place);
        self.ask(first, Request::write(&entries), stored, until)?;
        Ok(())
    }

    fn remove(&self, places: &[Place], until: Instant) -> Result<Vec<bool>, Fault> {
        self.ask(places.first(), Request::remove(places), was_there, until)
    }

    fn contains(&self, places: &[Place], until: Instant) -> Result<Vec<bool>, Fault> {
        self.ask(places.first(), Request::contains(places), was_there, until)
    }

    fn renew(&self, entries: &[(Place, Duration)], until: Instant) -> Result<Vec<bool>, Fault> {
        let first = entries.first().map(|(place, _)| place);
        self.ask(first, Request::renew(entries), was_there, until)
    }
}

/// The frame drops what has not ended in time.
#[cfg(feature = "tokio")]
impl AsyncServer for MemcachedServer {
    async fn read(&self, places: &[Place], _: Instant) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        self.ask_async(places.first(), Request::read(places, false), value)
            .await
    }

    async fn read_expiring(&self, places: &[Place], _: Instant) -> Result<Vec<Option<Found>>, Fault> {
        self.ask_async(places.first(), Request::read(places, true), found)
            .await
    }

    async fn write(&self, entries: Vec<Entry<Place>>, _: Instant) -> Result<(), Fault> {
        let first = entries.first().map(|(place, ..)| place);
        self.ask_async(first, Request::write(&entries), stored).await?;
        Ok(())
    }

    async fn remove(&self, places: &[Place], _: Instant) -> Result<Vec<bool>, Fault> {
        self.ask_async(places.first(), Request::remove(places), was_there)
            .await
    }

    async fn contains(&self, places: &[Place], _: Instant) -> Result<Vec<bool>, Fault> {
        self.ask_async(places.first(), Request::contains(places), was_there)
            .await
    }

    async fn renew(&self, entries: &[(Place, Duration)], _: Instant) -> Result<Vec<bool>, Fault> {
        let first = entries.first().map(|(place, _)| place);
        self.ask_async(first, Request::renew(entries), was_there).await
    }
}
