//! Entries with tags: a version is kept with each.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use super::Map;
use crate::key::{RingKey, key_text};
use crate::storage::{Asked, Expiring, Storage, Tags, in_memory_tags};

impl<T: Clone> Map<T> {
    /// The entry under `key`, if its version is that of its tags. The version is seen.
    fn find_tagged<K: RingKey + ?Sized>(&self, key: &K, asked: &Asked<'_>) -> Option<Expiring<T>> {
        let version = asked.version_in_memory();
        asked.see(Some(version));
        self.find_of(key, version)
    }

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

    /// Whether there is an entry under `key` whose version is that of its tags.
    fn has_tagged<K: RingKey + ?Sized>(&self, key: &K, asked: &Asked<'_>) -> bool {
        let version = asked.version_in_memory();
        let entries = self.shared.entries.read();
        let entry = entries.get(&*key_text(key));
        entry.is_some_and(|entry| entry.version == version && !self.clock.is_past(entry.deadline))
    }
}

impl<T: Clone> Tags<T> for Map<T> {
    fn read_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[(&K, Asked<'_>)],
        _: Option<Instant>,
    ) -> Result<Vec<Option<Expiring<T>>>, Infallible> {
        Ok(keys
            .iter()
            .map(|(key, asked)| self.find_tagged(*key, asked))
            .collect())
    }

    fn see_tagged(&self, asked: &[Asked<'_>], _: Option<Instant>) -> Result<(), Infallible> {
        for asked in asked {
            asked.see(Some(asked.version_in_memory()));
        }
        Ok(())
    }

    fn write_tagged<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>)>,
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<(), Infallible> {
        for ((key, value, expiry), asked) in entries.into_iter().zip(asked) {
            match asked.seen() {
                Some(version) => self.put(&key, value, expiry, version),
                None => _ = Storage::remove(self, &key, until)?,
            }
        }
        Ok(())
    }

    fn remove_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[&K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Infallible> {
        keys.iter()
            .map(|key| Storage::remove(self, *key, until))
            .collect()
    }

    fn renew_tagged<K: RingKey + ?Sized>(
        &self,
        entries: &[(&K, Duration)],
        asked: &[Asked<'_>],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Infallible> {
        let entries = entries.iter().zip(asked);
        let renewed = entries.map(|((key, expiry), asked)| {
            Ok(self.has_tagged(*key, asked) && Storage::renew(self, *key, *expiry, until)?)
        });
        renewed.collect()
    }
}

in_memory_tags!(Map);
