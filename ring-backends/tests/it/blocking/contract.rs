//! A storage that blocks keeps the contract in `Blocking` as well, and by itself.

use ring_cache::clock::ManualClock;
use ring_cache::testing::contract;
use ring_cache_backends::Blocking;
use tokio::runtime::Builder;

use super::files::Files;
use super::one_thread;

#[test]
fn by_itself() {
    let clock = ManualClock::default();
    contract::blocking(|| Files::with_clock(clock.clone()))
        .bytes()
        .expires(|by| clock.advance(by))
        .clears()
        .run();
}
