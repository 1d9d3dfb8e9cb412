//! Which entry gives way.

use crate::sync::{AtomicU32, Ordering};

/// Up to this many entries the order is exact.
pub(super) const EXACT: usize = 512;
const SAMPLE: usize = 64;

/// The marks of all entries of a shard.
pub(super) trait Marks {
    fn count(&self) -> usize;
    fn mark(&mut self, slot: usize) -> u32;
}

pub(super) struct Eviction {
    settled: AtomicU32,
    window: Option<u32>,
    inserts: u32,
    hand: usize,
}

impl Eviction {
    pub(super) fn new(capacity: usize) -> Self {
        Eviction {
            settled: AtomicU32::new(0),
            window: (capacity > 200).then(|| (capacity / SAMPLE) as u32),
            inserts: 0,
            hand: 0,
        }
    }

    #[inline]
    pub(super) fn note_use(&self, mark: &AtomicU32) {
        let settled = self.settled.load(Ordering::Relaxed);
        if mark.load(Ordering::Relaxed) != settled {
            let now = if self.window.is_some() {
                settled
            } else {
                self.tick()
            };
            mark.store(now, Ordering::Relaxed);
        }
    }

    #[inline]
    fn tick(&self) -> u32 {
        self.settled.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    fn insert_stamp(&mut self) -> u32 {
        match self.window {
            None => self.tick(),
            Some(window) => {
                self.inserts += 1;
                if self.inserts >= window {
                    self.inserts = 0;
                    self.tick();
                }
                *self.settled.get_mut()
            }
        }
    }

    pub(super) fn push(&mut self) -> u32 {
        self.insert_stamp()
    }
    pub(super) fn reuse(&mut self) -> u32 {
        self.insert_stamp()
    }
    pub(super) fn clear(&mut self) {
        self.hand = 0;
    }
    pub(super) fn victim(&mut self, marks: &mut (impl Marks + ?Sized)) -> usize {
        let now = *self.settled.get_mut();
        let slots = marks.count();
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
        let mut best = (0, start);
        for slot in start..start + length {
            let age = now.wrapping_sub(marks.mark(slot));
            if age > best.0 {
                best = (age, slot);
            }
        }
        best.1
    }
}
