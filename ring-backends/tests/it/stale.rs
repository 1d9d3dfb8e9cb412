//! Stale entries in each storage outside the process: it tells the remaining life, and stores only the value.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use ring_cache::{
    AsyncCalls, Blocking, Calls, Disk, Lookup, Lru, Memcached, Redis, RedisCluster, RingKey, Tiered,
    ring_impl,
};
use ring_cache_test_servers::{self as servers, Reply, or_leave_out};

use crate::handles::run;

const PATIENCE: Duration = Duration::from_secs(20);

/// An origin with numbered answers; odd ones fail while it is down.
#[derive(Clone, RingKey)]
struct Origin<S> {
    #[ring_key(skip)]
    storage: S,
    #[ring_key(skip)]
    answers: Arc<AtomicU32>,
}

impl<S> Origin<S> {
    fn new(storage: S) -> Self {
        let answers = Arc::default();
        Origin { storage, answers }
    }

    fn answer(&self, id: u32) -> Result<u32, String> {
        if self.answers.load(SeqCst) == u32::MAX {
            return Err("down".into());
        }
        Ok(self.answers.fetch_add(1, SeqCst) + id)
    }

    fn go_down(&self) {
        self.answers.store(u32::MAX, SeqCst);
    }
}

macro_rules! blocking {
    ($name:ident, $Storage:ty) => {
        #[ring_impl(storage = self.storage as $Storage, coder = ring_cache::coder::Json)]
        impl Origin<$Storage> {
            #[ring(expire = "100s", stale = "1000s", refresh = caller, key_prefix = "stale")]
            fn get(&self, id: u32) -> Result<u32, String> {
                self.answer(id)
            }
            #[ring(expire = "100s", stale = "2500ms", refresh = caller)]
            fn for_parts_of_seconds(&self, id: u32) -> Result<u32, String> {
                self.answer(id)
            }
            #[ring(expire = "100s", stale = "1000000 years", refresh = caller)]
            fn for_ever(&self, id: u32) -> Result<u32, String> {
                self.answer(id)
            }
        }

        fn $name(storage: $Storage) -> Result<(), ring_cache::Error> {
            let origin = Origin::new(storage);
            // For any rounding and limit of lives.
            let short = || origin.for_parts_of_seconds_ring(1);
            short().set(1)?;
            assert_eq!(short().lookup()?, Lookup::Fresh(1));
            assert!([short()].expire_many()? == [true] && !short().expire()?);
            assert_eq!(short().lookup()?, Lookup::Stale(1));
            let long = || origin.for_ever_ring(1);
            long().set(1)?;
            assert_eq!(long().lookup()?, Lookup::Fresh(1));
            assert!(long().expire()?);
            assert_eq!(long().lookup()?, Lookup::Stale(1));
            let call = |id| origin.get_ring(id);
            let calls = || [10, 20].map(call);
            assert_eq!(calls().get_or_update_many(), [Ok(10), Ok(21)]);
            assert_eq!(
                (call(10).lookup()?, call(10).has()?),
                (Lookup::Fresh(10), true)
            );
            assert!(call(10).expire()? && !call(10).expire()? && !call(30).expire()?);
            assert_eq!(
                (call(10).lookup()?, call(10).get()?),
                (Lookup::Stale(10), None)
            );
            assert_eq!((call(10).has()?, call(10).touch()?), (false, false));
            assert_eq!(
                calls().lookup_many()?,
                [Lookup::Stale(10), Lookup::Fresh(21)]
            );
            assert_eq!(
                (calls().get_many()?, calls().has_many()?),
                (vec![None, Some(21)], vec![false, true])
            );
            assert_eq!(calls().touch_many()?, [false, true]);
            assert_eq!(origin.get(10), Ok(12), "by the caller");
            assert_eq!(call(10).lookup()?, Lookup::Fresh(12));
            assert_eq!(calls().expire_many()?, [true, true]);
            assert_eq!(calls().get_or_update_many(), [Ok(13), Ok(24)]);
            assert_eq!(calls().expire_many()?, [true, true]);
            origin.go_down();
            assert_eq!(origin.get(10), Ok(13), "it is down");
            assert_eq!(calls().get_or_update_many(), [Ok(13), Ok(24)]);
            assert_eq!(call(10).update(), Err("down".into()));
            call(10).set(7)?;
            assert_eq!(
                calls().lookup_many()?,
                [Lookup::Fresh(7), Lookup::Stale(24)]
            );
            assert_eq!(calls().delete_many()?, [true, false]);
            assert_eq!(
                origin.get(20),
                Err("down".into()),
                "delete ends the fallback"
            );
            Ok(())
        }
    };
}

