//! The raw operations: find, put and remove entries by the texts of keys.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ring_cache_core::Cause;
use ring_cache_core::EvictionReason;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::Inner;
use super::fault::Fault;
use super::metadata::{Condition, Metadata};
use super::operations::{self, Found, Put, RemovalCounts};
use super::wait_limit::WaitLimit;

/// A value and its remaining life.
pub(super) type ValueWithLife = (Vec<u8>, Option<Duration>);

/// The number of entries that `clear` removes per transaction: others write in between.
const CLEARED: u32 = 512;

/// The most pending deletes that one write executes.
const DELETED_AT_ONCE: usize = 64;

impl Inner {
    pub(super) fn get(&self, key: &str, until: Option<Instant>) -> Result<Option<ValueWithLife>, Cause> {
        if self.is_to_be_deleted(key) {
            return Ok(None);
        }
        let now = self.now();
        let found = self
            .files
            .read(self.wait_limit(until), |reader| operations::find(reader, key))?;
        Ok(found.and_then(|found| self.living_value(key, found, now)))
    }

    pub(super) fn get_many(
        &self,
        keys: &[String],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Vec<u8>>>, Cause> {
        let now = self.now();
        // Checked before the look-up: a delete may be executed in between.
        let owed: Vec<_> = keys.iter().map(|key| self.is_to_be_deleted(key)).collect();
        let found = self.files.read(self.wait_limit(until), |reader| {
            let _one_state = Transaction::new_unchecked(reader, TransactionBehavior::Deferred)?;
            keys.iter()
                .map(|key| operations::find(reader, key))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let shown = keys.iter().zip(found).zip(owed).map(|((key, found), owed)| {
            let found = found.filter(|_| !owed)?;
            self.living_value(key, found, now).map(|(value, _)| value)
        });
        Ok(shown.collect())
    }

    pub(super) fn has(&self, key: &str, until: Option<Instant>) -> Result<bool, Cause> {
        if self.is_to_be_deleted(key) {
            return Ok(false);
        }
        let now = self.now();
        let found = self
            .files
            .read(self.wait_limit(until), |reader| operations::look(reader, key))?;
        Ok(found.is_some_and(|found| match found.metadata {
            Some(metadata) => self.remaining_life(key, &found, metadata, now).is_some(),
            None => {
                self.drop_damaged(found.id);
                false
            }
        }))
    }

    /// The value of an intact entry that lives.
    fn living_value(&self, key: &str, mut found: Found, now: SystemTime) -> Option<ValueWithLife> {
        let Some((metadata, value)) = found.take_intact() else {
            self.drop_damaged(found.id);
            return None;
        };
        let left = self.remaining_life(key, &found, metadata, now)?;
        Some((value, left))
    }

    /// The remaining life of an entry that lives.
    fn remaining_life(
        &self,
        key: &str,
        found: &Found,
        metadata: Metadata,
        now: SystemTime,
    ) -> Option<Option<Duration>> {
        match metadata.condition(now) {
            Condition::Expired => None,
            Condition::Lives(left) => Some(left),
            Condition::Early(lifetime) => {
                let metadata = metadata.restarted(now, lifetime);
                // If this fails, the next look-up does it.
                let _ = self.write(WaitLimit::of(None, Duration::ZERO), |writer| {
                    operations::restart(writer, found, key, metadata)
                });
                Some(Some(lifetime))
            }
        }
    }

    /// If this fails, the entry still counts as absent.
    fn drop_damaged(&self, id: i64) {
        let dropped = self.write(WaitLimit::of(None, Duration::ZERO), |writer| {
            operations::remove_id(writer, id)
        });
        if dropped.is_ok() {
            count(&self.files.damaged_entries, 1);
        }
    }

    /// Puts entries under their keys. An entry that is too large, or whose expiry is zero, removes the old one.
    pub(super) fn put(
        &self,
        entries: &[(String, Vec<u8>, Option<Duration>)],
        until: Option<Instant>,
    ) -> Result<(), Cause> {
        let now = self.now();
        let all_metadata: Vec<_> = entries
            .iter()
            .map(|(key, value, expiry)| {
                let stays = *expiry != Some(Duration::ZERO) && self.fits(key, value);
                stays.then(|| Metadata::new(now, *expiry, value))
            })
            .collect();
        let written = self.write(self.wait_limit(until), |writer| {
            let mut removed = RemovalCounts::default();
            for ((key, value, _), metadata) in entries.iter().zip(&all_metadata) {
                match *metadata {
                    Some(metadata) => {
                        let put = Put { key, value, metadata };
                        removed += operations::put(writer, put, now, self.max_bytes)?;
                    }
                    None => drop(operations::remove(writer, key, now)?),
                }
            }
            Ok(removed)
        });
        let removed = self.remember_failed(written, entries.iter().map(|(key, ..)| &**key))?;
        self.count_removed(removed);
        match entries.iter().find(|(key, value, _)| !self.fits(key, value)) {
            Some((_, value, _)) => Err(too_large(value.len(), self.largest())),
            None => Ok(()),
        }
    }

    /// The most bytes of a key and its value.
    fn largest(&self) -> u64 {
        self.max_bytes / 2
    }

    fn fits(&self, key: &str, value: &[u8]) -> bool {
        (key.len() + value.len()) as u64 <= self.largest()
    }

    fn count_removed(&self, removed: RemovalCounts) {
        count(&self.files.evictions, removed.evictions);
        count(&self.files.expirations, removed.expirations);
        (0..removed.evictions).for_each(|_| self.flights().lost(EvictionReason::Capacity));
        (0..removed.expirations).for_each(|_| self.flights().lost(EvictionReason::Expired));
    }

    /// Puts an entry under a key that has none. Returns whether it did; not if the entry is too large, or its expiry zero.
    pub(super) fn put_if_absent(
        &self,
        (key, value, expiry): &(String, Vec<u8>, Option<Duration>),
        until: Option<Instant>,
    ) -> Result<bool, Cause> {
        if *expiry == Some(Duration::ZERO) || !self.fits(key, value) {
            return Ok(false);
        }
        let now = self.now();
        let metadata = Metadata::new(now, *expiry, value);
        let removed = self.write(self.wait_limit(until), |writer| {
            if operations::look(writer, key)?.is_some_and(|found| found.lives(now)) {
                return Ok(None);
            }
            let put = Put { key, value, metadata };
            operations::put(writer, put, now, self.max_bytes).map(Some)
        })?;
        let was_put = removed.is_some();
        self.count_removed(removed.unwrap_or_default());
        Ok(was_put)
    }

    pub(super) fn remove(&self, keys: &[String], until: Option<Instant>) -> Result<Vec<bool>, Cause> {
        let now = self.now();
        let removed = self.write(self.wait_limit(until), |writer| {
            keys.iter()
                .map(|key| operations::remove(writer, key, now))
                .collect::<Result<Vec<_>, _>>()
        });
        self.remember_failed(removed, keys.iter().map(|key| &**key))
    }

    pub(super) fn renew(&self, key: &str, expiry: Duration, until: Option<Instant>) -> Result<bool, Cause> {
        let now = self.now();
        self.write(self.wait_limit(until), |writer| {
            operations::renew(writer, key, expiry, now)
        })
    }

    /// Removes the current entries of a ring, in steps.
    pub(super) fn clear(&self, ring: &str) -> Result<(), Cause> {
        let (whole, from, to) = (
            format!("{}{ring}", self.namespace),
            format!("{}{ring}:", self.namespace),
            // `;` follows `:` in ASCII.
            format!("{}{ring};", self.namespace),
        );
        let now = self.now();
        let last = self.write(self.wait_limit(None), |writer| {
            operations::remove(writer, &whole, now)?;
            operations::last(writer)
        })?;
        loop {
            let removed = self.write(self.wait_limit(None), |writer| {
                operations::remove_between(writer, (&from, &to), last, CLEARED)
            })?;
            if removed < CLEARED {
                return Ok(());
            }
        }
    }

    /// Marks the entry under `key` suspect.
    pub(super) fn mark_suspect(&self, key: &str) {
        self.files.pending_deletes.add([key.into()]);
    }

    /// Whether the entry under `key` is suspect. If so, tries to remove it, without waiting.
    fn is_to_be_deleted(&self, key: &str) -> bool {
        let is_pending = self.files.pending_deletes.contains(key);
        if is_pending {
            let _ = self.write(WaitLimit::of(None, Duration::ZERO), |_| Ok(()));
        }
        is_pending
    }

    /// Writes, after the pending deletes.
    fn write<R>(
        &self,
        wait_limit: WaitLimit,
        work: impl Fn(&Connection) -> Result<R, Fault>,
    ) -> Result<R, Cause> {
        let (keys, next) = self.files.pending_deletes.oldest(0, DELETED_AT_ONCE);
        let now = self.now();
        let done = self.files.write(wait_limit, |writer| {
            for key in &keys {
                operations::remove(writer, key, now)?;
            }
            work(writer)
        })?;
        self.files.pending_deletes.settle(&keys, next);
        Ok(done)
    }

    fn remember_failed<'k, R>(
        &self,
        result: Result<R, Cause>,
        keys: impl Iterator<Item = &'k str>,
    ) -> Result<R, Cause> {
        result.inspect_err(|_| self.files.pending_deletes.add(keys.map(Into::into)))
    }

    fn now(&self) -> SystemTime {
        (self.clock)()
    }

    pub(super) fn wait_limit(&self, until: Option<Instant>) -> WaitLimit {
        WaitLimit::of(until, self.deadline)
    }
}

fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

fn too_large(bytes: usize, largest: u64) -> Cause {
    format!("the value has {bytes} bytes, and a key and its value can have {largest} of `max_bytes`").into()
}
