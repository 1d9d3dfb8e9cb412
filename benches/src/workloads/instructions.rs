//! The program under callgrind: calls of one contender, and nothing else.

use std::hint::black_box;

use super::fill;
use super::hits::passes;
use super::misses::new_keys;
use crate::keys::{self, Borrowed};
use crate::peer::{Memoized, Peer, Visit};
use crate::scenarios::{Bounded1024, Method, Number, Scenario, UrlAndNumber};
use crate::table::Measure;
use crate::who::Who;

/// A hit with a number.
pub const NUMBER: Measure = Measure::less("hit, `u64` (instructions)", 0);
/// A hit with a URL and a number.
pub const URL: Measure = Measure::less("hit, URL of 32 and `u64` (instructions)", 0);
/// A hit of a method.
pub const METHOD: Measure = Measure::less("hit, `&self` with a `String` (instructions)", 0);
/// A miss.
pub const MISS: Measure = Measure::less("miss, store, evict at 1,024 (instructions)", 0);

/// The measures, with their contenders.
pub const COUNTED: [(Measure, &[Who]); 4] = [
    (NUMBER, HITTING),
    (URL, HITTING),
    (METHOD, HITTING),
    (MISS, &[Who::Ring, Who::QuickBorrowed, Who::Moka]),
];

const HITTING: &[Who] = &[
    Who::Ring,
    Who::RingStorage,
    Who::Cached,
    Who::ConcurrentCached,
    Who::QuickBorrowed,
    Who::QuickOwned,
    Who::Floor,
];

/// The number of calls of a pass.
pub const CALLS: usize = keys::VISITS;

/// Runs one contender, or the loop alone.
struct Only<K> {
    who: Option<Who>,
    what: Calls<K>,
    count: usize,
}

enum Calls<K> {
    Hits(Vec<K>),
    Misses { capacity: usize },
}

impl<K: Borrowed> Only<K> {
    fn run<V>(&self, who: Option<Who>, mut peer: impl Peer<K, V>) {
        match &self.what {
            Calls::Hits(keys) => {
                if let Some(who) = who {
                    fill(who, &mut peer, keys);
                }
                passes(&peer, &keys::visits(keys, 1), self.count);
            }
            Calls::Misses { capacity } => {
                let mut next = 0;
                new_keys(&peer, &mut next, capacity * 2);
                new_keys(&peer, &mut next, self.count * CALLS);
            }
        }
    }
}

impl<K: Borrowed, V> Visit<K, V> for Only<K> {
    fn peer<P: Peer<K, V> + 'static>(&mut self, who: Who, make: impl FnOnce() -> P) {
        if self.who == Some(who) {
            self.run(Some(who), make());
        }
    }

    fn cannot(&mut self, _: Who, _: &'static str) {}
}

fn run_scenario<S: Scenario>(who: Option<Who>, what: Calls<S::Key>, count: usize) {
    let mut only = Only { who, what, count };
    match who {
        Some(_) => S::each(&mut only),
        // The cost of the loop, and of making keys.
        None => only.run(None, Memoized(|key: S::Key| black_box(key).number())),
    }
}

/// Makes this many passes of the calls of a measure, by one contender or by none.
pub fn run(measure: Measure, who: Option<Who>, count: usize) {
    match measure {
        NUMBER => run_scenario::<Number>(who, Calls::Hits(keys::all()), count),
        URL => run_scenario::<UrlAndNumber>(who, Calls::Hits(keys::all()), count),
        METHOD => run_scenario::<Method>(who, Calls::Hits(keys::all()), count),
        _ => run_scenario::<Bounded1024>(
            who,
            Calls::Misses {
                capacity: Bounded1024::CAPACITY,
            },
            count,
        ),
    }
}
