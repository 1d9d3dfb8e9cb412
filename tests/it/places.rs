//! The places of storages outside the process, and their entries if no coder is named.

use std::fmt::Debug;
use std::num::ParseIntError;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use once_cell::sync::Lazy;
use ring_cache::{Blocking, Disk, Lru, Memcached, Redis, RingKey, Tiered, ring, ring_impl};
use ring_cache_test_servers::{self as servers, Missing, or_leave_out};
use serde::{Deserialize, Serialize};

static SERVER: LazyLock<Result<servers::Redis, Missing>> = LazyLock::new(servers::Redis::start);

fn server() -> Option<&'static servers::Redis> {
    or_leave_out("places of storages", SERVER.as_ref().map_err(Clone::clone))
}

fn redis() -> Redis {
    let server = SERVER.as_ref().expect("tests without a server end before");
    let redis = Redis::open(server.url()).expect("an address");
    redis.deadline(Duration::from_secs(20))
}

static LAZY: LazyLock<Redis> = LazyLock::new(redis);
static ONCE_CELL: Lazy<Redis> = Lazy::new(redis);
static SHARED: LazyLock<Arc<Redis>> = LazyLock::new(|| Arc::new(redis()));
static BOXED: LazyLock<Box<Redis>> = LazyLock::new(|| Box::new(redis().namespace("boxed")));

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
}

#[ring(redis = LAZY, key_prefix = "in_lazy_lock")]
fn in_lazy_lock(id: u32) -> u32 {
    id
}

#[ring(redis = ONCE_CELL, key_prefix = "in_once_cell")]
async fn in_once_cell(id: u32) -> u32 {
    id
}

#[ring(redis = SHARED, key_prefix = "in_arc")]
fn in_arc(id: u32) -> Result<String, ParseIntError> {
    id.to_string().parse::<u32>().map(|id| id.to_string())
}

#[ring(redis = BOXED, key_prefix = "in_box")]
fn in_box(id: u32) -> User {
    User {
        name: format!("user {id}"),
    }
}

#[ring(redis = LAZY, key_prefix = "generic")]
fn generic<T: RingKey + Debug>(id: T) -> Vec<u8> {
    format!("{id:?}").into_bytes()
}

/// The bytes on the server under the key of a call.
fn lying(server: &servers::Redis, key: &ring_cache::Key) -> Option<Vec<u8>> {
    server.command(&["GET", key.as_str()]).bytes()
}

#[test]
fn whatever_holds_it() {
    let Some(server) = server() else { return };
    assert_eq!(
        (in_lazy_lock(1), in_arc(2), generic("three")),
        (1, Ok("2".into()), b"\"three\"".to_vec())
    );
    assert_eq!(in_box(4).name, "user 4");
    assert_eq!(lying(server, &in_lazy_lock_ring(1).key()).unwrap(), [1], "CBOR");
    assert_eq!(
        lying(server, &in_arc_ring(2).key()).unwrap(),
        b"2",
        "text as it is"
    );
    assert_eq!(
        lying(server, &generic_ring("three").key()).unwrap(),
        b"\"three\"",
        "bytes as they are"
    );
    assert_eq!(in_box_ring(4).key(), "boxed:in_box:4");
    assert!(lying(server, &in_box_ring(4).key()).is_some());
    assert_eq!(in_box_ring(4).get().unwrap(), Some(in_box_ring(4).execute()));
}

#[tokio::test]
async fn in_async_functions() {
    let Some(server) = server() else { return };
    assert_eq!(in_once_cell(1).await, 1);
    assert_eq!(in_once_cell_ring(1).get().await.unwrap(), Some(1));
    assert!(lying(server, &in_once_cell_ring(1).key()).is_some());
}

/// A service with a storage of each kind.
#[derive(RingKey)]
struct Service {
    id: u32,
    #[ring_key(skip)]
    redis: Arc<Redis>,
    #[ring_key(skip)]
    memcached: Memcached,
    #[ring_key(skip)]
    disk: Blocking<Disk>,
    #[ring_key(skip)]
    tier: Arc<Tiered<Lru<User>, Redis>>,
}

#[ring_impl(redis = self.redis, expire = "1h")]
impl Service {
    #[ring]
    fn by_default(&self, n: u32) -> u32 {
        self.id + n
    }

    #[ring]
    async fn by_default_async(&self, n: u32) -> u32 {
        self.id + n
    }

    #[ring(memcached = self.memcached)]
    fn on_memcached(&self, n: u32) -> u32 {
        self.id + n
    }

    #[ring(memcached = self.memcached)]
    async fn on_memcached_async(&self, n: u32) -> u32 {
        self.id + n
    }

    #[ring(disk = self.disk)]
    async fn on_disk(&self, n: u32) -> u32 {
        self.id + n
    }

    #[ring(storage = self.tier as Tiered<Lru<User>, Redis>)]
    fn in_tiers(&self, n: u32) -> User {
        User { name: n.to_string() }
    }

    #[ring(storage = self.tier as Tiered<Lru<User>, Redis>, coder = ring_cache::coder::Json)]
    async fn in_tiers_async(&self, n: u32) -> User {
        User { name: n.to_string() }
    }
}

#[tokio::test]
async fn a_service_with_a_storage_of_each_kind() {
    let Some(server) = server() else { return };
    let Some(memcached) = or_leave_out("places of storages", servers::Memcached::start()) else {
        return;
    };
    let file = std::env::temp_dir().join(format!("ring-cache-places-{}.db", std::process::id()));
    let patient = Duration::from_secs(20);
    let service = Service {
        id: 1,
        redis: Arc::new(redis().namespace("service")),
        memcached: Memcached::open(memcached.url()).unwrap().deadline(patient),
        disk: Blocking::new(Disk::open(&file).unwrap().deadline(patient)),
        tier: Arc::new(Tiered::new(Lru::new(10), redis().namespace("tier"))),
    };
    let user = |name: &str| User { name: name.into() };
    for _ in 0..2 {
        assert_eq!((service.by_default(1), service.by_default_async(2).await), (2, 3));
        assert_eq!(
            (service.on_memcached(3), service.on_memcached_async(4).await),
            (4, 5)
        );
        assert_eq!(service.on_disk(5).await, 6);
        assert_eq!(service.in_tiers(6), user("6"));
        assert_eq!(service.in_tiers_async(7).await, user("7"));
    }
    let hits = [
        service.by_default_cache().stats().hits,
        service.by_default_async_cache().stats().hits,
        service.on_memcached_cache().stats().hits,
        service.on_memcached_async_cache().stats().hits,
        service.on_disk_cache().stats().hits,
        service.in_tiers_cache().stats::<User>().hits,
        service.in_tiers_async_cache().stats::<User>().hits,
    ];
    assert_eq!(hits, [1; 7]);
    let json = lying(server, &service.in_tiers_async_ring(7).key()).unwrap();
    assert_eq!(json, br#"{"name":"7"}"#);
    std::fs::remove_file(file).unwrap();
}
