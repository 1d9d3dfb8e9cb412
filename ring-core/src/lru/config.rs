//! The settings of a cache.

use std::time::Duration;

use crate::clock::{NEVER, StorageClock};
use crate::flights::{Departed, Terms};
use crate::observer::EvictionReason;
use crate::storage_facts::StorageFacts;
use crate::usage::Usage;

/// The settings of a cache.
pub(super) struct Config {
    /// The number of shards, a power of two, minus one.
    pub(super) mask: usize,
    pub(super) capacity: usize,
    pub(super) clock: StorageClock,
    /// The time to idle: an entry that is not used for this long ends.
    pub(super) idle: Option<Duration>,
}

impl Config {
    /// The number of the shard of the keys with this hash.
    #[inline(always)]
    pub(super) fn shard(&self, hash: u64) -> usize {
        // The shard uses the lower half.
        (hash >> 32) as usize & self.mask
    }

    /// The instant at which an entry that is used now ends if it is not used again; [`NEVER`] without a time to idle.
    #[inline]
    pub(super) fn idle_until(&self) -> u64 {
        match self.idle {
            Some(idle) => self.clock.deadline(Some(idle)),
            None => NEVER,
        }
    }

    /// The terms of an entry that is stored now.
    #[inline]
    pub(super) fn terms(&self, expiry: Option<Duration>, weight: u32) -> Terms {
        Terms {
            expires_at: self.clock.deadline(expiry),
            idle_until: self.idle_until(),
            weight,
            version: 0,
        }
    }

    /// Counts a removed entry. Returns whether it had not expired.
    pub(super) fn count_removed(&self, facts: &StorageFacts, removed: &Departed) -> bool {
        facts.went(1);
        !self.clock.is_past(removed.expires_at)
    }

    /// Counts an entry that is gone, and returns the reason, unless it was removed or replaced while it was alive. Called
    /// without a lock.
    pub(super) fn count_loss(&self, usage: &Usage, gone: &Departed) -> Option<EvictionReason> {
        let reason = if self.clock.is_past(gone.expires_at) {
            EvictionReason::Expired
        } else if gone.by_another_key {
            EvictionReason::Capacity
        } else {
            return None;
        };
        usage.lost(gone.key.ring_number(), reason);
        Some(reason)
    }

    /// [`count_loss`](Self::count_loss) for several entries.
    #[cold]
    pub(super) fn count_losses(&self, usage: &Usage, gone: &[Departed]) {
        for entry in gone {
            self.count_loss(usage, entry);
        }
    }
}
