//! One shard: the entries, and their values beside them.
//!
//! [`Entries`] decide, in code that is compiled once. [`Shard`] is compiled for each type of values: it moves them as told. No
//! code of the user runs between a change of the entries and that of the values, and no memory is allocated: they always agree.
//!
//! The table holds slot numbers and compares keys in the slots, which lie in one vector. Half of the hash of a key is
//! stored with it, so no key is hashed again when the table grows or an entry moves.

use std::mem;
use std::time::Duration;

use hashbrown::HashTable;

use super::config::Config;
use super::head::Head;
use super::hints::Hints;
use super::idle::Idle;
use super::policy::{PolicyImpl, more_slots, push_within};
use super::weights::Weights;
use crate::clock::{NEVER, StorageClock};
use crate::flights::{Departed, Evicted, Gone, Terms};
use crate::key::{EncodedKey, KeyBytes, RingKey};

/// One shard.
pub(super) struct Shard<T> {
    entries: Entries,
    /// The value of the entry in each slot.
    values: Vec<T>,
}

impl<T> Shard<T> {
    pub(super) fn new(entries: Entries) -> Self {
        Shard {
            entries,
            values: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn entries(&self) -> &Entries {
        &self.entries
    }

    /// The value of the entry in each slot.
    #[inline(always)]
    pub(super) fn values(&self) -> &[T] {
        &self.values
    }

    /// The value of the entry in a slot, and its deadline by expiry.
    pub(super) fn value_and_expiry(&self, slot: usize) -> Option<(T, u64)>
    where
        T: Clone,
    {
        let expires_at = self.entries.expires_at(slot);
        let value = self.values.get(slot)?;
        Some((value.clone(), expires_at))
    }

    /// Puts an entry. Adds the replaced entry of its key and the evicted ones to `gone`; with capacity 0, or if the new
    /// entry is too heavy, adds the new entry itself.
    #[inline]
    pub(super) fn put(&mut self, key: &EncodedKey, value: T, terms: &Terms, gone: &mut Gone<T>) {
        loop {
            match self.entries.put(key, terms, self.values.capacity()) {
                Step::Grow(by) => self.values.reserve_exact(by),
                Step::Push => return self.values.push(value),
                Step::Replace(slot, departed) => {
                    let old = mem::replace(&mut self.values[slot], value);
                    return Evicted::add(departed, old, gone);
                }
                Step::Remove(slot, departed) => {
                    Evicted::add(departed, self.values.swap_remove(slot), gone);
                }
                Step::Refuse(departed) => return Evicted::add(departed, value, gone),
            }
        }
    }

    /// Changes entries. Removes the one whose slot is returned.
    pub(super) fn change(&mut self, change: &mut dyn FnMut(&mut Entries) -> Option<usize>) -> Gone<T> {
        let slot = change(&mut self.entries)?;
        let entry = self.entries.remove(slot);
        Some(Evicted::new(entry, self.values.swap_remove(slot)))
    }

    /// Removes the entries for whose keys `concerns` is true. Adds their values to `extracted`.
    pub(super) fn extract(&mut self, concerns: &dyn Fn(&KeyBytes) -> bool, extracted: &mut Vec<T>) {
        let mut end = self.entries.len();
        while let Some(slot) = self.entries.extract(concerns, end) {
            extracted.push(self.values.swap_remove(slot));
            end = slot;
        }
    }

    /// Checks the invariants.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn validate(&self) {
        self.entries.validate();
        assert_eq!(self.values.len(), self.entries.len());
    }
}

/// The entries of one shard.
pub(super) struct Entries {
    table: HashTable<u32>,
    hints: Hints,
    heads: Vec<Head>,
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

/// The next step of the shard that puts an entry. The entries have changed; the values are to follow.
enum Step {
    /// Make room for so many more values, and ask again. Nothing has changed.
    Grow(usize),
    /// Add the value at the end: it has room. The last step.
    Push,
    /// Put the value into this slot, in place of that of the departed entry. The last step.
    Replace(usize, Departed),
    /// Remove the value of the departed entry from this slot; the last one moves into it. Ask again.
    Remove(usize, Departed),
    /// The entry cannot be stored: it departs at once. The last step.
    Refuse(Departed),
}

/// The result of a look-up.
pub(super) enum Found {
    /// The entry's slot.
    Live(usize),
    /// The slot of an entry that has ended.
    Ended(usize),
    /// No entry has this key.
    Absent,
}

/// The table uses the lowest bits and the seven highest bits of its hash.
#[inline]
fn table_hash(hash: u32) -> u64 {
    u64::from(hash).rotate_right(7)
}

impl Entries {
    pub(super) fn new(capacity: usize, policy: PolicyImpl) -> Self {
        Entries {
            table: HashTable::new(),
            hints: Hints::default(),
            heads: Vec::new(),
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

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.heads.len()
    }

    /// The total weight of the entries. Without a weigher, each entry weighs one.
    pub(super) fn weight(&self) -> u64 {
        let weights = self.weights.as_ref();
        weights.map_or(self.heads.len() as u64, |weights| weights.total())
    }

    /// The slot of a key, if the first guess with its hash is right, and the entry has more than `life` left. With a
    /// version, only of an entry that was stored with it.
    #[inline(always)]
    pub(super) fn hit<K: RingKey + ?Sized>(
        &self,
        hash: u64,
        key: &K,
        life: Option<Duration>,
        clock: &StorageClock,
        version: Option<u64>,
    ) -> Option<usize> {
        let (slot, head) = self.guess(hash as u32)?;
        if !head.key.is(key) || version.is_some_and(|version| self.version(slot) != version) {
            return None;
        }
        if !self.is_without_deadlines() && !clock.leaves(*self.deadlines.get(slot)?, life) {
            return None;
        }
        self.note_use(head);
        Some(slot)
    }

    /// The first guess with this hash.
    #[inline(always)]
    fn guess(&self, hash: u32) -> Option<(usize, &Head)> {
        self.hints.find(hash, |slot| match self.heads.get(slot) {
            Some(head) if head.hash == hash => Some((slot, head)),
            _ => None,
        })
    }

    /// Lets the next [`hit`](Self::hit) find the slot at once.
    pub(super) fn note_hint(&self, slot: usize) {
        let hash_in = |slot: usize| self.heads.get(slot).map(|head| head.hash);
        if let Some(hash) = hash_in(slot) {
            self.hints.note(hash, slot, &hash_in);
        }
    }

    /// Looks up the key with this hash for which `is_key` is true: a use of its entry. With a version, only an entry that
    /// was stored with it is found.
    #[inline]
    pub(super) fn look_up(
        &self,
        hash: u64,
        is_key: &dyn Fn(&KeyBytes) -> bool,
        version: Option<u64>,
        config: &Config,
    ) -> Found {
        match self.find_by(hash, is_key) {
            Some(slot) => self.use_entry(slot, version, config),
            None => Found::Absent,
        }
    }

    fn use_entry(&self, slot: usize, version: Option<u64>, config: &Config) -> Found {
        if config.clock.is_past(self.deadline(slot)) {
            return Found::Ended(slot);
        }
        if version.is_some_and(|version| self.version(slot) != version) {
            return Found::Absent;
        }
        self.note_use(&self.heads[slot]);
        self.note_idle(slot, || config.idle_until());
        Found::Live(slot)
    }

    /// The slot of a key.
    #[inline]
    pub(super) fn find(&self, key: &EncodedKey) -> Option<usize> {
        self.find_by(key.hash_value(), &|bytes| bytes.is(key))
    }

    /// The slot of the key with this hash for which `is_key` is true.
    #[inline(always)]
    pub(super) fn find_by(&self, hash: u64, is_key: &dyn Fn(&KeyBytes) -> bool) -> Option<usize> {
        let hash = hash as u32;
        let found = self
            .table
            .find(table_hash(hash), |&slot| self.heads[slot as usize].hash == hash);
        let (mut slot, mut passed) = (*found?, None);
        loop {
            if is_key(&self.heads[slot as usize].key) {
                return Some(slot as usize);
            }
            slot = self.next_of_hash(hash, passed)?;
            passed = Some(slot);
        }
    }

    /// The first slot after `passed` with this hash, for the rare case of two keys with one hash.
    #[cold]
    fn next_of_hash(&self, hash: u32, passed: Option<u32>) -> Option<u32> {
        let mut next = None;
        for &slot in self.table.iter_hash(table_hash(hash)) {
            let follows = self.heads[slot as usize].hash == hash && Some(slot) > passed;
            if follows && next.is_none_or(|next| slot < next) {
                next = Some(slot);
            }
        }
        next
    }

    /// The key in a slot, and the deadline.
    #[cfg(feature = "inspect")]
    pub(super) fn at(&self, slot: usize) -> (&KeyBytes, u64) {
        (&self.heads[slot].key, self.deadline(slot))
    }

    /// The slot of a key whose hash is not known: the one in which it was seen, or another.
    #[cfg(feature = "inspect")]
    pub(super) fn position(&self, key: &KeyBytes, seen: usize) -> Option<usize> {
        let is_there = |head: &Head| head.key == *key;
        if self.heads.get(seen).is_some_and(is_there) {
            return Some(seen);
        }
        self.heads.iter().position(is_there)
    }

    #[inline(always)]
    fn note_use(&self, head: &Head) {
        self.policy.note_use(&head.mark);
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
            self.versions = vec![0; self.heads.len()];
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
            self.deadlines = vec![NEVER; self.heads.len()];
        }
        if let Some(place) = self.deadlines.get_mut(slot) {
            *place = deadline;
        }
    }

