//! The deadlines of a shard's entries, if the cache has a time to idle.
//!
//! The shard's own `deadlines` are then all zero, so its `hit` finds nothing, and the slow path decides by the
//! deadlines here. Other caches pay nothing for this.

use crate::clock::NEVER;
use crate::sync::{AtomicU64, Ordering};

/// The deadlines of the entries of one shard.
#[derive(Default)]
pub(super) struct Idle {
    of_slots: Vec<Deadlines>,
}

struct Deadlines {
    /// The deadline by its expiry.
    expires_at: u64,
    /// The deadline by its last use.
    idle_until: AtomicU64,
}

impl Idle {
    /// The sooner deadline of the entry in a slot. [`NEVER`] without an entry: the slot may have been seen under an earlier
    /// lock.
    pub(super) fn deadline(&self, slot: usize) -> u64 {
        let sooner = |deadlines: &Deadlines| {
            let idle_until = deadlines.idle_until.load(Ordering::Relaxed);
            deadlines.expires_at.min(idle_until)
        };
        self.of_slots.get(slot).map_or(NEVER, sooner)
    }

    /// The deadline by expiry of the entry in a slot. [`NEVER`] without an entry.
    pub(super) fn expires_at(&self, slot: usize) -> u64 {
        self.of_slots
            .get(slot)
            .map_or(NEVER, |deadlines| deadlines.expires_at)
    }

    /// Notes that the entry in a slot was used.
    pub(super) fn note_use(&self, slot: usize, idle_until: u64) {
        let deadline = &self.of_slots[slot].idle_until;
        deadline.store(idle_until, Ordering::Relaxed);
    }

    /// Sets the deadline by expiry.
    pub(super) fn set(&mut self, slot: usize, expires_at: u64) {
        self.of_slots[slot].expires_at = expires_at;
    }

    pub(super) fn push(&mut self, expires_at: u64, idle_until: u64) {
        self.of_slots.push(Deadlines {
            expires_at,
            idle_until: AtomicU64::new(idle_until),
        });
    }

    pub(super) fn swap_remove(&mut self, slot: usize) {
        self.of_slots.swap_remove(slot);
    }

    /// The number of entries.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn count(&self) -> usize {
        self.of_slots.len()
    }
}
