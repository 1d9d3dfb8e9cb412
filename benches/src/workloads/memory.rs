//! The bytes of an entry, with its share of the cache's own memory.

use super::allocations::Counter;
use crate::keys::Borrowed;
use crate::peer::{Peer, Visit};
use crate::scenarios::{Million, Scenario};
use crate::table::{Measure, Row};
use crate::who::Who;

/// Bytes in use for each of a million entries.
pub const BYTES: Measure = Measure::less("1M entries `u64` to `u64` (bytes an entry)", 1);

struct Memory {
    row: Row,
    counter: Counter,
    entries: usize,
}

impl<K: Borrowed, V> Visit<K, V> for Memory {
    fn peer<P: Peer<K, V> + 'static>(&mut self, who: Who, make: impl FnOnce() -> P) {
        let before = (self.counter)().live_bytes;
        let mut peer = make();
        peer.fill(&mut (0..self.entries as u64).map(K::of));
        let bytes = (self.counter)().live_bytes - before;
        self.row.put(who, Ok(bytes as f64 / self.entries as f64));
    }

    fn cannot(&mut self, who: Who, why: &'static str) {
        self.row.put(who, Err(why.to_owned()));
    }
}

/// Counts the bytes in use after a cache for a million entries was filled with a million.
pub fn measure(counter: Counter) -> Row {
    let mut memory = Memory {
        row: Row::new(BYTES),
        counter,
        entries: Million::CAPACITY,
    };
    Million::each(&mut memory);
    memory.row
}
