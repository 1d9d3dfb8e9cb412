//! Entries with tags in each storage outside the process. Another handle of the storage acts as another process.

#[cfg(unix)]
mod processes;

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use ring_cache::{
    AsyncCalls, Blocking, Calls, Disk, Lru, Memcached, Redis, RedisCluster, RedisHash, RingKey, Tiered,
    ring_impl, tag,
};
use ring_cache_test_servers::{self as servers, or_leave_out};

use crate::handles::{run, twice};

const PATIENCE: Duration = Duration::from_secs(20);

/// Calls at the same time, and how often.
const TOGETHER: usize = 8;
const IDS: [u32; TOGETHER] = [101, 102, 103, 104, 105, 106, 107, 108];
const ROUNDS: usize = 10;

/// A source with numbered answers.
#[derive(Clone, RingKey)]
struct Source<S> {
    #[ring_key(skip)]
    storage: S,
    #[ring_key(skip)]
    answers: Arc<AtomicU32>,
    /// A gate for bodies.
    #[ring_key(skip)]
    gate: Option<Arc<Barrier>>,
}

impl<S> Source<S> {
    fn of([one, other]: [S; 2]) -> [Self; 2] {
        let answers = Arc::new(AtomicU32::new(1));
        [one, other].map(|storage| Source {
            storage,
            answers: Arc::clone(&answers),
            gate: None,
        })
    }

    /// A value computed before the gate opens is older than one computed after it.
    fn answer(&self) -> u32 {
        let answer = self.answers.fetch_add(1, SeqCst);
        if let Some(gate) = &self.gate {
            gate.wait();
            gate.wait();
        }
        answer
    }

    fn gated(&self) -> (Self, Arc<Barrier>)
    where
        S: Clone,
    {
        let gate = Arc::new(Barrier::new(2));
        let gated = Source {
            gate: Some(Arc::clone(&gate)),
            ..self.clone()
        };
        (gated, gate)
    }
}

