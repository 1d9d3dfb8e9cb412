//! `RedisCluster`: a cluster of Redis servers.

mod dispatch;
#[cfg(fuzzing)]
pub(super) mod fuzzing;
mod same_slot;
mod seeds;
mod slot_map;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
#[cfg(feature = "inspect")]
use redis::Cmd;
use redis::cluster::ClusterClient;
use redis::{Client, ConnectionInfo, Value};
#[cfg(feature = "inspect")]
use ring_cache_core::inspect::is_of_ring;
use ring_cache_core::key::text_in_namespace;
use ring_cache_core::storage::{AfterWrite, LeaseRequest, LeaseToken};
use ring_cache_core::{Error, Name, RingKey};

use super::address;
use super::request::{self, Commands, Request};
use super::ring_scan::KeyScan;
#[cfg(feature = "inspect")]
use super::ring_scan::{scan, texts};
#[cfg(feature = "tokio")]
use super::route::AsyncRoute;
use super::route::Route;
use super::schema::{KeySchema, Keys};
#[cfg(feature = "inspect")]
use super::schema::{LISTED, key_of_ring};
use super::server::RedisServer;
use super::single::Single;
#[cfg(feature = "inspect")]
use super::stored_key::is_lease;
use super::stored_key::{LEASE, StoredKey};
use crate::process::PerProcess;
use crate::remote::own_type::own_type;
use crate::remote::{Entry, Fault, Found, LeaseAnswer, LeasedEntry, Remote, ServerLeases};
use dispatch::Dispatch;
use same_slot::in_slot_of;
use slot_map::{Address, ClusterNode, SlotMap, unreachable};

/// A storage on a cluster of Redis servers.
///
/// Keys are spread over all slots. Redis would keep keys with the same text in braces together, so a key with a `{` has
/// `{}` in front: [`stored_key`](ring_cache_core::BoundCall::stored_key) returns it.
///
/// Each server has its own connections, breaker and repairs: one that hangs or is down affects only its keys. The map of
/// slots is read from the servers, and again after a redirection or a failure. A bulk call asks all servers at the same
/// time; a bulk look-up fails if all fail. `clear` asks all, and fails if one cannot be reached.
///
/// Otherwise it works like [`Redis`](crate::Redis).
#[derive(Clone)]
pub struct RedisCluster {
    remote: Remote<RedisServer<SpreadKeys>>,
}

own_type!(RedisCluster: Expires, Clear, Leases);

impl RedisCluster {
    /// Opens the storage on the cluster of the servers at these addresses; one is enough. It connects when it is first
    /// used. All addresses have the same user name and password, as have all other servers.
    ///
    /// ```
    /// # fn main() -> Result<(), ring_cache::Error> {
    /// use ring_cache::RedisCluster;
    ///
    /// let redis = RedisCluster::open(["redis://127.0.0.1:7000", "redis://127.0.0.1:7001"])?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no address, one is invalid or a Unix socket, or they differ in user name or password.
    pub fn open<U: AsRef<str>>(urls: impl IntoIterator<Item = U>) -> Result<Self, Error> {
        let infos: Result<Vec<ConnectionInfo>, Error> = urls
            .into_iter()
            .map(|url| address::parsed(SpreadKeys::NAME, url.as_ref(), Ok))
            .collect();
        let client = ClusterClient::new(infos?);
        client.map(Self::from_client).map_err(|_| {
            let cause =
                "give at least one address, no Unix socket, and the same user name and password in all";
            Error::storage(SpreadKeys::NAME, "open", cause)
        })
    }

    /// The storage on the cluster of a client.
    ///
    /// The storage uses its addresses, user name, password, TLS and protocol. Its retries, timeouts, reads from replicas and
    /// map of addresses apply to the client itself only.
    pub fn from_client(client: ClusterClient) -> Self {
        RedisCluster {
            remote: Remote::new(RedisServer::new(Cluster::new(client))).repairing(),
        }
    }

    /// The client of the cluster: see [`Redis::backend`](crate::Redis::backend).
    pub fn backend(&self) -> &ClusterClient {
        &self.remote.server().route().client
    }
}

/// A key of Redis for each entry, in the slot that its whole text determines.
pub(super) struct SpreadKeys;

