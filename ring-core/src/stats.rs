//! Counters of what a ring did.

mod tally;

use crate::sync::lasting::{AtomicU64, Ordering};
use tally::Tally;

/// What a ring did so far: exact, and read while it goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Look-ups that found a value, bulk ones counted one by one.
    pub hits: u64,
    /// Look-ups that found none.
    pub misses: u64,
    /// Values that were stored.
    pub stores: u64,
    /// Plain calls that took the value of another call's computation instead of computing. They are among the misses.
    pub coalesced: u64,
    /// Failures of the storage or the coder. None of them changed the answer of a plain call.
    pub errors: u64,
    /// Entries of the whole storage that gave way to newer ones.
    pub evictions: u64,
    /// Entries of the whole storage that were found to have expired.
    pub expirations: u64,
}

/// What one ring counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Many at a time, and each as short as anything: see [`tally`].
    hits: Tally,
    misses: AtomicU64,
    stores: AtomicU64,
    coalesced: AtomicU64,
    errors: AtomicU64,
}

impl Counters {
    #[inline]
    pub(crate) fn hit(&self) {
        self.hits.count();
    }

    pub(crate) fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn store(&self) {
        self.stores.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn coalesced(&self) {
        self.coalesced.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            hits: self.hits.total(),
            misses: read(&self.misses),
            stores: read(&self.stores),
            coalesced: read(&self.coalesced),
            errors: read(&self.errors),
            ..Stats::default()
        }
    }
}
