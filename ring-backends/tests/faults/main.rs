//! Faults of servers and of the network, on every storage: plain calls return right answers in time, and soon after the
//! fault's end the cache is used again. docs/testing.md describes longer runs.
//!
//! A cell is one fault on one storage: calls of some threads or tasks, which also change cached values. Times are printed,
//! and asserted only with `RING_CACHE_TIMES=asserted`: on a busy machine calls are late for other reasons.

mod answers;
mod cell;
mod fault;
mod services;
mod site;

use std::time::Duration;

use cell::{Cell, Colour};
use fault::FAULTS;
use ring_cache_backends::Breaker;
use services::{ClusterService, HashService, MemcachedService, RedisService, Service, TieredService};
use site::Site;

/// The number of calls in a usual run.
const FEW: u64 = 20;

/// A number from the environment.
fn from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
    )
}

/// Whether the environment selects this fault.
fn is_wanted(fault: &str) -> bool {
    std::env::var("RING_CACHE_FAULT").map_or(true, |wanted| wanted.split(',').any(|name| name == fault))
}

/// Every fault on one storage, in one colour.
fn run<S: Service>(site: Option<Site>, colour: Colour) {
    let Some(site) = site else { return };
    let calls = from_environment("RING_CACHE_CALLS");
    let is_timed = std::env::var("RING_CACHE_TIMES").is_ok_and(|times| times == "asserted");
    let breakers = [("none", Breaker::never()), ("usual", Breaker::default())];
    let mut failures = Vec::new();
    for (number, fault) in FAULTS.iter().filter(|fault| is_wanted(fault.name)).enumerate() {
        for (index, (breaker_name, breaker)) in breakers.iter().enumerate() {
            // A usual run takes one of them.
            if calls.is_none() && number % 2 != index {
                continue;
            }
            let cell = Cell {
                site: &site,
                fault,
                colour,
                breaker: *breaker,
                calls: calls.map_or(FEW, |calls| calls.div_ceil(2)),
            };
            let figures = cell.run::<S>();
            let what = format!(
                "{:9} {colour} breaker {breaker_name:5} {:19}",
                S::NAME,
                fault.name
            );
            println!("{what} {figures}");
            let is_hurried = is_timed && !cell.waits_for_pieces::<S>();
            failures.extend(figures.failed(is_hurried).map(|why| format!("{what} {why}")));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// The time that one plain call may spend on a storage.
const DEADLINE: Duration = Duration::from_millis(100);

macro_rules! storages {
    ($($blocking:ident, $awaited:ident: $service:ident at $site:expr;)*) => {$(
        #[test]
        #[ignore = "slow: every fault"]
        fn $blocking() {
            run::<$service>($site, Colour::Blocking);
        }

        #[test]
        #[ignore = "slow: every fault"]
        fn $awaited() {
            run::<$service>($site, Colour::Awaited);
        }
    )*};
}

storages! {
    redis, redis_awaited: RedisService at Site::redis();
    redis_hash, redis_hash_awaited: HashService at Site::redis();
    redis_cluster, redis_cluster_awaited: ClusterService at Site::cluster();
    memcached, memcached_awaited: MemcachedService at Site::memcached(1);
    memcached_several, memcached_several_awaited: MemcachedService at Site::memcached(3);
    tiered, tiered_awaited: TieredService at Site::redis();
}