/// The prefix that makes Redis hash the whole key, whatever braces it contains.
const SPREAD: &str = "{}";

impl KeySchema for SpreadKeys {
    const NAME: &'static str = "redis_cluster";

    type StoredKey = StoredKey;
    type Route = Cluster;
    type Scan = KeyScan;

    fn routed(key: &StoredKey) -> &str {
        key
    }

    fn stored_key<K: RingKey + ?Sized>(namespace: &str, key: &K) -> StoredKey {
        let key = text_in_namespace(namespace, key);
        if key.contains('{') {
            format!("{SPREAD}{key}").into()
        } else {
            key.into()
        }
    }

    /// `MGET` across slots is not possible.
    fn read(keys: &[StoredKey]) -> Result<Request<Option<Vec<u8>>>, Fault> {
        let read = match keys {
            [_] => request::values,
            _ => request::values_of_type,
        };
        Ok(Request::each(keys, |key| request::on("GET", key), read))
    }

    fn read_expiring(keys: &[StoredKey]) -> Result<Request<Option<Found>>, Fault> {
        Keys::read_expiring(keys)
    }

    fn write(entries: &[Entry<StoredKey>]) -> Result<Request<()>, Fault> {
        Keys::write(entries)
    }

    fn write_if_absent(entries: &[Entry<StoredKey>]) -> Result<Request<bool>, Fault> {
        Keys::write_if_absent(entries)
    }

    fn remove(keys: &[StoredKey]) -> Result<Request<bool>, Fault> {
        Keys::remove(keys)
    }

    fn contains(keys: &[StoredKey]) -> Result<Request<bool>, Fault> {
        Keys::contains(keys)
    }

    fn touch(entries: &[(StoredKey, Duration)]) -> Result<Request<bool>, Fault> {
        Keys::touch(entries)
    }

    const LEASES: ServerLeases = ServerLeases::WithEntries;

    fn leased(key: StoredKey) -> StoredKey {
        let lease = in_slot_of(&key, format!("{key}{LEASE}."));
        key.leased_by(lease)
    }

    fn acquire(items: &[(StoredKey, LeaseRequest)]) -> Result<Request<LeaseAnswer>, Fault> {
        Keys::acquire(items)
    }

    fn write_leased(entries: &[LeasedEntry<StoredKey>], after: AfterWrite) -> Result<Request<bool>, Fault> {
        Keys::write_leased(entries, after)
    }

    fn release(leases: &[(StoredKey, LeaseToken)]) -> Result<Request<bool>, Fault> {
        Keys::release(leases)
    }

    fn clear(namespace: &str, name: &Name) -> KeyScan {
        KeyScan::new(format!("{namespace}{name}"), SPREAD)
    }

    #[cfg(feature = "inspect")]
    fn key_of_text(namespace: &str, ring: &Name, text: &str) -> Option<StoredKey> {
        let is_own = is_of_ring(text.strip_prefix(SPREAD).unwrap_or(text), namespace, ring);
        (is_own && !is_lease(text)).then(|| key_of_ring::<Self>(text, ring))
    }

    #[cfg(feature = "inspect")]
    fn list(namespace: &str, ring: &Name, cursor: &str) -> Cmd {
        scan(&format!("{namespace}{ring}"), SPREAD, cursor, LISTED)
    }

    #[cfg(feature = "inspect")]
    fn texts(namespace: &str, ring: &Name, found: Vec<Vec<u8>>) -> Vec<String> {
        let is_own = |key: &String| Self::key_of_text(namespace, ring, key).is_some();
        texts(found).filter(is_own).collect()
    }

    #[cfg(feature = "inspect")]
    fn lives(keys: &[StoredKey]) -> Option<Commands> {
        Keys::lives(keys)
    }
}

/// The servers of a cluster, and the known owners of keys.
pub(super) struct Cluster {
    client: ClusterClient,
    /// The initial addresses, with the settings of all connections.
    seeds: Vec<ConnectionInfo>,
    known: PerProcess<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    map: Option<Arc<SlotMap>>,
    /// Whether the map may be out of date.
    is_suspect: bool,
    updated: Option<Instant>,
    nodes: Vec<Arc<ClusterNode>>,
    /// The addresses of all nodes so far. The number of a node is its index here plus one; 0 stands for a node that is not
    /// known yet.
    addresses: Vec<Address>,
}

