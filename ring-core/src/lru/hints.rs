//! Guesses of a key's slot by its hash. A hit tries them before the table, whose probe takes longer.
//!
//! The table holds all slots. A guess may be missing or wrong: the hash and the key in its slot decide. So look-ups may
//! note slots under a read lock, and stores and evictions need not correct the guesses.

use std::sync::atomic::{AtomicU16, Ordering};

/// The number of places of a hash: its own and those behind it. If half of all places are taken, nearly all hashes have a free
/// one.
const PLACES: usize = 4;

/// The number of slots up to which at most a quarter of all places is taken, so that the first guess is mostly right: a
/// processor cannot foresee that it is wrong. The guesses of more slots would take too much memory.
const FEW_SLOTS: usize = 1024;

/// The greatest number of all places: enough for all slots that a guess can name.
const MOST: usize = 1 << 17;

/// A place without a guess.
const NONE: u16 = u16::MAX;

/// The guesses: at least [twice as many places](least) as there are slots, up to [`MOST`].
#[derive(Default)]
pub(super) struct Hints {
    guesses: Vec<AtomicU16>,
}

impl Hints {
    /// The result of `accept` for the first guess that it accepts.
    #[inline(always)]
    pub(super) fn find<R>(&self, hash: u32, accept: impl Fn(usize) -> Option<R>) -> Option<R> {
        let mask = self.guesses.len().wrapping_sub(1);
        for place in 0..PLACES {
            let guess = self.guesses.get((hash as usize + place) & mask)?;
            let found = accept(usize::from(guess.load(Ordering::Relaxed)));
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Notes the slot of a hash in the first of its places that has no guess, this guess, or a wrong one: the hash in
    /// the guessed slot has other places. If all are right, the first one is overwritten.
    #[cold]
    pub(super) fn note(&self, hash: u32, slot: usize, hash_in: &dyn Fn(usize) -> Option<u32>) {
        let (Ok(slot), Some(mask)) = (u16::try_from(slot), self.guesses.len().checked_sub(1)) else {
            return;
        };
        let may_take = |place: usize| {
            let guess = self.guesses[place & mask].load(Ordering::Relaxed);
            let home = hash_in(usize::from(guess));
            guess == slot || home.is_none_or(|home| place.wrapping_sub(home as usize) & mask >= PLACES)
        };
        let first = hash as usize;
        let place = (first..first + PLACES).find(|&place| may_take(place));
        self.guesses[place.unwrap_or(first) & mask].store(slot, Ordering::Relaxed);
    }

    /// Makes room for the guesses of this many slots. Growth forgets all guesses.
    #[inline]
    pub(super) fn make_room(&mut self, slots: usize) {
        if least(slots) > self.guesses.len() && self.guesses.len() < MOST {
            self.grow(slots);
        }
    }

    #[cold]
    fn grow(&mut self, slots: usize) {
        let places = (2 * least(slots)).next_power_of_two().clamp(2 * PLACES, MOST);
        self.guesses = (0..places).map(|_| AtomicU16::new(NONE)).collect();
    }
}

/// The least number of places for this many slots.
#[inline]
fn least(slots: usize) -> usize {
    if slots <= FEW_SLOTS { 4 * slots } else { 2 * slots }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hints of slots with these hashes, each noted if it was not found.
    struct Noted {
        hints: Hints,
        hashes: Vec<u32>,
    }

    impl Noted {
        fn new(hashes: impl Iterator<Item = u32>) -> Self {
            let hashes: Vec<_> = hashes.collect();
            let mut hints = Hints::default();
            hints.make_room(hashes.len());
            let noted = Noted { hints, hashes };
            noted.note_all();
            noted
        }

        fn note_all(&self) {
            for (slot, &hash) in self.hashes.iter().enumerate() {
                if !self.finds(slot) {
                    self.hints
                        .note(hash, slot, &|slot| self.hashes.get(slot).copied());
                }
            }
        }

        fn finds(&self, slot: usize) -> bool {
            let found = self
                .hints
                .find(self.hashes[slot], |guess| (guess == slot).then_some(()));
            found.is_some()
        }

        fn found(&self) -> usize {
            (0..self.hashes.len()).filter(|&slot| self.finds(slot)).count()
        }
    }

    fn spread(number: u32) -> u32 {
        number.wrapping_mul(0x9e37_79b9).rotate_left(15)
    }

    #[test]
    fn nearly_all_noted_slots_are_found() {
        for slots in [1, 2, 7, 128, 256, 5_000, 65_535] {
            let noted = Noted::new((0..slots).map(spread));
            assert!(
                noted.found() * 100 >= noted.hashes.len() * 95,
                "{} of {slots}",
                noted.found()
            );
        }
    }

    #[test]
    fn guesses_of_entries_that_are_gone_give_way() {
        let mut noted = Noted::new((0..256).map(spread));
        for generation in 1..20 {
            noted.hashes = (0..256).map(|slot| spread(generation * 1_000 + slot)).collect();
            noted.note_all();
            assert!(noted.found() >= 240, "{}", noted.found());
        }
    }

    #[test]
    fn slots_that_no_guess_can_name_are_left_out() {
        let noted = Noted::new((0..70_000).map(spread));
        assert_eq!(noted.hints.guesses.len(), MOST);
        assert!(!noted.finds(65_536) && !noted.finds(69_999));
        assert!(noted.found() > 60_000);
    }

    #[test]
    fn more_slots_of_one_hash_than_places_are_no_harm() {
        let noted = Noted::new(std::iter::repeat_n(7, 20));
        assert_eq!(noted.found(), PLACES);
    }
}
