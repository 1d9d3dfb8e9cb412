//! One shard: a table of slots, and the slots.
//!
//! The table holds slot numbers and compares keys in the slots, which lie close together in one vector. The hash of a
//! key is kept with it, so nothing is hashed again when the table grows or an entry moves.

use hashbrown::HashTable;

use super::recency::Recency;
use crate::clock::NEVER;
use crate::key::{EncodedKey, RingKey};

pub(super) struct Shard<T> {
    table: HashTable<u32>,
    slots: Vec<Slot<T>>,
    /// When the entry of each slot expires: empty until the first one can.
    deadlines: Vec<u64>,
    recency: Recency,
    capacity: usize,
}

struct Slot<T> {
    key: EncodedKey,
    value: T,
}

/// A value that lost its place, to be dropped after the lock is released.
pub(super) struct Displaced<T> {
    /// Whether it gave way to another key.
    pub(super) evicted: bool,
    pub(super) deadline: u64,
    _key: Option<EncodedKey>,
    _value: T,
}

impl<T> Shard<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Shard {
            table: HashTable::new(),
            slots: Vec::new(),
            deadlines: Vec::new(),
            recency: Recency::new(capacity),
            capacity: capacity.min(u32::MAX as usize),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The slot of a key.
    #[inline]
    pub(super) fn find<K: RingKey + ?Sized>(&self, hash: u64, key: &K) -> Option<usize> {
        let found = self
            .table
            .find(hash, |&slot| self.slots[slot as usize].key.is(key));
        found.map(|&slot| slot as usize)
    }

    #[inline]
    pub(super) fn value(&self, slot: usize) -> &T {
        &self.slots[slot].value
    }

    #[inline]
    pub(super) fn note_use(&self, slot: usize) {
        self.recency.note_use(slot);
    }

    #[inline]
    pub(super) fn deadline(&self, slot: usize) -> u64 {
        if self.deadlines.is_empty() {
            NEVER
        } else {
            self.deadlines[slot]
        }
    }

    pub(super) fn set_deadline(&mut self, slot: usize, deadline: u64) {
        if self.deadlines.is_empty() && deadline != NEVER {
            self.deadlines = vec![NEVER; self.slots.len()];
        }
        if let Some(place) = self.deadlines.get_mut(slot) {
            *place = deadline;
        }
    }

    /// Puts a new value into the slot of its key.
    pub(super) fn replace(&mut self, slot: usize, value: T, deadline: u64) -> Displaced<T> {
        let old_deadline = self.deadline(slot);
        self.set_deadline(slot, deadline);
        self.recency.reuse(slot);
        let value = std::mem::replace(&mut self.slots[slot].value, value);
        Displaced {
            evicted: false,
            deadline: old_deadline,
            _key: None,
            _value: value,
        }
    }

    /// Adds an entry whose key is not there. Returns the entry that gave way; with no capacity at all, the new one.
    pub(super) fn insert(&mut self, key: EncodedKey, value: T, deadline: u64) -> Option<Displaced<T>> {
        let slot = Slot { key, value };
        if self.capacity == 0 {
            return Some(displaced(slot, NEVER, true));
        }
        if self.slots.len() < self.capacity {
            self.push(slot, deadline);
            return None;
        }
        let victim = self.recency.victim();
        self.unlink(victim);
        self.link(slot.key.hash_value(), victim);
        let old_deadline = self.deadline(victim);
        self.set_deadline(victim, deadline);
        self.recency.reuse(victim);
        let old = std::mem::replace(&mut self.slots[victim], slot);
        Some(displaced(old, old_deadline, true))
    }

    fn push(&mut self, slot: Slot<T>, deadline: u64) {
        if self.slots.len() == self.slots.capacity() {
            // Doubles, but never beyond the capacity.
            let more = self.slots.len().max(4).min(self.capacity - self.slots.len());
            self.slots.reserve_exact(more);
        }
        let index = self.slots.len();
        self.link(slot.key.hash_value(), index);
        self.slots.push(slot);
        if !self.deadlines.is_empty() {
            self.deadlines.push(NEVER);
        }
        self.set_deadline(index, deadline);
        self.recency.push();
    }

