//! `coder = Sealed<Cbor, OfThisProgram>` on each storage outside the process.

use std::sync::{Arc, LazyLock, RwLock};
use std::time::Duration;

use ring_cache::coder::{Cbor, Keys, Lz4, Packed, Sealed, SealingKey};
use ring_cache::storage::Storage;
use ring_cache::{
    AsyncCalls, Blocking, Calls, Disk, Key, Lru, Memcached, Redis, RedisCluster, RedisHash, RingKey, Tiered,
    ring, ring_impl,
};
use ring_cache_test_servers::{self as servers, Missing, or_leave_out};
use serde::{Deserialize, Serialize};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct OfThisProgram;

impl Keys for OfThisProgram {
    fn current() -> Arc<[SealingKey]> {
        static KEYS: LazyLock<Arc<[SealingKey]>> = LazyLock::new(|| [SealingKey::new(1, [1; 32])].into());
        Arc::clone(&KEYS)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
}

fn named(id: u32) -> User {
    User {
        name: format!("Ada Lovelace {id}"),
    }
}

/// A service with one storage, and a method in each form that the storage has.
macro_rules! service {
    ($Service:ident, $Storage:ty, $self:ident, $options:tt, $($form:ident)*) => {
        #[derive(RingKey)]
        struct $Service {
            #[ring_key(skip)]
            storage: $Storage,
        }

        $(service!(@$form $Service, $self, $options);)*
    };
    (@blocking $Service:ident, $self:ident, ($($option:tt)*)) => {
        #[ring_impl($($option)*, coder = Sealed<Cbor, OfThisProgram>)]
        impl $Service {
            #[ring]
            fn user(&$self, id: u32) -> User {
                named(id)
            }
        }
    };
    (@awaited $Service:ident, $self:ident, ($($option:tt)*)) => {
        #[ring_impl($($option)*)]
        impl $Service {
            #[ring(coder = Sealed<Packed<Cbor, Lz4>, OfThisProgram>)]
            async fn user_async(&$self, id: u32) -> User {
                named(id)
            }
        }
    };
}

service!(OnRedis, Redis, self, (redis = self.storage, expire = "1h"), blocking awaited);
service!(OnHash, RedisHash, self, (redis_hash = self.storage), blocking awaited);
service!(OnCluster, RedisCluster, self, (redis_cluster = self.storage, expire = "1h"), blocking awaited);
service!(OnMemcached, Memcached, self, (memcached = self.storage, expire = "1h"), blocking awaited);
service!(OnDisk, Disk, self, (disk = self.storage, expire = "1h"), blocking);
service!(
    OnDiskAsync,
    Blocking<Disk>,
    self,
    (disk = self.storage, expire = "1h"),
    awaited
);
type Tiers = Tiered<Lru<User>, Redis>;
service!(InTiers, Tiers, self, (storage = self.storage as Tiers, expire = "1h"), blocking awaited);

/// Copies an entry to another key.
fn copy(far: &impl Storage<Vec<u8>, Error = ring_cache::Error>, from: &Key, to: &Key) {
    let bytes = far.get(from).unwrap().expect("an entry");
    assert_eq!(bytes[..5], [1, 0, 0, 0, 1], "sealed with the first key");
    assert!(
        !bytes.windows(3).any(|part| part == b"Ada"),
        "the value is hidden"
    );
    far.set(to, bytes, None).unwrap();
}

macro_rules! check {
    ($service:expr, $far:expr) => {{
        let (service, far) = (&$service, $far);
        let users = |ids: [u32; 3]| ids.map(|id| service.user_ring(id));
        assert_eq!(service.user(1), named(1));
        assert_eq!(users([1, 2, 3]).get_or_update_many(), [1, 2, 3].map(named));
        users([4, 5, 6]).set_many([4, 5, 6].map(named)).unwrap();
        assert_eq!(service.user_ring(7).update(), named(7));
        for id in 1..=7 {
            assert_eq!(service.user_ring(id).get().unwrap(), Some(named(id)));
            assert!(far.get(&service.user_ring(id).key()).unwrap().is_some());
        }
        let stored = users([2, 4, 7]).get_many().unwrap();
        assert_eq!(stored, [2, 4, 7].map(|id| Some(named(id))));
        let moved = service.user_ring(10);
        copy(far, &service.user_ring(1).key(), &moved.key());
        assert_eq!(moved.get().unwrap(), None, "an entry under another key");
        assert_eq!(users([10, 11, 1]).get_or_update_many(), [10, 11, 1].map(named));
        assert_eq!(moved.get().unwrap(), Some(named(10)));
        let bytes = far.get(&moved.key()).unwrap().unwrap();
        assert_eq!(moved.decode(&bytes).unwrap(), named(10));
        assert!(service.user_ring(1).decode(&bytes).is_err());
    }};
}

macro_rules! check_async {
    ($service:expr, $far:expr) => {{
        let (service, far) = (&$service, $far);
        let users = |ids: [u32; 3]| ids.map(|id| service.user_async_ring(id));
        assert_eq!(service.user_async(1).await, named(1));
        assert_eq!(users([1, 2, 3]).get_or_update_many().await, [1, 2, 3].map(named));
        users([4, 5, 6]).set_many([4, 5, 6].map(named)).await.unwrap();
        assert_eq!(service.user_async_ring(7).update().await, named(7));
        for id in 1..=7 {
            assert_eq!(service.user_async_ring(id).get().await.unwrap(), Some(named(id)));
        }
        let stored = users([2, 4, 7]).get_many().await.unwrap();
        assert_eq!(stored, [2, 4, 7].map(|id| Some(named(id))));
        let moved = service.user_async_ring(10);
        copy(far, &service.user_async_ring(1).key(), &moved.key());
        assert_eq!(moved.get().await.unwrap(), None, "an entry under another key");
        assert_eq!(
            users([10, 11, 1]).get_or_update_many().await,
            [10, 11, 1].map(named)
        );
        assert_eq!(moved.get().await.unwrap(), Some(named(10)));
    }};
}

fn redis() -> Option<&'static servers::Redis> {
    static SERVER: LazyLock<Result<servers::Redis, Missing>> = LazyLock::new(servers::Redis::start);
    or_leave_out("sealed values on Redis", SERVER.as_ref().map_err(Clone::clone))
}

