//! The servers of one storage, each with a proxy before it.

use std::time::{Duration, Instant};

use ring_cache_test_servers::{Memcached, Missing, Proxy, Redis, RedisCluster, Reply, Spoil, or_leave_out};

use crate::from_environment;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// The length of the values that fill a memcached: about that of the answers, so that they share its slabs.
const FILLING: usize = 60;

pub(crate) struct Site {
    servers: Servers,
    proxies: Vec<Proxy>,
}

enum Servers {
    Redis(Redis),
    Cluster(Box<RedisCluster>),
    Memcached(Vec<Memcached>),
}

impl Site {
    pub(crate) fn redis() -> Option<Site> {
        Self::with_proxies(Redis::start().map(Servers::Redis))
    }

    pub(crate) fn cluster() -> Option<Site> {
        let site =
            Self::with_proxies(RedisCluster::start().map(|cluster| Servers::Cluster(Box::new(cluster))))?;
        site.announce_proxies();
        Some(site)
    }

    /// One or several memcached servers, which refuse values without room for them.
    pub(crate) fn memcached(count: usize) -> Option<Site> {
        let options = Memcached::options().memory(2).arguments(["-M"]);
        let started: Result<_, _> = (0..count).map(|_| options.start()).collect();
        Self::with_proxies(started.map(Servers::Memcached))
    }

    fn with_proxies(servers: Result<Servers, Missing>) -> Option<Site> {
        let servers = or_leave_out("faults of servers", servers)?;
        let seed = from_environment("RING_CACHE_SEED").unwrap_or(1);
        let ports = servers.ports().into_iter();
        let proxies = ports.map(|port| Proxy::seeded(port, seed)).collect();
        Some(Site { servers, proxies })
    }

    pub(crate) fn redis_urls(&self) -> Vec<String> {
        let proxies = self.proxies.iter();
        proxies
            .map(|proxy| format!("redis://127.0.0.1:{}", proxy.port()))
            .collect()
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        let proxies = self.proxies.iter();
        proxies
            .map(|proxy| format!("127.0.0.1:{}", proxy.port()))
            .collect()
    }

    /// The number of disturbances by the proxies so far.
    pub(crate) fn spoiled(&self) -> usize {
        self.proxies.iter().map(Proxy::spoiled).sum()
    }

    pub(crate) fn spoil(&self, spoil: Spoil) {
        self.proxies.iter().for_each(|proxy| proxy.set(spoil));
    }

    pub(crate) fn stop(&self) {
        self.servers.each(Redis::stop, Memcached::stop);
    }

    pub(crate) fn cont(&self) {
        self.servers.each(Redis::cont, Memcached::cont);
    }

    pub(crate) fn kill(&self) {
        self.servers.each(Redis::kill, Memcached::kill);
    }

    /// Restarts the servers, and waits until they serve.
    pub(crate) fn restart(&self) {
        self.servers.each(Redis::restart, Memcached::restart);
        if let Servers::Cluster(cluster) = &self.servers {
            cluster.wait_until_ok();
            self.announce_proxies();
        }
    }

    pub(crate) fn flush(&self) {
        let redis = |redis: &Redis| drop(redis.command(&["FLUSHALL"]));
        self.servers
            .each(redis, |memcached| drop(memcached.command("flush_all")));
    }

    /// Puts bytes that are not answers under the keys of answers.
    pub(crate) fn write_foreign(&self, keys: &[String]) {
        const FOREIGN: [&str; 4] = ["", "{\"key\":", "\0\u{ff}", "{\"key\":1,\"version\":9,\"sum\":1}"];
        for (key, foreign) in keys.iter().zip(FOREIGN.iter().cycle()) {
            let redis = |redis: &Redis, words: &[&str]| drop(redis.command(words));
            match &self.servers {
                Servers::Redis(server) => {
                    redis(server, &["SET", key, foreign]);
                    // The answers of `RedisHash` are fields of the hash of their ring.
                    if let Some((hash, _)) = key.split_once(":service") {
                        redis(server, &["HSET", hash, key, foreign]);
                    }
                }
                Servers::Cluster(cluster) => redis(cluster.node_of(key), &["SET", key, foreign]),
                Servers::Memcached(servers) => servers.iter().for_each(|memcached| {
                    memcached.command(format!("set {key} 0 0 {}\r\n{foreign}", foreign.len()));
                }),
            }
        }
    }

