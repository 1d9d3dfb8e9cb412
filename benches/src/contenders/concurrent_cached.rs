//! `#[concurrent_cached]` of the crate `cached`, with no option but the size.

use std::sync::Arc;

use cached::macros::concurrent_cached;

use crate::keys::Page;
use crate::values::{Block, compute, fetch};

macro_rules! functions {
    ($($name:ident($($option:tt)*) -> $value:ty;)*) => {$(
        #[concurrent_cached($($option)*)]
        pub(crate) fn $name(number: u64) -> $value {
            compute(number)
        }
    )*};
}

functions! {
    number(max_size = 2048) -> u64;
    text(max_size = 2048) -> Arc<str>;
    block(max_size = 2048) -> Block;
    expiring(max_size = 2048, ttl_secs = 60) -> u64;
    zipf(max_size = 100_000) -> u64;
    bounded_128(max_size = 128) -> u64;
    bounded_1024(max_size = 1024) -> u64;
    bounded_100_000(max_size = 100_000) -> u64;
    bounded_1_000_000(max_size = 1_000_000) -> u64;
}

/// A function of a URL and a number.
#[concurrent_cached(max_size = 2048, key = "(String, u64)", convert = { (url.to_owned(), number) })]
pub(crate) fn url(url: &str, number: u64) -> u64 {
    fetch(url, number)
}

impl Page {
    /// A method. Its key names `self` by hand: by default the macro leaves it out.
    #[concurrent_cached(max_size = 2048, in_impl = true, key = "String", convert = { self.url.clone() })]
    pub(crate) fn content_by_concurrent_cached(&self) -> u64 {
        compute(self.number)
    }
}
