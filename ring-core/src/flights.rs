//! Flights: one computation per key at a time, and nothing is stored that began before a delete.
//!
//! A call that computes a value is its *leader*. Leaders have *epochs*, numbers that rise as they begin. `set`,
//! `delete` and `clear` raise the smallest epoch that may write; so does a write that ends. A computation that began
//! before a delete is therefore not stored after it. Of two computations that overlap, the later one wins. Writers of
//! one key take turns, so this also holds for storages whose writes take time. An update that is overtaken waits for
//! the operation that overtook it: see `invalidation`.
//!
//! A leader that others may wait for leads a *flight*, whose outcome reaches all waiters. A leader that is lost (by a
//! panic or a drop) hands over to one waiter. A waiter replaces a leader that exceeds `flight_timeout`. Threads and
//! tasks listen to the same event. A key has a state only while calls work on it.
//!
//! The idea of value-or-guard is quick-cache's; the name *flight* comes from Go's `singleflight`.

mod counted;
mod flight;
mod in_place;
mod invalidation;
mod key_state;
mod leader;
mod lease;
mod refreshes;
mod registry;
mod ring_doubts;
mod scope;
mod shard;
mod waiter;

use std::ops::DerefMut;
use std::time::{Duration, Instant};

pub(crate) use flight::Outcome;
#[doc(hidden)]
pub use in_place::{Evicted, Gone, InPlace, Terms};
pub(crate) use invalidation::Invalidation;
pub(crate) use leader::{Leader, Turn};
pub use lease::{LeaseToken, Leases};
#[doc(hidden)]
pub use refreshes::Claim;
pub(crate) use waiter::{WaitOutcome, Waiter};

use counted::CountedState;
use flight::Flight;
use key_state::KeyState;
use refreshes::Refreshes;
use registry::RingRegistry;
pub(crate) use registry::may_meet;
use ring_doubts::RingDoubts;
pub(crate) use scope::{Scope, Scoped, Scopes};
use shard::{Shard, Spare, StateEntry};

use crate::key::{EncodedKey, KeyShape, Name, RingKey};
use crate::observer::EvictionReason;
use crate::ring::Ring;
use crate::sync::{Arc, AtomicU64, AtomicUsize, Event, EventListener, Mutex, Ordering, lasting};
use crate::usage::Usage;

/// The number of locks of the table.
const SHARDS: usize = 8;

/// The number of keys in doubt that are remembered while no call works on them.
const REMEMBERED_DOUBTS: usize = 65_536;

/// The number of counters of writes of a shard.
const WRITE_COUNTERS: usize = 4;

/// The computations and writes of one storage. The storage owns it, and all its handles share it.
///
/// `T` is the type in the storage: values in memory, a coder's bytes elsewhere.
pub struct Flights<T> {
    shards: [Mutex<Shard<T>>; SHARDS],
    /// The number of keys with a state in each shard, so that a delete without computations under way needs no lock. Written
    /// under the shard's lock.
    keys: [AtomicUsize; SHARDS],
    next_epoch: AtomicU64,
    /// Notified when a write of any key ends.
    written: Event,
    /// The number of writes that ended, for groups of the keys of a shard. Written under the shard's lock.
    writes: [[AtomicU64; WRITE_COUNTERS]; SHARDS],
    /// The number of removals that ended, of any keys.
    removals: AtomicU64,
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
fn shard_of(hash: u64) -> usize {
    (hash >> 48) as usize % SHARDS
}

/// The state of a key when a [doubt](Flights::begin_doubt) began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt(Option<u64>);

/// The role of a call in the computation of its value.
pub(crate) enum Role<'f, T> {
    /// It computes, and others may wait for it.
    Lead(Leader<'f, T>),
    /// It waits for the call that computes.
    Wait(Waiter<'f, T>),
    /// It is part of that computation itself, so waiting would deadlock. It computes without the cache.
    Bypass,
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Flights {
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

impl<T> Flights<T> {
    /// Joins the computation of a key's value, or starts one. `version` is that of the call's tags; a computation that
    /// began with another one is not joined.
    #[inline(always)]
    pub(crate) fn join(&self, key: EncodedKey, version: u64) -> Role<'_, T> {
        if self.is_computing(&key) {
            return Role::Bypass;
        }
        let mut shard = self.shard(&key).lock();
        let (state, epoch, spare) = self.begin(&mut shard, &key);
        if state.flight.as_ref().is_some_and(|flight| flight.is_of(version)) {
            return self.join_flight(state, epoch, key, version);
        }
        let leader = self.begin_flight(state, epoch, spare, key);
        leader.set_version(version);
        Role::Lead(leader)
    }

    /// Joins the flight of a key. Requires the lock of the key's shard.
    #[inline(never)]
    fn join_flight(&self, state: &mut KeyState<T>, epoch: u64, key: EncodedKey, version: u64) -> Role<'_, T> {
        let Some(flight) = state.flight.clone() else {
            unreachable!("the caller has seen it")
        };
        state.ref_count += 1;
        if flight.take_lead() {
            flight.version.store(version, Ordering::SeqCst);
            return Role::Lead(Leader::new(self, key, epoch, Some(flight)));
        }
        flight.waiters.fetch_add(1, Ordering::SeqCst);
        Role::Wait(Waiter::new(self, key, flight))
    }

    /// Starts a computation beside one that takes too long. Newcomers join the new one.
    pub(crate) fn lead_anew(&self, key: EncodedKey) -> Leader<'_, T> {
        let mut shard = self.shard(&key).lock();
        let (state, epoch, spare) = self.begin(&mut shard, &key);
        let leader = self.begin_flight(state, epoch, spare, key);
        drop(shard);
        self.notify_refreshes();
        leader
    }

    /// Starts a computation that newcomers join. Requires the lock of the key's shard.
    #[inline(always)]
    fn begin_flight(
        &self,
        state: &mut KeyState<T>,
        epoch: u64,
        spare: &mut Spare<T>,
        key: EncodedKey,
    ) -> Leader<'_, T> {
        let flight = shard::flight(spare, epoch);
        state.flight = Some(Arc::clone(&flight));
        state.ref_count += 1;
        Leader::new(self, key, epoch, Some(flight))
    }

