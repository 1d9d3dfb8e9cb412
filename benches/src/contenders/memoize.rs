//! `#[memoize]`, shared by threads and bounded. It takes owned arguments, and no methods.

// The macro makes unused functions beside each function.
#![allow(dead_code)]

use std::sync::Arc;
use std::time::Duration;

use memoize::memoize;

use crate::values::{Block, compute, fetch};

macro_rules! functions {
    ($($name:ident($($option:tt)*) -> $value:ty;)*) => {$(
        #[memoize(SharedCache, $($option)*)]
        pub(crate) fn $name(number: u64) -> $value {
            compute(number)
        }
    )*};
}

functions! {
    number(Capacity: 2048) -> u64;
    text(Capacity: 2048) -> Arc<str>;
    block(Capacity: 2048) -> Block;
    expiring(Capacity: 2048, TimeToLive: Duration::from_secs(60)) -> u64;
    zipf(Capacity: 100_000) -> u64;
    bounded_128(Capacity: 128) -> u64;
    bounded_1024(Capacity: 1024) -> u64;
    bounded_100_000(Capacity: 100_000) -> u64;
    bounded_1_000_000(Capacity: 1_000_000) -> u64;
}

/// A function of a URL and a number.
pub(crate) fn url(url: &str, number: u64) -> u64 {
    owned_url(url.to_owned(), number)
}

#[memoize(SharedCache, Capacity: 2048)]
fn owned_url(url: String, number: u64) -> u64 {
    fetch(&url, number)
}
