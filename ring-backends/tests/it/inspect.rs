//! The keys of a ring as the inspector lists them, in each storage outside the process.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ring_cache::{
    Blocking, Disk, Lru, Memcached, Redis, RedisCluster, RedisHash, RingKey, Tiered, ring, ring_impl,
};
use ring_cache_core::inspect::Inspected;
use ring_cache_test_servers::{self as servers, or_leave_out};

const PATIENCE: Duration = Duration::from_secs(20);

/// The number of keys that are not deleted singly.
const COUNT: u32 = 250;

/// A service over a storage. Texts have braces and spaces.
#[derive(Clone, RingKey)]
struct Texts<S> {
    #[ring_key(skip)]
    storage: S,
}

/// A service over `$Storage`, with the names of its rings.
macro_rules! service {
    ($Storage:ty, $name:literal, $other:literal $($options:tt)*) => {
        #[ring_impl(storage = self.storage as $Storage, coder = ring_cache::coder::Json)]
        impl Texts<$Storage> {
            #[ring(key_prefix = $name $($options)*)]
            fn text(&self, id: String) -> String {
                id
            }

            #[ring(key_prefix = $other)]
            fn other(&self, id: String) -> String {
                id
            }
        }

        impl Service for Texts<$Storage> {
            fn fill(&self) {
                for id in 0..COUNT {
                    self.text(id_of(id));
                    self.other(id_of(id));
                }
            }

            fn texts(&self) -> BTreeSet<String> {
                let keys = (0..COUNT).map(|id| self.text_ring(id_of(id)).stored_key());
                keys.collect()
            }

            fn has(&self, id: u32) -> bool {
                self.text_ring(id_of(id)).has().unwrap()
            }

            fn has_other(&self, id: u32) -> bool {
                self.other_ring(id_of(id)).has().unwrap()
            }
        }
    };
}

trait Service {
    fn fill(&self);
    /// The texts of the keys in the storage.
    fn texts(&self) -> BTreeSet<String>;
    fn has(&self, id: u32) -> bool;
    fn has_other(&self, id: u32) -> bool;
}

fn id_of(id: u32) -> String {
    format!("{{number}} {id}")
}

service!(
    Redis,
    "inspect:redis",
    "inspect:redis2",
    expire = "100s",
    stale = "1000s"
);
service!(RedisHash, "inspect:hash", "inspect:hash2");
service!(
    RedisCluster,
    "inspect:cluster",
    "inspect:cluster2",
    expire = "100s",
    stale = "1000s"
);
service!(
    Disk,
    "inspect:disk",
    "inspect:disk2",
    expire = "100s",
    stale = "1000s"
);
type OverRedis = Tiered<Lru<String>, Redis>;
service!(
    OverRedis,
    "inspect:over-redis",
    "inspect:over-redis2",
    expire = "100s",
    stale = "1000s"
);
type OverDisk = Tiered<Lru<String>, Disk>;
service!(
    OverDisk,
    "inspect:over-disk",
    "inspect:over-disk2",
    expire = "100s",
    stale = "1000s"
);
service!(
    Memcached,
    "inspect:memcached",
    "inspect:memcached2",
    expire = "100s",
    stale = "1000s"
);

/// The storage of a ring that was used on one.
fn inspected(name: &str) -> Inspected {
    let rings = ring_cache::rings();
    let ring = rings.iter().find(|ring| ring.name() == name);
    ring.expect("the ring was used")
        .inspected()
        .pop()
        .expect("its storage is there")
}

fn all_keys(storage: &Inspected, at_most: usize) -> Vec<String> {
    let (mut keys, mut from) = (Vec::new(), String::new());
    loop {
        let page = storage.keys(&from, at_most).unwrap();
        keys.extend(page.keys.into_iter().map(|key| key.text));
        match page.next {
            Some(next) => from = next,
            None => return keys,
        }
    }
}

