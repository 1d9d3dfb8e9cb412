//! `papaya`: a hash map whose readers take no lock. It has no bound, so it evicts nothing.

use papaya::HashMap;

use crate::keys::Borrowed;
use crate::peer::Peer;
use crate::values::{Value, compute};

/// Looked up with a key that borrows.
pub(crate) struct Papaya<K: Borrowed, V>(HashMap<K::Owned, V>);

impl<K: Borrowed, V: Value> Papaya<K, V> {
    /// An empty map.
    pub(crate) fn new() -> Self {
        Papaya(HashMap::new())
    }
}

impl<K: Borrowed, V: Value> Peer<K, V> for Papaya<K, V> {
    #[inline]
    fn hit(&self, key: K) -> V {
        self.0.pin().get(&key).expect("a hit").clone()
    }

    #[inline]
    fn call(&self, key: K) -> V {
        let map = self.0.pin();
        match map.get(&key) {
            Some(value) => value.clone(),
            None => map
                .get_or_insert_with(key.owned(), || compute(key.number()))
                .clone(),
        }
    }
}