    /// Puts another type under the keys of answers, if the servers have types.
    pub(crate) fn write_other_types(&self, keys: &[String]) {
        let write = |redis: &Redis, key: &str| {
            redis.command(&["DEL", key]);
            redis.command(&["LPUSH", key, "x"]);
        };
        for key in keys {
            match &self.servers {
                Servers::Redis(redis) => write(redis, key),
                Servers::Cluster(cluster) => write(cluster.node_of(key), key),
                Servers::Memcached(_) => self.write_foreign(std::slice::from_ref(key)),
            }
        }
    }

    /// Fills the servers.
    pub(crate) fn fill(&self) {
        self.servers.each(
            |redis| limit_memory(redis, "1"),
            |memcached| {
                let filling =
                    |number| format!("set filling-{number} 0 0 {FILLING}\r\n{}", "x".repeat(FILLING));
                let full = |number: u32| {
                    let many: Vec<String> = (number..number + 500).map(filling).collect();
                    let reply = memcached.command(many.join("\r\n"));
                    String::from_utf8_lossy(&reply).contains("SERVER_ERROR")
                };
                assert!(
                    (0..200).any(|number| full(number * 500)),
                    "memcached takes everything"
                );
            },
        );
    }

    /// Frees the memory again.
    pub(crate) fn empty(&self) {
        self.servers
            .each(|redis| limit_memory(redis, "0"), Memcached::restart);
    }

    /// Makes the nodes of a cluster announce the ports of their proxies.
    fn announce_proxies(&self) {
        let Servers::Cluster(cluster) = &self.servers else {
            return;
        };
        for (node, proxy) in cluster.nodes().iter().zip(&self.proxies) {
            node.command(&[
                "CONFIG",
                "SET",
                "cluster-announce-port",
                &proxy.port().to_string(),
            ]);
        }
        let start = Instant::now();
        while !cluster.nodes().iter().all(|node| self.is_announced(node)) {
            assert!(start.elapsed() < PATIENCE, "the proxies are not announced");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_announced(&self, node: &Redis) -> bool {
        let Reply::Array(ranges) = node.command(&["CLUSTER", "SLOTS"]) else {
            return false;
        };
        let is_proxy = |range: &Reply| match range {
            Reply::Array(range) => match &range[2] {
                Reply::Array(master) => self
                    .proxies
                    .iter()
                    .any(|proxy| master[1] == Reply::Integer(proxy.port().into())),
                _ => false,
            },
            _ => false,
        };
        ranges.len() == self.proxies.len() && ranges.iter().all(is_proxy)
    }
}

impl Servers {
    fn ports(&self) -> Vec<u16> {
        match self {
            Servers::Redis(redis) => vec![redis.port()],
            Servers::Cluster(cluster) => cluster.nodes().iter().map(Redis::port).collect(),
            Servers::Memcached(servers) => servers.iter().map(Memcached::port).collect(),
        }
    }

    fn each(&self, redis: impl Fn(&Redis), memcached: impl Fn(&Memcached)) {
        match self {
            Servers::Redis(server) => redis(server),
            Servers::Cluster(cluster) => cluster.nodes().iter().for_each(redis),
            Servers::Memcached(servers) => servers.iter().for_each(memcached),
        }
    }
}

/// Zero is no limit.
fn limit_memory(redis: &Redis, bytes: &str) {
    redis.command(&["CONFIG", "SET", "maxmemory", bytes]);
}
