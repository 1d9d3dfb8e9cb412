//! All calls are hits, on one thread.

use std::hint::black_box;
use std::time::Instant;

use super::{Match, fill, nanoseconds};
use crate::form::Form;
use crate::keys;
use crate::peer::{Peer, Visit};
use crate::scenarios::Scenario;
use crate::table::{Measure, Row};
use crate::who::Who;

/// A hit with a number.
pub const NUMBER: Measure = Measure::less("hit, `u64` (ns)", 1);
/// A hit with a URL and a number.
pub const URL: Measure = Measure::less("hit, URL of 32 and `u64` (ns)", 1);
/// A hit of a method.
pub const METHOD: Measure = Measure::less("hit, `&self` with a `String` (ns)", 1);
/// A hit that clones a text.
pub const TEXT: Measure = Measure::less("hit, `u64` to `Arc<str>` (ns)", 1);
/// A hit that copies 64 bytes.
pub const BYTES64: Measure = Measure::less("hit, `u64` to 64 bytes (ns)", 1);
/// A hit of an entry that will expire.
pub const EXPIRING: Measure = Measure::less("hit, `u64`, with expiry (ns)", 1);

struct Hits<K> {
    all: Match,
    keys: Vec<K>,
    visits: Vec<K>,
    passes: usize,
}

/// Calls with all visits, this many times over.
#[inline]
pub(super) fn passes<K: Copy, V>(peer: &impl Peer<K, V>, visits: &[K], passes: usize) {
    for _ in 0..passes {
        for &key in visits {
            black_box(peer.hit(key));
        }
    }
}

impl<K: keys::Borrowed, V> Visit<K, V> for Hits<K> {
    fn peer<P: Peer<K, V> + 'static>(&mut self, who: Who, make: impl FnOnce() -> P) {
        let mut peer = make();
        fill(who, &mut peer, &self.keys);
        let (visits, count) = (self.visits.clone(), self.passes);
        self.all.enter(who, move || {
            // Uncounted: the contender before has left its data in the processor's caches.
            passes(&peer, &visits, 1);
            let start = Instant::now();
            passes(&peer, &visits, count);
            start.elapsed()
        });
    }

    fn cannot(&mut self, who: Who, why: &'static str) {
        self.all.cannot(who, why);
    }
}

/// Measures a hit of a scenario's function.
pub fn measure<S: Scenario>(measure: Measure, form: &Form) -> Row {
    let keys = keys::all();
    let visits = keys::visits(&keys, 1);
    let calls = visits.len() * form.passes;
    let mut hits = Hits {
        all: Match::new(measure),
        keys,
        visits,
        passes: form.passes,
    };
    S::each(&mut hits);
    hits.all.play(form.rounds, nanoseconds(calls))
}
