//! Most calls hit, and now and then one has a new key, which is computed and stored.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::misses::UNBOUNDED;
use super::threads::at_once;
use super::{Match, fill};
use crate::form::Form;
use crate::keys::{self, Borrowed};
use crate::peer::{Peer, Visit};
use crate::scenarios::Scenario;
use crate::table::{Measure, Row};
use crate::who::Who;

/// The number of calls to one new key, and the number of threads.
pub const ALL: [(Measure, u64, u64); 6] = [
    (
        Measure::more("a new key every 16 calls (million calls/s)", 1),
        16,
        1,
    ),
    (
        Measure::more("a new key every 128 calls (million calls/s)", 1),
        128,
        1,
    ),
    (
        Measure::more("a new key every 1,024 calls (million calls/s)", 1),
        1024,
        1,
    ),
    (
        Measure::more("2 threads, a new key every 16 calls (million calls/s)", 1),
        16,
        2,
    ),
    (
        Measure::more("2 threads, a new key every 128 calls (million calls/s)", 1),
        128,
        2,
    ),
    (
        Measure::more("2 threads, a new key every 1,024 calls (million calls/s)", 1),
        1024,
        2,
    ),
];

/// Greater than the numbers of all other keys.
static NEXT_NEW: AtomicU64 = AtomicU64::new(1 << 40);

struct Mixed<K> {
    all: Match,
    every: u64,
    keys: Vec<K>,
    /// The visits of each thread.
    visits: Vec<Vec<K>>,
    passes: usize,
}

/// Calls with these keys; one call in `every` has a new key instead.
fn calls<K: Borrowed, V>(peer: &impl Peer<K, V>, visits: &[K], every: u64, passes: usize) {
    let calls = (visits.len() * passes) as u64;
    let mut new = NEXT_NEW.fetch_add(calls / every + 1, Ordering::Relaxed);
    let mut left = every;
    for _ in 0..passes {
        for &key in visits {
            left -= 1;
            if left == 0 {
                left = every;
                new += 1;
                black_box(peer.call(K::of(new)));
            } else {
                black_box(peer.call(key));
            }
        }
    }
}

impl<K: Borrowed, V> Visit<K, V> for Mixed<K> {
    fn peer<P: Peer<K, V> + 'static>(&mut self, who: Who, make: impl FnOnce() -> P) {
        if !who.is_bounded() {
            return self.all.cannot(who, UNBOUNDED);
        }
        if who == Who::RingStorage {
            return self.all.cannot(who, "stores nothing by itself");
        }
        let mut peer = make();
        fill(who, &mut peer, &self.keys);
        let (visits, passes, every) = (self.visits.clone(), self.passes, self.every);
        self.all.enter(who, move || {
            let prepare = |visits: &Vec<K>| calls(&peer, visits, every, 1);
            let work = |visits: &Vec<K>| calls(&peer, visits, every, passes);
            at_once(&visits, prepare, work)
        });
    }

    fn cannot(&mut self, who: Who, why: &'static str) {
        self.all.cannot(who, why);
    }
}

/// Measures all mixtures of a scenario's function.
pub fn measure<S: Scenario>(form: &Form) -> Vec<Row> {
    ALL.iter()
        .map(|&(measure, every, threads)| measure_on::<S>(measure, every, threads, form))
        .collect()
}

/// Measures calls on this many threads. One call in `every` has a new key.
pub fn measure_on<S: Scenario>(measure: Measure, every: u64, threads: u64, form: &Form) -> Row {
    let keys = keys::all();
    let visits: Vec<_> = (1..=threads).map(|thread| keys::visits(&keys, thread)).collect();
    let calls = visits.iter().map(Vec::len).sum::<usize>() * form.passes;
    let mut mixed = Mixed {
        all: Match::new(measure),
        every,
        keys,
        visits,
        passes: form.passes,
    };
    S::each(&mut mixed);
    let millions = move |time: Duration| calls as f64 / time.as_secs_f64() / 1e6;
    mixed.all.play(form.rounds, millions)
}
