//! `lru`: strict LRU, behind a mutex that is not held while a value is computed.

use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;

use crate::keys::Borrowed;
use crate::peer::Peer;
use crate::values::{Value, compute};

/// Looked up by `Borrow`, which for two arguments means an owned key.
pub(crate) struct Lru<K: Borrowed, V>(Mutex<LruCache<K::Owned, V>>);

impl<K: Borrowed, V: Value> Lru<K, V> {
    /// An empty cache.
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = NonZeroUsize::new(capacity).expect("a capacity");
        Lru(Mutex::new(LruCache::new(capacity)))
    }

    #[inline]
    fn get(&self, key: K) -> Option<V> {
        key.by_borrow(|key| self.0.lock().get(key).cloned())
    }
}

impl<K: Borrowed, V: Value> Peer<K, V> for Lru<K, V> {
    #[inline]
    fn hit(&self, key: K) -> V {
        self.get(key).expect("a hit")
    }

    #[inline]
    fn call(&self, key: K) -> V {
        self.get(key).unwrap_or_else(|| {
            let value: V = compute(key.number());
            // An evicted entry is dropped after the lock is released.
            let displaced = self.0.lock().push(key.owned(), value.clone());
            drop(displaced);
            value
        })
    }
}
