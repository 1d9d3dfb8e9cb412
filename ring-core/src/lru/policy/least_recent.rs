//! Evicts the least recently used entry.
//!
//! Every entry has the stamp of its last use. A small cache gives a new stamp to every use, so the order is exact. A
//! large one gives a new stamp after a number of inserts (a *window*), so that few hits write; the order is lost
//! within a window.
//!
//! Slots lie in blocks. A large cache evicts the oldest entry of the next block, in rotation: a bounded effort. A
//! small one keeps a stamp for each block that is not newer than any entry of it. Hits do not update it, so it may be
//! too old. Eviction scans the block with the oldest stamp, until a stamp is exact.

use super::eviction::EvictionPolicy;
use crate::lru::head::Head;
use crate::sync::{AtomicU32, Ordering};

/// The number of slots in a block.
const BLOCK: usize = 16;

/// The number of windows in the order of a large cache.
const WINDOWS: usize = 64;

/// The marks are stamps. They may wrap around: ages are differences.
pub(in crate::lru) struct LeastRecent {
    now: AtomicU32,
    /// In a large cache, the number of inserts in a window.
    window: Option<u32>,
    inserts: u32,
    /// In a small cache, a stamp for each block that is not newer than any entry of it.
    bounds: Vec<u32>,
    /// In a large cache, the block whose turn is next.
    hand: usize,
}

impl EvictionPolicy for LeastRecent {
    #[inline(always)]
    fn note_use(&self, stamp: &AtomicU32) {
        let mut now = self.now.load(Ordering::Relaxed);
        if stamp.load(Ordering::Relaxed) != now {
            if self.window.is_none() {
                now = self.now.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            }
            stamp.store(now, Ordering::Relaxed);
        }
    }

    fn push(&mut self, heads: &mut [Head], _: u32) {
        let (slot, stamp) = (heads.len() - 1, self.insert_stamp());
        if self.window.is_none() && slot.is_multiple_of(BLOCK) {
            self.bounds.push(stamp);
        }
        *heads[slot].mark() = stamp;
    }

    fn victim(&mut self, heads: &mut [Head], _: u32) -> usize {
        if self.window.is_none() {
            return self.oldest(heads);
        }
        let block = self.hand;
        self.hand = if (block + 1) * BLOCK < heads.len() {
            block + 1
        } else {
            0
        };
        self.oldest_of(block, heads).slot
    }

    fn reuse(&mut self, heads: &mut [Head], slot: usize, _: u32) {
        self.replace(heads[slot].mark());
    }

    fn replace(&mut self, stamp: &mut u32) {
        *stamp = self.insert_stamp();
    }

    fn swap_remove(&mut self, heads: &mut [Head], slot: usize) {
        let last = heads.len() - 1;
        self.bounds.truncate(last.div_ceil(BLOCK));
        if self.hand * BLOCK >= last {
            self.hand = 0;
        }
        let (now, moved) = (*self.now.get_mut(), *heads[last].mark());
        if let Some(bound) = self.bounds.get_mut(slot / BLOCK)
            && age(now, moved) > age(now, *bound)
        {
            *bound = moved;
        }
    }

    fn clear(&mut self) {
        self.bounds = Vec::new();
        self.hand = 0;
    }

    #[cfg(any(test, feature = "testing"))]
    fn validate(&self, marks: &[u32]) {
        let now = self.now.load(Ordering::Relaxed);
        assert!(self.hand == 0 || self.hand * BLOCK < marks.len());
        if self.window.is_none() {
            assert_eq!(self.bounds.len(), marks.len().div_ceil(BLOCK));
        }
        for (block, &bound) in marks.chunks(BLOCK).zip(&self.bounds) {
            assert!(block.iter().all(|&stamp| age(now, stamp) <= age(now, bound)));
        }
    }
}

/// The age of a stamp.
#[inline]
fn age(now: u32, stamp: u32) -> u32 {
    now.wrapping_sub(stamp)
}

