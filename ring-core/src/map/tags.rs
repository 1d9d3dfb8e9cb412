//! Entries with tags: a version is kept with each.

use std::time::{Duration, Instant};

use super::Map;
use crate::key::{RingKey, key_text};
use crate::storage::{Expiring, Storage, in_memory_tags};

impl<T: Clone> Map<T> {
    /// The entry under `key` that was stored with this version.
    pub(super) fn find_of<K: RingKey + ?Sized>(&self, key: &K, version: u64) -> Option<Expiring<T>> {
        let entries = self.shared.entries.read();
        let entry = entries.get(&*key_text(key))?;
        let counts = entry.version == version && !self.clock.is_past(entry.deadline);
        counts.then(|| Expiring {
            value: entry.value.clone(),
            remaining: self.clock.left(entry.deadline),
        })
    }

    /// Whether there is an entry under `key` that was stored with this version.
    fn has_of<K: RingKey + ?Sized>(&self, key: &K, version: u64) -> bool {
        let entries = self.shared.entries.read();
        let entry = entries.get(&*key_text(key));
        entry.is_some_and(|entry| entry.version == version && !self.clock.is_past(entry.deadline))
    }
}

in_memory_tags!(Map);
