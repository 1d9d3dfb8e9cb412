//! `schnellru`: strict LRU, behind a mutex that is not held while a value is computed.

use parking_lot::Mutex;
use schnellru::{ByLength, LruMap};

use crate::keys::Borrowed;
use crate::peer::Peer;
use crate::values::{Value, compute};

/// Looked up with a key that borrows.
pub(crate) struct Schnellru<K: Borrowed, V>(Mutex<LruMap<K::Owned, V, ByLength>>);

impl<K: Borrowed, V: Value> Schnellru<K, V> {
    /// An empty cache.
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = u32::try_from(capacity).expect("a capacity of 32 bits");
        Schnellru(Mutex::new(LruMap::new(ByLength::new(capacity))))
    }

    #[inline]
    fn get(&self, key: K) -> Option<V> {
        self.0.lock().get(&key).cloned()
    }
}

impl<K: Borrowed, V: Value> Peer<K, V> for Schnellru<K, V> {
    #[inline]
    fn hit(&self, key: K) -> V {
        self.get(key).expect("a hit")
    }

    #[inline]
    fn call(&self, key: K) -> V {
        self.get(key).unwrap_or_else(|| {
            let value: V = compute(key.number());
            self.0.lock().insert(key.owned(), value.clone());
            value
        })
    }
}
