//! A blocking storage keeps the contract of storages inside `Blocking`, as it does without.

use std::thread::yield_now;

use ring_cache::Map;
use ring_cache::clock::ManualClock;
use ring_cache::testing::contract;
use ring_cache_backends::Blocking;
use tokio::runtime::{Builder, Runtime};

use super::gated::Gated;
use super::one_thread;

/// A storage in whose operations other threads get a turn.
fn storage<T>(clock: &ManualClock) -> Gated<T> {
    let mut storage = Gated::new();
    storage.map = Map::with_clock(clock.clone());
    for operation in ["read", "write", "remove", "contains", "renew", "clear"] {
        storage.before(operation, yield_now);
    }
    storage
}

/// A runtime of several threads.
fn many_threads() -> Runtime {
    Builder::new_multi_thread().enable_time().build().unwrap()
}

#[test]
fn the_storage_by_itself() {
    let clock = ManualClock::default();
    contract::blocking(|| storage(&clock))
        .values(u64::from)
        .expires(|by| clock.advance(by))
        .clears()
        .run();
}

#[test]
fn in_blocking() {
    for runtime in [one_thread(), many_threads()] {
        let clock = ManualClock::default();
        contract::awaited(
            || Blocking::new(storage(&clock)),
            |future| runtime.block_on(future),
        )
        .values(u64::from)
        .expires(|by| clock.advance(by))
        .clears()
        .clones()
        .run();
    }
}

#[test]
fn bytes_in_blocking() {
    let runtime = many_threads();
    contract::awaited(|| Blocking::new(Map::new()), |future| runtime.block_on(future))
        .bytes()
        .clones()
        .run();
}