/// Whether `check` holds in time: tiers get reports of changes a little later.
fn soon(mut check: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !check() {
        if began.elapsed() > PATIENCE {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

macro_rules! blocking {
    ($name:ident, $Storage:ty $(, $expire:ident = $expiry:literal)?) => {
        #[ring_impl(storage = self.storage as $Storage, coder = ring_cache::coder::Json $(, $expire = $expiry)?)]
        impl Source<$Storage> {
            #[ring(key_prefix = "tags", tags("team", "member:{id}"))]
            fn page(&self, id: u32) -> u32 {
                let _ = id;
                self.answer()
            }

            #[ring(key_prefix = "tags-user")]
            fn user(&self, id: u32) -> u32 {
                let _ = id;
                self.answer()
            }

            #[ring(key_prefix = "tags-friends", depends(self.user(id)))]
            fn friends(&self, id: u32) -> u32 {
                // A near value may be a moment old, and so may a value computed from it.
                let _ = self.user(id);
                self.answer()
            }
        }

        fn $name(storages: [$Storage; 2]) -> Result<(), ring_cache::Error> {
            let [here, there] = Source::of(storages);
            let page = |id| here.page(id);
            let (first, second) = (page(1), page(2));
            assert_eq!([page(1), there.page(1), page(2)], [first, first, second]);

            // One tag, by another process.
            tag("member:1").forget_in(&there.storage)?;
            assert!(soon(|| here.page_ring(1).get().unwrap().is_none()));
            assert!(!here.page_ring(1).has()? && !here.page_ring(1).touch()?);
            let again = there.page(1);
            assert!(again > second, "{again}");
            assert!(soon(|| here.page(1) == again));
            assert_eq!(page(2), second, "its tag was not forgotten");

            // All of a group, in one bulk call.
            tag("team").forget_in(&here.storage)?;
            let calls = |source: &Source<$Storage>| [1, 2, 3].map(|id| source.page_ring(id)).get_or_update_many();
            let all = calls(&here);
            assert!(all.iter().all(|answer| *answer > again), "{all:?} {again}");
            assert_eq!(calls(&here), all);
            assert!(soon(|| calls(&there) == all));
            tag("member:2").forget_in(&here.storage)?;
            let partly = calls(&here);
            assert_eq!((partly[0], partly[2]), (all[0], all[2]));
            assert!(partly[1] > all[2]);

            // A value set by the user has the tags as well.
            here.page_ring(1).set(7)?;
            assert!(soon(|| there.page(1) == 7));
            assert!(here.page_ring(1).touch()?);
            tag("member:1").forget_in(&here.storage)?;
            assert_eq!(here.page_ring(1).get()?, None);
            let updated = here.page_ring(1).update();
            assert_eq!(page(1), updated);
            assert!(here.page_ring(1).delete()? && !here.page_ring(1).has()?);
            [here.page_ring(1), here.page_ring(2)].set_many([8, 9])?;
            assert_eq!([page(1), page(2)], [8, 9]);
            let updated = [here.page_ring(1), here.page_ring(2)].update_many();
            assert_eq!([page(1), page(2)], updated[..]);

            // A superseded computation is returned, and not used any more.
            let (slow, gate) = here.gated();
            tag("team").forget_in(&here.storage)?;
            thread::scope(|scope| {
                let slow = scope.spawn(move || slow.page(1));
                gate.wait();
                tag("member:1").forget_in(&there.storage)?;
                // It began after the forget, so it does not join the older flight.
                let newer = here.page(1);
                gate.wait();
                let older = slow.join().unwrap();
                assert!(older < newer, "{older} {newer}");
                assert_eq!(here.page(1), newer);
                assert!(soon(|| there.page(1) == newer));
                Ok::<_, ring_cache::Error>(())
            })?;

            // A call with dependents.
            let friends = here.friends(5);
            assert_eq!((here.friends(5), there.friends(5)), (friends, friends));
            there.user_ring(6).delete()?;
            assert_eq!(here.friends(5), friends);
            there.user_ring(5).delete()?;
            assert!(soon(|| here.friends_ring(5).get().unwrap().is_none()));
            let friends = here.friends(5);
            there.user_ring(5).set(1)?;
            assert!(soon(|| here.friends(5) != friends));
            let friends = here.friends(5);
            there.user_ring(5).update();
            assert!(soon(|| here.friends(5) != friends));
            let friends = here.friends(5);
            there.user_ring(5).forgetting().delete()?;
            assert!(soon(|| here.friends(5) != friends));
            let friends = here.friends(5);
            there.user_ring(5).expire()?;
            assert!(soon(|| here.friends(5) != friends));

            // Calls that find no version at the same time agree on one: none makes the value of another absent.
            for _ in 0..ROUNDS {
                tag("team").forget_in(&here.storage)?;
                let together = Barrier::new(TOGETHER);
                let computed = thread::scope(|scope| {
                    let calls = IDS.map(|id| {
                        let (source, together) = (if id % 2 == 0 { &here } else { &there }, &together);
                        scope.spawn(move || {
                            together.wait();
                            source.page(id)
                        })
                    });
                    calls.map(|call| Some(call.join().unwrap()))
                });
                let stored = IDS.map(|id| here.page_ring(id).get().unwrap());
                assert_eq!(stored, computed);
            }
            Ok(())
        }
    };
}

macro_rules! awaited {
    ($name:ident, $Storage:ty $(, $expire:ident = $expiry:literal)?) => {
        #[ring_impl(storage = self.storage as $Storage, coder = ring_cache::coder::Json $(, $expire = $expiry)?)]
        impl Source<$Storage> {
            #[ring(key_prefix = "tags-async", tags("team", "member:{id}"))]
            async fn page_async(&self, id: u32) -> u32 {
                let _ = id;
                self.answer()
            }

            #[ring(key_prefix = "tags-user-async")]
            async fn user_async(&self, id: u32) -> u32 {
                let _ = id;
                self.answer()
            }

            #[ring(key_prefix = "tags-friends-async", depends(self.user_async(id)))]
            async fn friends_async(&self, id: u32) -> u32 {
                self.user_async(id).await * 1000 + self.answer()
            }
        }

        async fn $name(storages: [$Storage; 2]) -> Result<(), ring_cache::Error> {
            let [here, there] = Source::of(storages);
            let forget = async |name: &str, source: &Source<$Storage>| -> Result<(), ring_cache::Error> {
                tag(name).forget_in_awaited(&source.storage).await
            };
            let (first, second) = (here.page_async(1).await, here.page_async(2).await);
            assert_eq!((here.page_async(1).await, there.page_async(2).await), (first, second));
            forget("member:1", &there).await?;
            let began = Instant::now();
            while here.page_async_ring(1).get().await?.is_some() {
                assert!(began.elapsed() < PATIENCE);
            }
            let again = here.page_async(1).await;
            assert!(again > second);
            assert_eq!((here.page_async(1).await, here.page_async(2).await), (again, second));
            forget("team", &here).await?;
            let calls = || [1, 2, 3].map(|id| here.page_async_ring(id)).get_or_update_many();
            let all = calls().await;
            assert!(all.iter().all(|answer| *answer > again), "{all:?}");
            assert_eq!(calls().await, all);
            here.page_async_ring(1).set(7).await?;
            assert_eq!(here.page_async(1).await, 7);
            assert!(here.page_async_ring(1).touch().await?);
            let updated = here.page_async_ring(1).update().await;
            assert_eq!(here.page_async(1).await, updated);
            assert!(here.page_async_ring(1).delete().await?);
            assert!(!here.page_async_ring(1).has().await?);
            let updated = [1, 2].map(|id| here.page_async_ring(id)).update_many().await;
            assert_eq!([here.page_async(1).await, here.page_async(2).await], updated[..]);
            let friends = here.friends_async(5).await;
            assert_eq!(here.friends_async(5).await, friends);
            here.user_async_ring(5).delete().await?;
            let again = here.friends_async(5).await;
            assert_ne!(again, friends);
            here.user_async_ring(5).set(1).await?;
            assert_eq!(here.friends_async(5).await / 1000, 1);
            let user = here.user_async_ring(5).update().await;
            assert_eq!(here.friends_async(5).await / 1000, user);
            for _ in 0..ROUNDS {
                forget("team", &here).await?;
                let calls = IDS.map(|id| if id % 2 == 0 { &here } else { &there }.page_async(id));
                let computed = join_all(calls).await;
                let stored = IDS.map(|id| here.page_async_ring(id)).get_or_update_many().await;
                assert_eq!(stored, computed);
            }
            Ok(())
        }
    };
}

blocking!(redis, Redis, expire = "100s");
awaited!(redis_async, Redis, expire = "100s");
blocking!(hash, RedisHash);
blocking!(cluster, RedisCluster, expire = "100s");
awaited!(cluster_async, RedisCluster, expire = "100s");
blocking!(memcached, Memcached, expire = "100s");
awaited!(memcached_async, Memcached, expire = "100s");
blocking!(disk, Disk, expire = "100s");
awaited!(disk_async, Blocking<Disk>, expire = "100s");
blocking!(tiered, Tiered<Lru<u32>, Redis>, expire = "100s");
awaited!(tiered_async, Tiered<Lru<u32>, Redis>, expire = "100s");

#[test]
fn i6_i7_tags_in_redis() -> Result<(), ring_cache::Error> {
    let Some(server) = or_leave_out("tags in Redis", servers::Redis::start()) else {
        return Ok(());
    };
    let open = || Redis::open(server.url()).map(|redis| redis.deadline(PATIENCE));
    redis(twice(open)?)?;
    run(redis_async(twice(open)?))?;
    hash(twice(|| {
        RedisHash::open(server.url()).map(|hash| hash.deadline(PATIENCE))
    })?)
}

#[test]
fn i6_i7_tags_in_tiers() -> Result<(), ring_cache::Error> {
    let Some(server) = or_leave_out("tags in tiers", servers::Redis::start()) else {
        return Ok(());
    };
    let tiers = || {
        let redis = Redis::open(server.url())?.deadline(PATIENCE).namespace("tiers");
        Ok(Tiered::new(Lru::new(100), redis))
    };
    tiered(twice(tiers)?)?;
    run(tiered_async(twice(tiers)?))
}

#[test]
fn i6_i7_tags_in_a_cluster() -> Result<(), ring_cache::Error> {
    let Some(servers) = or_leave_out("tags in a cluster", servers::RedisCluster::start()) else {
        return Ok(());
    };
    let open = || RedisCluster::open(servers.urls()).map(|cluster| cluster.deadline(PATIENCE));
    cluster(twice(open)?)?;
    run(cluster_async(twice(open)?))
}

#[test]
fn i6_i7_tags_in_memcached() -> Result<(), ring_cache::Error> {
    let Some(server) = or_leave_out("tags in Memcached", servers::Memcached::start()) else {
        return Ok(());
    };
    let open = || Memcached::open(server.url()).map(|memcached| memcached.deadline(PATIENCE));
    memcached(twice(open)?)?;
    run(memcached_async(twice(open)?))
}

#[test]
fn i6_i7_tags_on_disk() -> Result<(), ring_cache::Error> {
    let folder = std::env::temp_dir().join(format!("ring-cache-tags-{}", std::process::id()));
    let open = |name| Disk::open(folder.join(name)).map(|disk| disk.deadline(PATIENCE));
    disk(twice(|| open("blocking"))?)?;
    let awaited = twice(|| open("awaited").map(Blocking::new))?;
    run(disk_async(awaited))?;
    std::fs::remove_dir_all(folder).unwrap();
    Ok(())
}
