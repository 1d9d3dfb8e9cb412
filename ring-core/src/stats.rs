//! Counters of what a ring did.

mod tally;

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
pub(crate) struct Counters(Tally);

/// What there is to count.
#[derive(Clone, Copy)]
enum Event {
    Hit,
    Miss,
    Store,
    Coalesced,
    Error,
}

impl Counters {
    #[inline]
    pub(crate) fn hit(&self) {
        self.0.count(Event::Hit as usize);
    }

    /// What counts hits of this thread, if that is done without waiting.
    #[inline(always)]
    pub(crate) fn own_hits(&self) -> Option<impl FnOnce()> {
        let place = self.0.own()?;
        Some(move || place.count(Event::Hit as usize))
    }

    pub(crate) fn miss(&self) {
        self.0.count(Event::Miss as usize);
    }

    pub(crate) fn store(&self) {
        self.0.count(Event::Store as usize);
    }

    pub(crate) fn coalesced(&self) {
        self.0.count(Event::Coalesced as usize);
    }

    pub(crate) fn error(&self) {
        self.0.count(Event::Error as usize);
    }

    pub(crate) fn read(&self) -> Stats {
        let total = |event| self.0.total(event as usize);
        Stats {
            hits: total(Event::Hit),
            misses: total(Event::Miss),
            stores: total(Event::Store),
            coalesced: total(Event::Coalesced),
            errors: total(Event::Error),
            ..Stats::default()
        }
    }
}