impl LeastRecent {
    /// For small caches: the order is exact.
    pub(super) fn exact() -> Self {
        Self::with_window(None)
    }

    /// For large caches, and for one of several shards: the order is lost within windows.
    pub(super) fn windowed(capacity: usize) -> Self {
        let window = u32::try_from(capacity / WINDOWS).unwrap_or(u32::MAX);
        Self::with_window(Some(window))
    }

    fn with_window(window: Option<u32>) -> Self {
        LeastRecent {
            now: AtomicU32::new(0),
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

    /// The least recently used slot.
    fn oldest(&mut self, heads: &mut [Head]) -> usize {
        loop {
            let now = *self.now.get_mut();
            let ages = self.bounds.iter().map(|&bound| age(now, bound));
            let (block, longest) =
                ages.enumerate().fold(
                    (0, 0),
                    |oldest, (block, age)| {
                        if age > oldest.1 { (block, age) } else { oldest }
                    },
                );
            let oldest = self.oldest_of(block, heads);
            if oldest.age == longest {
                // Marked as used, so that the other entries decide about the block.
                *heads[oldest.slot].mark() = now;
                self.bounds[block] = now.wrapping_sub(oldest.next_age);
                return oldest.slot;
            }
            self.bounds[block] = now.wrapping_sub(oldest.age);
        }
    }

    /// The oldest slot of a block.
    fn oldest_of(&mut self, block: usize, heads: &mut [Head]) -> Oldest {
        let now = *self.now.get_mut();
        let start = block * BLOCK;
        let end = heads.len().min(start + BLOCK);
        let mut oldest = Oldest {
            slot: start,
            age: 0,
            next_age: 0,
        };
        for (slot, head) in (start..end).zip(&mut heads[start..end]) {
            let age = age(now, *head.mark());
            if age > oldest.age {
                oldest = Oldest {
                    slot,
                    age,
                    next_age: oldest.age,
                };
            } else {
                oldest.next_age = oldest.next_age.max(age);
            }
        }
        oldest
    }
}

/// The oldest slot of a block, and the age of the next oldest.
struct Oldest {
    slot: usize,
    age: u32,
    next_age: u32,
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::super::model::{Cache, Step, decisions, random_steps};
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
            random_steps(LeastRecent::exact(), capacity, 6000, |step| match step {
                Step::Used(key) | Step::Added(key) => used(&mut order, key),
                Step::Removed(key) => order.retain(|&other| other != key),
                Step::Evicted(key) => assert_eq!(Some(key), order.pop_front()),
                Step::Cleared => order.clear(),
            });
        }
    }

    #[test]
    fn the_order_survives_the_end_of_numbers() {
        let mut policy = LeastRecent::exact();
        *policy.now.get_mut() = u32::MAX - 60;
        let mut cache = Cache::new(policy, 40);
        (0..40).for_each(|key| _ = cache.get_or_insert(key));
        for key in 40..240 {
            assert!(cache.get_or_insert(key - 20));
            assert!(!cache.get_or_insert(key));
        }
    }

    #[test]
    fn a_large_cache_keeps_used_entries() {
        let mut cache = Cache::new(LeastRecent::windowed(1024), 1024);
        (0..1024).for_each(|key| _ = cache.get_or_insert(key));
        for new in 1024..10_240 {
            assert!((0..256).step_by(BLOCK).all(|key| cache.get_or_insert(key)));
            assert!(!cache.get_or_insert(new));
        }
        for capacity in [1, 20, 700] {
            random_steps(LeastRecent::windowed(capacity), capacity, 6000, |_| ());
        }
    }

    /// Golden values: measure the hit ratios again before updating them.
    #[test]
    fn it_decides_as_it_did() {
        let decided = [2, 20, 150, 700].map(|capacity| decisions(LeastRecent::windowed(capacity), capacity));
        let expected = [
            (5_802, 1_242_225_779),
            (6_900, 2_407_988_455),
            (6_546, 1_329_761_936),
            (5_432, 2_165_251_539),
        ];
        assert_eq!(decided, expected);
    }
}