    /// Puts an entry. Returns the next step of the shard, whose values have `room` in their memory.
    // Debug builds compile it once, and release builds inline it in every miss.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put(&mut self, key: &EncodedKey, terms: &Terms, room: usize) -> Step {
        if self.weights.is_some() {
            return self.put_weighed(key, terms, room);
        }
        if let Some(slot) = self.find(key) {
            Step::Replace(slot, self.replace(slot, terms))
        } else if self.heads.len() < self.capacity {
            self.put_new(key, terms, room)
        } else if self.capacity == 0 {
            refuse(key)
        } else {
            let victim = self.policy.victim(&mut self.heads, key.hash_value() as u32);
            Step::Replace(victim, self.exchange(victim, key, terms))
        }
    }

    /// [`put`](Self::put) for entries with weights: several may give way.
    #[inline(never)]
    fn put_weighed(&mut self, key: &EncodedKey, terms: &Terms, room: usize) -> Step {
        if let Some(slot) = self.find(key) {
            return if self.has_room_in(slot, terms.weight) {
                Step::Replace(slot, self.replace(slot, terms))
            } else {
                // Removed and put as a new entry, for which others give way.
                Step::Remove(slot, self.remove(slot))
            };
        }
        if self.capacity == 0 || self.is_too_heavy(terms.weight) {
            return refuse(key);
        }
        if self.has_room(terms.weight) {
            return self.put_new(key, terms, room);
        }
        let victim = self.policy.victim(&mut self.heads, key.hash_value() as u32);
        if self.has_room_in(victim, terms.weight) {
            Step::Replace(victim, self.exchange(victim, key, terms))
        } else {
            Step::Remove(victim, self.evict(victim))
        }
    }

