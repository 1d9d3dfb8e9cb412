//! Few keys come often and many seldom, so that some calls hit and the others miss.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use super::misses::UNBOUNDED;
use super::{Match, nanoseconds};
use crate::form::Form;
use crate::keys::Borrowed;
use crate::peer::{Peer, Visit};
use crate::random::{Random, Zipf};
use crate::scenarios::Scenario;
use crate::table::{Measure, Row};
use crate::values::computed;
use crate::who::Who;

/// The time of a call.
pub const TIME: Measure = Measure::less("Zipf(0.9), 1M keys, room for 100,000 (ns)", 1);
/// The share of calls that hit.
pub const HIT_RATIO: Measure = Measure::more("… its hit ratio (%)", 2);

const POPULATION: usize = 1_000_000;
const EXPONENT: f64 = 0.9;

/// The number of a contender's calls that computed in the rounds, and the number of all.
type Count = Rc<Cell<(u64, u64)>>;

struct Draws<K> {
    all: Match,
    /// As many for warming up as for all rounds.
    trace: Rc<[K]>,
    draws: usize,
    counts: Vec<(Who, Count)>,
}

impl<K: Borrowed, V> Visit<K, V> for Draws<K> {
    fn peer<P: Peer<K, V> + 'static>(&mut self, who: Who, make: impl FnOnce() -> P) {
        if !who.is_bounded() {
            return self.all.cannot(who, UNBOUNDED);
        }
        let peer = make();
        let (trace, draws) = (self.trace.clone(), self.draws);
        let (warming_up, _) = trace.split_at(trace.len() / 2);
        warming_up.iter().for_each(|&key| drop(peer.call(key)));
        let count = Count::default();
        self.counts.push((who, count.clone()));
        let mut place = trace.len() / 2;
        self.all.enter(who, move || {
            let before = computed();
            let start = Instant::now();
            for &key in &trace[place..place + draws] {
                black_box(peer.call(key));
            }
            let time = start.elapsed();
            place += draws;
            let (misses, calls) = count.get();
            count.set((misses + computed() - before, calls + draws as u64));
            time
        });
    }

    fn cannot(&mut self, who: Who, why: &'static str) {
        self.all.cannot(who, why);
    }
}

/// Measures the time and the hit ratio of a scenario's function.
pub fn measure<S: Scenario>(form: &Form) -> [Row; 2] {
    let mut random = Random::new(9);
    let zipf = Zipf::new(POPULATION, EXPONENT);
    // One round does not count.
    let length = 2 * (form.zipf_rounds + 1) * form.draws;
    let mut draws = Draws {
        all: Match::new(TIME),
        trace: (0..length).map(|_| S::Key::of(zipf.draw(&mut random))).collect(),
        draws: form.draws,
        counts: Vec::new(),
    };
    S::each(&mut draws);
    let times = draws.all.play(form.zipf_rounds, nanoseconds(form.draws));
    let mut ratios = Row::new(HIT_RATIO);
    for (who, count) in draws.counts {
        let (misses, calls) = count.get();
        ratios.put(who, Ok(100.0 * (1.0 - misses as f64 / calls as f64)));
    }
    [times, ratios]
}
