//! `foyer-memory`, with its defaults. Its single flight is async (`get_or_fetch`), so a blocking call goes without.

use foyer_memory::{Cache, CacheBuilder, CacheProperties};

use crate::keys::Borrowed;
use crate::peer::Peer;
use crate::values::{Value, compute};

/// Looked up with a key that borrows.
pub(crate) struct Foyer<K: Borrowed, V: Value>(Cache<K::Owned, V>);

impl<K: Borrowed, V: Value> Foyer<K, V> {
    /// An empty cache.
    pub(crate) fn new(capacity: usize) -> Self {
        Foyer(CacheBuilder::new(capacity).build::<CacheProperties>())
    }

    #[inline]
    fn get(&self, key: K) -> Option<V> {
        self.0.get(&key).map(|entry| entry.value().clone())
    }
}

impl<K: Borrowed, V: Value> Peer<K, V> for Foyer<K, V> {
    #[inline]
    fn hit(&self, key: K) -> V {
        self.get(key).expect("a hit")
    }

    #[inline]
    fn call(&self, key: K) -> V {
        self.get(key).unwrap_or_else(|| {
            let value: V = compute(key.number());
            self.0.insert(key.owned(), value.clone());
            value
        })
    }
}
