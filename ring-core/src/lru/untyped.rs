//! What a cache does whatever the type of its values: compiled once.

use std::fmt;
use std::time::Duration;

use super::config::Config;
use super::shard::Entries;
use crate::key::{EncodedKey, KeyBytes};

/// A cache with values of any type.
pub(super) trait UntypedLru {
    fn config(&self) -> &Config;

    /// Reads the entries of a shard under its lock.
    fn read(&self, shard: usize, read: &mut dyn FnMut(&Entries));

    /// Changes the entries of a shard under its lock. Removes, counts and reports the one whose slot is returned. Returns
    /// whether there was one, and it had not expired.
    fn change(&self, shard: usize, change: &mut dyn FnMut(&mut Entries) -> Option<usize>) -> bool;
}

impl dyn UntypedLru + '_ {
    /// The number of entries, including expired ones that no operation has found yet.
    pub(super) fn len(&self) -> usize {
        let mut total = 0;
        self.read_all(&mut |entries| total += entries.len());
        total
    }

    /// The total weight of the entries.
    pub(super) fn weight(&self) -> u64 {
        let mut total = 0;
        self.read_all(&mut |entries| total += entries.weight());
        total
    }

    fn read_all(&self, read: &mut dyn FnMut(&Entries)) {
        for shard in 0..=self.config().mask {
            self.read(shard, read);
        }
    }

    /// Whether there is an entry that has not ended, of the key with this hash for which `is_key` is true. `counts` gets its
    /// slot. Not a use for the eviction policy.
    pub(super) fn has(
        &self,
        hash: u64,
        is_key: &dyn Fn(&KeyBytes) -> bool,
        counts: &dyn Fn(&Entries, usize) -> bool,
    ) -> bool {
        let config = self.config();
        let mut has = false;
        self.read(config.shard(hash), &mut |entries| {
            has = entries
                .find_by(hash, is_key)
                .is_some_and(|slot| !config.clock.is_past(entries.deadline(slot)) && counts(entries, slot));
        });
        has
    }

    /// `has` for an entry that is not stale: it has more than `stale` left until it expires.
    pub(super) fn has_fresh(&self, hash: u64, is_key: &dyn Fn(&KeyBytes) -> bool, stale: Duration) -> bool {
        let clock = &self.config().clock;
        self.has(hash, is_key, &|entries, slot| {
            clock.is_fresh(entries.expires_at(slot), stale)
        })
    }

    /// Removes the entry of a key. Returns whether there was one that had not expired.
    pub(super) fn take(&self, key: &EncodedKey) -> bool {
        let shard = self.config().shard(key.hash_value());
        self.change(shard, &mut |entries| entries.find(key))
    }

    /// Restarts the expiry of an entry. Returns whether there was one.
    pub(super) fn renew(&self, key: &EncodedKey, expiry: Duration) -> bool {
        let config = self.config();
        let deadline = config.clock.deadline(Some(expiry));
        let mut is_renewed = false;
        self.change(config.shard(key.hash_value()), &mut |entries| {
            let slot = entries.find(key)?;
            if !config.clock.is_past(entries.deadline(slot)) {
                entries.set_deadline(slot, deadline);
                entries.note_idle(slot, || config.idle_until());
                is_renewed = true;
            }
            None
        });
        is_renewed
    }

    /// Removes the entry of a slot that was seen to have expired. If another entry took the slot since, removes it
    /// only if it has expired as well.
    #[cold]
    pub(super) fn expire(&self, hash: u64, slot: usize) {
        let config = self.config();
        self.change(config.shard(hash), &mut |entries| {
            config.clock.is_past(entries.deadline(slot)).then_some(slot)
        });
    }

    /// Omits keys and values.
    pub(super) fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lru")
            .field("len", &self.len())
            .field("capacity", &self.config().capacity)
            .finish_non_exhaustive()
    }
}