fn open(server: &servers::Redis, namespace: &str) -> Redis {
    Redis::open(server.url())
        .unwrap()
        .deadline(PATIENCE)
        .namespace(namespace)
}

#[tokio::test]
async fn on_redis() {
    let Some(server) = redis() else { return };
    let storage = open(server, "sealed");
    let service = OnRedis {
        storage: storage.clone(),
    };
    check!(service, &storage);
    check_async!(service, &storage);
}

#[tokio::test]
async fn on_a_redis_hash() {
    let Some(server) = redis() else { return };
    let storage = RedisHash::open(server.url())
        .unwrap()
        .deadline(PATIENCE)
        .namespace("hash");
    let service = OnHash {
        storage: storage.clone(),
    };
    check!(service, &storage);
    check_async!(service, &storage);
}

#[tokio::test]
async fn on_a_redis_cluster() {
    let Some(servers) = or_leave_out("sealed values on a cluster", servers::RedisCluster::start()) else {
        return;
    };
    let storage = RedisCluster::open(servers.urls()).unwrap().deadline(PATIENCE);
    let service = OnCluster {
        storage: storage.clone(),
    };
    check!(service, &storage);
    check_async!(service, &storage);
}

#[tokio::test]
async fn on_memcached() {
    let Some(server) = or_leave_out("sealed values on memcached", servers::Memcached::start()) else {
        return;
    };
    let storage = Memcached::open(server.url()).unwrap().deadline(PATIENCE);
    let service = OnMemcached {
        storage: storage.clone(),
    };
    check!(service, &storage);
    check_async!(service, &storage);
}

#[tokio::test]
async fn on_disk() {
    let file = std::env::temp_dir().join(format!("ring-cache-sealed-{}.db", std::process::id()));
    let storage = Disk::open(&file).unwrap().deadline(PATIENCE);
    check!(
        OnDisk {
            storage: storage.clone()
        },
        &storage
    );
    let service = OnDiskAsync {
        storage: Blocking::new(storage.clone()),
    };
    check_async!(service, &storage);
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn in_tiers() {
    let Some(server) = redis() else { return };
    let far = open(server, "far");
    let service = InTiers {
        storage: Tiered::new(Lru::new(100), far.clone()),
    };
    check!(service, &far);
    check_async!(service, &far);
    // Another process, whose near tier is empty.
    let other = InTiers {
        storage: Tiered::new(Lru::new(100), far.clone()),
    };
    assert_eq!(other.user_ring(1).get().unwrap(), Some(named(1)));
    let ids = [2, 3].map(|id| other.user_ring(id));
    assert_eq!(ids.get_many().unwrap(), [2, 3].map(|id| Some(named(id))));
    // An entry of another namespace.
    let elsewhere = InTiers {
        storage: Tiered::new(Lru::new(100), open(server, "elsewhere")),
    };
    copy(&far, &service.user_ring(1).key(), &elsewhere.user_ring(1).key());
    assert_eq!(elsewhere.user_ring(1).get().unwrap(), None);
}

static ROTATED: RwLock<Vec<u8>> = RwLock::new(Vec::new());

/// Keys that change while the program runs.
struct Rotated;

impl Keys for Rotated {
    fn current() -> Arc<[SealingKey]> {
        let ids = ROTATED.read().unwrap();
        ids.iter()
            .map(|id| SealingKey::new((*id).into(), [*id; 32]))
            .collect()
    }
}

#[ring(redis = rotated(), coder = Sealed<Cbor, Rotated>, key_prefix = "rotated")]
fn rotating(id: u32) -> User {
    named(id)
}

fn rotated() -> &'static Redis {
    static STORAGE: LazyLock<Redis> = LazyLock::new(|| open(redis().expect("a server"), "rotated"));
    &STORAGE
}

/// Two processes that share a storage never miss while a key is replaced.
#[test]
fn c1_keys_are_replaced_on_a_server_without_downtime() {
    if redis().is_none() {
        return;
    }
    let keys = |ids: &[u8]| *ROTATED.write().unwrap() = ids.to_vec();
    let is_hit = |id: u32| rotating_ring(id).get().unwrap().is_some();
    keys(&[1]);
    rotating(1);
    keys(&[1, 2]);
    assert!(is_hit(1));
    keys(&[2, 1]);
    rotating(2);
    assert!(is_hit(1) && is_hit(2));
    keys(&[1, 2]);
    assert!(is_hit(1) && is_hit(2), "a process that is behind");
    keys(&[2]);
    assert!(!is_hit(1) && is_hit(2));
    assert_eq!(rotating(1), named(1));
    assert!(is_hit(1));
    // A look-up by `get` and one by the plain call.
    assert_eq!(rotating_cache().stats().errors, 2);
}
