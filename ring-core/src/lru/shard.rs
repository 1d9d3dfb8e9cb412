//! One shard: a table of slots, and the slots.
//!
//! The table holds slot numbers and compares keys in the slots, which lie in one vector. Half of the hash of a key is
//! stored with it, so no key is hashed again when the table grows or an entry moves.

use std::mem;
use std::ops::Range;
use std::time::Duration;

use hashbrown::HashTable;

use super::hints::Hints;
use super::idle::Idle;
use super::policy::{Marks, PolicyImpl, push_within};
use super::weights::Weights;
use crate::clock::{NEVER, StorageClock};
use crate::flights::{Evicted, Gone, Terms};
use crate::key::{EncodedKey, KeyBytes, RingKey};
use crate::sync::AtomicU32;

/// In its own cache lines: the locks of two shards do not share one.
#[repr(align(64))]
pub(super) struct Shard<T> {
    table: HashTable<u32>,
    hints: Hints,
    slots: Vec<Slot<T>>,
    /// The deadline of the entry in each slot: empty until an entry can expire, and all zero if `idle` has the
    /// deadlines.
    deadlines: Vec<u64>,
    /// The version of the tags of the entry in each slot: empty until an entry has tags.
    versions: Vec<u64>,
    policy: PolicyImpl,
    capacity: usize,
    weights: Option<Box<Weights>>,
    idle: Option<Box<Idle>>,
}

/// One entry.
pub(super) struct Slot<T> {
    key: KeyBytes,
    /// The half of the key's hash by which the table finds it. The other half chooses the shard.
    hash: u32,
    /// The policy's mark, which hits update.
    mark: AtomicU32,
    value: T,
}

impl<T> Slot<T> {
    #[inline]
    pub(super) fn value(&self) -> &T {
        &self.value
    }
}

/// The place for a new entry.
enum Place {
    /// A new slot.
    New,
    /// The slot of the entry that is evicted for it.
    Of(usize),
    /// None: it cannot be stored.
    Nowhere,
}

/// The table uses the lowest bits and the seven highest bits of its hash.
#[inline]
fn table_hash(hash: u32) -> u64 {
    u64::from(hash).rotate_right(7)
}

impl<T> Shard<T> {
    pub(super) fn new(capacity: usize, policy: PolicyImpl) -> Self {
        Shard {
            table: HashTable::new(),
            hints: Hints::default(),
            slots: Vec::new(),
            deadlines: Vec::new(),
            versions: Vec::new(),
            policy,
            capacity: capacity.min(u32::MAX as usize),
            weights: None,
            idle: None,
        }
    }

    /// The same with a limit of the entries' total weight.
    pub(super) fn weighing(mut self, most: Option<u64>) -> Self {
        self.weights = most.map(Weights::new).map(Box::new);
        self
    }

