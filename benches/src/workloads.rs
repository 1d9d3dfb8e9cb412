//! The workloads: the calls of memoized functions, and their measures.

pub mod allocations;
pub mod hits;
pub mod instructions;
pub mod memory;
pub mod misses;
pub mod mixed;
pub mod threads;
pub mod zipf;

use std::time::Duration;

use crate::keys::Borrowed;
use crate::peer::Peer;
use crate::rounds::{Contender, medians};
use crate::table::{Measure, Outcome, Row};
use crate::values::computed;
use crate::who::Who;

/// The contenders of one measure, which wait for their turns.
pub struct Match {
    measure: Measure,
    contenders: Vec<Contender<'static, Who>>,
    outcomes: Vec<(Who, Outcome)>,
}

impl Match {
    fn new(measure: Measure) -> Match {
        Match {
            measure,
            contenders: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    fn enter(&mut self, who: Who, round: impl FnMut() -> Duration + 'static) {
        self.contenders.push(Contender::new(who, round));
    }

    fn cannot(&mut self, who: Who, why: &str) {
        self.outcomes.push((who, Err(why.to_owned())));
    }

    /// Lets them take turns. `figure` makes the figures of the medians.
    fn play(mut self, rounds: usize, figure: impl Fn(Duration) -> f64) -> Row {
        let medians = medians(rounds, std::mem::take(&mut self.contenders));
        let figures = medians.into_iter().map(|(who, time)| (who, Ok(figure(time))));
        self.outcomes.extend(figures);
        let mut row = Row::new(self.measure);
        for (who, outcome) in self.outcomes {
            row.put(who, outcome);
        }
        row
    }
}

/// A figure in nanoseconds a call.
fn nanoseconds(calls: usize) -> impl Fn(Duration) -> f64 {
    move |time| time.as_secs_f64() * 1e9 / calls as f64
}

/// Fills a contender with keys, and makes sure that all of them stay.
fn fill<K: Borrowed, V>(who: Who, peer: &mut impl Peer<K, V>, keys: &[K]) {
    peer.fill(&mut keys.iter().copied());
    let before = computed();
    for &key in keys {
        peer.hit(key);
    }
    assert_eq!(computed(), before, "{who} holds all keys");
}
