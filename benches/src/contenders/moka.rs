//! `moka`, blocking: W-TinyLFU, single flight by `get_with_by_ref`.

use std::time::Duration;

use moka::sync::Cache;

use crate::keys::Borrowed;
use crate::peer::Peer;
use crate::values::{Value, compute};

/// Looked up with a key that borrows.
pub(crate) struct Moka<K: Borrowed, V>(Cache<K::Owned, V>);

impl<K: Borrowed, V: Value> Moka<K, V> {
    /// An empty cache.
    pub(crate) fn new(capacity: usize) -> Self {
        Moka(Cache::new(capacity as u64))
    }

    /// An empty cache, whose entries expire.
    pub(crate) fn expiring(capacity: usize, after: Duration) -> Self {
        let builder = Cache::builder().max_capacity(capacity as u64);
        Moka(builder.time_to_live(after).build())
    }
}

impl<K: Borrowed, V: Value> Peer<K, V> for Moka<K, V> {
    #[inline]
    fn hit(&self, key: K) -> V {
        self.0.get(&key).expect("a hit")
    }

    #[inline]
    fn call(&self, key: K) -> V {
        self.0.get_with_by_ref(&key.owned(), || compute(key.number()))
    }
}