macro_rules! awaited {
    ($name:ident, $Storage:ty) => {
        #[ring_impl(storage = self.storage as $Storage, coder = ring_cache::coder::Json)]
        impl Origin<$Storage> {
            #[ring(expire = "100s", stale = "1000s", key_prefix = "stale-async")]
            async fn get_async(&self, id: u32) -> Result<u32, String> {
                self.answer(id)
            }
        }

        async fn $name(storage: $Storage) -> Result<(), ring_cache::Error> {
            let origin = Origin::new(storage);
            let call = |id| origin.get_async_ring(id);
            let calls = || [10, 20].map(call);
            assert_eq!(calls().get_or_update_many().await, [Ok(10), Ok(21)]);
            assert!(call(10).expire().await? && !call(10).touch().await?);
            assert_eq!(
                calls().lookup_many().await?,
                [Lookup::Stale(10), Lookup::Fresh(21)]
            );
            assert_eq!(
                origin.get_async(10).await,
                Ok(10),
                "stale, and refreshed in the background"
            );
            let start = Instant::now();
            while call(10).get().await? != Some(12) {
                assert!(start.elapsed() < PATIENCE);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(calls().expire_many().await?, [true, true]);
            origin.go_down();
            assert_eq!(calls().get_or_update_many().await, [Ok(12), Ok(21)]);
            assert_eq!(calls().delete_many().await?, [false, false]);
            assert_eq!(origin.get_async(10).await, Err("down".into()));
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
fn f2_redis_tells_the_remaining_life_and_holds_the_value_alone() -> Result<(), ring_cache::Error> {
    let Some(server) = or_leave_out("stale entries in Redis", servers::Redis::start()) else {
        return Ok(());
    };
    let redis = || Redis::open(server.url()).map(|redis| redis.deadline(PATIENCE));
    on_redis(redis()?)?;
    run(on_redis_async(redis()?))?;
    let origin = Origin::new(redis()?);
    let keys = || match server.command(&["DBSIZE"]) {
        Reply::Integer(keys) => keys,
        other => panic!("{other:?}"),
    };
    let (before, key) = (keys(), origin.get_ring(1).key().to_string());
    origin.get(1).unwrap();
    assert_eq!(keys(), before + 1);
    assert_eq!(server.command(&["GET", &*key]), Reply::Bytes(b"1".to_vec()));
    let Reply::Integer(life) = server.command(&["PTTL", &*key]) else {
        panic!("no expiry")
    };
    assert!((1_090_000..=1_100_000).contains(&life), "{life}");
    // An entry of another program with its own life is stale at the end of that.
    server.command(&["SET", &*key, "5", "EX", "1000"]);
    assert_eq!(origin.get_ring(1).lookup()?, Lookup::Stale(5));
    server.command(&["SET", &*key, "6"]);
    assert_eq!(origin.get_ring(1).lookup()?, Lookup::Fresh(6));
    Ok(())
}

#[test]
fn stale_entries_in_a_cluster() -> Result<(), ring_cache::Error> {
    let Some(servers) = or_leave_out("stale entries in a cluster", servers::RedisCluster::start()) else {
        return Ok(());
    };
    let cluster = || RedisCluster::open(servers.urls()).map(|cluster| cluster.deadline(PATIENCE));
    on_cluster(cluster()?)?;
    run(on_cluster_async(cluster()?))
}

#[test]
fn stale_entries_in_memcached() -> Result<(), ring_cache::Error> {
    let Some(server) = or_leave_out("stale entries in Memcached", servers::Memcached::start()) else {
        return Ok(());
    };
    let memcached = || Memcached::open(server.url()).map(|memcached| memcached.deadline(PATIENCE));
    on_memcached(memcached()?)?;
    run(on_memcached_async(memcached()?))
}

#[test]
fn stale_entries_on_disk() -> Result<(), ring_cache::Error> {
    let folder = std::env::temp_dir().join(format!("ring-cache-stale-{}", std::process::id()));
    on_disk(Disk::open(folder.join("blocking"))?)?;
    run(on_blocking_disk(Blocking::new(Disk::open(
        folder.join("awaited"),
    )?)))?;
    std::fs::remove_dir_all(folder).unwrap();
    Ok(())
}

#[test]
fn f5_the_near_tier_keeps_fresh_entries_only() -> Result<(), ring_cache::Error> {
    let Some(server) = or_leave_out("stale entries in tiers", servers::Redis::start()) else {
        return Ok(());
    };
    let tiers = || {
        let redis = Redis::open(server.url())?.deadline(PATIENCE);
        Ok::<_, ring_cache::Error>(Tiered::new(Lru::new(100), redis))
    };
    on_tiers(tiers()?)?;
    run(on_tiers_async(tiers()?))?;
    // Without reports of changes, near entries are used: none may be stale.
    let (one, other) = (Origin::new(tiers()?), Origin::new(tiers()?));
    let near =
        |origin: &Origin<Tiered<Lru<u32>, Redis>>| origin.storage.near().get(&origin.get_ring(1).key());
    one.get(1).unwrap();
    while near(&one).is_none() {
        one.get(1).unwrap();
    }
    assert!(one.get_ring(1).expire()?);
    assert_eq!((near(&one), one.get_ring(1).lookup()?), (None, Lookup::Stale(1)));
    assert_eq!(near(&one), None, "a stale value that was read is not put near");
    other.get_ring(1).set(9)?;
    assert_eq!(one.get(1), Ok(9), "a value refreshed by another process is found");
    Ok(())
}
