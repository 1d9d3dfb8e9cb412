//! The flight table: the states of all keys of one storage.

use std::ops::DerefMut;
use std::time::Instant;

use super::counted::CountedState;
use super::flight::Flight;
use super::key_state::KeyState;
use super::refreshes::{Claim, Refreshes};
use super::registry::RingRegistry;
use super::ring_doubts::RingDoubts;
use super::scope::{self, Scope};
use super::shard::{self, Shard, Spare, StateEntry};
use crate::key::{EncodedKey, KeyShape, Name, RingKey};
use crate::ring::Ring;
use crate::sync::{Arc, AtomicU64, AtomicUsize, Event, EventListener, Mutex, Ordering, lasting};
use crate::usage::Usage;

/// The number of locks of the table.
const SHARDS: usize = 8;

/// The number of keys in doubt that are remembered while no call works on them.
const REMEMBERED_DOUBTS: usize = 65_536;

/// The number of counters of writes of a shard.
const WRITE_COUNTERS: usize = 4;

/// The computations and writes of one storage. Without values, so that it is compiled once for all types of values: see
/// [`Values`](super::values::Values).
pub(crate) struct FlightTable {
    pub(super) shards: [Mutex<Shard>; SHARDS],
    /// The number of keys with a state in each shard, so that a delete without computations under way needs no lock. Written
    /// under the shard's lock.
    keys: [AtomicUsize; SHARDS],
    next_epoch: AtomicU64,
    /// Notified when a write of any key ends.
    pub(super) written: Event,
    /// The number of writes that ended, for groups of the keys of a shard. Written under the shard's lock.
    writes: [[AtomicU64; WRITE_COUNTERS]; SHARDS],
    /// The number of removals that ended, of any keys.
    pub(super) removals: AtomicU64,
    /// The number of keys in doubt, so that a look-up without doubts needs no lock.
    doubts: AtomicUsize,
    rings: RingRegistry,
    /// Made for the first claim of a refresh.
    refreshes: lasting::OnceLock<Arc<Refreshes>>,
    usage: Usage,
    ring_doubts: RingDoubts,
}

/// The number of the shard with the keys of this hash.
#[inline]
pub(super) fn shard_of(hash: u64) -> usize {
    (hash >> 48) as usize % SHARDS
}

/// The state of a key when a [doubt](super::Flights::begin_doubt) began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt(Option<u64>);

/// The role of a call that joins a flight.
pub(super) enum Joined {
    /// It leads, with this epoch: the leader is gone.
    Lead(Arc<Flight>, u64),
    /// It waits for the leader.
    Wait(Arc<Flight>),
}

impl Default for FlightTable {
    fn default() -> Self {
        FlightTable {
            shards: std::array::from_fn(|_| Mutex::new(Shard::default())),
            keys: Default::default(),
            next_epoch: AtomicU64::new(1),
            written: Event::new(),
            writes: Default::default(),
            removals: AtomicU64::new(0),
            doubts: AtomicUsize::new(0),
            rings: RingRegistry::default(),
            refreshes: lasting::OnceLock::new(),
            usage: Usage::default(),
            ring_doubts: RingDoubts::default(),
        }
    }
}

