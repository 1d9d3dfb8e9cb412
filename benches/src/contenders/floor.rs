//! The floor: a hash table that is only read, without a lock, a bound or an order.

use hashbrown::HashMap;

use crate::keys::Borrowed;
use crate::peer::Peer;
use crate::values::{Value, compute};

/// Looked up with a key that borrows.
pub(crate) struct Floor<K: Borrowed, V>(HashMap<K::Owned, V>);

impl<K: Borrowed, V: Value> Floor<K, V> {
    /// An empty table.
    #[allow(clippy::new_without_default)]
    pub(crate) fn new() -> Self {
        Floor(HashMap::new())
    }
}

impl<K: Borrowed, V: Value> Peer<K, V> for Floor<K, V> {
    #[inline]
    fn hit(&self, key: K) -> V {
        self.0.get(&key).expect("a hit").clone()
    }

    /// A hit: without a lock, it cannot store.
    #[inline]
    fn call(&self, key: K) -> V {
        self.hit(key)
    }

    fn fill(&mut self, keys: &mut dyn Iterator<Item = K>) {
        self.0
            .extend(keys.map(|key| (key.owned(), compute(key.number()))));
    }
}
