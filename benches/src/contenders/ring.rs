//! Ours: `#[ring]` on functions and, by `#[ring_impl]`, on methods, with no option but the capacity.

use std::sync::Arc;

use ring_cache::key::{CallKey, KeyParts};
use ring_cache::{Cache, Lru, ring, ring_impl};

use crate::keys::{Page, Url};
use crate::values::{Block, compute, fetch};

macro_rules! functions {
    ($($name:ident($($option:tt)*) -> $value:ty;)*) => {$(
        #[ring($($option)*)]
        pub(crate) fn $name(number: u64) -> $value {
            compute(number)
        }
    )*};
}

functions! {
    number(capacity = 2048) -> u64;
    text(capacity = 2048) -> Arc<str>;
    block(capacity = 2048) -> Block;
    expiring(capacity = 2048, expire = "60s") -> u64;
    zipf(capacity = 100_000) -> u64;
    bounded_128(capacity = 128) -> u64;
    bounded_1024(capacity = 1024) -> u64;
    bounded_100_000(capacity = 100_000) -> u64;
    bounded_1_000_000(capacity = 1_000_000) -> u64;
}

/// A function of a URL and a number.
#[ring(capacity = 2048)]
pub(crate) fn url(url: &str, number: u64) -> u64 {
    fetch(url, number)
}

#[ring_impl]
impl Page {
    /// A method without arguments.
    #[ring(capacity = 2048)]
    pub(crate) fn content(&self) -> u64 {
        compute(self.number)
    }
}

/// The look-up of [`number`] in its storage.
pub(crate) fn number_in_storage() -> impl Fn(u64) -> Option<u64> + Sync {
    let cache = number_cache();
    move |number| get(cache, &(number,))
}

/// The look-up of [`url`](fn@url) in its storage.
pub(crate) fn url_in_storage() -> impl Fn(Url) -> Option<u64> + Sync {
    let cache = url_cache();
    move |key| get(cache, &(key.url, key.number))
}

/// The look-up of [`Page::content`] in its storage.
pub(crate) fn content_in_storage() -> impl Fn(&'static Page) -> Option<u64> + Sync {
    let cache = Page::content_cache();
    move |page| get(cache, &(page,))
}

#[inline]
fn get(cache: Cache<&'static Lru<u64>>, arguments: &impl KeyParts) -> Option<u64> {
    cache.storage::<u64>().get(&CallKey::new(cache.name(), arguments))
}