    /// Puts an entry into a new slot.
    fn put_new(&mut self, key: &EncodedKey, terms: &Terms, room: usize) -> Step {
        if self.heads.len() == room {
            return Step::Grow(more_slots(self.heads.len(), self.capacity));
        }
        self.push(key, terms);
        Step::Push
    }

    /// Puts a new value into the slot of its key. Returns the old entry.
    fn replace(&mut self, slot: usize, terms: &Terms) -> Departed {
        let expires_at = self.deadline(slot);
        self.set_terms(slot, terms);
        self.policy.replace(self.heads[slot].mark());
        Departed {
            key: self.heads[slot].key.clone(),
            by_another_key: false,
            expires_at,
        }
    }

    /// Puts an entry into the slot of the victim, which is returned.
    #[inline(always)]
    fn exchange(&mut self, victim: usize, key: &EncodedKey, terms: &Terms) -> Departed {
        let (hash, expires_at) = (key.hash_value() as u32, self.deadline(victim));
        let head = &mut self.heads[victim];
        let old_hash = mem::replace(&mut head.hash, hash);
        let old_key = mem::replace(&mut head.key, key.bytes().clone());
        self.unlink(old_hash, victim);
        self.link(hash, victim);
        self.set_terms(victim, terms);
        self.policy.reuse(&mut self.heads, victim, old_hash);
        Departed {
            key: old_key,
            by_another_key: true,
            expires_at,
        }
    }

