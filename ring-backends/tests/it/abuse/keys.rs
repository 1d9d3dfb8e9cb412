//! Hostile keys, in every storage: each entry is found by its own call and no other, and nothing else is touched.
//!
//! `RING_CACHE_KEYS` sets the number of keys of each kind, `RING_CACHE_SEED` the seed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ring_cache::coder::Json;
use ring_cache::storage::StorageBase;
use ring_cache::{Calls, Error, Lru, Map, RingKey, ring_impl};
use ring_cache_backends::{Disk, Memcached, Redis, RedisCluster, RedisHash, Tiered};
use ring_cache_test_servers::{self as servers, Reply, or_leave_out};

use super::hostile::{Extent, Hostile};

const PATIENCE: Duration = Duration::from_secs(60);

/// The result of a body: a value that is never stored.
const COMPUTED: u64 = u64::MAX;

/// The result of a verb, on fallible and infallible storages.
trait Sure {
    type Value;
    fn sure(self) -> Self::Value;
}

impl<T> Sure for Result<T, Error> {
    type Value = T;
    fn sure(self) -> T {
        self.unwrap()
    }
}

macro_rules! sure {
    ($($value:ty),*) => {
        $(impl Sure for $value {
            type Value = $value;
            fn sure(self) -> $value {
                self
            }
        })*
    };
}

sure!((), bool, Option<u64>, Vec<bool>, Vec<Option<u64>>);

/// Runs code with the rings of all kinds of keys. Each key has its own number.
macro_rules! each_kind {
    ($step:ident, $service:ident, $keys:ident) => {
        $step!(0, $keys.texts, |key: &String| $service
            .text_ring(key.clone()));
        $step!(1, $keys.pairs, |key: &(String, String)| $service
            .pair_ring(key.0.clone(), key.1.clone()));
        $step!(2, $keys.bytes, |key: &Vec<u8>| $service
            .bytes_ring(key.clone()));
        $step!(3, $keys.paths, |key: &PathBuf| $service
            .path_ring(key.clone()));
    };
}

macro_rules! set {
    ($kind:literal, $keys:expr, $call:expr) => {
        for (number, key) in (($kind << 32)..).zip(&$keys) {
            $call(key).set(number).sure();
        }
    };
}

macro_rules! find {
    ($kind:literal, $keys:expr, $call:expr) => {
        for (number, key) in (($kind << 32)..).zip(&$keys) {
            assert_eq!($call(key).get_or_update(), number, "{key:.200?}");
        }
    };
}

macro_rules! find_many {
    ($kind:literal, $keys:expr, $call:expr) => {
        let found = $keys.iter().map($call).get_many().sure();
        assert!(
            found
                .into_iter()
                .eq((($kind << 32)..).take($keys.len()).map(Some))
        );
    };
}

/// Every second one.
macro_rules! delete {
    ($kind:literal, $keys:expr, $call:expr) => {
        for key in $keys.iter().step_by(2) {
            assert!($call(key).delete().sure(), "{key:.200?}");
        }
    };
}

macro_rules! find_those_left {
    ($kind:literal, $keys:expr, $call:expr) => {
        for (number, key) in (0..).zip(&$keys) {
            let there = number % 2 == 1;
            assert_eq!(
                $call(key).get().sure(),
                there.then_some($kind << 32 | number),
                "{key:.200?}"
            );
            assert_eq!($call(key).has().sure(), there, "{key:.200?}");
        }
        let there = $keys.iter().map($call).has_many().sure();
        assert!(
            there
                .into_iter()
                .eq((0..$keys.len()).map(|number| number % 2 == 1))
        );
    };
}

macro_rules! set_many {
    ($kind:literal, $keys:expr, $call:expr) => {
        let numbers = (($kind << 32)..).take($keys.len());
        $keys.iter().map($call).set_many(numbers).sure();
    };
}

