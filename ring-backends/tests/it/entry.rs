//! Bodies that see their entry, and calls with a time limit, on each storage outside the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use ring_cache::{
    Blocking, Disk, Lookup, Lru, Memcached, Redis, RedisCluster, RingKey, Tiered, TimedOut, ring_impl,
};
use ring_cache_test_servers::{self as servers, or_leave_out};

use crate::handles::{run, twice};

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, PartialEq)]
enum Error {
    Slow,
}

impl From<TimedOut> for Error {
    fn from(_: TimedOut) -> Self {
        Error::Slow
    }
}

/// An origin that never changes. Another handle of the storage acts as another process.
#[derive(Clone, RingKey)]
struct Origin<S> {
    #[ring_key(skip)]
    storage: S,
    #[ring_key(skip)]
    other: S,
    #[ring_key(skip)]
    is_slow: Arc<AtomicBool>,
}

impl<S> Origin<S> {
    fn new([storage, other]: [S; 2]) -> Self {
        let is_slow = Arc::default();
        Origin {
            storage,
            other,
            is_slow,
        }
    }

    fn wait(&self) {
        while self.is_slow.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

macro_rules! blocking {
    ($name:ident, $Storage:ty) => {
        #[ring_impl(coder = ring_cache::coder::Json, expire = "100s", stale = "1000s", refresh = caller)]
        impl Origin<$Storage> {
            #[ring(storage = self.other as $Storage, key_prefix = "entry")]
            fn elsewhere(&self, id: u32) -> u32 {
                id
            }

            #[ring(storage = self.storage as $Storage, key_prefix = "entry", entry = e)]
            fn page(&self, id: u32) -> u32 {
                if e.stale() == Some(&7) {
                    self.elsewhere_ring(id).set(99).unwrap();
                }
                if id == 50 {
                    e.expire_in(Duration::from_secs(50));
                }
                e.unchanged().unwrap_or(7)
            }
        }

        #[ring_impl(storage = self.storage as $Storage, coder = ring_cache::coder::Json, expire = "100s")]
        impl Origin<$Storage> {
            #[ring(timeout = "5ms", key_prefix = "slow")]
            fn slow(&self, id: u32) -> Result<u32, Error> {
                self.wait();
                Ok(id)
            }
        }

        fn $name(storages: [$Storage; 2]) -> Result<(), ring_cache::Error> {
            let origin = Origin::new(storages);
            assert_eq!((origin.page(1), origin.page(1)), (7, 7));
            assert!(origin.page_ring(1).expire()?);
            assert_eq!(origin.page_ring(1).lookup()?, Lookup::Stale(7));
            assert_eq!(origin.page(1), 7);
            let found = origin.elsewhere_ring(1).lookup()?;
            assert_eq!(
                found,
                Lookup::Fresh(99),
                "an unchanged value is not written"
            );
            assert_eq!(origin.page(50), 7);
            origin.is_slow.store(true, SeqCst);
            assert_eq!(origin.slow(5), Err(Error::Slow));
            assert!(!origin.slow_ring(5).has()?);
            origin.is_slow.store(false, SeqCst);
            let began = Instant::now();
            while origin.slow_ring(5).get()? != Some(5) {
                assert!(began.elapsed() < PATIENCE);
            }
            Ok(())
        }
    };
}

macro_rules! awaited {
    ($name:ident, $Storage:ty) => {
        #[ring_impl(coder = ring_cache::coder::Json, expire = "100s", stale = "1000s", refresh = caller)]
        impl Origin<$Storage> {
            #[ring(storage = self.other as $Storage, key_prefix = "entry-async")]
            async fn elsewhere_async(&self, id: u32) -> u32 {
                id
            }

            #[ring(storage = self.storage as $Storage, key_prefix = "entry-async", entry = e)]
            async fn page_async(&self, id: u32) -> u32 {
                if e.stale() == Some(&7) {
                    self.elsewhere_async_ring(id).set(99).await.unwrap();
                }
                e.unchanged().unwrap_or(7)
            }
        }

        #[ring_impl(storage = self.storage as $Storage, coder = ring_cache::coder::Json, expire = "100s")]
        impl Origin<$Storage> {
            #[ring(timeout = "5ms", key_prefix = "slow-async")]
            async fn slow_async(&self, id: u32) -> Result<u32, Error> {
                while self.is_slow.load(SeqCst) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Ok(id)
            }
        }

        async fn $name(storages: [$Storage; 2]) -> Result<(), ring_cache::Error> {
            let origin = Origin::new(storages);
            assert_eq!(
                (origin.page_async(1).await, origin.page_async(1).await),
                (7, 7)
            );
            assert!(origin.page_async_ring(1).expire().await?);
            assert_eq!(origin.page_async(1).await, 7);
            let found = origin.elsewhere_async_ring(1).lookup().await?;
            assert_eq!(
                found,
                Lookup::Fresh(99),
                "an unchanged value is not written"
            );
            origin.is_slow.store(true, SeqCst);
            assert_eq!(origin.slow_async(5).await, Err(Error::Slow));
            origin.is_slow.store(false, SeqCst);
            let began = Instant::now();
            while origin.slow_async_ring(5).get().await? != Some(5) {
                assert!(began.elapsed() < PATIENCE);
            }
            Ok(())
        }
    };
}

blocking!(on_redis, Redis);
awaited!(on_redis_async, Redis);
blocking!(on_cluster, RedisCluster);
awaited!(on_cluster_async, RedisCluster);
blocking!(on_memcached, Memcached);
awaited!(on_memcached_async, Memcached);
blocking!(on_disk, Disk);
awaited!(on_blocking_disk, Blocking<Disk>);
blocking!(on_tiers, Tiered<Lru<u32>, Redis>);
awaited!(on_tiers_async, Tiered<Lru<u32>, Redis>);

#[test]
fn f16_f21_in_redis_and_in_tiers() -> Result<(), ring_cache::Error> {
    let Some(server) = or_leave_out("entries in Redis", servers::Redis::start()) else {
        return Ok(());
    };
    let redis = || Redis::open(server.url()).map(|redis| redis.deadline(PATIENCE));
    on_redis(twice(redis)?)?;
    run(on_redis_async(twice(redis)?))?;
    let Some(server) = or_leave_out("entries in tiers", servers::Redis::start()) else {
        return Ok(());
    };
    let tiers = || {
        let redis = Redis::open(server.url())?.deadline(PATIENCE);
        Ok(Tiered::new(Lru::new(100), redis))
    };
    on_tiers(twice(tiers)?)?;
    run(on_tiers_async(twice(tiers)?))
}

#[test]
fn f16_f21_in_a_cluster() -> Result<(), ring_cache::Error> {
    let Some(servers) = or_leave_out("entries in a cluster", servers::RedisCluster::start()) else {
        return Ok(());
    };
    let cluster = || RedisCluster::open(servers.urls()).map(|cluster| cluster.deadline(PATIENCE));
    on_cluster(twice(cluster)?)?;
    run(on_cluster_async(twice(cluster)?))
}

#[test]
fn f16_f21_in_memcached() -> Result<(), ring_cache::Error> {
    let Some(server) = or_leave_out("entries in Memcached", servers::Memcached::start()) else {
        return Ok(());
    };
    let memcached = || Memcached::open(server.url()).map(|memcached| memcached.deadline(PATIENCE));
    on_memcached(twice(memcached)?)?;
    run(on_memcached_async(twice(memcached)?))
}

#[test]
fn f16_f21_on_disk() -> Result<(), ring_cache::Error> {
    let folder = std::env::temp_dir().join(format!("ring-cache-entry-{}", std::process::id()));
    on_disk(twice(|| Disk::open(folder.join("blocking")))?)?;
    let awaited = twice(|| Disk::open(folder.join("awaited")).map(Blocking::new))?;
    run(on_blocking_disk(awaited))?;
    std::fs::remove_dir_all(folder).unwrap();
    Ok(())
}