    /// Removes the entry of a slot; the last entry moves into its place.
    pub(super) fn remove(&mut self, slot: usize) -> Displaced<T> {
        self.unlink(slot);
        let last = self.slots.len() - 1;
        if slot != last {
            self.unlink(last);
            self.link(self.slots[last].key.hash_value(), slot);
        }
        let deadline = self.deadline(slot);
        if !self.deadlines.is_empty() {
            self.deadlines.swap_remove(slot);
        }
        self.recency.swap_remove(slot);
        displaced(self.slots.swap_remove(slot), deadline, false)
    }

    /// Removes all entries whose keys `concerns` names.
    pub(super) fn extract(&mut self, concerns: impl Fn(&EncodedKey) -> bool) -> Vec<Displaced<T>> {
        let mut extracted = Vec::new();
        for slot in (0..self.slots.len()).rev() {
            if concerns(&self.slots[slot].key) {
                extracted.push(self.remove(slot));
            }
        }
        if self.slots.is_empty() {
            self.recency.clear();
            self.deadlines = Vec::new();
        }
        extracted
    }

    fn link(&mut self, hash: u64, slot: usize) {
        let slots = &self.slots;
        self.table
            .insert_unique(hash, slot as u32, |&slot| slots[slot as usize].key.hash_value());
    }

    fn unlink(&mut self, slot: usize) {
        let hash = self.slots[slot].key.hash_value();
        match self.table.find_entry(hash, |&other| other as usize == slot) {
            Ok(entry) => drop(entry.remove()),
            Err(_) => unreachable!("every slot is in the table"),
        }
    }

    /// Checks what always holds.
    #[cfg(test)]
    pub(super) fn validate(&self) {
        assert!(self.slots.len() <= self.capacity);
        assert_eq!(self.table.len(), self.slots.len());
        assert!(self.deadlines.is_empty() || self.deadlines.len() == self.slots.len());
        for (index, slot) in self.slots.iter().enumerate() {
            assert_eq!(self.find(slot.key.hash_value(), &slot.key), Some(index));
        }
    }
}

fn displaced<T>(slot: Slot<T>, deadline: u64, evicted: bool) -> Displaced<T> {
    Displaced {
        evicted,
        deadline,
        _key: Some(slot.key),
        _value: slot.value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::EncodedKey;

    /// Puts, removes and uses entries at random, with all that always holds checked after each step.
    #[test]
    fn a_shard_stays_whole_whatever_is_done_with_it() {
        for capacity in [1, 2, 3, 17, 64, 65, 600] {
            let mut shard = Shard::new(capacity);
            let mut random = 88_172_645_463_325_252_u64;
            for step in 0..4 * capacity as u64 + 300 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let key = EncodedKey::of(&(random % (capacity as u64 * 2)));
                let deadline = if random & 3 << 32 == 0 { step } else { NEVER };
                match (shard.find(key.hash_value(), &key), random >> 40 & 7) {
                    (Some(slot), 0..2) => drop(shard.remove(slot)),
                    (Some(slot), 2..4) => shard.note_use(slot),
                    (Some(slot), 4) => shard.set_deadline(slot, deadline),
                    (Some(slot), _) => {
                        shard.replace(slot, step, deadline);
                        assert_eq!((*shard.value(slot), shard.deadline(slot)), (step, deadline));
                    }
                    (None, _) => {
                        shard.insert(key.clone(), step, deadline);
                        let slot = shard.find(key.hash_value(), &key).expect("it was inserted");
                        assert_eq!((*shard.value(slot), shard.deadline(slot)), (step, deadline));
                    }
                }
                shard.validate();
            }
            let before = shard.len();
            let extracted = shard.extract(|key| key.hash_value() % 2 == 0).len();
            shard.validate();
            assert_eq!(shard.len(), before - extracted);
            shard.extract(|_| true);
            shard.validate();
            assert_eq!(shard.len(), 0);
        }
    }

    #[test]
    fn a_shard_takes_no_more_memory_than_its_capacity_needs() {
        let mut shard = Shard::new(100);
        for number in 0..1000_u64 {
            shard.insert(EncodedKey::of(&number), (), NEVER);
        }
        assert_eq!((shard.len(), shard.slots.capacity()), (100, 100));
        assert!(shard.deadlines.is_empty(), "nothing expires");
    }
}