/// Two of three.
macro_rules! delete_many {
    ($kind:literal, $keys:expr, $call:expr) => {
        let chosen = || $keys.iter().enumerate().filter(|(number, _)| number % 3 != 0);
        let deleted = chosen().map(|(_, key)| $call(key)).delete_many().sure();
        assert!(deleted.iter().all(|deleted| *deleted));
        let found = $keys.iter().map($call).get_many().sure();
        let left = (0..$keys.len() as u64).map(|number| (number % 3 == 0).then_some($kind << 32 | number));
        assert!(found.into_iter().eq(left));
    };
}

/// A service on a storage, and the test of all its keys.
macro_rules! service {
    ($name:ident, $storage:ty, [$($coder:tt)*]) => {
        mod $name {
            use super::*;

            #[derive(RingKey)]
            pub(super) struct Service {
                #[ring_key(skip)]
                pub(super) storage: $storage,
            }

            #[ring_impl]
            impl Service {
                #[ring(storage = self.storage as $storage, key_prefix = "text" $($coder)*)]
                fn text(&self, text: String) -> u64 {
                    let _ = text;
                    COMPUTED
                }

                #[ring(storage = self.storage as $storage, key_prefix = "pair" $($coder)*)]
                fn pair(&self, one: String, other: String) -> u64 {
                    let _ = (one, other);
                    COMPUTED
                }

                #[ring(storage = self.storage as $storage, key_prefix = "bytes" $($coder)*)]
                fn bytes(&self, bytes: Vec<u8>) -> u64 {
                    let _ = bytes;
                    COMPUTED
                }

                #[ring(storage = self.storage as $storage, key_prefix = "path" $($coder)*)]
                fn path(&self, path: PathBuf) -> u64 {
                    let _ = path;
                    COMPUTED
                }
            }

            /// `count` returns the number of entries.
            pub(super) fn try_all(storage: $storage, stored_key: fn(&$storage, &str) -> String, count: impl Fn(&$storage) -> usize) {
                let (service, extent, start) = (Service { storage }, Extent::asked_for(), Instant::now());
                let long = ["k".repeat(300), ":".repeat(300), "\r\n".repeat(200), "{a}".into(), "a:b".into(), "%~".into()];
                let imitations = long.into_iter().flat_map(|text| {
                    let key = service.text_ring(text.clone()).key().to_string();
                    let stored = stored_key(&service.storage, &key);
                    let bare = key.rsplit("Service:").next().map(str::to_owned);
                    [text, key, stored].into_iter().chain(bare)
                });
                let keys = Hostile::new(&extent, imitations);
                each_kind!(set, service, keys);
                assert_eq!(count(&service.storage), keys.len());
                each_kind!(find, service, keys);
                each_kind!(delete, service, keys);
                each_kind!(find_those_left, service, keys);
                each_kind!(set_many, service, keys);
                each_kind!(find_many, service, keys);
                assert_eq!(count(&service.storage), keys.len());
                each_kind!(delete_many, service, keys);
                let left = [keys.texts.len(), keys.pairs.len(), keys.bytes.len(), keys.paths.len()];
                assert_eq!(count(&service.storage), left.map(|count| count.div_ceil(3)).iter().sum::<usize>());
                println!(
                    "abuse keys: {}: {} keys (seed {}), each found by its own call and no other, in {:.1?}",
                    stringify!($name),
                    keys.len(),
                    extent.seed,
                    start.elapsed()
                );
            }
        }
    };
}

service!(lru, Lru<u64>, []);
service!(map, Map<u64>, []);
service!(disk, Disk, [, coder = Json]);
service!(redis, Redis, [, coder = Json]);
service!(redis_hash, RedisHash, [, coder = Json]);
service!(redis_cluster, RedisCluster, [, coder = Json]);
service!(memcached, Memcached, [, coder = Json]);
service!(tiered, Tiered<Lru<u64>, Redis>, [, coder = Json]);

fn same<S>(_: &S, key: &str) -> String {
    key.to_owned()
}

fn number(reply: &Reply) -> usize {
    match reply {
        Reply::Integer(number) => *number as usize,
        other => panic!("{other:?}"),
    }
}

/// The number of keys of Redis, besides the one that must not change.
fn others(server: &servers::Redis) -> usize {
    assert_eq!(server.command(&["GET", "canary"]).text(), "untouched");
    number(&server.command(&["DBSIZE"])) - 1
}

