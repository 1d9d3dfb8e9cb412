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
use super::shard::{self, Begun, Shard, Spare, StateEntry};
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
    shards: [LockedShard; SHARDS],
    /// Notified when a write of any key ends.
    pub(super) written: Event,
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

/// A shard and its lock, in cache lines of their own: threads that compute different values share none.
#[derive(Default)]
#[repr(align(64))]
struct LockedShard {
    shard: Mutex<Shard>,
    /// The number of writes that ended, for groups of its keys. Written under the lock.
    writes: [AtomicU64; WRITE_COUNTERS],
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
            shards: Default::default(),
            written: Event::new(),
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
        let (state, epoch, spare) = shard.begin(key);
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
        let epoch = shard.next_epoch();
        let state = shard.find(&key);
        let has_state = state.is_some();
        if let Some(state) = state {
            if state.writer.is_some() {
                return Err(key);
            }
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
        self.add_keys(&|key| key.belongs_to(name), &mut keys);
        keys
    }

    /// Adds the keys that calls work on and for which `concerns` is true.
    pub(super) fn add_keys(&self, concerns: &dyn Fn(&EncodedKey) -> bool, keys: &mut Vec<EncodedKey>) {
        for locked in &self.shards {
            locked.shard.lock().add_keys(concerns, keys);
        }
    }

    /// The number of keys that calls work on.
    pub(super) fn under_way(&self) -> usize {
        self.shards.iter().map(|locked| locked.shard.lock().len()).sum()
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
        &self.locked(hash).writes[(hash >> 40) as usize % WRITE_COUNTERS]
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
        self.shard_of(key.hash_value())
    }

    /// The shard with the keys of this hash.
    #[inline]
    pub(super) fn shard_of(&self, hash: u64) -> &Mutex<Shard> {
        &self.locked(hash).shard
    }

    #[inline]
    fn locked(&self, hash: u64) -> &LockedShard {
        &self.shards[(hash >> 48) as usize % SHARDS]
    }

    /// An epoch that is in order with those of all keys: above all that were taken before, and below all that are taken
    /// afterwards.
    fn epoch_of_all(&self) -> u64 {
        // Held throughout, so that no two calls get the same epoch.
        let mut first = self.shards[0].shard.lock();
        let others = || self.shards[1..].iter().map(|locked| locked.shard.lock());
        let last = others().map(|shard| shard.last_epoch()).max().unwrap_or(0);
        let epoch = last.max(first.last_epoch()) + 1;
        first.skip_epochs(epoch);
        others().for_each(|mut shard| shard.skip_epochs(epoch));
        epoch
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
        let epoch = self.epoch_of_all();
        self.ring_doubts.begin(name, epoch, &self.doubts);
    }

    /// The epoch of a removal of all entries of a ring, for [`end_ring_doubt`](Self::end_ring_doubt).
    pub(crate) fn begin_clear(&self) -> u64 {
        self.epoch_of_all()
    }

    /// Ends the doubt about a ring: all its entries were removed, by the operation of this epoch.
    pub(crate) fn end_ring_doubt(&self, name: &Name, epoch: u64) {
        if !self.ring_doubts.end(name, epoch) {
            return;
        }
        self.doubts.fetch_sub(1, Ordering::SeqCst);
        // Drops the states that told which entries are new.
        for locked in &self.shards {
            locked.shard.lock().drop_idle(|key| key.belongs_to(name));
        }
    }

    /// Ends the computations of a key's value, whose entry may be out of date and is not removed: `key` is [in
    /// doubt](Self::is_in_doubt) until a newer operation takes effect. Waits for nothing.
    pub(crate) fn mark_suspect(&self, key: &EncodedKey) {
        let mut shard = self.shard(key).lock();
        let (state, epoch, _) = shard.begin(key);
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
        let (state, ..) = shard.begin(key);
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
    /// in doubt and the key is not. `is_full` is whether its shard remembers enough keys.
    #[inline]
    fn is_remembered(&self, state: &KeyState, is_full: bool) -> bool {
        self.has_doubts() && self.is_remembered_for_doubts(state, is_full)
    }

    #[cold]
    fn is_remembered_for_doubts(&self, state: &KeyState, is_full: bool) -> bool {
        if state.is_in_doubt() {
            return self.doubts.load(Ordering::SeqCst) <= REMEMBERED_DOUBTS;
        }
        let ring_since = self.ring_doubts.since(&state.key);
        !is_full && ring_since.is_some_and(|epoch| state.is_superseded(epoch))
    }

    /// Releases a reference to the state of a key, and the lock of the key's shard. The last release drops the state.
    pub(super) fn release(&self, mut shard: impl DerefMut<Target = Shard>, key: &EncodedKey) {
        let is_full = shard.len() > REMEMBERED_DOUBTS / SHARDS;
        let flight = self.release_state(shard.expect_entry(key), is_full);
        drop(shard);
        drop(flight);
    }

    /// Ends one use of the state of a key. Returns its flight if the state is not needed any more, and was removed.
    fn release_state(&self, mut entry: StateEntry<'_>, is_full: bool) -> Option<Arc<Flight>> {
        let state = entry.get_mut();
        state.ref_count -= 1;
        if state.ref_count > 0 || self.is_remembered(state, is_full) {
            return None;
        }
        if state.is_in_doubt() {
            self.doubts.fetch_sub(1, Ordering::SeqCst);
        }
        entry.remove()
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
    let Begun { led, joined } = shard::flight(spare, epoch);
    state.flight = Some(joined);
    state.ref_count += 1;
    led
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

    #[test]
    fn an_epoch_of_all_keys_is_in_order_with_those_of_each() {
        let flights = FlightTable::default();
        let begin = |id: u32| {
            flights
                .shard_of(EncodedKey::of(&id).hash_value())
                .lock()
                .next_epoch()
        };
        let before = (0..1000).map(begin).max();
        let all = [flights.epoch_of_all(), flights.epoch_of_all()];
        let after = (0..1000).map(begin).min();
        assert!(before < Some(all[0]) && all[0] < all[1] && Some(all[1]) < after);
    }
}
