//! Counters for many threads at once: exact, without waiting.
//!
//! A thread has a place of its own, by the number of its [slot](thread_slot). Only that thread writes there, so it
//! needs no atomic addition. Threads with high numbers, or without a number, share some places and add atomically.

use std::sync::LazyLock;

use crate::sync::lasting::{AtomicU64, Ordering};
use crate::sync::thread_slot;

/// Counts events of up to eight kinds.
#[derive(Debug)]
pub(super) struct Tally {
    /// The places of threads, by their numbers.
    places: Box<[Place]>,
    /// For threads without a place of their own: several share one.
    shared: [Place; 4],
}

/// The counts of one thread, in its own cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Place([AtomicU64; 8]);

impl Default for Tally {
    fn default() -> Self {
        Tally {
            places: (0..*PLACES).map(|_| Place::default()).collect(),
            shared: Default::default(),
        }
    }
}

impl Tally {
    /// Counts one event of this kind.
    #[inline]
    pub(super) fn count(&self, kind: usize) {
        match self.places.get(thread_slot::current().number) {
            Some(place) => place.count(kind),
            None => self.count_without_place(kind),
        }
    }

    /// Counts by the place of this thread, if it has one.
    #[inline(always)]
    pub(super) fn own(&self) -> Option<OwnPlace<'_>> {
        self.places.get(thread_slot::current().number).map(OwnPlace)
    }

    #[cold]
    fn count_without_place(&self, kind: usize) {
        let number = thread_slot::current_or_new().number;
        match self.places.get(number) {
            Some(place) => place.count(kind),
            None => {
                let shared = &self.shared[number % self.shared.len()].0[kind];
                shared.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The number of events of this kind.
    pub(super) fn total(&self, kind: usize) -> u64 {
        let places = self.places.iter().chain(&self.shared);
        places
            .map(|place| place.0[kind].load(Ordering::Relaxed))
            .fold(0, u64::wrapping_add)
    }
}

/// The place of this thread.
pub(super) struct OwnPlace<'t>(&'t Place);

impl OwnPlace<'_> {
    /// Counts one event of this kind.
    #[inline(always)]
    pub(super) fn count(&self, kind: usize) {
        self.0.count(kind);
    }
}

impl Place {
    #[inline]
    fn count(&self, kind: usize) {
        // No other thread writes here.
        let count = self.0[kind].load(Ordering::Relaxed);
        self.0[kind].store(count.wrapping_add(1), Ordering::Relaxed);
    }
}

/// The number of threads with places: more than usually run at a time.
static PLACES: LazyLock<usize> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors * 2).min(64)
});

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn every_event_is_counted_once_however_many_threads_count() {
        let tally = Tally::default();
        let threads = 3 * tally.places.len();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..10_000).for_each(|_| tally.count(0)));
            }
        });
        assert_eq!(tally.total(0), threads as u64 * 10_000);
    }

    #[test]
    fn events_are_counted_while_a_thread_ends() {
        struct AtTheEnd(&'static Tally);
        impl Drop for AtTheEnd {
            fn drop(&mut self) {
                self.0.count(0);
            }
        }
        thread_local!(static LAST: Cell<Option<AtTheEnd>> = const { Cell::new(None) });

        let tally: &'static Tally = Box::leak(Box::default());
        for _ in 0..100 {
            let thread = std::thread::spawn(move || {
                LAST.set(Some(AtTheEnd(tally)));
                tally.count(0);
            });
            thread.join().expect("it does not panic");
        }
        assert_eq!(tally.total(0), 200);
    }
}
