//! Random work of many threads on few keys, and a checker: no value whose computation began before a delete is seen
//! after it.
//!
//! Every computation takes a stamp when it begins, and returns it. Every delete takes one when it begins, and
//! publishes it when it ends. A reader records the latest published delete before its look-up; its value must be
//! newer.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{scope, sleep, yield_now};
use std::time::{Duration, Instant};

use ring_cache_core::storage::{Clear, Storage};
use ring_cache_core::{Calls, Error, Lru, Map, Ring};

use crate::support::{Cache, Random, Remote, fallible, keep};

const KEYS: u64 = 4;

/// The payload of intended panics, so that nothing is printed.
struct Intended;

struct World<'s, S> {
    ring: &'static Ring,
    storage: &'s S,
    clock: AtomicU64,
    /// For each key the start of the latest completed delete.
    deleted: [AtomicU64; KEYS as usize],
}

impl<S> World<'_, S>
where
    S: Storage<u64, Error: Into<Error> + std::fmt::Debug> + Clear<u64> + Sync,
{
    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn deleted(&self, key: u32) -> u64 {
        self.deleted[key as usize].load(Ordering::SeqCst)
    }

    fn body(&self, fate: u64) -> Result<u64, &'static str> {
        let stamp = self.tick();
        match fate % 16 {
            0 => std::panic::resume_unwind(Box::new(Intended)),
            1 | 2 => return Err("no"),
            3 => sleep(Duration::from_micros(fate)),
            4..8 => yield_now(),
            _ => {}
        }
        Ok(stamp)
    }

    fn check(&self, key: u32, floor: u64, seen: Option<u64>) {
        if let Some(stamp) = seen {
            assert!(
                stamp >= floor,
                "{stamp} of key {key} is older than the delete {floor}"
            );
        }
    }

    fn delete(&self, keys: &[u32], delete: impl FnOnce()) {
        let stamp = self.tick();
        delete();
        for key in keys {
            self.deleted[*key as usize].fetch_max(stamp, Ordering::SeqCst);
        }
    }

    fn step(&self, random: &mut Random) {
        let (key, fate) = (random.below(KEYS) as u32, random.below(160));
        let (other, other_fate) = (random.below(KEYS) as u32, random.below(160));
        let one = |key, fate| fallible(self.ring, self.storage, key, move || self.body(fate));
        let floor = self.deleted(key);
        match random.below(100) {
            0..50 => self.check(key, floor, one(key, fate).get_or_update().ok()),
            50..60 => self.check(key, floor, self.storage.get(&one(key, 0).key()).unwrap_or(None)),
            60..70 => self.check(key, floor, one(key, fate).update().ok()),
            70..80 => self.delete(&[key], || drop(self.storage.delete(&one(key, 0).key()))),
            80..84 => self.delete(&[key, other], || {
                drop([one(key, 0), one(other, 0)].delete_many());
            }),
            84..88 => {
                // Like a delete for computations. A set value counts as new at any time.
                self.delete(&[key], || drop(one(key, 0).set(u64::MAX)));
            }
            88..90 => {
                let cache = Cache::new(self.ring, self.storage);
                self.delete(&[0, 1, 2, 3], || drop(cache.clear::<u64>()));
            }
            _ => {
                let other_floor = self.deleted(other);
                let values = [one(key, fate), one(other, other_fate)].get_or_update_many();
                self.check(key, floor, values[0].as_ref().ok().copied());
                self.check(other, other_floor, values[1].as_ref().ok().copied());
            }
        }
    }

    fn run(&self, threads: u64, seed: u64, lasting: Duration) {
        let end = Instant::now() + lasting;
        scope(|scope| {
            for thread in 0..threads {
                scope.spawn(move || {
                    let mut random = Random::seeded(seed * 100 + thread + 1);
                    while Instant::now() < end {
                        let step = AssertUnwindSafe(|| self.step(&mut random));
                        if let Err(panic) = catch_unwind(step)
                            && !panic.is::<Intended>()
                        {
                            panic_any(panic);
                        }
                    }
                });
            }
        });
        assert_eq!(self.storage.flights().under_way(), 0);
    }
}

/// One part of a run, whose length in seconds `RING_CACHE_STRESS` can set.
fn stress<S>(storage: &S, ring: Ring, threads: u64)
where
    S: Storage<u64, Error: Into<Error> + std::fmt::Debug> + Clear<u64> + Sync,
{
    let seconds = std::env::var("RING_CACHE_STRESS").ok();
    let lasting = seconds.map_or(Duration::from_millis(500), |text| {
        Duration::from_secs(text.parse().unwrap())
    });
    let world = World {
        // A wait without end would show as a wait of ten seconds.
        ring: keep(ring),
        storage,
        clock: AtomicU64::new(1),
        deleted: Default::default(),
    };
    let began = Instant::now();
    world.run(threads, u64::from(std::process::id()), lasting);
    assert!(
        began.elapsed() < lasting + Duration::from_secs(5),
        "a call waited too long"
    );
}

fn remote() -> Remote<u64> {
    let remote = Remote::new();
    for operation in ["write", "write_many", "remove", "remove_many", "end of read"] {
        let count = AtomicU64::new(0);
        remote.before(operation, move || {
            match count.fetch_add(1, Ordering::Relaxed) % 8 {
                0 => sleep(Duration::from_micros(50)),
                1..5 => yield_now(),
                _ => {}
            }
        });
    }
    remote
}

#[test]
fn nothing_from_before_a_delete_is_seen_after_it_in_memory() {
    stress(&Lru::new(3), Ring::with_prefix("p"), 6);
    stress(&Map::new(), Ring::with_prefix("p"), 4);
}

#[test]
fn nothing_from_before_a_delete_is_seen_after_it_without_coalescing() {
    stress(&Lru::new(100), Ring::with_prefix("p").coalesce(false), 4);
}

#[test]
fn nothing_from_before_a_delete_is_seen_after_it_when_waiting_ends_early() {
    let ring = Ring::with_prefix("p").flight_timeout(Duration::from_micros(30));
    stress(&Lru::new(100), ring, 6);
}

#[test]
fn nothing_from_before_a_delete_is_seen_after_it_on_a_slow_storage() {
    stress(&remote(), Ring::with_prefix("p"), 8);
}
