//! The contract of storages: the storages in memory keep it, in both modes.

use std::pin::Pin;
use std::time::Duration;

use ring_cache_core::clock::ManualClock;
use ring_cache_core::testing::contract;
use ring_cache_core::{AnyAsyncStorage, AnyStorage, Fails, Lru, Map};

fn block_on(future: Pin<Box<dyn Future<Output = ()> + '_>>) {
    futures_executor::block_on(future);
}

fn lru<T>(clock: &ManualClock, capacity: usize, shards: usize) -> Lru<T> {
    let builder = Lru::builder().capacity(capacity).shards(shards);
    builder.clock(clock.clone()).build()
}

/// Far more than the cases need, so that no shard is full.
const ROOMY: usize = 20_000;

#[test]
fn lru_of_bytes() {
    for shards in [1, 16] {
        let clock = ManualClock::default();
        contract::blocking(|| lru(&clock, ROOMY, shards))
            .bytes()
            .expires(|by| clock.advance(by))
            .clears()
            .run();
    }
}

#[test]
fn lru_of_numbers() {
    let clock = ManualClock::default();
    contract::blocking(|| lru(&clock, ROOMY, 4))
        .values(u64::from)
        .expires(|by| clock.advance(by))
        .clears()
        .run();
}

#[test]
fn lru_of_little_room() {
    for capacity in [1, 2, 3, 8, 64] {
        let clock = ManualClock::default();
        contract::blocking(|| lru(&clock, capacity, 1))
            .values(u64::from)
            .expires(|by| clock.advance(by))
            .clears()
            .capacity(capacity)
            .run();
    }
}

#[test]
fn map_of_bytes() {
    let clock = ManualClock::default();
    contract::blocking(|| Map::with_clock(clock.clone()))
        .bytes()
        .expires(|by| clock.advance(by))
        .clears()
        .run();
}

#[test]
fn map_of_numbers_by_the_systems_clock() {
    contract::blocking(Map::new)
        .values(u64::from)
        .expires(std::thread::sleep)
        .expiry_unit(Duration::from_millis(20))
        .clears()
        .run();
}

#[test]
fn async_lru_of_bytes() {
    let clock = ManualClock::default();
    contract::awaited(|| lru(&clock, ROOMY, 4), block_on)
        .bytes()
        .expires(|by| clock.advance(by))
        .clears()
        .run();
}

#[test]
fn async_lru_of_little_room() {
    for capacity in [1, 8] {
        let clock = ManualClock::default();
        contract::awaited(|| lru(&clock, capacity, 1), block_on)
            .values(u64::from)
            .expires(|by| clock.advance(by))
            .clears()
            .capacity(capacity)
            .run();
    }
}

#[test]
fn async_map_of_numbers() {
    let clock = ManualClock::default();
    contract::awaited(|| Map::with_clock(clock.clone()), block_on)
        .values(u64::from)
        .expires(|by| clock.advance(by))
        .clears()
        .run();
}

#[test]
fn operations_that_can_fail_and_do_not() {
    let clock = ManualClock::default();
    contract::blocking(|| Fails::new(lru(&clock, ROOMY, 4)))
        .bytes()
        .expires(|by| clock.advance(by))
        .clears()
        .clones()
        .run();
    contract::awaited(|| Fails::new(Map::with_clock(clock.clone())), block_on)
        .values(u64::from)
        .expires(|by| clock.advance(by))
        .clears()
        .clones()
        .run();
}

#[test]
fn any_storage() {
    let clock = ManualClock::default();
    contract::blocking(|| AnyStorage::new(lru(&clock, ROOMY, 4)))
        .bytes()
        .expires(|by| clock.advance(by))
        .clears()
        .clones()
        .run();
    contract::blocking(|| AnyStorage::new(Map::with_clock(clock.clone())))
        .values(u64::from)
        .expires(|by| clock.advance(by))
        .clears()
        .clones()
        .run();
    contract::awaited(|| AnyAsyncStorage::new(lru(&clock, ROOMY, 4)), block_on)
        .bytes()
        .expires(|by| clock.advance(by))
        .clears()
        .clones()
        .run();
}
