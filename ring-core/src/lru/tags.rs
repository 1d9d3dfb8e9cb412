//! Entries with tags: a version is kept with each.

use std::time::{Duration, Instant};

use super::shard::Entries;
use super::{Lru, encode};
use crate::flights::{InPlace, Terms};
use crate::key::{KeyBytes, RingKey, hash_key};
use crate::storage::{Expiring, Storage, in_memory_tags};

impl<T: Clone> Lru<T> {
    /// The entry under `key` that was stored with this version.
    pub(super) fn find_of<K: RingKey + ?Sized>(&self, key: &K, version: u64) -> Option<Expiring<T>> {
        let found = self.find_by(hash_key(key), &|bytes| bytes.is(key), Some(version))?;
        Some(self.expiring(found))
    }

    /// Puts a value with the version of its tags.
    pub(super) fn put_of<K>(&self, key: &K, value: T, expiry: Option<Duration>, version: u64)
    where
        K: RingKey + ?Sized,
    {
        match self.terms(&value, expiry) {
            Some(terms) => self.put(&encode(key), value, Terms { version, ..terms }),
            None => _ = self.untyped().take(&encode(key)),
        }
    }

    /// Whether there is an entry under `key` that was stored with this version.
    fn has_of<K: RingKey + ?Sized>(&self, key: &K, version: u64) -> bool {
        let is_stored_with_it = |entries: &Entries, slot| entries.version(slot) == version;
        let is_key = |bytes: &KeyBytes| bytes.is(key);
        self.untyped().has(hash_key(key), &is_key, &is_stored_with_it)
    }
}

in_memory_tags!(Lru);