    fn is_too_heavy(&self, weight: u32) -> bool {
        self.weights
            .as_ref()
            .is_some_and(|weights| weights.is_too_heavy(weight))
    }

    fn has_room(&self, weight: u32) -> bool {
        self.heads.len() < self.capacity
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
    fn evict(&mut self, slot: usize) -> Departed {
        let hash = self.heads[slot].hash;
        self.policy.remember(&mut self.heads, slot, hash);
        let mut departed = self.remove(slot);
        departed.by_another_key = true;
        departed
    }

    #[inline(always)]
    fn set_terms(&mut self, slot: usize, terms: &Terms) {
        self.set_version(slot, terms.version);
        self.set_deadline(slot, terms.expires_at);
        self.note_idle(slot, || terms.idle_until);
        if let Some(weights) = &mut self.weights {
            weights.replace(slot, terms.weight);
        }
    }

    fn push(&mut self, key: &EncodedKey, terms: &Terms) {
        let (slot, hash) = (self.heads.len(), key.hash_value() as u32);
        self.hints.make_room(slot + 1);
        self.link(hash, slot);
        push_within(
            self.capacity,
            &mut self.heads,
            Head::new(key.bytes().clone(), hash),
        );
        self.policy.push(&mut self.heads, hash);
        if !self.versions.is_empty() {
            push_within(self.capacity, &mut self.versions, 0);
        }
        self.set_version(slot, terms.version);
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
        self.set_deadline(slot, terms.expires_at);
    }

    /// Removes the entry of a slot; the last entry moves into its place.
    fn remove(&mut self, slot: usize) -> Departed {
        let last = self.heads.len() - 1;
        self.unlink(self.heads[slot].hash, slot);
        if slot != last {
            let hash = self.heads[last].hash;
            self.unlink(hash, last);
            self.link(hash, slot);
        }
        let expires_at = self.deadline(slot);
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
        self.policy.swap_remove(&mut self.heads, slot);
        Departed {
            key: self.heads.swap_remove(slot).key,
            by_another_key: false,
            expires_at,
        }
    }

    /// Removes the last entry before the slot `end` for whose key `concerns` is true. Returns its slot, which is the
    /// next `end`. Begins with [`len`](Self::len); forgets what is kept for entries if none are left at the end.
    fn extract(&mut self, concerns: &dyn Fn(&KeyBytes) -> bool, end: usize) -> Option<usize> {
        let concerned = (0..end).rev().find(|&slot| concerns(&self.heads[slot].key));
        if let Some(slot) = concerned {
            self.remove(slot);
        } else if self.heads.is_empty() {
            self.policy.clear();
            self.deadlines = Vec::new();
            self.versions = Vec::new();
        }
        concerned
    }

    #[inline(always)]
    fn link(&mut self, hash: u32, slot: usize) {
        let heads = &self.heads;
        self.table.insert_unique(table_hash(hash), slot as u32, |&slot| {
            table_hash(heads[slot as usize].hash)
        });
    }

    #[inline(always)]
    fn unlink(&mut self, hash: u32, slot: usize) {
        let found = self
            .table
            .find_entry(table_hash(hash), |&other| other as usize == slot);
        match found {
            Ok(entry) => drop(entry.remove()),
            Err(_) => unreachable!("every slot is in the table"),
        }
    }

    /// The number of slots that have memory.
    #[cfg(test)]
    fn memory(&self) -> usize {
        self.heads.capacity()
    }

    /// Checks the invariants.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn validate(&self) {
        use crate::sync::Ordering;

        assert!(self.heads.len() <= self.capacity);
        let marks = self.heads.iter().map(|head| head.mark.load(Ordering::Relaxed));
        self.policy.validate(&marks.collect::<Vec<_>>());
        assert_eq!(self.table.len(), self.heads.len());
        assert!(self.deadlines.is_empty() || self.deadlines.len() == self.heads.len());
        assert!(self.versions.is_empty() || self.versions.len() == self.heads.len());
        if let Some(weights) = &self.weights {
            weights.validate(self.heads.len());
        }
        if let Some(idle) = &self.idle {
            assert_eq!(idle.count(), self.heads.len());
            assert!(self.deadlines.iter().all(|deadline| *deadline == 0));
        }
        for (slot, head) in self.heads.iter().enumerate() {
            let found = self.table.find(table_hash(head.hash), |&other| {
                self.heads[other as usize].key == head.key
            });
            assert_eq!(found, Some(&(slot as u32)));
        }
    }
}

/// An entry that cannot be stored.
#[cold]
fn refuse(key: &EncodedKey) -> Step {
    Step::Refuse(Departed {
        key: key.bytes().clone(),
        by_another_key: true,
        expires_at: NEVER,
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::super::policy::Policy;
    use super::*;

    fn terms(expires_at: u64) -> Terms {
        Terms {
            expires_at,
            idle_until: NEVER,
            weight: 1,
            version: 0,
        }
    }

    fn entries(capacity: usize, policy: Policy, exact: bool) -> Entries {
        Entries::new(capacity, PolicyImpl::new(policy, capacity, exact))
    }

    impl<T> Shard<T> {
        fn find(&self, key: &EncodedKey) -> Option<usize> {
            self.entries.find(key)
        }

        fn insert(&mut self, key: &EncodedKey, value: T, expires_at: u64) -> Gone<T> {
            let mut gone = None;
            self.put(key, value, &terms(expires_at), &mut gone);
            gone
        }

        fn remove(&mut self, slot: usize) -> Gone<T> {
            self.change(&mut |_| Some(slot))
        }
    }

    /// Puts, removes and uses entries at random, and checks the invariants after each step.
    #[test]
    fn a_shard_stays_consistent_under_random_operations() {
        let policies = [Policy::LeastRecentlyUsed, Policy::ScanResistant];
        let capacities = [1, 2, 3, 17, 64, 65, 600].into_iter();
        let (clock, config) = (StorageClock::default(), config());
        for (capacity, policy) in capacities.flat_map(|capacity| policies.map(|policy| (capacity, policy))) {
            let mut shard = Shard::new(entries(capacity, policy, capacity % 2 == 0));
            let mut random = 88_172_645_463_325_252_u64;
            for step in 0..4 * capacity as u64 + 300 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let key = EncodedKey::of(&(random % (capacity as u64 * 2)));
                let deadline = if random & 3 << 32 == 0 { step } else { NEVER };
                match (shard.find(&key), random >> 40 & 7) {
                    (Some(slot), 0..2) => _ = shard.remove(slot),
                    (Some(_), 2) => {
                        _ = shard
                            .entries
                            .look_up(key.hash_value(), &|bytes| bytes.is(&key), None, &config)
                    }
                    (Some(slot), 3) => shard.entries.note_hint(slot),
                    (Some(slot), 4) => shard.entries.set_deadline(slot, deadline),
                    _ => {
                        shard.insert(&key, step, deadline);
                        let slot = shard.find(&key).expect("it was put");
                        assert_eq!(
                            (shard.values[slot], shard.entries.deadline(slot)),
                            (step, deadline)
                        );
                    }
                }
                shard.validate();
                let hit = shard.entries.hit(key.hash_value(), &key, None, &clock, None);
                let hit = hit.map(|slot| shard.values[slot]);
                let stored = shard.find(&key).map(|slot| shard.values[slot]);
                assert!(
                    hit.is_none() || hit == stored,
                    "a guess may be missing, and no hit is wrong"
                );
            }
            let (before, mut extracted) = (shard.values.len(), Vec::new());
            let every_second = Cell::new(false);
            let concerned = |_: &_| every_second.replace(!every_second.get());
            shard.extract(&concerned, &mut extracted);
            shard.validate();
            assert_eq!(shard.values.len(), before - extracted.len());
            shard.extract(&|_| true, &mut extracted);
            shard.validate();
            assert_eq!((shard.values.len(), extracted.len()), (0, before));
        }
    }

    fn config() -> Config {
        Config {
            mask: 0,
            capacity: 1,
            clock: StorageClock::default(),
            idle: None,
        }
    }

    /// A look-up may come back with a slot that was emptied since.
    #[test]
    fn a_slot_without_an_entry_never_ends() {
        for has_idle in [false, true] {
            let entries = entries(8, Policy::LeastRecentlyUsed, true).with_idle(has_idle);
            let mut shard = Shard::new(entries);
            shard.insert(&EncodedKey::of(&1), (), 5);
            assert_eq!(shard.entries.deadline(0), 5);
            shard.remove(0);
            let ends = (shard.entries.deadline(0), shard.entries.expires_at(0));
            assert_eq!(ends, (NEVER, NEVER));
        }
    }

    #[test]
    fn a_shard_takes_no_more_memory_than_its_capacity_needs() {
        let mut shard = Shard::new(entries(100, Policy::LeastRecentlyUsed, true));
        for number in 0..1000_u64 {
            shard.insert(&EncodedKey::of(&number), number, NEVER);
        }
        assert_eq!((shard.values.len(), shard.values.capacity()), (100, 100));
        assert_eq!(shard.entries.memory(), 100);
        assert!(shard.entries.is_without_deadlines(), "nothing expires");
    }

    /// Three keys with one hash, and one whose hash differs only in the bits that choose the shard.
    #[test]
    fn keys_with_one_hash_are_told_apart() {
        let policies = [Policy::LeastRecentlyUsed, Policy::ScanResistant];
        for policy in policies {
            let mut shard = Shard::new(entries(8, policy, true));
            let keys: Vec<_> = (0..4_u64)
                .map(|number| EncodedKey::with_hash(7 | (number & 1) << 40, &number))
                .collect();
            for (number, key) in (0..).zip(&keys[..3]) {
                assert_eq!(shard.find(key), None);
                assert!(shard.insert(key, number, NEVER).is_none());
            }
            assert_eq!(shard.find(&keys[3]), None);
            for gone in [1, 0, 2] {
                for (number, key) in (0_u64..).zip(&keys[..3]) {
                    let found = shard.find(key).map(|slot| shard.values[slot]);
                    assert!(found.is_none_or(|found| found == number));
                }
                let slot = shard.find(&keys[gone]).expect("it was not removed");
                shard.remove(slot);
                assert_eq!(shard.find(&keys[gone]), None);
                shard.validate();
            }
            assert_eq!(shard.values.len(), 0);
        }
    }

    /// An entry with weight 5 takes the place of three with weight 2 in a shard of total weight 6, and of its own older
    /// value if that was light. Each value leaves with its key.
    #[test]
    fn values_leave_with_their_entries_if_several_give_way() {
        let mut shard = Shard::new(entries(8, Policy::LeastRecentlyUsed, true).weighing(Some(6)));
        let mut put = |number: u64, weight| {
            let (mut gone, mut left) = (None, Vec::new());
            let terms = Terms {
                weight,
                ..terms(NEVER)
            };
            shard.put(&EncodedKey::of(&number), number, &terms, &mut gone);
            shard.validate();
            if let Some(evicted) = gone {
                evicted.each(|entry, value| {
                    assert!(entry.key.is(&value), "a key with the value of another");
                    left.push((value, entry.by_another_key));
                });
            }
            left
        };
        for number in 1..=3 {
            assert_eq!(put(number, 2), []);
        }
        assert_eq!(put(4, 5), [(1, true), (2, true), (3, true)]);
        assert_eq!(put(5, 1), []);
        assert_eq!(put(5, 6), [(5, false), (4, true)]);
        assert_eq!(put(6, 7), [(6, true)], "it is too heavy");
    }
}
