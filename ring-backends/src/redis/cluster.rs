//! A cluster of Redis servers.

#[cfg(fuzzing)]
pub(super) mod fuzzing;
mod map;
mod seeds;
mod way;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redis::cluster::ClusterClient;
use redis::{Client, ConnectionInfo, Value};
use ring_cache_core::key::text_in_namespace;
use ring_cache_core::{Error, Name, RingKey};

use super::address;
use super::commands::{self, Commands, Question};
use super::layout::{Keys, Layout};
#[cfg(feature = "tokio")]
use super::route::AsyncRoute;
use super::route::Route;
use super::server::RedisServer;
use super::single::Single;
use super::sweep::Search;
use crate::remote::{Entry, Expiring, Fault, Found, Remote};
use map::{Address, Map, Node};
use way::Way;

/// Entries in a cluster of Redis servers.
///
/// Keys spread over all slots whatever is in them: Redis would keep keys together that have the same text in braces, so
/// a key with a `{` lies under its text with `{}` before it. [`stored_key`](ring_cache_core::BoundCall::stored_key)
/// shows it.
///
/// Each server has connections of its own, so one that hangs is slow for its own keys only. Where keys lie is learned
/// from the servers, and anew when they say so or fail. A bulk call asks one server after the other, each once.
/// `clear` asks all; it fails if one cannot be reached.
///
/// All else is as with [`Redis`](crate::Redis).
pub type RedisCluster = Remote<RedisServer<SpreadKeys>>;

impl Remote<RedisServer<SpreadKeys>> {
    /// The storage on the cluster with servers at these addresses, of which one is enough. It connects when it is first
    /// asked for something. All addresses have the same name and password; other servers have them as well.
    ///
    /// ```
    /// # fn main() -> Result<(), ring_cache::Error> {
    /// use ring_cache_backends::RedisCluster;
    ///
    /// let redis = RedisCluster::open(["redis://127.0.0.1:7000", "redis://127.0.0.1:7001"])?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no address, or one is none of a Redis server, or they differ in what they share.
    pub fn open<U: AsRef<str>>(urls: impl IntoIterator<Item = U>) -> Result<Self, Error> {
        let infos: Result<Vec<ConnectionInfo>, Error> = urls
            .into_iter()
            .map(|url| address::parsed(SpreadKeys::NAME, url.as_ref(), Ok))
            .collect();
        let client = ClusterClient::new(infos?);
        client.map(Self::from_client).map_err(|_| {
            let cause = "there is to be an address at least, none of a Unix socket, and all with one name and password";
            Error::storage(SpreadKeys::NAME, "open", cause)
        })
    }

    /// The storage on the cluster of a client that was made elsewhere.
    ///
    /// Of its settings, the addresses, name, password, TLS and protocol are used. Retries, timeouts, reading from
    /// replicas and a map of addresses are for those who use the client itself.
    pub fn from_client(client: ClusterClient) -> Self {
        Remote::new(RedisServer::by(Cluster::new(client)))
    }

    /// The client, for whatever else is to be done in the cluster.
    pub fn backend(&self) -> &ClusterClient {
        &self.server().route().client
    }
}

/// A key of Redis for each entry, in the slot that its whole text decides.
pub struct SpreadKeys;

/// Before a key it makes Redis take the whole key, whatever braces are in it.
const SPREAD: &str = "{}";

impl Expiring for RedisServer<SpreadKeys> {}

impl Layout for SpreadKeys {
    const NAME: &'static str = "redis_cluster";

    type Place = Arc<str>;
    type Route = Cluster;
    type Sweep = Search;

    fn place<K: RingKey + ?Sized>(namespace: &str, key: &K) -> Arc<str> {
        let key = text_in_namespace(namespace, key);
        if key.contains('{') {
            format!("{SPREAD}{key}").into()
        } else {
            key.into()
        }
    }

    /// There is no `MGET` across slots.
    fn read(places: &[Arc<str>]) -> Question<Vec<Option<Vec<u8>>>> {
        let read = match places {
            [_] => commands::values,
            _ => commands::values_of_type,
        };
        Question {
            commands: Commands::each(places, |key| commands::on("GET", key)),
            read,
        }
    }

    fn read_expiring(places: &[Arc<str>]) -> Question<Vec<Option<Found>>> {
        Keys::read_expiring(places)
    }

    fn write(entries: &[Entry<Arc<str>>]) -> Result<Question<()>, Fault> {
        Keys::write(entries)
    }

    fn remove(places: &[Arc<str>]) -> Question<Vec<bool>> {
        Keys::remove(places)
    }

    fn contains(places: &[Arc<str>]) -> Question<Vec<bool>> {
        Keys::contains(places)
    }

    fn renew(entries: &[(Arc<str>, Duration)]) -> Result<Question<Vec<bool>>, Fault> {
        Keys::renew(entries)
    }

    fn clear(namespace: &str, name: &Name) -> Search {
        Search::new(format!("{namespace}{name}"), SPREAD)
    }
}

/// A cluster: its servers, and where keys lie as far as is known.
pub struct Cluster {
    client: ClusterClient,
    /// What connections to any server have in common, and the addresses that are known from the beginning.
    seeds: Vec<ConnectionInfo>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    map: Option<Arc<Map>>,
    /// Whether the map may be out of date.
    doubted: bool,
    learned: Option<Instant>,
    nodes: Vec<Arc<Node>>,
}

/// A map is not learned anew more often.
const LEARNED_FOR: Duration = Duration::from_millis(200);

impl Cluster {
    fn new(client: ClusterClient) -> Self {
        Cluster {
            seeds: seeds::of(&client),
            client,
            known: Mutex::default(),
        }
    }

