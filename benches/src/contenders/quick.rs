//! `quick_cache`: S3-FIFO-like, sharded.

use std::convert::Infallible;

use quick_cache::sync::Cache;

use crate::keys::Borrowed;
use crate::peer::Peer;
use crate::values::{Value, compute};

/// Looked up with a key that borrows, by an `Equivalent` that is written by hand.
pub(crate) struct Borrowing<K: Borrowed, V>(Cache<K::Owned, V>);

/// Looked up with an owned key, which each call makes.
pub(crate) struct Owning<K: Borrowed, V>(Cache<K::Owned, V>);

impl<K: Borrowed, V: Value> Borrowing<K, V> {
    /// An empty cache.
    pub(crate) fn new(capacity: usize) -> Self {
        Borrowing(Cache::new(capacity))
    }
}

impl<K: Borrowed, V: Value> Owning<K, V> {
    /// An empty cache.
    pub(crate) fn new(capacity: usize) -> Self {
        Owning(Cache::new(capacity))
    }
}

fn get_or_compute<K: Borrowed, V: Value>(cache: &Cache<K::Owned, V>, key: K) -> V {
    let value = cache.get_or_insert_with(&key.owned(), || Ok::<V, Infallible>(compute(key.number())));
    value.unwrap_or_else(|never| match never {})
}

impl<K: Borrowed, V: Value> Peer<K, V> for Borrowing<K, V> {
    #[inline]
    fn hit(&self, key: K) -> V {
        self.0.get(&key).expect("a hit")
    }

    #[inline]
    fn call(&self, key: K) -> V {
        get_or_compute(&self.0, key)
    }
}

impl<K: Borrowed, V: Value> Peer<K, V> for Owning<K, V> {
    #[inline]
    fn hit(&self, key: K) -> V {
        self.0.get(&key.owned()).expect("a hit")
    }

    #[inline]
    fn call(&self, key: K) -> V {
        get_or_compute(&self.0, key)
    }
}
