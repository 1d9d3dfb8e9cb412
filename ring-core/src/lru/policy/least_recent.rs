//! The least recently used entry gives way.
//!
//! Every entry carries the stamp of its last use. A small cache gives a new stamp to every use, so the order is exact.
//! A large one gives a new stamp only every so many inserts (a *window*), so that a hit seldom writes: order is lost
//! only within a window.
//!
//! Slots lie in blocks. To evict, a large cache takes the oldest of the next block, from a hand that goes round: a
//! bounded effort. A small one keeps for each block a stamp that no entry of it is older than. Hits leave it alone,
//! so it may be too old; the block where it is the oldest is looked through, until one holds.

use super::{Evicts, push_within};
use crate::sync::{AtomicU32, Ordering};

/// How many slots are a block.
const BLOCK: usize = 16;

/// Into how many windows the order of a large cache is divided.
const WINDOWS: usize = 64;

/// The stamps of all slots of a shard. They may wrap around: ages are differences.
pub(in crate::lru) struct LeastRecent {
    stamps: Vec<AtomicU32>,
    now: AtomicU32,
    capacity: usize,
    /// In a large cache, how many inserts a window is wide.
    window: Option<u32>,
    inserts: u32,
    /// In a small cache, a stamp for each block that none in it is older than.
    bounds: Vec<u32>,
    /// In a large cache, the block whose turn is next.
    hand: usize,
}

impl Evicts for LeastRecent {
    #[inline]
    fn note_use(&self, slot: usize) {
        let stamp = &self.stamps[slot];
        let mut now = self.now.load(Ordering::Relaxed);
        if stamp.load(Ordering::Relaxed) != now {
            if self.window.is_none() {
                now = self.now.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            }
            stamp.store(now, Ordering::Relaxed);
        }
    }

    fn push(&mut self, _: u32) {
        let stamp = self.insert_stamp();
        if self.window.is_none() && self.stamps.len().is_multiple_of(BLOCK) {
            self.bounds.push(stamp);
        }
        push_within(self.capacity, &mut self.stamps, AtomicU32::new(stamp));
    }

    fn victim(&mut self, _: u32) -> usize {
        if self.window.is_none() {
            return self.oldest();
        }
        let block = self.hand;
        self.hand = if (block + 1) * BLOCK < self.stamps.len() {
            block + 1
        } else {
            0
        };
        self.oldest_of(block).0
    }

    fn reuse(&mut self, slot: usize, _: u32, _: u32) {
        self.replace(slot);
    }

    fn replace(&mut self, slot: usize) {
        *self.stamps[slot].get_mut() = self.insert_stamp();
    }

    fn swap_remove(&mut self, slot: usize) {
        self.stamps.swap_remove(slot);
        self.bounds.truncate(self.stamps.len().div_ceil(BLOCK));
        if self.hand * BLOCK >= self.stamps.len() {
            self.hand = 0;
        }
        let now = *self.now.get_mut();
        if let (Some(moved), Some(bound)) = (self.stamps.get_mut(slot), self.bounds.get_mut(slot / BLOCK)) {
            let moved = *moved.get_mut();
            if age(now, moved) > age(now, *bound) {
                *bound = moved;
            }
        }
    }

    fn clear(&mut self) {
        self.stamps = Vec::new();
        self.bounds = Vec::new();
        self.hand = 0;
    }

    #[cfg(any(test, feature = "testing"))]
    fn validate(&self, slots: usize) {
        let now = self.now.load(Ordering::Relaxed);
        assert_eq!(self.stamps.len(), slots);
        assert!(self.stamps.capacity() <= self.capacity);
        assert!(self.hand == 0 || self.hand * BLOCK < slots);
        if self.window.is_none() {
            assert_eq!(self.bounds.len(), slots.div_ceil(BLOCK));
        }
        for (block, &bound) in self.stamps.chunks(BLOCK).zip(&self.bounds) {
            let stamps = block.iter().map(|stamp| stamp.load(Ordering::Relaxed));
            assert!(stamps.into_iter().all(|stamp| age(now, stamp) <= age(now, bound)));
        }
    }
}

/// How long ago a stamp was given.
#[inline]
fn age(now: u32, stamp: u32) -> u32 {
    now.wrapping_sub(stamp)
}

impl LeastRecent {
    /// For few entries: the order is exact.
    pub(super) fn new(capacity: usize) -> Self {
        Self::with_window(capacity, None)
    }