    /// The same with entries that end if they are not used.
    pub(super) fn with_idle(mut self, ends: bool) -> Self {
        self.idle = ends.then(Box::default);
        self
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The total weight of the entries. Without a weigher, each entry weighs one.
    pub(super) fn weight(&self) -> u64 {
        let weights = self.weights.as_ref();
        weights.map_or(self.slots.len() as u64, |weights| weights.total())
    }

    /// The entry of the key with this hash for which `is_key` is true, and its slot.
    #[inline(always)]
    pub(super) fn entry(&self, hash: u64, is_key: &dyn Fn(&KeyBytes) -> bool) -> Option<(usize, &Slot<T>)> {
        let hash = hash as u32;
        let found = self
            .table
            .find(table_hash(hash), |&slot| self.slots[slot as usize].hash == hash);
        let (mut slot, mut passed) = (*found?, None);
        loop {
            let entry = &self.slots[slot as usize];
            if is_key(&entry.key) {
                return Some((slot as usize, entry));
            }
            slot = self.next_of_hash(hash, passed)?;
            passed = Some(slot);
        }
    }

    /// The value of a key, if the first guess with its hash is right.
    #[inline(always)]
    pub(super) fn hit<K: RingKey + ?Sized>(
        &self,
        hash: u64,
        key: &K,
        life: Option<Duration>,
        clock: &StorageClock,
    ) -> Option<T>
    where
        T: Clone,
    {
        self.hit_if(hash, key, life, clock, |_| true)
    }

    /// [`hit`](Self::hit) for an entry that was stored with this version.
    #[inline(always)]
    pub(super) fn hit_of<K: RingKey + ?Sized>(
        &self,
        hash: u64,
        key: &K,
        life: Option<Duration>,
        clock: &StorageClock,
        version: u64,
    ) -> Option<T>
    where
        T: Clone,
    {
        self.hit_if(hash, key, life, clock, |slot| self.version(slot) == version)
    }

    #[inline(always)]
    fn hit_if<K: RingKey + ?Sized>(
        &self,
        hash: u64,
        key: &K,
        life: Option<Duration>,
        clock: &StorageClock,
        counts: impl FnOnce(usize) -> bool,
    ) -> Option<T>
    where
        T: Clone,
    {
        let (slot, entry) = self.guess(hash as u32)?;
        if !entry.key.is(key) || !counts(slot) {
            return None;
        }
        if !self.is_without_deadlines() && !clock.leaves(*self.deadlines.get(slot)?, life) {
            return None;
        }
        self.note_use(entry);
        Some(entry.value.clone())
    }

    /// The first guess with this hash.
    #[inline(always)]
    fn guess(&self, hash: u32) -> Option<(usize, &Slot<T>)> {
        self.hints.find(hash, |slot| match self.slots.get(slot) {
            Some(entry) if entry.hash == hash => Some((slot, entry)),
            _ => None,
        })
    }

    /// Lets the next [`hit`](Self::hit) find the slot at once.
    pub(super) fn note_hint(&self, slot: usize) {
        let hash_in = |slot: usize| self.slots.get(slot).map(|slot| slot.hash);
        if let Some(hash) = hash_in(slot) {
            self.hints.note(hash, slot, &hash_in);
        }
    }

    /// The first slot after `passed` with this hash, for the rare case of two keys with one hash.
    #[cold]
    fn next_of_hash(&self, hash: u32, passed: Option<u32>) -> Option<u32> {
        let mut next = None;
        for &slot in self.table.iter_hash(table_hash(hash)) {
            let follows = self.slots[slot as usize].hash == hash && Some(slot) > passed;
            if follows && next.is_none_or(|next| slot < next) {
                next = Some(slot);
            }
        }
        next
    }

    /// The key in a slot, and the deadline.
    #[cfg(feature = "inspect")]
    pub(super) fn at(&self, slot: usize) -> (&KeyBytes, u64) {
        (&self.slots[slot].key, self.deadline(slot))
    }

    /// The slot of a key whose hash is not known: the one in which it was seen, or another.
    #[cfg(feature = "inspect")]
    pub(super) fn position(&self, key: &KeyBytes, seen: usize) -> Option<usize> {
        let is_there = |slot: &Slot<T>| slot.key == *key;
        if self.slots.get(seen).is_some_and(is_there) {
            return Some(seen);
        }
        self.slots.iter().position(is_there)
    }

    /// The slot of a key.
    #[inline]
    pub(super) fn find(&self, key: &EncodedKey) -> Option<usize> {
        let (slot, _) = self.entry(key.hash_value(), &|bytes| bytes.is(key))?;
        Some(slot)
    }

    #[inline(always)]
    pub(super) fn note_use(&self, entry: &Slot<T>) {
        self.policy.note_use(&entry.mark);
    }

    /// Notes that the entry of a slot was used: it ends at this instant unless it is used again.
    #[inline]
    pub(super) fn note_idle(&self, slot: usize, idle_until: impl FnOnce() -> u64) {
        if let Some(idle) = &self.idle {
            idle.note_use(slot, idle_until());
        }
    }

    #[inline]
    pub(super) fn deadline(&self, slot: usize) -> u64 {
        if self.is_without_deadlines() {
            return NEVER;
        }
        match &self.idle {
            Some(idle) => idle.deadline(slot),
            None => self.deadlines.get(slot).copied().unwrap_or(NEVER),
        }
    }

    /// The deadline by expiry, without the time to idle. It decides whether the entry is stale.
    #[inline]
    pub(super) fn expires_at(&self, slot: usize) -> u64 {
        if self.is_without_deadlines() {
            return NEVER;
        }
        match &self.idle {
            Some(idle) => idle.expires_at(slot),
            None => self.deadlines.get(slot).copied().unwrap_or(NEVER),
        }
    }

    /// Whether entries end by eviction only. With a time to idle, each entry has a deadline.
    #[inline]
    fn is_without_deadlines(&self) -> bool {
        self.deadlines.is_empty()
    }

    /// The version of an entry's tags when its value was computed.
    #[inline]
    pub(super) fn version(&self, slot: usize) -> u64 {
        self.versions.get(slot).copied().unwrap_or(0)
    }

    #[inline]
    fn set_version(&mut self, slot: usize, version: u64) {
        if self.versions.is_empty() {
            if version == 0 {
                return;
            }
            self.versions = vec![0; self.slots.len()];
        }
        if let Some(place) = self.versions.get_mut(slot) {
            *place = version;
        }
    }

    #[inline]
    pub(super) fn set_deadline(&mut self, slot: usize, deadline: u64) {
        if deadline != NEVER || !self.is_without_deadlines() {
            self.change_deadline(slot, deadline);
        }
    }

    fn change_deadline(&mut self, slot: usize, deadline: u64) {
        if let Some(idle) = &mut self.idle {
            idle.set(slot, deadline);
            return;
        }
        if self.deadlines.is_empty() {
            self.deadlines = vec![NEVER; self.slots.len()];
        }
        if let Some(place) = self.deadlines.get_mut(slot) {
            *place = deadline;
        }
    }

    /// Puts an entry. Adds the replaced entry of its key and the evicted ones to `gone`; with capacity 0, or if the new
    /// entry is too heavy, adds the new entry itself.
    #[inline]
    pub(super) fn put(&mut self, key: &EncodedKey, value: T, terms: Terms, gone: &mut Gone<T>) {
        if let Some(slot) = self.find(key) {
            if self.has_room_in(slot, terms.weight) {
                return self.replace(slot, value, terms).add_to(gone);
            }
            // Removed and put as a new entry, for which others give way.
            self.remove(slot).add_to(gone);
        }
        self.insert(key, value, terms, gone);
    }

    /// Puts a new value into the slot of its key. Returns the old one.
    fn replace(&mut self, slot: usize, value: T, terms: Terms) -> Evicted<T> {
        let old_deadline = self.deadline(slot);
        self.set_terms(slot, terms);
        self.policy.replace(self.slots[slot].mark.get_mut());
        let key = self.slots[slot].key.clone();
        let value = mem::replace(&mut self.slots[slot].value, value);
        Evicted {
            key,
            by_another_key: false,
            expires_at: old_deadline,
            value,
            next: None,
        }
    }

    /// [`put`](Self::put) for a key that is absent.
    #[inline]
    fn insert(&mut self, key: &EncodedKey, value: T, terms: Terms, gone: &mut Gone<T>) {
        let hash = key.hash_value() as u32;
        let place = match self.weights {
            None => self.place(hash),
            Some(_) => self.place_for(hash, terms.weight, gone),
        };
        if let Place::Of(victim) = place {
            return self.exchange(victim, key, value, terms, gone);
        }
        let slot = Slot {
            hash,
            key: key.bytes().clone(),
            mark: AtomicU32::new(0),
            value,
        };
        match place {
            Place::New => self.push(slot, terms),
            _ => evicted(slot, NEVER, true).add_to(gone),
        }
    }

    /// The place for an entry with this hash.
    #[inline]
    fn place(&mut self, hash: u32) -> Place {
        if self.slots.len() < self.capacity {
            Place::New
        } else if self.capacity == 0 {
            Place::Nowhere
        } else {
            Place::Of(self.policy.victim(&mut self.slots, hash))
        }
    }

    /// [`place`](Self::place) for entries with weights: several may give way, and are added to `gone`.
    #[inline(never)]
    fn place_for(&mut self, hash: u32, weight: u32, gone: &mut Gone<T>) -> Place {
        if self.capacity == 0 || self.is_too_heavy(weight) {
            return Place::Nowhere;
        }
        while !self.has_room(weight) {
            let victim = self.policy.victim(&mut self.slots, hash);
            if self.has_room_in(victim, weight) {
                return Place::Of(victim);
            }
            self.evict(victim).add_to(gone);
        }
        Place::New
    }

    /// Puts an entry into the slot of the victim, which is added to `gone`.
    #[inline]
    fn exchange(&mut self, victim: usize, key: &EncodedKey, value: T, terms: Terms, gone: &mut Gone<T>) {
        let (hash, expires_at) = (key.hash_value() as u32, self.deadline(victim));
        self.unlink(victim);
        self.link(hash, victim);
        self.set_terms(victim, terms);
        let old_hash = mem::replace(&mut self.slots[victim].hash, hash);
        self.policy.reuse(&mut self.slots, victim, old_hash);
        let place = &mut self.slots[victim];
        let old = Evicted {
            key: mem::replace(&mut place.key, key.bytes().clone()),
            by_another_key: true,
            expires_at,
            value: mem::replace(&mut place.value, value),
            next: None,
        };
        old.add_to(gone);
    }

    fn is_too_heavy(&self, weight: u32) -> bool {
        self.weights
            .as_ref()
            .is_some_and(|weights| weights.is_too_heavy(weight))
    }

    fn has_room(&self, weight: u32) -> bool {
        self.slots.len() < self.capacity
            && self
                .weights
                .as_ref()
                .is_none_or(|weights| weights.have_room(weight))
    }

    fn has_room_in(&self, slot: usize, weight: u32) -> bool {
        let weights = self.weights.as_ref();
        weights.is_none_or(|weights| weights.have_room_in(slot, weight))
    }

    /// Removes an entry that gives way to others.
    fn evict(&mut self, slot: usize) -> Evicted<T> {
        let hash = self.slots[slot].hash;
        self.policy.remember(&mut self.slots, slot, hash);
        let mut gone = self.remove(slot);
        gone.by_another_key = true;
        gone
    }

    #[inline(always)]
    fn set_terms(&mut self, slot: usize, terms: Terms) {
        self.set_version(slot, terms.version);
        self.set_deadline(slot, terms.expires_at);
        self.note_idle(slot, || terms.idle_until);
        if let Some(weights) = &mut self.weights {
            weights.replace(slot, terms.weight);
        }
    }

    fn push(&mut self, slot: Slot<T>, terms: Terms) {
        let index = self.slots.len();
        self.link(slot.hash, index);
        let hash = slot.hash;
        push_within(self.capacity, &mut self.slots, slot);
        self.policy.push(&mut self.slots, hash);
        if !self.versions.is_empty() {
            push_within(self.capacity, &mut self.versions, 0);
        }
        self.set_version(index, terms.version);
        if let Some(weights) = &mut self.weights {
            weights.push(terms.weight);
        }
        if let Some(idle) = &mut self.idle {
            idle.push(terms.expires_at, terms.idle_until);
            push_within(self.capacity, &mut self.deadlines, 0);
            return;
        }
        if !self.deadlines.is_empty() {
            push_within(self.capacity, &mut self.deadlines, NEVER);
        }
        self.set_deadline(index, terms.expires_at);
    }

    /// Removes the entry of a slot; the last entry moves into its place.
    pub(super) fn remove(&mut self, slot: usize) -> Evicted<T> {
        self.unlink(slot);
        let last = self.slots.len() - 1;
        if slot != last {
            self.unlink(last);
            self.link(self.slots[last].hash, slot);
        }
        let deadline = self.deadline(slot);
        if !self.deadlines.is_empty() {
            self.deadlines.swap_remove(slot);
        }
        if !self.versions.is_empty() {
            self.versions.swap_remove(slot);
        }
        if let Some(idle) = &mut self.idle {
            idle.swap_remove(slot);
        }
        if let Some(weights) = &mut self.weights {
            weights.swap_remove(slot);
        }
        self.policy.swap_remove(&mut self.slots, slot);
        evicted(self.slots.swap_remove(slot), deadline, false)
    }

    /// Removes the entries for whose keys `concerns` is true.
    pub(super) fn extract(&mut self, concerns: impl Fn(&KeyBytes) -> bool) -> Vec<Evicted<T>> {
        let mut extracted = Vec::new();
        for slot in (0..self.slots.len()).rev() {
            if concerns(&self.slots[slot].key) {
                extracted.push(self.remove(slot));
            }
        }
        if self.slots.is_empty() {
            self.policy.clear();
            self.deadlines = Vec::new();
            self.versions = Vec::new();
        }
        extracted
    }

    fn link(&mut self, hash: u32, slot: usize) {
        let slots = &self.slots;
        self.hints.make_room(slot + 1);
        self.table.insert_unique(table_hash(hash), slot as u32, |&slot| {
            table_hash(slots[slot as usize].hash)
        });
    }

    fn unlink(&mut self, slot: usize) {
        let hash = table_hash(self.slots[slot].hash);
        match self.table.find_entry(hash, |&other| other as usize == slot) {
            Ok(entry) => drop(entry.remove()),
            Err(_) => unreachable!("every slot is in the table"),
        }
    }

    /// Checks the invariants.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn validate(&self) {
        use crate::sync::Ordering;

        assert!(self.slots.len() <= self.capacity);
        let marks = self.slots.iter().map(|slot| slot.mark.load(Ordering::Relaxed));
        self.policy.validate(&marks.collect::<Vec<_>>());
        assert_eq!(self.table.len(), self.slots.len());
        assert!(self.deadlines.is_empty() || self.deadlines.len() == self.slots.len());
        assert!(self.versions.is_empty() || self.versions.len() == self.slots.len());
        if let Some(weights) = &self.weights {
            weights.validate(self.slots.len());
        }
        if let Some(idle) = &self.idle {
            assert_eq!(idle.count(), self.slots.len());
            assert!(self.deadlines.iter().all(|deadline| *deadline == 0));
        }
        for (index, slot) in self.slots.iter().enumerate() {
            let found = self.table.find(table_hash(slot.hash), |&other| {
                self.slots[other as usize].key == slot.key
            });
            assert_eq!(found, Some(&(index as u32)));
        }
    }
}

