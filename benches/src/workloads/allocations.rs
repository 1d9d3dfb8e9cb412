//! The allocations of a hit.

use super::fill;
use crate::keys::{self, Borrowed};
use crate::peer::{Peer, Visit};
use crate::scenarios::Scenario;
use crate::table::{Measure, Row};
use crate::who::Who;
use crate::workloads::hits::passes;

/// Of a hit with a number.
pub const NUMBER: Measure = Measure::less("allocations a hit, `u64`", 2);
/// Of a hit with a URL and a number.
pub const URL: Measure = Measure::less("allocations a hit, URL and `u64`", 2);
/// Of a hit of a method.
pub const METHOD: Measure = Measure::less("allocations a hit, `&self` with a `String`", 2);

/// The counts of the allocator since the program began.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// The number of allocations and reallocations.
    pub allocations: usize,
    /// The number of bytes in use.
    pub live_bytes: usize,
}

/// Reads the counters of the allocator, which belongs to the program and not to this library.
pub type Counter = fn() -> Counted;

struct Allocations<K> {
    row: Row,
    counter: Counter,
    keys: Vec<K>,
}

impl<K: Borrowed, V> Visit<K, V> for Allocations<K> {
    fn peer<P: Peer<K, V> + 'static>(&mut self, who: Who, make: impl FnOnce() -> P) {
        let mut peer = make();
        fill(who, &mut peer, &self.keys);
        let before = (self.counter)().allocations;
        passes(&peer, &self.keys, 1);
        let allocations = (self.counter)().allocations - before;
        self.row.put(who, Ok(allocations as f64 / self.keys.len() as f64));
    }

    fn cannot(&mut self, who: Who, why: &'static str) {
        self.row.put(who, Err(why.to_owned()));
    }
}

/// Counts allocations of a hit of a scenario's function.
pub fn measure<S: Scenario>(measure: Measure, counter: Counter) -> Row {
    let mut allocations = Allocations {
        row: Row::new(measure),
        counter,
        keys: keys::all(),
    };
    S::each(&mut allocations);
    allocations.row
}
