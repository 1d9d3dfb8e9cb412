//! History checks: threads and tasks compute, change and look up a few keys, and each value carries a version. After a
//! `delete`, `set` or `update` has returned, no later call returns an older version, whatever is cancelled, late or
//! overloaded.
//!
//! Each test runs for a moment, with new random numbers. `RING_CACHE_HISTORY_SECONDS=600` sets its time, and
//! `RING_CACHE_SEED` repeats the numbers, though not the schedule of threads. A failure shows the seed and the history of
//! the key.

// Futures that await one of many calls are deeply nested.
#![recursion_limit = "256"]

mod answer;
mod load;
mod shelves;
mod truth;

#[path = "../it/random.rs"]
mod random;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use load::Load;
use ring_cache::{Lru, Map};
use ring_cache_backends::{Blocking, Breaker, Disk, Memcached, Redis, RedisHash, Tiered};
use ring_cache_test_servers::{Memcached as MemcachedServer, Redis as RedisServer, or_leave_out};
use shelves::{Disks, Shelf};

/// The default time of one test.
const MOMENT: Duration = Duration::from_millis(1_500);

const USUAL: Duration = Duration::from_millis(100);
/// Too short for many calls on a busy machine.
const SHORT: Duration = Duration::from_millis(2);

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
    )
}

/// The time of each test.
fn lasting() -> Duration {
    number("RING_CACHE_HISTORY_SECONDS").map_or(MOMENT, Duration::from_secs)
}

/// The seed of this run.
fn seed() -> u64 {
    number("RING_CACHE_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().subsec_nanos().into()
    })
}

/// A unique namespace for each run: versions begin anew.
fn fresh() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("run {}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// All callers of a storage in memory.
fn in_memory() -> [Load; 2] {
    let each = lasting() / 2;
    [Load::lasting(each), Load::lasting(each).cancelling()]
}

/// The deadlines of a remote storage, with the callers for each.
fn elsewhere() -> [(Duration, Load); 3] {
    let each = Load::lasting(lasting() / 3);
    [
        (USUAL, each),
        (USUAL, each.cancelling()),
        (SHORT, each.cancelling()),
    ]
}

#[test]
fn lru() {
    for load in in_memory() {
        load.run("lru", || Lru::<u64>::new(4), |_| {});
    }
}

#[test]
fn map() {
    for load in in_memory() {
        load.run("map", Map::<u64>::new, |_| {});
    }
}

#[test]
fn disk() {
    for (deadline, load) in elsewhere() {
        let folder = shelves::Folder::new();
        let open = || {
            let disk = Disk::open(folder.file()).unwrap().deadline(deadline);
            Disks {
                blocking: Blocking::new(disk.clone()),
                disk,
            }
        };
        load.run(&format!("disk, {deadline:?}"), open, |_| {});
    }
}

/// Stops and continues the server now and then: replies come late.
fn hiccups(stop: impl Fn(), cont: impl Fn()) -> impl Fn(&mut random::Random) {
    move |random| {
        std::thread::sleep(Duration::from_millis(random.below(40)));
        stop();
        std::thread::sleep(Duration::from_millis(random.below(12)));
        cont();
    }
}

#[test]
fn redis() {
    let Some(server) = or_leave_out("histories of Redis", RedisServer::start()) else {
        return;
    };
    for (deadline, load) in elsewhere() {
        let open = || {
            let redis = Redis::open(server.url()).unwrap().namespace(&fresh());
            redis.deadline(deadline).breaker(Breaker::never())
        };
        let meanwhile = hiccups(|| server.stop(), || server.cont());
        load.run(&format!("redis, {deadline:?}"), open, meanwhile);
    }
}

#[test]
fn redis_hash() {
    let Some(server) = or_leave_out("histories of a Redis hash", RedisServer::start()) else {
        return;
    };
    for (deadline, load) in elsewhere() {
        let open = || {
            let hash = RedisHash::open(server.url()).unwrap().namespace(&fresh());
            hash.deadline(deadline).breaker(Breaker::never())
        };
        let meanwhile = hiccups(|| server.stop(), || server.cont());
        load.run(&format!("redis hash, {deadline:?}"), open, meanwhile);
    }
}

#[test]
fn memcached() {
    let Some(server) = or_leave_out("histories of memcached", MemcachedServer::start()) else {
        return;
    };
    for (deadline, load) in elsewhere() {
        let open = || {
            let memcached = Memcached::open(server.address()).unwrap().namespace(&fresh());
            memcached.deadline(deadline).breaker(Breaker::never())
        };
        let meanwhile = hiccups(|| server.stop(), || server.cont());
        load.run(&format!("memcached, {deadline:?}"), open, meanwhile);
    }
}

#[test]
fn tiers() {
    let Some(server) = or_leave_out("histories of tiers", RedisServer::start()) else {
        return;
    };
    for (deadline, load) in elsewhere() {
        let open = || {
            let redis = Redis::open(server.url())
                .unwrap()
                .namespace(&fresh())
                .deadline(deadline);
            Tiered::new(Lru::<u64>::new(3), redis.breaker(Breaker::never()))
        };
        let meanwhile = hiccups(|| server.stop(), || server.cont());
        load.run(&format!("tiers, {deadline:?}"), open, meanwhile);
    }
}

/// A far tier without reports of changes.
#[test]
fn tiers_over_memcached() {
    let Some(server) = or_leave_out("histories of tiers over memcached", MemcachedServer::start()) else {
        return;
    };
    for (deadline, load) in elsewhere() {
        let open = || {
            let memcached = Memcached::open(server.address())
                .unwrap()
                .namespace(&fresh())
                .deadline(deadline);
            Tiered::new(Lru::<u64>::new(3), memcached.breaker(Breaker::never()))
        };
        let meanwhile = hiccups(|| server.stop(), || server.cont());
        load.run(&format!("tiers over memcached, {deadline:?}"), open, meanwhile);
    }
}

#[test]
fn shelves_are_one_for_all_callers() {
    shelves::assert_one_key(Shelf::new(Map::<u64>::new()));
}
