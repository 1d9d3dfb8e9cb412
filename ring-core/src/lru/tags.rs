//! Entries with tags: a version is kept with each.

use std::time::{Duration, Instant};

use super::Lru;
use crate::flights::{InPlace, Terms};
use crate::key::{RingKey, hash_key};
use crate::storage::{Expiring, Storage, in_memory_tags};

impl<T: Clone> Lru<T> {
    /// The entry under `key` that was stored with this version.
    pub(super) fn find_of<K: RingKey + ?Sized>(&self, key: &K, version: u64) -> Option<Expiring<T>> {
        let (value, deadline) = self.find_by(hash_key(key), &|bytes| bytes.is(key), Some(version))?;
        Some(Expiring {
            value,
            remaining: self.clock.left(deadline),
        })
    }

    /// Puts a value with the version of its tags.
    pub(super) fn put_of<K>(&self, key: &K, value: T, expiry: Option<Duration>, version: u64)
    where
        K: RingKey + ?Sized,
    {
        let Some(terms) = self.terms(&value, expiry) else {
            self.take(key);
            return;
        };
        self.put(key, value, Terms { version, ..terms });
    }

    /// Whether there is an entry under `key` that was stored with this version.
    fn has_of<K: RingKey + ?Sized>(&self, key: &K, version: u64) -> bool {
        let key = self.encode(key);
        let shard = self.shard(key.hash_value()).read();
        let slot = shard.find(&key);
        slot.is_some_and(|slot| shard.version(slot) == version && !self.clock.is_past(shard.deadline(slot)))
    }
}

in_memory_tags!(Lru);
