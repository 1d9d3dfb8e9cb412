//! All calls are hits, on several threads at a time.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::hits::passes;
use super::{Match, fill};
use crate::form::Form;
use crate::keys::{self, Borrowed};
use crate::peer::{Peer, Visit};
use crate::scenarios::Scenario;
use crate::table::{Measure, Row};
use crate::who::Who;

/// Hits with numbers.
pub const NUMBER: Measure = Measure::more("2 threads, `u64` (million hits/s)", 1);
/// Hits with URLs and numbers.
pub const URL: Measure = Measure::more("2 threads, URL and `u64` (million hits/s)", 1);
/// Hits of one key.
pub const HOT_KEY: Measure = Measure::more("2 threads, one hot key (million hits/s)", 1);

/// Hits in a cache of the default capacity.
pub const SMALL: Measure = Measure::more("2 threads, `u64`, room for 128 (million hits/s)", 1);

const THREADS: u64 = 2;

/// So few keys all stay in a cache for 128 entries, also if it is split and its parts fill unevenly.
const FEW: usize = 40;

struct Threads<K> {
    all: Match,
    keys: Vec<K>,
    /// The visits of each thread.
    visits: Vec<Vec<K>>,
    passes: usize,
}

impl<K: Borrowed, V> Visit<K, V> for Threads<K> {
    fn peer<P: Peer<K, V> + 'static>(&mut self, who: Who, make: impl FnOnce() -> P) {
        let mut peer = make();
        fill(who, &mut peer, &self.keys);
        let (visits, count) = (self.visits.clone(), self.passes);
        self.all.enter(who, move || hits(&peer, &visits, count));
    }

    fn cannot(&mut self, who: Who, why: &'static str) {
        self.all.cannot(who, why);
    }
}

/// The time of this many passes through the visits of each thread, after one that does not count.
fn hits<K: Borrowed, V>(peer: &impl Peer<K, V>, visits: &[Vec<K>], count: usize) -> Duration {
    at_once(
        visits,
        |visits| passes(peer, visits, 1),
        |visits| passes(peer, visits, count),
    )
}

/// The time in which threads work on a part each, from the moment at which the first begins until all have ended. Their
/// start and preparation do not count.
pub(super) fn at_once<P: Sync>(
    parts: &[P],
    prepare: impl Fn(&P) + Sync,
    work: impl Fn(&P) + Sync,
) -> Duration {
    let barrier = Barrier::new(parts.len());
    let times: Vec<(Instant, Instant)> = std::thread::scope(|scope| {
        let thread = |part| {
            let (barrier, prepare, work) = (&barrier, &prepare, &work);
            scope.spawn(move || {
                prepare(part);
                barrier.wait();
                let start = Instant::now();
                work(part);
                (start, Instant::now())
            })
        };
        let threads: Vec<_> = parts.iter().map(thread).collect();
        let times = threads.into_iter().map(|thread| thread.join());
        times.map(|times| times.expect("a thread that ends")).collect()
    });
    let start = times.iter().map(|times| times.0).min();
    let end = times.iter().map(|times| times.1).max();
    end.zip(start).map(|(end, start)| end - start).unwrap_or_default()
}

/// Measures hits of a scenario's function on two threads, each with an order of its own.
pub fn measure<S: Scenario>(measure: Measure, form: &Form) -> Row {
    measure_on::<S>(measure, THREADS, form)
}

/// [`measure`] on this many threads.
pub fn measure_on<S: Scenario>(measure: Measure, threads: u64, form: &Form) -> Row {
    let keys = keys::all();
    let visits = (1..=threads).map(|thread| keys::visits(&keys, thread)).collect();
    run::<S>(measure, form, keys, visits)
}

/// Measures hits of one key on two threads.
pub fn measure_hot_key<S: Scenario>(form: &Form) -> Row {
    let keys = keys::all();
    let length = keys::visits(&keys, 1).len();
    let visits = (0..THREADS).map(|_| vec![keys[0]; length]).collect();
    run::<S>(HOT_KEY, form, keys, visits)
}

/// Measures hits on two threads in a cache of the default capacity.
pub fn measure_small<S: Scenario>(form: &Form) -> Row {
    let keys: Vec<_> = keys::all().into_iter().take(FEW).collect();
    let visit = |thread| keys::visits(&keys, thread).repeat(keys::KEYS as usize / FEW);
    let visits = (1..=THREADS).map(visit).collect();
    run::<S>(SMALL, form, keys, visits)
}

fn run<S: Scenario>(measure: Measure, form: &Form, keys: Vec<S::Key>, visits: Vec<Vec<S::Key>>) -> Row {
    let calls = visits.iter().map(Vec::len).sum::<usize>() * form.passes;
    let mut threads = Threads {
        all: Match::new(measure),
        keys,
        visits,
        passes: form.passes,
    };
    S::each(&mut threads);
    let millions = move |time: Duration| calls as f64 / time.as_secs_f64() / 1e6;
    threads.all.play(form.rounds, millions)
}