/// The most nodes with numbers of their own.
const MAX_NODES: usize = 64;

impl Known {
    /// The number of the node at `address`. Numbers of removed nodes are reused.
    fn number(&mut self, address: &Address) -> usize {
        if let Some(place) = self.addresses.iter().position(|known| known == address) {
            return place + 1;
        }
        if self.addresses.len() + 1 < MAX_NODES {
            self.addresses.push(address.clone());
            return self.addresses.len();
        }
        let is_gone = |known: &Address| !self.nodes.iter().any(|node| node.address == *known);
        let place = self.addresses.iter().position(is_gone);
        // More nodes than numbers: some share one.
        let place = place.unwrap_or(usize::from(address.port()) % self.addresses.len());
        self.addresses[place] = address.clone();
        place + 1
    }
}

/// The shortest time between two updates of the map.
const MIN_UPDATE_INTERVAL: Duration = Duration::from_millis(200);

impl Cluster {
    fn new(client: ClusterClient) -> Self {
        Cluster {
            seeds: seeds::of(&client),
            client,
            known: PerProcess::new(Mutex::default()),
        }
    }

    /// The state of this process.
    fn known(&self) -> &Mutex<Known> {
        self.known.get(|_| Mutex::default())
    }

    /// The server at `address`, new or known.
    fn node(&self, known: &mut Known, address: &Address) -> Option<Arc<ClusterNode>> {
        if let Some(node) = known.nodes.iter().find(|node| node.address == *address) {
            return Some(Arc::clone(node));
        }
        let info = self.seeds.first()?.clone();
        let info = info.clone().set_addr(address.like(info.addr()));
        let single = Single::new(Client::open(info).ok()?);
        let number = known.number(address);
        let node = Arc::new(ClusterNode::new(address.clone(), number, single));
        known.nodes.push(Arc::clone(&node));
        Some(node)
    }

    /// The map, unless it may be out of date.
    fn current_map(&self) -> Option<Arc<SlotMap>> {
        let known = self.known().lock();
        known.map.clone().filter(|_| !known.is_suspect)
    }

    fn mark_suspect(&self) {
        let mut known = self.known().lock();
        known.is_suspect |= known
            .updated
            .is_none_or(|updated| updated.elapsed() > MIN_UPDATE_INTERVAL);
    }

    /// The servers to ask for the map, those that answered last first.
    fn informants(&self) -> Vec<Arc<ClusterNode>> {
        let mut known = self.known().lock();
        let addresses: Vec<Address> = self.seeds.iter().filter_map(Address::of).collect();
        for address in &addresses {
            self.node(&mut known, address);
        }
        let mut nodes = known.nodes.clone();
        nodes.sort_by_key(|node| node.has_failed());
        nodes
    }

    /// Replaces the map by that of an informant.
    fn update(&self, replies: Vec<Value>, informant: &ClusterNode) -> Result<Arc<SlotMap>, Fault> {
        let owners = slot_map::owners(replies, &informant.address)?;
        let mut known = self.known().lock();
        let mut ranges = Vec::with_capacity(owners.len());
        for (slots, address) in owners {
            let node = self.node(&mut known, &address).ok_or_else(unreachable)?;
            ranges.push((slots, node));
        }
        let map = Arc::new(SlotMap::new(ranges));
        known.map = Some(Arc::clone(&map));
        (known.is_suspect, known.updated) = (false, Some(Instant::now()));
        let gone: Vec<_> = known.nodes.extract_if(.., |node| !map.contains(node)).collect();
        drop(known);
        drop(gone);
        Ok(map)
    }

    /// Without a new map, the old one is used.
    fn last_map(&self, fault: Option<Fault>) -> Result<Arc<SlotMap>, Fault> {
        let last = self.known().lock().map.clone();
        last.ok_or_else(|| fault.unwrap_or_else(unreachable))
    }