impl<T> Marks for Vec<Slot<T>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn mark(&mut self, slot: usize) -> &mut u32 {
        self[slot].mark.get_mut()
    }

    fn marks(&mut self, slots: Range<usize>) -> impl Iterator<Item = u32> {
        self[slots].iter_mut().map(|slot| *slot.mark.get_mut())
    }
}

fn evicted<T>(slot: Slot<T>, expires_at: u64, by_another_key: bool) -> Evicted<T> {
    Evicted {
        key: slot.key,
        by_another_key,
        expires_at,
        value: slot.value,
        next: None,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::policy::Policy;
    use super::*;
    use crate::key::EncodedKey;

    fn terms(expires_at: u64) -> Terms {
        Terms {
            expires_at,
            idle_until: NEVER,
            weight: 1,
            version: 0,
        }
    }

    /// Puts, removes and uses entries at random, and checks the invariants after each step.
    #[test]
    fn a_shard_stays_consistent_under_random_operations() {
        let policies = [Policy::LeastRecentlyUsed, Policy::ScanResistant];
        let capacities = [1, 2, 3, 17, 64, 65, 600].into_iter();
        for (capacity, policy) in capacities.flat_map(|capacity| policies.map(|policy| (capacity, policy))) {
            let mut shard = Shard::new(capacity, PolicyImpl::new(policy, capacity, capacity % 2 == 0));
            let mut random = 88_172_645_463_325_252_u64;
            for step in 0..4 * capacity as u64 + 300 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let key = EncodedKey::of(&(random % (capacity as u64 * 2)));
                let deadline = if random & 3 << 32 == 0 { step } else { NEVER };
                match (shard.find(&key), random >> 40 & 7) {
                    (Some(slot), 0..2) => drop(shard.remove(slot)),
                    (Some(slot), 2) => shard.note_use(&shard.slots[slot]),
                    (Some(slot), 3) => shard.note_hint(slot),
                    (Some(slot), 4) => shard.set_deadline(slot, deadline),
                    (Some(slot), _) => {
                        shard.replace(slot, step, terms(deadline));
                        assert_eq!((shard.slots[slot].value, shard.deadline(slot)), (step, deadline));
                    }
                    (None, _) => {
                        shard.insert(&key, step, terms(deadline), &mut None);
                        let slot = shard.find(&key).expect("it was inserted");
                        assert_eq!((shard.slots[slot].value, shard.deadline(slot)), (step, deadline));
                    }
                }
                shard.validate();
                let hit = shard.hit(key.hash_value(), &key, None, &StorageClock::default());
                let stored = shard.find(&key).map(|slot| shard.slots[slot].value);
                assert!(
                    hit.is_none() || hit == stored,
                    "a guess may be missing, and no hit is wrong"
                );
            }
            let before = shard.len();
            let every_second = Cell::new(false);
            let concerned = |_: &_| every_second.replace(!every_second.get());
            let extracted = shard.extract(concerned).len();
            shard.validate();
            assert_eq!(shard.len(), before - extracted);
            shard.extract(|_| true);
            shard.validate();
            assert_eq!(shard.len(), 0);
        }
    }

    /// A look-up may come back with a slot that was emptied since.
    #[test]
    fn a_slot_without_an_entry_never_ends() {
        for has_idle in [false, true] {
            let policy = PolicyImpl::new(Policy::LeastRecentlyUsed, 8, true);
            let mut shard = Shard::new(8, policy).with_idle(has_idle);
            shard.insert(&EncodedKey::of(&1), (), terms(5), &mut None);
            assert_eq!(shard.deadline(0), 5);
            shard.remove(0);
            assert_eq!((shard.deadline(0), shard.expires_at(0)), (NEVER, NEVER));
        }
    }

    #[test]
    fn a_shard_takes_no_more_memory_than_its_capacity_needs() {
        let mut shard = Shard::new(100, PolicyImpl::new(Policy::LeastRecentlyUsed, 100, true));
        for number in 0..1000_u64 {
            shard.insert(&EncodedKey::of(&number), (), terms(NEVER), &mut None);
        }
        assert_eq!((shard.len(), shard.slots.capacity()), (100, 100));
        assert!(shard.deadlines.is_empty(), "nothing expires");
    }

    /// Three keys with one hash, and one whose hash differs only in the bits that choose the shard.
    #[test]
    fn keys_with_one_hash_are_told_apart() {
        let policies = [Policy::LeastRecentlyUsed, Policy::ScanResistant];
        for policy in policies {
            let mut shard = Shard::new(8, PolicyImpl::new(policy, 8, true));
            let keys: Vec<_> = (0..4_u64)
                .map(|number| EncodedKey::with_hash(7 | (number & 1) << 40, &number))
                .collect();
            let find = |shard: &Shard<u64>, key: &EncodedKey| shard.find(key);
            for (number, key) in (0..).zip(&keys[..3]) {
                assert_eq!(find(&shard, key), None);
                let mut gone = None;
                shard.insert(key, number, terms(NEVER), &mut gone);
                assert!(gone.is_none());
            }
            assert_eq!(find(&shard, &keys[3]), None);
            for gone in [1, 0, 2] {
                for (number, key) in (0..).zip(&keys[..3]) {
                    let found = find(&shard, key).map(|slot| shard.slots[slot].value);
                    assert!(found.is_none_or(|found| found == number));
                }
                let slot = find(&shard, &keys[gone]).expect("it was not removed");
                shard.remove(slot);
                assert_eq!(find(&shard, &keys[gone]), None);
                shard.validate();
            }
            assert_eq!(shard.len(), 0);
        }
    }
}
