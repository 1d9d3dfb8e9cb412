//! One thread's counts of the calls of one ring on one storage.

use crate::sync::lasting::{AtomicU64, Ordering};

/// The events that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counter {
    Hit,
    StaleHit,
    Miss,
    Store,
    Coalesced,
    Computed,
    Eviction,
    Expiration,
}

/// The number of [`Counter`]s.
const COUNTERS: usize = 8;

/// The counts of one cell.
pub(crate) type Totals = [u64; COUNTERS];

/// One thread's counts in one cell, in a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Counts([AtomicU64; COUNTERS]);

impl Counts {
    /// Adds one. Called by the thread whose counts they are.
    #[inline(always)]
    pub(crate) fn add(&self, counter: Counter) {
        let count = &self.0[counter as usize];
        // No other thread writes to it.
        count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    pub(crate) fn of(&self, counter: Counter) -> u64 {
        self.0[counter as usize].load(Ordering::Relaxed)
    }

    pub(super) fn read(&self) -> Totals {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}
