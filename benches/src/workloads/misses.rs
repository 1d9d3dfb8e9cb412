//! All calls miss: each stores a new key, and evicts another one.

use std::hint::black_box;
use std::time::Instant;

use super::{Match, nanoseconds};
use crate::form::Form;
use crate::keys::Borrowed;
use crate::peer::{Peer, Visit};
use crate::scenarios::Scenario;
use crate::table::{Measure, Row};
use crate::who::Who;

/// With room for 128 entries.
pub const OF_128: Measure = Measure::less("miss, store, evict at 128 (ns)", 1);
/// With room for 1,024 entries.
pub const OF_1024: Measure = Measure::less("miss, store, evict at 1,024 (ns)", 1);
/// With room for 100,000 entries.
pub const OF_100000: Measure = Measure::less("miss, store, evict at 100,000 (ns)", 1);

/// The reason why the floor takes no part if entries are evicted.
pub(super) const UNBOUNDED: &str = "no bound";

struct Misses {
    all: Match,
    capacity: usize,
    calls: usize,
}

/// Calls with this many keys that were not there before.
#[inline]
pub(super) fn new_keys<K: Borrowed, V>(peer: &impl Peer<K, V>, next: &mut u64, calls: usize) {
    for number in *next..*next + calls as u64 {
        black_box(peer.call(K::of(number)));
    }
    *next += calls as u64;
}

impl<K: Borrowed, V> Visit<K, V> for Misses {
    fn peer<P: Peer<K, V> + 'static>(&mut self, who: Who, make: impl FnOnce() -> P) {
        if !who.is_bounded() {
            return self.all.cannot(who, UNBOUNDED);
        }
        let peer = make();
        let (mut next, calls) = (0, self.calls);
        // Twice the capacity, so that each call evicts at its steady cost.
        new_keys(&peer, &mut next, self.capacity * 2);
        self.all.enter(who, move || {
            let start = Instant::now();
            new_keys(&peer, &mut next, calls);
            start.elapsed()
        });
    }

    fn cannot(&mut self, who: Who, why: &'static str) {
        self.all.cannot(who, why);
    }
}

/// Measures a miss of a scenario's function.
pub fn measure<S: Scenario>(measure: Measure, form: &Form) -> Row {
    let mut misses = Misses {
        all: Match::new(measure),
        capacity: S::CAPACITY,
        calls: form.misses,
    };
    S::each(&mut misses);
    misses.all.play(form.rounds, nanoseconds(form.misses))
}
