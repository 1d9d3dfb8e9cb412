//! Who was used when: the order in which entries give way.
//!
//! Every entry carries the stamp of its last use. A small shard gives a new stamp to every use, so the order is exact.
//! A large one gives a new stamp only every so many inserts (a *window*), so that a hit seldom writes: order is lost
//! only within a window. To evict, a small shard takes the oldest of all; a large one the oldest of the next 64, from
//! a hand that goes round. That is a bounded effort, and the oldest of 64 is about as old as a window is wide.

use crate::sync::{AtomicU32, Ordering};

/// Up to this many entries the order is exact.
pub(super) const EXACT: usize = 512;

/// How many entries of a larger shard stand for election when one has to give way.
const SAMPLE: usize = 64;

/// The stamps of all slots of a shard. They may wrap around: ages are differences.
pub(super) struct Recency {
    stamps: Vec<AtomicU32>,
    now: AtomicU32,
    /// In a large shard, how many inserts a window is wide.
    window: Option<u32>,
    inserts: u32,
    hand: usize,
}

impl Recency {
    pub(super) fn new(capacity: usize) -> Self {
        let window = (capacity > EXACT).then(|| u32::try_from(capacity / SAMPLE).unwrap_or(u32::MAX));
        Recency {
            stamps: Vec::new(),
            now: AtomicU32::new(0),
            window,
            inserts: 0,
            hand: 0,
        }
    }

    /// A use by a hit, under a shared lock.
    #[inline]
    pub(super) fn note_use(&self, slot: usize) {
        let stamp = &self.stamps[slot];
        let now = self.now.load(Ordering::Relaxed);
        if stamp.load(Ordering::Relaxed) != now {
            let now = if self.window.is_some() { now } else { self.tick() };
            stamp.store(now, Ordering::Relaxed);
        }
    }

    #[inline]
    fn tick(&self) -> u32 {
        self.now.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// The stamp of an entry that is inserted now.
    fn insert_stamp(&mut self) -> u32 {
        match self.window {
            None => self.tick(),
            Some(window) => {
                self.inserts += 1;
                if self.inserts >= window {
                    self.inserts = 0;
                    self.tick();
                }
                *self.now.get_mut()
            }
        }
    }

    /// A slot was added at the end.
    pub(super) fn push(&mut self) {
        let stamp = self.insert_stamp();
        self.stamps.push(AtomicU32::new(stamp));
    }

    /// A slot was given to another entry.
    pub(super) fn reuse(&mut self, slot: usize) {
        *self.stamps[slot].get_mut() = self.insert_stamp();
    }

    /// A slot was removed, and the last one took its place.
    pub(super) fn swap_remove(&mut self, slot: usize) {
        self.stamps.swap_remove(slot);
    }

    pub(super) fn clear(&mut self) {
        self.stamps = Vec::new();
        self.hand = 0;
    }

    /// The slot whose entry is to give way. There must be one.
    pub(super) fn victim(&mut self) -> usize {
        let now = *self.now.get_mut();
        let slots = self.stamps.len();
        let (start, length) = if self.window.is_none() || slots <= SAMPLE {
            (0, slots)
        } else {
            let start = if self.hand + SAMPLE > slots {
                slots - SAMPLE
            } else {
                self.hand
            };
            self.hand = if start + SAMPLE >= slots {
                0
            } else {
                start + SAMPLE
            };
            (start, SAMPLE)
        };
        let candidates = &mut self.stamps[start..start + length];
        let age = |stamp: &mut AtomicU32| now.wrapping_sub(*stamp.get_mut());
        // Two plain passes, of which the compiler turns the first into vector instructions, are quicker than one that
        // keeps the place as well.
        let oldest = candidates.iter_mut().map(age).fold(0, u32::max);
        let place = candidates.iter_mut().position(|stamp| age(stamp) == oldest);
        start + place.unwrap_or_default()
    }
}
