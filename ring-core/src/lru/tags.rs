//! Entries with tags: a version is kept with each.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use super::Lru;
use crate::flights::{InPlace, Terms};
use crate::key::RingKey;
use crate::storage::{Asked, Expiring, Storage, Tags, in_memory_tags};

impl<T: Clone> Lru<T> {
    /// The entry under `key`, if its version is that of its tags. The version is seen.
    fn find_tagged<K: RingKey + ?Sized>(&self, key: &K, asked: &Asked<'_>) -> Option<Expiring<T>> {
        let version = asked.version_in_memory();
        asked.see(Some(version));
        self.find_of(key, version)
    }

    /// The entry under `key` that was stored with this version.
    pub(super) fn find_of<K: RingKey + ?Sized>(&self, key: &K, version: u64) -> Option<Expiring<T>> {
        let (value, deadline) = self.find_if(key, |shard, slot| shard.version(slot) == version)?;
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

    /// Whether there is an entry under `key` whose version is that of its tags.
    fn has_tagged<K: RingKey + ?Sized>(&self, key: &K, asked: &Asked<'_>) -> bool {
        let (key, version) = (self.encode(key), asked.version_in_memory());
        let shard = self.shard(key.hash_value()).read();
        let slot = shard.find(key.hash_value(), &key);
        slot.is_some_and(|slot| shard.version(slot) == version && !self.clock.is_past(shard.deadline(slot)))
    }
}

impl<T: Clone> Tags<T> for Lru<T> {
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
        _: Option<Instant>,
    ) -> Result<(), Infallible> {
        for ((key, value, expiry), asked) in entries.into_iter().zip(asked) {
            match asked.seen() {
                Some(version) => self.put_of(&key, value, expiry, version),
                None => _ = self.take(&key),
            }
        }
        Ok(())
    }

    fn remove_tagged<K: RingKey + ?Sized>(
        &self,
        keys: &[&K],
        _: Option<Instant>,
    ) -> Result<Vec<bool>, Infallible> {
        Ok(keys.iter().map(|key| self.take(*key)).collect())
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

in_memory_tags!(Lru);
