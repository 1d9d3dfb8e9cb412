//! Recently evicted entries.

use super::mark::Mark;

/// The number of ghosts in a bucket.
const BUCKET: usize = 8;

/// The longest lifetime of a ghost, in units of [`Ghosts::time`].
const LONGEST_STAY: u16 = 256;

/// The bits of a note that say how often the ghost was seen.
const SEEN: u16 = 15 << 11;

/// Recently evicted entries, in buckets. Two keys may share a tag, which costs a wrong guess at most.
pub(super) struct Ghosts {
    /// Empty until there is a ghost.
    buckets: Vec<Bucket>,
    /// The number of buckets.
    count: usize,
    /// The number of evictions from each queue.
    gone: [u32; 2],
    /// Time advances once in 2^`step` evictions.
    step: u32,
    /// The lifetime of the ghosts of each queue, in these units of time.
    stay: [u16; 2],
}

/// The ghosts of some hashes, in two rows: a row is compared by a few instructions, without a branch for each ghost.
#[derive(Clone)]
struct Bucket {
    tags: [u16; BUCKET],
    /// Queue (1 bit), times seen (4, zero: no ghost), time (11).
    notes: [u16; BUCKET],
}

pub(super) struct Ghost {
    pub(super) queue: usize,
    pub(super) seen: u8,
    /// The number of evictions from its queue since.
    pub(super) age: usize,
}

/// The ages and remaining lifetimes of ghosts at one moment.
#[derive(Clone, Copy)]
struct Moment {
    times: [u16; 2],
    stay: [u16; 2],
}

impl Moment {
    #[inline(always)]
    fn age(self, note: u16) -> u16 {
        choose(note, self.times).wrapping_sub(note) & Ghosts::TIMES
    }

    fn is_over(self, note: u16) -> bool {
        seen(note) == 0 || self.age(note) > choose(note, self.stay)
    }

    /// The greater, the sooner the ghost would expire. Greatest where there is none.
    #[inline(always)]
    fn urgency(self, note: u16) -> u16 {
        let is_none = (note & SEEN).wrapping_sub(1) >> 15;
        (is_none << 12) + self.age(note) + LONGEST_STAY - choose(note, self.stay)
    }

    /// The place of the ghost that would expire first; of several, the first one's.
    #[inline(always)]
    fn first_to_expire(self, notes: &[u16; BUCKET]) -> usize {
        let most = self.highest_rank(notes);
        BUCKET - 1 - usize::from(most - 1) % BUCKET
    }

    /// The highest rank. A rank is the [`urgency`](Self::urgency), and in its lowest digit the number of places from
    /// its own on, so that the first of equals is higher. In a function of its own, so that the compiler computes all
    /// ranks at once.
    #[inline(never)]
    fn highest_rank(self, notes: &[u16; BUCKET]) -> u16 {
        let mut ranks = notes.map(|note| self.urgency(note).wrapping_mul(BUCKET as u16));
        for (place, rank) in ranks.iter_mut().enumerate() {
            *rank = rank.wrapping_add((BUCKET - place) as u16);
        }
        ranks.into_iter().fold(1, u16::max)
    }
}

/// The number that belongs to the ghost's queue, of one number for each queue.
#[inline(always)]
fn choose(note: u16, [first, second]: [u16; 2]) -> u16 {
    first ^ (first ^ second) & (queue(note) as u16).wrapping_neg()
}

impl Bucket {
    const EMPTY: Bucket = Bucket {
        tags: [0; BUCKET],
        notes: [0; BUCKET],
    };

    #[inline(always)]
    fn may_have(&self, tag: u16) -> bool {
        self.tags.iter().fold(false, |any, other| any | (*other == tag))
    }
}

impl Ghosts {
    const TIMES: u16 = (1 << 11) - 1;

    pub(super) fn new(capacity: usize) -> Self {
        let capacity = u32::try_from(capacity).unwrap_or(u32::MAX);
        let step = u32::BITS - (capacity.saturating_sub(1) >> 8).leading_zeros();
        let stay = [capacity - capacity / 10, capacity.div_ceil(4)];
        Ghosts {
            buckets: Vec::new(),
            // Half again as many ghosts as entries, and a few more for small caches.
            count: capacity as usize / BUCKET * 3 / 2 + BUCKET,
            gone: [0; 2],
            step,
            stay: stay.map(|gone| (gone.div_ceil(1 << step) as u16).min(LONGEST_STAY)),
        }
    }

    /// Removes and returns the ghost with this hash.
    #[inline]
    pub(super) fn take(&mut self, hash: u32) -> Option<Ghost> {
        let bucket = self.buckets.get(self.number(hash))?;
        if bucket.may_have(tag(hash)) {
            self.take_alike(hash)
        } else {
            None
        }
    }

    #[inline(never)]
    fn take_alike(&mut self, hash: u32) -> Option<Ghost> {
        let (moment, number, step) = (self.moment(), self.number(hash), self.step);
        let Bucket { tags, notes } = self.buckets.get_mut(number)?;
        let mut pairs = tags.iter().zip(notes);
        let (_, note) = pairs.find(|(other, note)| **other == tag(hash) && !moment.is_over(**note))?;
        let note = std::mem::take(note);
        Some(Ghost {
            queue: queue(note),
            seen: seen(note),
            age: usize::from(moment.age(note)) << step,
        })
    }

    /// Adds a ghost, in place of the ghost of its bucket that would have expired first.
    pub(super) fn remember(&mut self, hash: u32, queue: usize, seen: u8) {
        if self.buckets.is_empty() {
            self.buckets = vec![Bucket::EMPTY; self.count];
        }
        let (moment, number) = (self.moment(), self.number(hash));
        self.gone[queue] = self.gone[queue].wrapping_add(1);
        let note = self.note(queue, seen);
        if let Some(bucket) = self.buckets.get_mut(number) {
            let place = moment.first_to_expire(&bucket.notes);
            (bucket.tags[place], bucket.notes[place]) = (tag(hash), note);
        }
    }

    /// The note of a ghost that begins now.
    fn note(&self, queue: usize, seen: u8) -> u16 {
        (queue as u16) << 15 | u16::from(seen.min(Mark::MOST_SEEN)) << 11 | self.time(queue)
    }

    /// The number of the bucket of a hash.
    #[inline(always)]
    fn number(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.count as u64) >> 32) as usize
    }

    fn moment(&self) -> Moment {
        Moment {
            times: [self.time(0), self.time(1)],
            stay: self.stay,
        }
    }

    fn time(&self, queue: usize) -> u16 {
        (self.gone[queue] >> self.step) as u16 & Self::TIMES
    }
}

fn tag(hash: u32) -> u16 {
    hash as u16
}

fn queue(note: u16) -> usize {
    usize::from(note >> 15)
}

fn seen(note: u16) -> u8 {
    ((note & SEEN) >> 11) as u8
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