fn with_canary(server: servers::Redis) -> servers::Redis {
    server.command(&["SET", "canary", "untouched"]);
    server
}

#[test]
fn in_memory() {
    lru::try_all(Lru::new(1_000_000), same, Lru::len);
    map::try_all(Map::new(), same, Map::len);
}

#[test]
fn on_disk() {
    let folder = Path::new("/dev/shm").is_dir().then(|| PathBuf::from("/dev/shm"));
    let folder = folder.unwrap_or_else(std::env::temp_dir);
    let folder = folder.join(format!("ring-cache-abuse-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let open = |name| Disk::open(folder.join(name)).unwrap().deadline(PATIENCE);
    let other = open("cache.db").namespace("other");
    ring_cache::storage::Storage::write(&other, "canary", b"untouched".to_vec(), None, None).unwrap();
    disk::try_all(open("cache.db"), same, |disk| {
        let database = disk.backend().unwrap();
        let all: i64 = database
            .query_row("SELECT count(*) FROM entries", [], |row| row.get(0))
            .unwrap();
        all as usize - 1
    });
    let canary = ring_cache::storage::Storage::read(&other, "canary", None).unwrap();
    assert_eq!(canary.as_deref(), Some(&b"untouched"[..]));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn in_redis() {
    let Some(server) = or_leave_out("hostile keys in Redis", servers::Redis::start()) else {
        return;
    };
    let server = with_canary(server);
    let storage = Redis::open(server.url()).unwrap().deadline(PATIENCE);
    redis::try_all(storage, same, |_| others(&server));
}

#[test]
fn in_a_hash_of_redis() {
    let Some(server) = or_leave_out("hostile keys in hashes of Redis", servers::Redis::start()) else {
        return;
    };
    let server = with_canary(server);
    let storage = RedisHash::open(server.url())
        .unwrap()
        .deadline(PATIENCE)
        .namespace("{a}: ");
    redis_hash::try_all(storage, same, |_| {
        assert!(others(&server) <= 4);
        let count = |ring: &str| number(&server.command(&["HLEN", &format!("{{a}}%3A%20:{ring}")]));
        ["text", "pair", "bytes", "path"].map(count).iter().sum()
    });
}

#[test]
fn in_a_cluster() {
    let Some(cluster) = or_leave_out("hostile keys in a cluster", servers::RedisCluster::start()) else {
        return;
    };
    let storage = RedisCluster::open(cluster.urls()).unwrap().deadline(PATIENCE);
    let size = |node: &servers::Redis| number(&node.command(&["DBSIZE"]));
    cluster.node_of("canary").command(&["SET", "canary", "untouched"]);
    redis_cluster::try_all(storage, same, |_| {
        cluster.nodes().iter().map(size).sum::<usize>() - 1
    });
    assert!(
        cluster.nodes().iter().all(|node| size(node) > 10),
        "keys are spread"
    );
    assert_eq!(
        cluster.node_of("canary").command(&["GET", "canary"]).text(),
        "untouched"
    );
}

#[test]
fn in_memcached() {
    let started = servers::Memcached::options().memory(512).start();
    let Some(server) = or_leave_out("hostile keys in memcached", started) else {
        return;
    };
    server.command("set canary 0 0 9\r\nuntouched");
    let storage = Memcached::open(server.url()).unwrap().deadline(PATIENCE);
    let stored_key = |storage: &Memcached, text: &str| storage.stored_key(text);
    memcached::try_all(storage, stored_key, |_| {
        assert_eq!(server.value("canary").unwrap(), b"untouched");
        server.statistics()["curr_items"].parse::<usize>().unwrap() - 1
    });
    assert_eq!(server.statistics()["cmd_flush"], "0");
}

#[test]
fn in_tiers() {
    let Some(server) = or_leave_out("hostile keys in tiers", servers::Redis::start()) else {
        return;
    };
    let server = with_canary(server);
    let far = Redis::open(server.url()).unwrap().deadline(PATIENCE);
    tiered::try_all(Tiered::new(Lru::new(20), far), same, |_| others(&server));
}
