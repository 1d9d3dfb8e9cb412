//! Counters for many threads at once: exact, and none waits for another.
//!
//! A thread has a place of its own, in which it alone writes, so it needs no atomic addition. Threads are numbered when
//! they first count, and give their numbers back when they end; where there are many, those with high numbers share some
//! places, in which they add atomically.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::LazyLock;

use crate::sync::lasting::{AtomicU64, Mutex, Ordering};

/// Counts events of up to eight kinds.
#[derive(Debug)]
pub(super) struct Tally {
    /// The places of threads, by their numbers.
    places: Box<[Place]>,
    /// For threads whose number has no place: several share one.
    shared: [Place; 4],
}

/// What one thread counted, in a cache line of its own.
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
        match self.places.get(NUMBER.get()) {
            Some(place) => place.count(kind),
            None => self.count_without_place(kind),
        }
    }

    #[cold]
    fn count_without_place(&self, kind: usize) {
        let number = thread_number();
        match self.places.get(number) {
            Some(place) => place.count(kind),
            None => {
                let shared = &self.shared[number % self.shared.len()].0[kind];
                shared.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many events of this kind were counted.
    pub(super) fn total(&self, kind: usize) -> u64 {
        let places = self.places.iter().chain(&self.shared);
        places
            .map(|place| place.0[kind].load(Ordering::Relaxed))
            .fold(0, u64::wrapping_add)
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

/// How many threads have places: more than run at a time, mostly.
static PLACES: LazyLock<usize> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors * 2).min(64)
});

/// The number of a thread that never counted.
const NEW: usize = usize::MAX;

/// The number of a thread that is about to end.
const ENDING: usize = usize::MAX - 1;

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(NEW) };
    static NUMBERED: Numbered = Numbered::first();
}

/// This thread's number, given now if it has none.
fn thread_number() -> usize {
    if NUMBER.get() == NEW {
        // Fails while the thread ends: then it goes without.
        NUMBERED.try_with(|numbered| NUMBER.set(numbered.0)).ok();
    }
    NUMBER.get()
}

/// A thread's right to its number.
struct Numbered(usize);

/// The numbers that no thread has: those that were given back, and all from `next` on.
struct Free {
    returned: BinaryHeap<Reverse<usize>>,
    next: usize,
}

/// Its lock also makes what a thread counted known to the next one with its number.
static FREE: Mutex<Free> = Mutex::new(Free {
    returned: BinaryHeap::new(),
    next: 0,
});

impl Numbered {
    /// Takes the first free number.
    fn first() -> Self {
        let mut free = FREE.lock();
        let returned = free.returned.pop();
        Numbered(returned.map_or_else(
            || {
                free.next += 1;
                free.next - 1
            },
            |Reverse(number)| number,
        ))
    }
}

impl Drop for Numbered {
    fn drop(&mut self) {
        NUMBER.set(ENDING);
        FREE.lock().returned.push(Reverse(self.0));
    }
}

#[cfg(test)]
mod tests {
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
    fn a_thread_takes_the_number_of_one_that_ended() {
        for _ in 0..1000 {
            let tally = std::thread::spawn(|| {
                let tally = Tally::default();
                tally.count(0);
                tally
            });
            assert_eq!(tally.join().expect("it does not panic").total(0), 1);
        }
        assert!(FREE.lock().next < 1000);
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