    /// The server at `address`, new or known.
    fn node(&self, known: &mut Known, address: &Address) -> Option<Arc<Node>> {
        if let Some(node) = known.nodes.iter().find(|node| node.address == *address) {
            return Some(Arc::clone(node));
        }
        let info = self.seeds.first()?.clone();
        let info = info.clone().set_addr(address.like(info.addr()));
        let node = Arc::new(Node::new(address.clone(), Single::new(Client::open(info).ok()?)));
        known.nodes.push(Arc::clone(&node));
        Some(node)
    }

    /// The map, unless it is in doubt.
    fn trusted(&self) -> Option<Arc<Map>> {
        let known = self.known.lock();
        known.map.clone().filter(|_| !known.doubted)
    }

    /// Where keys lie may have changed.
    fn doubt(&self) {
        let mut known = self.known.lock();
        known.doubted |= known
            .learned
            .is_none_or(|learned| learned.elapsed() > LEARNED_FOR);
    }

    /// Servers that may know where keys lie, the most promising first.
    fn informants(&self) -> Vec<Arc<Node>> {
        let mut known = self.known.lock();
        let addresses: Vec<Address> = self.seeds.iter().filter_map(Address::of).collect();
        for address in &addresses {
            self.node(&mut known, address);
        }
        let mut nodes = known.nodes.clone();
        nodes.sort_by_key(|node| node.is_troubled());
        nodes
    }

    fn learn(&self, answers: Vec<Value>, informant: &Node) -> Result<Arc<Map>, Fault> {
        let owners = map::owners(answers, &informant.address)?;
        let mut known = self.known.lock();
        let mut ranges = Vec::with_capacity(owners.len());
        for (slots, address) in owners {
            let node = self.node(&mut known, &address).ok_or_else(unreachable)?;
            ranges.push((slots, node));
        }
        let map = Arc::new(Map::new(ranges));
        known.map = Some(Arc::clone(&map));
        (known.doubted, known.learned) = (false, Some(Instant::now()));
        let gone: Vec<_> = known.nodes.extract_if(.., |node| !map.names(node)).collect();
        drop(known);
        drop(gone);
        Ok(map)
    }

    /// Better an old map than none.
    fn last(&self, fault: Option<Fault>) -> Result<Arc<Map>, Fault> {
        let last = self.known.lock().map.clone();
        last.ok_or_else(|| fault.unwrap_or_else(unreachable))
    }

    /// Where a redirection leads.
    fn redirected(&self, address: &Address) -> Result<Arc<Node>, Fault> {
        self.node(&mut self.known.lock(), address).ok_or_else(unreachable)
    }
}

fn unreachable() -> Fault {
    Fault::Broken("no server of the cluster can be reached".into())
}

/// Half of the time until then: others may have to be asked as well.
fn half(until: Instant) -> Instant {
    let now = Instant::now();
    now + until.saturating_duration_since(now) / 2
}

impl Cluster {
    fn map(&self, until: Instant) -> Result<Arc<Map>, Fault> {
        if let Some(map) = self.trusted() {
            return Ok(map);
        }
        let mut fault = None;
        for informant in self.informants() {
            match informant.noted(informant.single.ask(&map::question(), half(until))) {
                Ok(answers) => return self.learn(answers, &informant),
                Err(failed) => fault = Some(failed),
            }
        }
        self.last(fault)
    }
}

impl Route for Cluster {
    type Node = Arc<Node>;

    fn ask(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let mut way = Way::new(commands);
        loop {
            let map = self.map(until)?;
            for errand in way.errands(&map, |address| self.redirected(address))? {
                let answered = errand.node.noted(errand.node.single.ask(&errand.commands, until));
                way.record(errand, answered, || self.doubt())?;
            }
            if let Some(answers) = way.arrived() {
                return Ok(answers);
            }
        }
    }

    fn out_of_step(&self) {
        let nodes = self.trusted().map(|map| map.nodes());
        nodes
            .into_iter()
            .flatten()
            .for_each(|node| node.single.out_of_step());
    }

    fn nodes(&self, until: Instant) -> Result<Vec<Arc<Node>>, Fault> {
        Ok(self.map(until)?.nodes())
    }

    fn ask_node(&self, node: &Arc<Node>, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        node.noted(node.single.ask(commands, until))
    }
}

#[cfg(feature = "tokio")]
impl Cluster {
    async fn map_async(&self, until: Instant) -> Result<Arc<Map>, Fault> {
        if let Some(map) = self.trusted() {
            return Ok(map);
        }
        let mut fault = None;
        for informant in self.informants() {
            match informant.ask(&map::question(), half(until)).await {
                Ok(answers) => return self.learn(answers, &informant),
                Err(failed) => fault = Some(failed),
            }
        }
        self.last(fault)
    }
}

#[cfg(feature = "tokio")]
impl AsyncRoute for Cluster {
    async fn ask_async(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let mut way = Way::new(commands);
        loop {
            let map = self.map_async(until).await?;
            for errand in way.errands(&map, |address| self.redirected(address))? {
                let answered = errand.node.ask(&errand.commands, until).await;
                way.record(errand, answered, || self.doubt())?;
            }
            if let Some(answers) = way.arrived() {
                return Ok(answers);
            }
        }
    }

    async fn nodes_async(&self, until: Instant) -> Result<Vec<Arc<Node>>, Fault> {
        Ok(self.map_async(until).await?.nodes())
    }

    async fn ask_node_async(
        &self,
        node: &Arc<Node>,
        commands: &Commands,
        until: Instant,
    ) -> Result<Vec<Value>, Fault> {
        node.ask(commands, until).await
    }
}