/// Lists, expires, deletes and clears, while another ring stays unchanged.
fn assert_inspectable(service: &impl Service, name: &str, expires: bool) {
    service.fill();
    let storage = inspected(name);
    assert_eq!(storage.refusal(), None, "{name}");
    for at_most in [10, 100, 1000] {
        assert_eq!(
            BTreeSet::from_iter(all_keys(&storage, at_most)),
            service.texts(),
            "{name}"
        );
    }
    let key = |id: u32| service.texts().into_iter().nth(id as usize).unwrap();
    assert!(storage.delete(&key(0)).unwrap(), "{name}");
    assert!(!storage.delete(&key(0)).unwrap(), "{name}: it is gone");
    assert_eq!(all_keys(&storage, 100).len() as u32, COUNT - 1, "{name}");
    if expires {
        assert!(storage.expire(&key(1)).unwrap(), "{name}");
        assert!(!storage.expire(&key(1)).unwrap(), "{name}: it is stale already");
        let page = storage.keys("", 10_000).unwrap();
        let found = page.keys.iter().find(|found| found.text == key(1)).unwrap();
        let remaining = found.remaining.expect("it expires");
        assert!(remaining <= Duration::from_secs(1000), "{name}: {remaining:?}");
    }
    let foreign = [
        format!("{name}2:x"),
        format!("x{}", key(2)),
        String::new(),
        "*".into(),
        "{}".into(),
    ];
    for foreign in &foreign {
        assert!(!storage.delete(foreign).unwrap(), "{name}: {foreign}");
        assert!(!storage.expire(foreign).unwrap(), "{name}: {foreign}");
    }
    let there = (0..COUNT).filter(|id| service.has(*id)).count() as u32;
    assert_eq!(
        there,
        COUNT - 1 - u32::from(expires),
        "{name}: neither one that is gone nor one that is stale"
    );
    storage.clear().unwrap();
    assert!(all_keys(&storage, 100).is_empty(), "{name}");
    assert!(
        (0..COUNT).all(|id| !service.has(id) && service.has_other(id)),
        "{name}"
    );
}

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("ring-cache-inspect-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[test]
fn keys_in_redis() {
    let Some(server) = or_leave_out("keys in Redis for the inspector", servers::Redis::start()) else {
        return;
    };
    let redis = Redis::open(server.url()).unwrap().deadline(PATIENCE);
    let redis = redis.namespace("shop");
    assert_inspectable(&Texts { storage: redis }, "inspect:redis", true);
    let hash = RedisHash::open(server.url()).unwrap().deadline(PATIENCE);
    assert_inspectable(&Texts { storage: hash }, "inspect:hash", false);
}

/// Keys of another program are not listed as keys of the ring, nor are values that look like them.
#[test]
fn what_others_keep_in_redis_is_not_listed() {
    let Some(server) = or_leave_out("keys of others in Redis", servers::Redis::start()) else {
        return;
    };
    let mut client = client_of(server.url());
    for (key, value) in [("foreign:1", "1"), ("foreig", "1"), ("foreign2:1", "1")] {
        let () = redis::cmd("SET").arg(key).arg(value).query(&mut client).unwrap();
    }
    let () = redis::cmd("SET")
        .arg(b"foreign:\xff")
        .arg("no text")
        .query(&mut client)
        .unwrap();
    let hash = Foreign(RedisHash::open(server.url()).unwrap().deadline(PATIENCE));
    hash.field(7);
    let () = redis::cmd("HSET")
        .arg("foreign")
        .arg("x")
        .arg("foreign:8")
        .query(&mut client)
        .unwrap();
    assert_eq!(all_keys(&inspected("foreign"), 10), ["foreign:Foreign:7"]);
}

fn client_of(url: String) -> redis::Connection {
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

#[derive(RingKey)]
struct Foreign(#[ring_key(skip)] RedisHash);

#[ring_impl(storage = self.0 as RedisHash)]
impl Foreign {
    #[ring(key_prefix = "foreign")]
    fn field(&self, id: u32) -> u32 {
        id
    }
}

#[test]
fn keys_in_a_cluster() {
    let Some(servers) = or_leave_out(
        "keys in a cluster for the inspector",
        servers::RedisCluster::start(),
    ) else {
        return;
    };
    let cluster = RedisCluster::open(servers.urls()).unwrap().deadline(PATIENCE);
    let service = Texts { storage: cluster };
    assert_inspectable(&service, "inspect:cluster", true);
    let nodes = inspected("inspect:cluster").health().nodes;
    assert!(
        nodes.len() >= 3 && nodes.iter().all(|node| !node.is_open),
        "{nodes:?}"
    );
}

#[test]
fn keys_on_disk() {
    let folder = folder("disk");
    let disk = Disk::open(folder.join("keys.db"))
        .unwrap()
        .deadline(PATIENCE)
        .namespace("shop");
    let service = Texts { storage: disk };
    assert_inspectable(&service, "inspect:disk", true);
    assert!(inspected("inspect:disk").health().notes[0].contains("keys.db"));
    drop(service);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn keys_in_tiers() {
    let folder = folder("tiers");
    let disk = Disk::open(folder.join("keys.db"))
        .unwrap()
        .deadline(PATIENCE)
        .namespace("shop");
    let service = Texts {
        storage: Tiered::new(Lru::new(1000), disk),
    };
    service.text("x".into());
    let closed = inspected("inspect:over-disk");
    assert!(
        closed
            .refusal()
            .is_some_and(|refusal| refusal.contains(".inspectable()"))
    );
    let open = Texts {
        storage: service.storage.inspectable(),
    };
    open.text_cache().clear().unwrap();
    assert_inspectable(&open, "inspect:over-disk", true);
    drop(open);
    std::fs::remove_dir_all(folder).unwrap();

    let Some(server) = or_leave_out("keys in tiers over Redis", servers::Redis::start()) else {
        return;
    };
    let redis = Redis::open(server.url())
        .unwrap()
        .deadline(PATIENCE)
        .namespace("shop");
    let near = Lru::new(1000).inspectable();
    let service = Texts {
        storage: Tiered::new(near, redis).inspectable(),
    };
    assert_inspectable(&service, "inspect:over-redis", true);
}

#[test]
fn memcached_lists_nothing_and_deletes_what_is_named() {
    let Some(server) = or_leave_out("memcached and the inspector", servers::Memcached::start()) else {
        return;
    };
    let service = Texts {
        storage: Memcached::open(server.url()).unwrap().deadline(PATIENCE),
    };
    service.fill();
    let storage = inspected("inspect:memcached");
    assert_eq!(storage.refusal(), Some("memcached does not list keys"));
    assert!(storage.keys("", 10).is_err() && storage.clear().is_err());
    let key = service.text_ring(id_of(7)).stored_key();
    assert!(storage.delete(&key).unwrap() && !storage.delete(&key).unwrap());
    assert!(!service.has(7) && service.has(8));
    assert!(
        !storage
            .delete(&service.other_ring(id_of(8)).stored_key())
            .unwrap(),
        "of another ring"
    );
    assert!(service.has_other(8));
}

/// The breaker of a server that is down.
#[test]
fn an_open_breaker_is_seen() {
    let redis = Redis::open("redis://127.0.0.1:1")
        .unwrap()
        .breaker(ring_cache::Breaker::after(1).pause(PATIENCE));
    let service = Gone(redis);
    service.number(1);
    let health = inspected("inspect:gone").health();
    let [node] = &health.nodes[..] else {
        panic!("{health:?}")
    };
    assert!(node.is_open && node.fault.is_some(), "{health:?}");
    assert!(health.notes[0].contains("127.0.0.1:1"), "{health:?}");
    let error = inspected("inspect:gone").keys("", 10).unwrap_err();
    assert!(error.to_string().contains("breaker"), "{error}");
}

#[derive(RingKey)]
struct Gone(#[ring_key(skip)] Redis);

#[ring_impl(storage = self.0 as Redis)]
impl Gone {
    #[ring(key_prefix = "inspect:gone")]
    fn number(&self, id: u32) -> u32 {
        id
    }
}

static FILES: LazyLock<Blocking<Disk>> = LazyLock::new(|| {
    Blocking::new(
        Disk::open(folder("blocking").join("keys.db"))
            .unwrap()
            .deadline(PATIENCE),
    )
});
static TIERS: LazyLock<Tiered<Lru<u32>, Disk>> = LazyLock::new(|| {
    let disk = Disk::open(folder("static").join("keys.db")).unwrap();
    Tiered::new(Lru::new(100), disk.deadline(PATIENCE))
});
static NUMBERS: LazyLock<Lru<u32>> = LazyLock::new(|| Lru::new(100));

#[ring(storage = FILES as Blocking<Disk>, key_prefix = "inspect:blocking")]
async fn awaited(id: u32) -> u32 {
    id
}

#[ring(storage = TIERS as Tiered<Lru<u32>, Disk>, key_prefix = "inspect:static-tiers")]
fn tiered(id: u32) -> u32 {
    id
}

#[ring(storage = NUMBERS as Lru<u32>, key_prefix = "inspect:static")]
fn number(id: u32) -> u32 {
    id
}

#[ring(key_prefix = "inspect:own")]
fn own(id: u32) -> u32 {
    id
}

#[ring(key_prefix = "inspect:own-async")]
async fn own_async(id: u32) -> u32 {
    id
}

#[ring(key_prefix = "inspect:generic")]
fn generic<T: RingKey + Clone + Send + Sync + 'static>(id: T) -> T {
    id
}

/// Storages in statics need no call of the user.
#[test]
fn keys_of_statics() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        awaited(7).await;
        own_async(7).await;
    });
    tiered(7);
    number(7);
    own(7);
    generic(7_u32);
    let start = Instant::now();
    for name in ["blocking", "static-tiers", "static", "own", "own-async"] {
        let storage = inspected(&format!("inspect:{name}"));
        assert_eq!(storage.refusal(), None, "{name}");
        assert_eq!(all_keys(&storage, 10), [format!("inspect:{name}:7")]);
        assert!(storage.delete(&format!("inspect:{name}:7")).unwrap(), "{name}");
    }
    assert!(!own_ring(7).has() && !number_ring(7).has() && !tiered_ring(7).has().unwrap());
    assert!(start.elapsed() < PATIENCE);
    let rings = ring_cache::rings();
    let generic = rings
        .iter()
        .find(|ring| ring.name().starts_with("inspect:generic"))
        .unwrap();
    assert_eq!(generic.inspected()[0].keys("", 10).unwrap().keys.len(), 1);
    for name in ["blocking", "static"] {
        let _ = std::fs::remove_dir_all(folder(name));
    }
}

static SLOWLY_REACHED: LazyLock<Lru<u32>> = LazyLock::new(|| Lru::new(100));
static REACHES: AtomicBool = AtomicBool::new(false);
static MAY_REACH: AtomicBool = AtomicBool::new(false);

fn wait_for(event: &AtomicBool) {
    let start = Instant::now();
    while !event.load(Ordering::SeqCst) && start.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Takes its time in the thread of this name.
fn slowly_reached() -> &'static Lru<u32> {
    if thread::current().name() == Some("slow inspector") {
        REACHES.store(true, Ordering::SeqCst);
        wait_for(&MAY_REACH);
    }
    &SLOWLY_REACHED
}

#[ring(storage = slowly_reached() as Lru<u32>, key_prefix = "inspect:slowly-reached")]
fn reached(id: u32) -> u32 {
    id
}

/// Another thread may be reaching the same storage for the first time.
#[test]
fn a_storage_is_listed_although_another_thread_has_not_reached_it_yet() {
    reached(7);
    let slow = thread::Builder::new().name("slow inspector".into());
    let slow = slow.spawn(|| inspected("inspect:slowly-reached").refusal());
    // Another test may have reached it before.
    wait_for(&REACHES);
    assert_eq!(inspected("inspect:slowly-reached").refusal(), None);
    MAY_REACH.store(true, Ordering::SeqCst);
    assert_eq!(slow.unwrap().join().unwrap(), None);
}
