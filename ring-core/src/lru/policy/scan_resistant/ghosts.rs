//! Recently evicted entries.

use super::mark::Mark;

/// The number of ghosts in a bucket.
const BUCKET: usize = 8;

/// Recently evicted entries, in buckets of words: tag (16 bits), queue (1), times seen (4, zero: no ghost), time
/// (11). Two keys may share a tag, which costs a wrong guess at most.
pub(super) struct Ghosts {
    words: Vec<u32>,
    buckets: usize,
    /// The number of evictions from each queue.
    gone: [u32; 2],
    /// Time advances once in 2^`step` evictions.
    step: u32,
    /// The lifetime of the ghosts of each queue, in such times.
    stay: [u32; 2],
}

pub(super) struct Ghost {
    pub(super) queue: usize,
    pub(super) seen: u8,
    /// The number of evictions from its queue since.
    pub(super) age: usize,
}

impl Ghosts {
    const TIMES: u32 = (1 << 11) - 1;

    pub(super) fn new(capacity: usize) -> Self {
        let capacity = u32::try_from(capacity).unwrap_or(u32::MAX);
        let step = u32::BITS - (capacity.saturating_sub(1) >> 8).leading_zeros();
        let stay = [capacity - capacity / 10, capacity.div_ceil(4)];
        Ghosts {
            words: Vec::new(),
            // Half as many more than the capacity, and a few more for small ones.
            buckets: capacity as usize / BUCKET * 3 / 2 + BUCKET,
            gone: [0; 2],
            step,
            stay: stay.map(|gone| gone.div_ceil(1 << step)),
        }
    }

    /// Removes and returns the ghost with this hash.
    pub(super) fn take(&mut self, hash: u32) -> Option<Ghost> {
        let bucket = self.bucket(hash);
        let place = bucket.clone().find(|&place| {
            let word = self.words[place];
            word >> 16 == tag(hash) && seen(word) != 0 && self.left(word) >= 0
        })?;
        let word = std::mem::take(&mut self.words[place]);
        Some(Ghost {
            queue: queue(word),
            seen: seen(word),
            age: (self.age(word) as usize) << self.step,
        })
    }

    /// Adds a ghost, in place of the ghost of its bucket that would have expired first.
    pub(super) fn remember(&mut self, hash: u32, queue: usize, seen: u8) {
        if self.words.is_empty() {
            self.words = vec![0; self.buckets * BUCKET];
        }
        let left = |place: &usize| self.left(self.words[*place]);
        let place = self.bucket(hash).min_by_key(left).unwrap_or_default();
        self.gone[queue] = self.gone[queue].wrapping_add(1);
        let seen = u32::from(seen.min(Mark::MOST_SEEN));
        self.words[place] = tag(hash) << 16 | (queue as u32) << 15 | seen << 11 | self.time(queue);
    }

    fn bucket(&self, hash: u32) -> std::ops::Range<usize> {
        if self.words.is_empty() {
            return 0..0;
        }
        let number = ((u64::from(hash) * self.buckets as u64) >> 32) as usize;
        number * BUCKET..(number + 1) * BUCKET
    }

    fn time(&self, queue: usize) -> u32 {
        self.gone[queue] >> self.step & Self::TIMES
    }

    fn age(&self, word: u32) -> u32 {
        self.time(queue(word)).wrapping_sub(word) & Self::TIMES
    }

    /// The remaining lifetime of a ghost.
    fn left(&self, word: u32) -> i32 {
        if seen(word) == 0 {
            return i32::MIN;
        }
        self.stay[queue(word)] as i32 - self.age(word) as i32
    }
}

fn tag(hash: u32) -> u32 {
    hash & 0xffff
}

fn queue(word: u32) -> usize {
    (word >> 15 & 1) as usize
}

fn seen(word: u32) -> u8 {
    (word >> 11 & 15) as u8
}

#[cfg(test)]
mod tests {
    use super::super::super::model::hash;
    use super::super::{PROBATION, PROTECTED};
    use super::*;

    #[test]
    fn ghosts_leave_in_time() {
        let mut ghosts = Ghosts::new(1000);
        let key = hash(0);
        ghosts.remember(key, PROTECTED, 5);
        let ghost = ghosts.take(key).expect("it was remembered");
        assert_eq!((ghost.queue, ghost.seen, ghost.age), (PROTECTED, 5, 0));
        assert!(ghosts.take(key).is_none());
        for (queue, stays) in [(PROBATION, 900), (PROTECTED, 250)] {
            ghosts.remember(key, queue, 1);
            ghosts.gone[queue] += stays - 4;
            let ghost = ghosts.take(key).expect("it stays");
            assert!((stays as usize - 8..=stays as usize).contains(&ghost.age));
            ghosts.remember(key, queue, 1);
            ghosts.gone[queue] += stays + 8;
            assert!(ghosts.take(key).is_none());
        }
    }
}