    /// Watches the computation of a key's value, which may not have begun, without taking the lead.
    pub(crate) fn watch(&self, key: EncodedKey) -> Waiter<'_, T> {
        let mut shard = self.shard(&key).lock();
        let (state, epoch, _) = self.begin(&mut shard, &key);
        let flight = match &state.flight {
            Some(flight) => Arc::clone(flight),
            None => {
                let flight = Flight::new(epoch);
                flight.led.store(false, Ordering::SeqCst);
                state.flight = Some(Arc::clone(&flight));
                flight
            }
        };
        state.ref_count += 1;
        flight.waiters.fetch_add(1, Ordering::SeqCst);
        Waiter::new(self, key, flight)
    }

    /// Wakes the calls that wait for refreshes.
    fn notify_refreshes(&self) {
        if let Some(refreshes) = self.refreshes.get() {
            refreshes.notify();
        }
    }

    /// Takes the flight of another leader for a job in the background. `None` if the key's flight is another one by
    /// now, or if a job leads it. Waiters leave a job after `flight_timeout` at the latest.
    pub(crate) fn lead_as_job(&self, key: &EncodedKey, first_epoch: u64) -> Option<Leader<'_, T>> {
        let mut shard = self.shard(key).lock();
        let state = shard.find(key)?;
        let flight = state.flight.clone()?;
        if flight.first_epoch() != first_epoch || flight.job_began.set(Instant::now()).is_err() {
            return None;
        }
        state.ref_count += 1;
        Some(self.leader(key.clone(), Some(flight)))
    }

    /// Starts a computation that others cannot join.
    pub(crate) fn lead_alone(&self, key: EncodedKey) -> Leader<'_, T> {
        let mut shard = self.shard(&key).lock();
        let (state, epoch, _) = self.begin(&mut shard, &key);
        state.ref_count += 1;
        Leader::new(self, key, epoch, None)
    }

    /// Starts the write of a value given by the user. Computations under way are not stored, and newcomers start a
    /// new one.
    pub(crate) fn lead_explicit(&self, key: EncodedKey) -> Leader<'_, T> {
        let mut shard = self.shard(&key).lock();
        let (state, epoch, _) = self.begin(&mut shard, &key);
        state.ref_count += 1;
        state.begin_change(epoch);
        Leader::new(self, key, epoch, None).explicit()
    }

    /// Stores a value given by the user in place. Computations under way are not stored, and newcomers start a new
    /// one.
    ///
    /// # Errors
    ///
    /// The key and the value, if the write must wait for another one.
    pub(crate) fn set_in_place(
        &self,
        key: EncodedKey,
        storage: &dyn InPlace<T>,
        value: T,
        terms: Terms,
    ) -> Result<(), (EncodedKey, T)> {
        self.usage.written(key.ring_number());
        let mut shard = self.shard(&key).lock();
        let state = shard.find(&key);
        let has_state = state.is_some();
        if let Some(state) = state {
            if state.writer.is_some() {
                return Err((key, value));
            }
            let epoch = self.next_epoch();
            state.invalidate_before(epoch);
            self.counted(state).took_effect(epoch);
        }
        let hash = key.hash_value();
        let mut gone = None;
        storage.write(&key, value, terms, &mut gone);
        // After the write: a look-up that saw the count sees the value.
        self.count_write(hash);
        drop(shard);
        if has_state {
            self.written.notify(usize::MAX);
        }
        storage.count_gone(gone);
        Ok(())
    }

    /// Whether this thread is computing the value of `key`.
    pub(crate) fn is_computing(&self, key: &EncodedKey) -> bool {
        scope::is_computing(self.address(), key)
    }

    /// Whether this thread is writing to this storage. Code that is part of a write, such as the `Drop` of an evicted
    /// value, does not wait for other writes: two such writes could deadlock.
    fn is_writing(&self) -> bool {
        scope::is_writing(self.address())
    }

    /// Ends the computations of a key's value: none of them is stored, and newcomers start a new one.
    pub(crate) fn invalidate<K>(&self, key: &K, patience: Duration) -> Invalidation<'_, T>
    where
        K: RingKey + ?Sized,
    {
        if self.under_way() == 0 {
            return Invalidation::of_nothing(self);
        }
        Invalidation::begin(self, [EncodedKey::of(key)], patience)
    }

    /// [`invalidate`](Self::invalidate) for many keys.
    pub(crate) fn invalidate_many(
        &self,
        keys: impl IntoIterator<Item = EncodedKey>,
        patience: Duration,
    ) -> Invalidation<'_, T> {
        if self.under_way() == 0 {
            return Invalidation::of_nothing(self);
        }
        Invalidation::begin(self, keys, patience)
    }

    /// [`invalidate`](Self::invalidate) for all keys of one ring.
    pub(crate) fn invalidate_ring(&self, name: &Name, patience: Duration) -> Invalidation<'_, T> {
        self.invalidate_where(&|key| key.belongs_to(name), patience)
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

    /// [`invalidate`](Self::invalidate) for all keys.
    pub(crate) fn invalidate_all(&self, patience: Duration) -> Invalidation<'_, T> {
        self.invalidate_where(&|_| true, patience)
    }

    fn invalidate_where(
        &self,
        concerns: &dyn Fn(&EncodedKey) -> bool,
        patience: Duration,
    ) -> Invalidation<'_, T> {
        if self.under_way() == 0 {
            return Invalidation::of_nothing(self);
        }
        let mut keys = Vec::new();
        for shard in &self.shards {
            shard.lock().add_keys(concerns, &mut keys);
        }
        Invalidation::begin(self, keys, patience)
    }

    /// The number of keys that calls work on.
    pub fn under_way(&self) -> usize {
        // Takes an epoch, to be in order with calls that begin: a call that is not counted yet takes a later epoch, and
        // so sees what this thread did before.
        self.next_epoch();
        self.count_keys()
    }

    fn count_keys(&self) -> usize {
        sum(&self.keys)
    }

    /// Changes the number of keys of a shard. Requires its lock, so no atomic addition is needed.
    fn change_keys(&self, shard: usize, change: impl FnOnce(usize) -> usize) {
        let keys = &self.keys[shard];
        keys.store(change(keys.load(Ordering::Relaxed)), Ordering::Release);
    }

    /// The number of ended writes, successful or not, of keys with this hash and of some others.
    pub(crate) fn writes(&self, hash: u64) -> u64 {
        self.write_counter(hash).load(Ordering::Acquire)
    }

    /// The number of removals of any keys that ended, successful or not.
    pub(crate) fn removals(&self) -> u64 {
        self.removals.load(Ordering::SeqCst)
    }

    /// Requires the lock of the key's shard.
    fn count_write(&self, hash: u64) {
        let writes = self.write_counter(hash);
        writes.store(writes.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

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

    /// Counts and reports an entry that the storage dropped without knowing its ring. If only one ring uses the
    /// storage, it counts as that ring's entry. Must not be called under a lock.
    pub fn lost(&self, reason: EvictionReason) {
        self.usage.lost_of_any(reason);
    }

    /// What rings do on this storage.
    #[inline(always)]
    pub(crate) fn usage(&self) -> &Usage {
        &self.usage
    }

    fn shard(&self, key: &EncodedKey) -> &Mutex<Shard<T>> {
        &self.shards[shard_of(key.hash_value())]
    }

    /// The state of a key, created if there is none, an epoch, and the place of a spare flight.
    #[inline(always)]
    fn begin<'t>(
        &self,
        shard: &'t mut Shard<T>,
        key: &EncodedKey,
    ) -> (&'t mut KeyState<T>, u64, &'t mut Spare<T>) {
        let (state, created, spare) = shard.state(key);
        if created {
            self.change_keys(shard_of(key.hash_value()), |keys| keys + 1);
        }
        // After the key was counted: see `under_way`.
        (state, self.next_epoch(), spare)
    }

    /// The next epoch. Taken under the lock of the key's shard, so that the epochs of one key are in order.
    fn next_epoch(&self) -> u64 {
        self.next_epoch.fetch_add(1, Ordering::SeqCst)
    }

    /// Requires the lock of the key's shard.
    fn leader(&self, key: EncodedKey, flight: Option<Arc<Flight<T>>>) -> Leader<'_, T> {
        Leader::new(self, key, self.next_epoch(), flight)
    }

    /// The scope of a write to this storage.
    pub(crate) fn write_scope(&self) -> Scope {
        Scope::Writing(self.address())
    }

    /// The identity of these flights.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The state of a key to which the caller holds a reference, to be changed.
    fn expect_state<'s>(&'s self, shard: &'s mut Shard<T>, key: &EncodedKey) -> CountedState<'s, T> {
        self.counted(shard.expect_entry(key).into_mut())
    }

    /// A state to be changed.
    fn counted<'s>(&'s self, state: &'s mut KeyState<T>) -> CountedState<'s, T> {
        CountedState::new(state, &self.doubts)
    }

    /// Whether any key is in doubt, or a ring.
    fn has_doubts(&self) -> bool {
        self.doubts.load(Ordering::SeqCst) > 0
    }

    /// Whether an older value may be found under `key` than a call that returned has promised. An abandoned write may
    /// still arrive, the operation that overtook an update has not taken effect yet, or the key's ring is in doubt.
    ///
    /// Read before a look-up, which then treats a found value as absent.
    #[inline]
    pub fn is_in_doubt<K: RingKey + ?Sized>(&self, key: &K) -> bool {
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
    pub fn begin_doubt(&self, key: &EncodedKey) -> Doubt {
        let mut shard = self.shard(key).lock();
        let (state, ..) = self.begin(&mut shard, key);
        state.ref_count += 1;
        let mark = state.mark();
        self.counted(state).begin_abandoned_write();
        Doubt(mark)
    }

    /// Whether `key` may have changed since the doubt began. If so, the entry that the write left is to be removed.
    pub fn is_outdated(&self, key: &EncodedKey, doubt: &Doubt) -> bool {
        let Some(mark) = doubt.0 else { return true };
        let mut shard = self.shard(key).lock();
        shard.find(key).is_none_or(|state| state.min_epoch != mark)
    }

    /// Ends a doubt that was [begun](Self::begin_doubt): the entry that the write left is gone.
    pub fn end_doubt(&self, key: &EncodedKey) {
        let mut shard = self.shard(key).lock();
        self.expect_state(&mut shard, key).end_abandoned_write();
        self.release(shard, key);
    }

    /// Whether the state of a key outlives its last reference: the key is in doubt until the next write, or its ring is
    /// in doubt and the key is not.
    #[inline]
    fn is_remembered(&self, state: &KeyState<T>) -> bool {
        self.has_doubts() && self.is_remembered_for_doubts(state)
    }

    #[cold]
    fn is_remembered_for_doubts(&self, state: &KeyState<T>) -> bool {
        if state.is_in_doubt() {
            return self.doubts.load(Ordering::SeqCst) <= REMEMBERED_DOUBTS;
        }
        let ring_since = self.ring_doubts.since(&state.key);
        ring_since.is_some_and(|epoch| state.is_superseded(epoch)) && self.count_keys() <= REMEMBERED_DOUBTS
    }

    /// Releases a reference to the state of a key, and the lock of the key's shard. The last release drops the state.
    fn release(&self, mut shard: impl DerefMut<Target = Shard<T>>, key: &EncodedKey) {
        if let Some(flight) = self.release_state(shard.expect_entry(key)) {
            self.removed(shard_of(key.hash_value()), shard, flight);
        }
    }

    /// Ends one use of the state of a key. Returns its flight if the state is not needed any more, and was removed.
    fn release_state(&self, mut entry: StateEntry<'_, T>) -> Option<Option<Arc<Flight<T>>>> {
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
    fn removed(
        &self,
        number: usize,
        mut shard: impl DerefMut<Target = Shard<T>>,
        flight: Option<Arc<Flight<T>>>,
    ) {
        self.change_keys(number, |keys| keys - 1);
        let landed = shard.keep_spare(flight);
        drop(shard);
        // Without the lock: the flight may have a value, whose drop runs code of its type.
        drop(landed);
    }
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
    fn a_computation_whose_version_is_not_known_is_not_joined_by_a_call_that_knows_one() {
        let (flights, key) = (Flights::<()>::default(), EncodedKey::of(&1));
        let unknown = flights.join(key.clone(), 0);
        assert!(matches!(unknown, Role::Lead(_)));
        assert!(matches!(flights.join(key.clone(), 0), Role::Wait(_)));
        assert!(matches!(flights.join(key.clone(), 7), Role::Lead(_)));
    }

    #[test]
    fn keys_are_spread_over_all_locks_and_counters() {
        let flights = Flights::<()>::default();
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
