//! All calls are hits, on two threads at a time.

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

const THREADS: u64 = 2;

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
        self.all.enter(who, move || at_once(&peer, &visits, count));
    }

    fn cannot(&mut self, who: Who, why: &'static str) {
        self.all.cannot(who, why);
    }
}

/// The time from the moment at which the first thread begins until all have ended. That they start does not count.
fn at_once<K: Borrowed, V>(peer: &impl Peer<K, V>, visits: &[Vec<K>], count: usize) -> Duration {
    let barrier = Barrier::new(visits.len());
    let times: Vec<(Instant, Instant)> = std::thread::scope(|scope| {
        let thread = |visits| {
            let barrier = &barrier;
            scope.spawn(move || {
                passes(peer, visits, 1);
                barrier.wait();
                let start = Instant::now();
                passes(peer, visits, count);
                (start, Instant::now())
            })
        };
        let threads: Vec<_> = visits.iter().map(|visits| thread(&visits[..])).collect();
        let times = threads.into_iter().map(|thread| thread.join());
        times.map(|times| times.expect("a thread that ends")).collect()
    });
    let start = times.iter().map(|times| times.0).min();
    let end = times.iter().map(|times| times.1).max();
    end.zip(start).map(|(end, start)| end - start).unwrap_or_default()
}

/// Measures hits of a scenario's function on two threads, each with an order of its own.
pub fn measure<S: Scenario>(measure: Measure, form: &Form) -> Row {
    let keys = keys::all();
    let visits = (1..=THREADS).map(|thread| keys::visits(&keys, thread)).collect();
    run::<S>(measure, form, keys, visits)
}

/// Measures hits of one key on two threads.
pub fn measure_hot_key<S: Scenario>(form: &Form) -> Row {
    let keys = keys::all();
    let length = keys::visits(&keys, 1).len();
    let visits = (0..THREADS).map(|_| vec![keys[0]; length]).collect();
    run::<S>(HOT_KEY, form, keys, visits)
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