    /// For many entries, or one shard of several: the order is lost within windows.
    pub(super) fn windowed(capacity: usize) -> Self {
        let window = u32::try_from(capacity / WINDOWS).unwrap_or(u32::MAX);
        Self::with_window(capacity, Some(window))
    }

    fn with_window(capacity: usize, window: Option<u32>) -> Self {
        LeastRecent {
            stamps: Vec::new(),
            now: AtomicU32::new(0),
            capacity,
            window,
            inserts: 0,
            bounds: Vec::new(),
            hand: 0,
        }
    }

    /// The stamp of an entry that is inserted now.
    fn insert_stamp(&mut self) -> u32 {
        let now = self.now.get_mut();
        let ends = self.window.is_none_or(|window| {
            self.inserts += 1;
            self.inserts >= window
        });
        if ends {
            self.inserts = 0;
            *now = now.wrapping_add(1);
        }
        *now
    }

    /// The slot that was not used for the longest time.
    fn oldest(&mut self) -> usize {
        loop {
            let now = *self.now.get_mut();
            let ages = self.bounds.iter().map(|&bound| age(now, bound));
            let longest = ages.clone().fold(0, u32::max);
            let block = ages
                .into_iter()
                .position(|age| age == longest)
                .unwrap_or_default();
            let (slot, oldest) = self.oldest_of(block);
            if oldest == longest {
                // It is as good as used: the others decide about the block.
                *self.stamps[slot].get_mut() = now;
                self.bounds[block] = now.wrapping_sub(self.oldest_of(block).1);
                return slot;
            }
            self.bounds[block] = now.wrapping_sub(oldest);
        }
    }

    /// The oldest slot of a block, and its age.
    fn oldest_of(&mut self, block: usize) -> (usize, u32) {
        let now = *self.now.get_mut();
        let start = block * BLOCK;
        let end = self.stamps.len().min(start + BLOCK);
        let stamps = &mut self.stamps[start..end];
        // Two plain passes, of which the compiler turns the first into vector instructions, are quicker than one that
        // keeps the place as well.
        let ages = |stamp: &mut AtomicU32| age(now, *stamp.get_mut());
        let oldest = stamps.iter_mut().map(ages).fold(0, u32::max);
        let place = stamps.iter_mut().position(|stamp| ages(stamp) == oldest);
        (start + place.unwrap_or_default(), oldest)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::super::model::{Step, random_steps};
    use super::*;

    /// The order of use in a list, beside the policy.
    #[test]
    fn up_to_512_entries_the_order_is_exact() {
        for capacity in [1, 2, 15, 16, 17, 48, 200, 512] {
            let mut order = VecDeque::new();
            let used = |order: &mut VecDeque<u64>, key: u64| {
                order.retain(|&other| other != key);
                order.push_back(key);
            };
            random_steps(LeastRecent::new(capacity), capacity, 6000, |step| match step {
                Step::Used(key) | Step::Added(key) => used(&mut order, key),
                Step::Removed(key) => order.retain(|&other| other != key),
                Step::Evicted(key) => assert_eq!(Some(key), order.pop_front()),
                Step::Cleared => order.clear(),
            });
        }
    }

    #[test]
    fn the_order_survives_the_end_of_numbers() {
        let mut policy = LeastRecent::new(40);
        *policy.now.get_mut() = u32::MAX - 60;
        (0..40).for_each(|key| policy.push(key));
        for turn in 0..200 {
            policy.note_use((turn + 1) % 40);
            let oldest = policy.victim(0);
            policy.reuse(oldest, 0, 0);
            policy.validate(40);
            assert_ne!(oldest, (turn + 1) % 40);
        }
    }

    #[test]
    fn a_large_shard_keeps_what_is_used() {
        let capacity = 1024;
        let mut policy = LeastRecent::windowed(capacity);
        (0..capacity as u32).for_each(|key| policy.push(key));
        for _ in 0..10 * capacity {
            (0..BLOCK).for_each(|nth| policy.note_use(nth * BLOCK));
            let victim = policy.victim(0);
            assert!(victim % BLOCK != 0 || victim >= BLOCK * BLOCK);
            policy.reuse(victim, 0, 0);
        }
        for capacity in [1, 20, 700] {
            random_steps(LeastRecent::windowed(capacity), capacity, 6000, |_| ());
        }
    }
}