impl FlightTable {
    /// Starts the computation of a key's value: its flight, and the epoch of the leader. `Err` is the rare case, a
    /// computation that began and is joined. `version` is that of the call's tags; a computation that began with another one
    /// is not joined.
    // Debug builds compile it once, and release builds inline it in every miss.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn join(&self, key: &EncodedKey, version: u64) -> Result<(Arc<Flight>, u64), Joined> {
        let mut shard = self.shard(key).lock();
        let (state, epoch, spare) = self.begin(&mut shard, key);
        if state.flight.as_ref().is_some_and(|flight| flight.is_of(version)) {
            return Err(join_flight(state, epoch, version));
        }
        let flight = begin_flight(state, epoch, spare);
        if version != 0 {
            flight.version.store(version, Ordering::SeqCst);
        }
        Ok((flight, epoch))
    }

    /// Wakes the calls that wait for refreshes.
    pub(super) fn notify_refreshes(&self) {
        if let Some(refreshes) = self.refreshes.get() {
            refreshes.notify();
        }
    }

    /// Stores a value given by the user in place, by `write`. Computations under way are not stored, and newcomers start a new
    /// one.
    ///
    /// # Errors
    ///
    /// The key, if the write must wait for another one.
    pub(super) fn set_in_place(
        &self,
        key: EncodedKey,
        write: &mut dyn FnMut(&EncodedKey),
    ) -> Result<(), EncodedKey> {
        self.usage.written(key.ring_number());
        let mut shard = self.shard(&key).lock();
        let state = shard.find(&key);
        let has_state = state.is_some();
        if let Some(state) = state {
            if state.writer.is_some() {
                return Err(key);
            }
            let epoch = self.next_epoch();
            state.invalidate_before(epoch);
            self.counted(state).took_effect(epoch);
        }
        write(&key);
        // After the write: a look-up that saw the count sees the value.
        self.count_write(key.hash_value());
        drop(shard);
        if has_state {
            self.written.notify(usize::MAX);
        }
        Ok(())
    }

    /// Whether this thread is computing the value of `key`.
    #[inline]
    pub(crate) fn is_computing(&self, key: &EncodedKey) -> bool {
        scope::is_computing(self.address(), key)
    }

    /// Whether this thread is writing to this storage. Code that is part of a write, such as the `Drop` of an evicted
    /// value, does not wait for other writes: two such writes could deadlock.
    pub(super) fn is_writing(&self) -> bool {
        scope::is_writing(self.address())
    }

    /// The keys of a ring that calls work on.
    #[cfg(feature = "inspect")]
    pub(crate) fn keys_of(&self, name: &Name) -> Vec<EncodedKey> {
        let mut keys = Vec::new();
        for shard in &self.shards {
            shard.lock().add_keys(&|key| key.belongs_to(name), &mut keys);
        }
        keys
    }

    /// The number of keys that calls work on.
    pub(super) fn under_way(&self) -> usize {
        // Takes an epoch, to be in order with calls that begin: a call that is not counted yet takes a later epoch, and
        // so sees what this thread did before.
        self.next_epoch();
        self.count_keys()
    }

    fn count_keys(&self) -> usize {
        sum(&self.keys)
    }

    /// Changes the number of keys of a shard. Requires its lock, so no atomic addition is needed.
    #[inline]
    fn change_keys(&self, shard: usize, change: impl FnOnce(usize) -> usize) {
        let keys = &self.keys[shard];
        keys.store(change(keys.load(Ordering::Relaxed)), Ordering::Release);
    }

    /// The number of ended writes, successful or not, of keys with this hash and of some others.
    #[inline]
    pub(crate) fn writes(&self, hash: u64) -> u64 {
        self.write_counter(hash).load(Ordering::Acquire)
    }

    /// The number of removals of any keys that ended, successful or not.
    pub(crate) fn removals(&self) -> u64 {
        self.removals.load(Ordering::SeqCst)
    }

    /// Requires the lock of the key's shard.
    #[inline]
    pub(super) fn count_write(&self, hash: u64) {
        let writes = self.write_counter(hash);
        writes.store(writes.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    #[inline]
    fn write_counter(&self, hash: u64) -> &AtomicU64 {
        &self.writes[shard_of(hash)][(hash >> 40) as usize % WRITE_COUNTERS]
    }

    /// Whether no other ring of this storage could have a key of this one.
    pub(crate) fn admit(&self, ring: &'static Ring, shape: &'static KeyShape) -> bool {
        self.rings.admit(ring, shape)
    }

    /// The conflict that keeps a ring away from this storage, if there is one.
    pub(crate) fn conflict(&self, ring: &'static Ring) -> Option<String> {
        self.rings.conflict(ring)
    }

    /// The right to refresh the entry of a key of `ring`, unless a refresh is under way or failed lately.
    pub(crate) fn claim_refresh(&self, hash: u64, ring: &Ring) -> Option<Claim> {
        let refreshes = self.refreshes.get_or_init(Arc::default);
        refreshes.claim(hash, ring.flight_timeout, ring.retry)
    }

    /// The next change of the refresh of a key, if one is under way: see [`Refreshes::under_way`].
    pub(crate) fn refresh_under_way(&self, hash: u64) -> Option<(EventListener, Option<Instant>)> {
        self.refreshes.get()?.under_way(hash)
    }

    /// What rings do on this storage.
    #[inline(always)]
    pub(crate) fn usage(&self) -> &Usage {
        &self.usage
    }

    #[inline]
    pub(super) fn shard(&self, key: &EncodedKey) -> &Mutex<Shard> {
        &self.shards[shard_of(key.hash_value())]
    }

    /// The state of a key, created if there is none, an epoch, and the place of a spare flight.
    #[inline(always)]
    pub(super) fn begin<'t>(
        &self,
        shard: &'t mut Shard,
        key: &EncodedKey,
    ) -> (&'t mut KeyState, u64, &'t mut Spare) {
        let (state, created, spare) = shard.state(key);
        if created {
            self.change_keys(shard_of(key.hash_value()), |keys| keys + 1);
        }
        // After the key was counted: see `under_way`.
        (state, self.next_epoch(), spare)
    }

    /// The next epoch. Taken under the lock of the key's shard, so that the epochs of one key are in order.
    #[inline]
    pub(super) fn next_epoch(&self) -> u64 {
        self.next_epoch.fetch_add(1, Ordering::SeqCst)
    }

    /// The scope of a write to this storage.
    pub(crate) fn write_scope(&self) -> Scope {
        Scope::Writing(self.address())
    }

    /// The identity of these flights.
    #[inline]
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The state of a key to which the caller holds a reference, to be changed.
    pub(super) fn expect_state<'s>(&'s self, shard: &'s mut Shard, key: &EncodedKey) -> CountedState<'s> {
        self.counted(shard.expect_entry(key).into_mut())
    }

    /// A state to be changed.
    pub(super) fn counted<'s>(&'s self, state: &'s mut KeyState) -> CountedState<'s> {
        CountedState::new(state, &self.doubts)
    }

    /// Whether any key is in doubt, or a ring.
    #[inline]
    pub(super) fn has_doubts(&self) -> bool {
        self.doubts.load(Ordering::SeqCst) > 0
    }

    /// Whether an older value may be found under `key` than a call that returned has promised. An abandoned write may
    /// still arrive, the operation that overtook an update has not taken effect yet, or the key's ring is in doubt.
    ///
    /// Read before a look-up, which then treats a found value as absent.
    #[inline]
    pub(crate) fn is_in_doubt<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        self.has_doubts() && self.is_known_to_be_in_doubt(key)
    }

    #[cold]
    fn is_known_to_be_in_doubt<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        let key = EncodedKey::of(key);
        let ring_since = self.ring_doubts.since(&key);
        match self.shard(&key).lock().find(&key) {
            Some(state) => state.is_in_doubt() || ring_since.is_some_and(|epoch| !state.is_superseded(epoch)),
            None => ring_since.is_some(),
        }
    }

    /// Puts a ring in doubt whose entries may be out of date and are not removed: each is in doubt until a newer
    /// operation on it takes effect, or until the ring is [cleared](Self::end_ring_doubt).
    pub(crate) fn mark_ring_suspect(&self, name: &'static Name) {
        if self.ring_doubts.begin(name, self.next_epoch()) {
            self.doubts.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// The epoch of a removal of all entries of a ring, for [`end_ring_doubt`](Self::end_ring_doubt).
    pub(crate) fn begin_clear(&self) -> u64 {
        self.next_epoch()
    }

    /// Ends the doubt about a ring: all its entries were removed, by the operation of this epoch.
    pub(crate) fn end_ring_doubt(&self, name: &Name, epoch: u64) {
        if !self.ring_doubts.end(name, epoch) {
            return;
        }
        self.doubts.fetch_sub(1, Ordering::SeqCst);
        // Drops the states that told which entries are new.
        for (number, shard) in self.shards.iter().enumerate() {
            let mut shard = shard.lock();
            let dropped = shard.drop_idle(|key| key.belongs_to(name));
            self.change_keys(number, |keys| keys - dropped);
        }
    }

    /// Ends the computations of a key's value, whose entry may be out of date and is not removed: `key` is [in
    /// doubt](Self::is_in_doubt) until a newer operation takes effect. Waits for nothing.
    pub(crate) fn mark_suspect(&self, key: &EncodedKey) {
        let mut shard = self.shard(key).lock();
        let (state, epoch, _) = self.begin(&mut shard, key);
        state.ref_count += 1;
        let mut state = self.counted(state);
        state.invalidate_before(epoch);
        state.abandon_writer(epoch);
        state.promise(epoch);
        drop(state);
        self.release(shard, key);
        self.written.notify(usize::MAX);
    }

    /// Puts `key` [in doubt](Self::is_in_doubt) until [`end_doubt`](Self::end_doubt), for a storage whose write goes
    /// on after its caller was dropped.
    pub(super) fn begin_doubt(&self, key: &EncodedKey) -> Doubt {
        let mut shard = self.shard(key).lock();
        let (state, ..) = self.begin(&mut shard, key);
        state.ref_count += 1;
        let mark = state.mark();
        self.counted(state).begin_abandoned_write();
        Doubt(mark)
    }

    /// Whether `key` may have changed since the doubt began. If so, the entry that the write left is to be removed.
    pub(super) fn is_outdated(&self, key: &EncodedKey, doubt: &Doubt) -> bool {
        let Some(mark) = doubt.0 else { return true };
        let mut shard = self.shard(key).lock();
        shard.find(key).is_none_or(|state| state.min_epoch != mark)
    }

    /// Ends a doubt that was [begun](Self::begin_doubt): the entry that the write left is gone.
    pub(super) fn end_doubt(&self, key: &EncodedKey) {
        let mut shard = self.shard(key).lock();
        self.expect_state(&mut shard, key).end_abandoned_write();
        self.release(shard, key);
    }

    /// Whether the state of a key outlives its last reference: the key is in doubt until the next write, or its ring is
    /// in doubt and the key is not.
    #[inline]
    fn is_remembered(&self, state: &KeyState) -> bool {
        self.has_doubts() && self.is_remembered_for_doubts(state)
    }

    #[cold]
    fn is_remembered_for_doubts(&self, state: &KeyState) -> bool {
        if state.is_in_doubt() {
            return self.doubts.load(Ordering::SeqCst) <= REMEMBERED_DOUBTS;
        }
        let ring_since = self.ring_doubts.since(&state.key);
        ring_since.is_some_and(|epoch| state.is_superseded(epoch)) && self.count_keys() <= REMEMBERED_DOUBTS
    }

    /// Releases a reference to the state of a key, and the lock of the key's shard. The last release drops the state.
    pub(super) fn release(&self, mut shard: impl DerefMut<Target = Shard>, key: &EncodedKey) {
        if let Some(flight) = self.release_state(shard.expect_entry(key)) {
            self.removed(shard_of(key.hash_value()), shard, flight);
        }
    }

    /// Ends one use of the state of a key. Returns its flight if the state is not needed any more, and was removed.
    fn release_state(&self, mut entry: StateEntry<'_>) -> Option<Option<Arc<Flight>>> {
        let state = entry.get_mut();
        state.ref_count -= 1;
        if state.ref_count > 0 || self.is_remembered(state) {
            return None;
        }
        if state.is_in_doubt() {
            self.doubts.fetch_sub(1, Ordering::SeqCst);
        }
        Some(entry.remove())
    }

    /// Counts that the state of a key was removed from the shard with this number. Keeps its flight for the next
    /// leader, if it is unused.
    #[inline(always)]
    pub(super) fn removed(
        &self,
        number: usize,
        mut shard: impl DerefMut<Target = Shard>,
        flight: Option<Arc<Flight>>,
    ) {
        self.change_keys(number, |keys| keys - 1);
        let used = shard.keep_spare(flight);
        drop(shard);
        drop(used);
    }
}

/// Joins the flight of a key.
#[inline(never)]
fn join_flight(state: &mut KeyState, epoch: u64, version: u64) -> Joined {
    let Some(flight) = state.flight.clone() else {
        unreachable!("the caller has seen it")
    };
    state.ref_count += 1;
    if flight.take_lead() {
        flight.version.store(version, Ordering::SeqCst);
        return Joined::Lead(flight, epoch);
    }
    flight.waiters.fetch_add(1, Ordering::SeqCst);
    Joined::Wait(flight)
}

/// Starts a computation that newcomers join.
#[inline(always)]
pub(super) fn begin_flight(state: &mut KeyState, epoch: u64, spare: &mut Spare) -> Arc<Flight> {
    let flight = shard::flight(spare, epoch);
    state.flight = Some(Arc::clone(&flight));
    state.ref_count += 1;
    flight
}

/// The number of keys in all shards.
fn sum(keys: &[AtomicUsize; SHARDS]) -> usize {
    let keys = keys.iter().map(|keys| keys.load(Ordering::Acquire));
    keys.sum()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_are_spread_over_all_locks_and_counters() {
        let flights = FlightTable::default();
        let keys: Vec<_> = (0..1000).map(|id| EncodedKey::of(&id)).collect();
        let locks: HashSet<_> = keys
            .iter()
            .map(|key| std::ptr::from_ref(flights.shard(key)))
            .collect();
        let counters: HashSet<_> = keys
            .iter()
            .map(|key| std::ptr::from_ref(flights.write_counter(key.hash_value())))
            .collect();
        assert_eq!((locks.len(), counters.len()), (SHARDS, SHARDS * WRITE_COUNTERS));
    }
}