    /// The server that a redirection names.
    fn redirected(&self, address: &Address) -> Result<Arc<ClusterNode>, Fault> {
        self.node(&mut self.known().lock(), address)
            .ok_or_else(unreachable)
    }
}

/// Half of the time until then, since other servers may have to be asked as well.
fn half(until: Instant) -> Instant {
    let now = Instant::now();
    now + until.saturating_duration_since(now) / 2
}

impl Cluster {
    fn map(&self, until: Instant) -> Result<Arc<SlotMap>, Fault> {
        if let Some(map) = self.current_map() {
            return Ok(map);
        }
        let mut fault = None;
        for informant in self.informants() {
            match informant.send(&slot_map::command(), half(until)) {
                Ok(replies) => return self.update(replies, &informant),
                Err(failed) => fault = Some(failed),
            }
        }
        self.last_map(fault)
    }
}

impl Route for Cluster {
    type Node = Arc<ClusterNode>;

    fn count(&self) -> usize {
        MAX_NODES
    }

    fn number(&self, key: &[u8]) -> usize {
        let map = self.known().lock().map.clone();
        map.and_then(|map| map.owner(key).map(|node| node.number))
            .unwrap_or(0)
    }

    fn answered(&self, number: usize) -> Option<Instant> {
        let nodes = self.known().lock().nodes.clone();
        let of_number = nodes.iter().filter(|node| node.number == number);
        of_number.filter_map(|node| node.single.answered(0)).max()
    }

    fn address(&self, number: usize) -> Option<String> {
        let known = self.known().lock();
        match number.checked_sub(1) {
            Some(place) => known.addresses.get(place).map(ToString::to_string),
            None => {
                let seeds = self.seeds.iter().map(|seed| seed.addr().to_string());
                Some(seeds.collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn send(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let mut dispatch = Dispatch::new(commands);
        loop {
            let map = self.map(until)?;
            for batch in dispatch.batches(&map, |address| self.redirected(address))? {
                let replies = batch.node.send(&batch.commands, until);
                dispatch.record(batch, replies, || self.mark_suspect())?;
            }
            if let Some(replies) = dispatch.replies() {
                return Ok(replies);
            }
        }
    }

    fn close_idle(&self) {
        let map = self.current_map();
        let nodes = map.into_iter().flat_map(|map| map.nodes());
        nodes.for_each(|node| node.single.close_idle());
    }

    fn nodes(&self, until: Instant) -> Result<Vec<Arc<ClusterNode>>, Fault> {
        Ok(self.map(until)?.nodes())
    }

    fn send_to(
        &self,
        node: &Arc<ClusterNode>,
        commands: &Commands,
        until: Instant,
    ) -> Result<Vec<Value>, Fault> {
        node.send(commands, until)
    }
}

#[cfg(feature = "tokio")]
impl Cluster {
    async fn map_async(&self, until: Instant) -> Result<Arc<SlotMap>, Fault> {
        if let Some(map) = self.current_map() {
            return Ok(map);
        }
        let mut fault = None;
        for informant in self.informants() {
            match informant.send_async(&slot_map::command(), half(until)).await {
                Ok(replies) => return self.update(replies, &informant),
                Err(failed) => fault = Some(failed),
            }
        }
        self.last_map(fault)
    }
}

#[cfg(feature = "tokio")]
impl AsyncRoute for Cluster {
    async fn send_async(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let mut dispatch = Dispatch::new(commands);
        loop {
            let map = self.map_async(until).await?;
            for batch in dispatch.batches(&map, |address| self.redirected(address))? {
                let replies = batch.node.send_async(&batch.commands, until).await;
                dispatch.record(batch, replies, || self.mark_suspect())?;
            }
            if let Some(replies) = dispatch.replies() {
                return Ok(replies);
            }
        }
    }

    async fn nodes_async(&self, until: Instant) -> Result<Vec<Arc<ClusterNode>>, Fault> {
        Ok(self.map_async(until).await?.nodes())
    }

    async fn send_to_async(
        &self,
        node: &Arc<ClusterNode>,
        commands: &Commands,
        until: Instant,
    ) -> Result<Vec<Value>, Fault> {
        node.send_async(commands, until).await
    }
}

impl ring_cache_core::storage::HoldsBytes for RedisCluster {}
