//! Counters of a ring.

mod tally;

use tally::Tally;

/// The counters of a ring: exact, and read while calls go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Look-ups that found a value. Each call of a bulk verb counts.
    pub hits: u64,
    /// Calls that returned a value past its `expire`, within `stale`. They do not count as hits.
    pub stale_hits: u64,
    /// Look-ups that found no value, or a stale one that was not returned.
    pub misses: u64,
    /// Values that were stored.
    pub stores: u64,
    /// Plain calls that took the value of another call's computation. They count as misses too.
    pub coalesced: u64,
    /// Failures of the storage or the coder. They never changed the answer of a plain call.
    pub errors: u64,
    /// Entries of the whole storage that were evicted for newer ones.
    pub evictions: u64,
    /// Entries of the whole storage that were found to have expired.
    pub expirations: u64,
}

/// The counters of one ring.
#[derive(Debug, Default)]
pub(crate) struct Counters(Tally);

/// The kinds of events.
#[derive(Clone, Copy)]
enum Event {
    Hit,
    Miss,
    Store,
    Coalesced,
    Error,
    StaleHit,
}

impl Counters {
    #[inline]
    pub(crate) fn hit(&self) {
        self.0.count(Event::Hit as usize);
    }

    /// The counter for hits of this thread, if it is available without waiting.
    #[inline(always)]
    pub(crate) fn own_hits(&self) -> Option<impl FnOnce()> {
        let place = self.0.own()?;
        Some(move || place.count(Event::Hit as usize))
    }

    pub(crate) fn stale_hit(&self) {
        self.0.count(Event::StaleHit as usize);
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
            stale_hits: total(Event::StaleHit),
            misses: total(Event::Miss),
            stores: total(Event::Store),
            coalesced: total(Event::Coalesced),
            errors: total(Event::Error),
            ..Stats::default()
        }
    }
}
