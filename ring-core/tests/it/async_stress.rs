//! Random work of many tasks on few keys, dropped at random points, and a checker: no value whose computation began
//! before a delete is seen after it, and no call waits forever.
//!
//! Stamps are taken and checked as in [`stress`](crate::stress).

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::Poll;
use std::time::{Duration, Instant};

use ring_cache_core::storage::AsyncStorage;
use ring_cache_core::{AsyncCache, AsyncCalls, Lru, Ring};

use crate::support::{
    AsyncRemote, Random, assert_quiet, async_fallible, keep, leak, patient, pause, run_within,
};

const KEYS: u64 = 4;
const TASKS: u64 = 24;

/// Polls `future` at most this many times.
async fn within_polls<T>(polls: u64, future: impl Future<Output = T>) -> Option<T> {
    let (mut left, mut future) = (polls, pin!(future));
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        let polled = future.as_mut().poll(context).map(Some);
        if left == 0 {
            context.waker().wake_by_ref();
        }
        polled
    })
    .await
}

struct World<S: 'static> {
    ring: &'static Ring,
    storage: &'static S,
    clock: AtomicU64,
    /// For each key the start of the latest completed delete.
    deleted: [AtomicU64; KEYS as usize],
}

impl<S> World<S> {
    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, SeqCst)
    }

    fn deleted(&self, key: u32) -> u64 {
        self.deleted[key as usize].load(SeqCst)
    }

    async fn body(&self, fate: u64) -> Result<u64, &'static str> {
        let stamp = self.tick();
        for _ in 0..fate % 8 {
            pause().await;
        }
        match fate {
            0..8 => Err("no"),
            8..12 => std::panic::resume_unwind(Box::new("intended")),
            _ => Ok(stamp),
        }
    }

    fn check(&self, key: u32, floor: u64, seen: Option<u64>) {
        if let Some(stamp) = seen {
            assert!(
                stamp >= floor,
                "{stamp} of key {key} is older than the delete {floor}"
            );
        }
    }

    fn is_deleted(&self, keys: &[u32], stamp: u64) {
        for key in keys {
            self.deleted[*key as usize].fetch_max(stamp, SeqCst);
        }
    }
}

/// One random verb, over a storage whose futures are `Send`.
macro_rules! step {
    ($world:expr, $random:expr) => {{
        let (world, random) = ($world, $random);
        let (key, fate) = (random.below(KEYS) as u32, random.below(160));
        let (other, other_fate) = (random.below(KEYS) as u32, random.below(160));
        let one = move |key, fate| async_fallible(world.ring, world.storage, key, move || world.body(fate));
        let (floor, other_floor) = (world.deleted(key), world.deleted(other));
        let verb = random.below(100);
        // Half of them run to their end.
        let polls = if random.below(2) == 0 {
            random.below(20)
        } else {
            u64::MAX
        };
        let step = async move {
            match verb {
                0..50 => world.check(key, floor, one(key, fate).get_or_update().await.ok()),
                50..60 => {
                    let found = AsyncStorage::get(world.storage, &one(key, 0).key()).await;
                    world.check(key, floor, found.unwrap());
                }
                60..68 => world.check(key, floor, one(key, fate).update().await.ok()),
                68..78 => {
                    let stamp = world.tick();
                    let _ = one(key, 0).delete().await;
                    world.is_deleted(&[key], stamp);
                }
                78..82 => {
                    let stamp = world.tick();
                    let _ = [one(key, 0), one(other, 0)].delete_many().await;
                    world.is_deleted(&[key, other], stamp);
                }
                82..86 => {
                    // A set value counts as new at any time.
                    let stamp = world.tick();
                    let _ = one(key, 0).set(u64::MAX).await;
                    world.is_deleted(&[key], stamp);
                }
                86..88 => {
                    let stamp = world.tick();
                    let _ = AsyncCache::new(world.ring, world.storage).clear::<u64>().await;
                    world.is_deleted(&[0, 1, 2, 3], stamp);
                }
                _ => {
                    let values = [one(key, fate), one(other, other_fate)]
                        .get_or_update_many()
                        .await;
                    world.check(key, floor, values[0].as_ref().ok().copied());
                    world.check(other, other_floor, values[1].as_ref().ok().copied());
                }
            }
        };
        within_polls(polls, step)
    }};
}

/// One part of a run, whose length in seconds `RING_CACHE_STRESS` can set.
fn lasting() -> Duration {
    let seconds = std::env::var("RING_CACHE_STRESS").ok();
    seconds.map_or(Duration::from_millis(700), |text| {
        Duration::from_secs(text.parse().unwrap())
    })
}

macro_rules! stress {
    ($ring:expr, $storage:expr) => {
        run_within(lasting() + Duration::from_secs(60), async {
            let (end, seed) = (Instant::now() + lasting(), u64::from(std::process::id()));
            let world = leak(World {
                ring: $ring,
                storage: leak($storage),
                clock: AtomicU64::new(1),
                deleted: Default::default(),
            });
            let tasks = (0..TASKS).map(|task| {
                tokio::spawn(async move {
                    let mut random = Random::seeded(seed * 100 + task + 1);
                    while Instant::now() < end {
                        // A separate task, because of panics.
                        let step = tokio::spawn(step!(world, &mut random));
                        if let Err(error) = step.await
                            && error.into_panic().downcast_ref() != Some(&"intended")
                        {
                            panic!("a check failed");
                        }
                    }
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.unwrap();
            }
            assert_quiet(world.storage);
        });
    };
}

#[test]
fn nothing_from_before_a_delete_is_seen_after_it_in_memory() {
    stress!(patient(), Lru::new(3));
}

#[test]
fn nothing_from_before_a_delete_is_seen_after_it_on_a_storage_that_is_awaited() {
    stress!(patient(), AsyncRemote::new());
}

#[test]
fn nothing_from_before_a_delete_is_seen_after_it_without_coalescing() {
    let ring = Ring::with_prefix("p").flight_timeout(Duration::from_secs(3600));
    stress!(keep(ring.coalesce(false)), AsyncRemote::new());
}
