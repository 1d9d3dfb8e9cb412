//! The right to compute a value, and to store it unless a newer operation supersedes it.

use std::ops::{Deref, DerefMut};
use std::time::Instant;

use super::flight::{Flight, Outcome};
use super::in_place::{InPlace, Terms};
use super::key_state::KeyState;
use super::lease::{Lease, LeaseToken, Leases};
use super::scope::Scope;
use super::shard::Shard;
use super::table::{FlightTable, begin_flight};
use super::values::Values;
use crate::entry::Wishes;
use crate::key::EncodedKey;
use crate::sync::{Arc, EventListener, Ordering};

/// The right to compute the value of a key and to store it: see [`Flights`](super::Flights).
///
/// If it is dropped without an outcome, as by a panic or the cancellation of its task, it hands the flight over to
/// one waiter.
pub(crate) struct Leader<'f, T> {
    leader: UntypedLeader<'f>,
    values: &'f Values<T>,
}

/// The part of a [`Leader`] that does not depend on the type of values. It does not end by itself: no code that may panic
/// comes before it is part of a `Leader`.
pub(crate) struct UntypedLeader<'f> {
    flights: &'f FlightTable,
    key: EncodedKey,
    epoch: u64,
    flight: Option<Arc<Flight>>,
    kind: Kind,
    /// The decisions of its body about the entry.
    wishes: Option<Arc<Wishes>>,
    /// The lease of its key that it asked for. Boxed: few leaders have one.
    lease: Option<Box<Lease<'f>>>,
    /// Whether it has the write turn.
    is_writing: bool,
    /// Whether the waiters have the outcome, or no outcome is due.
    settled: bool,
    /// Whether it has released the state of its key.
    released: bool,
}

/// The promise of a leader's write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Stores a value that was computed because it was absent.
    Fill,
    /// Stores the value of an `update`: no older value is left when its call returns.
    Update,
    /// Stores a value given by the user: no other write supersedes it.
    Explicit,
}

/// The action that a leader may take on the entry of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Write its value.
    Write,
    /// Remove the entry: the operation that overtook this update was abandoned.
    Clear,
    /// Nothing: a newer operation overtook it.
    Superseded,
}

impl<'f, T> Deref for Leader<'f, T> {
    type Target = UntypedLeader<'f>;

    #[inline]
    fn deref(&self) -> &UntypedLeader<'f> {
        &self.leader
    }
}

impl<'f, T> DerefMut for Leader<'f, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut UntypedLeader<'f> {
        &mut self.leader
    }
}

impl<'f, T> Leader<'f, T> {
    #[inline]
    pub(super) fn new(leader: UntypedLeader<'f>, values: &'f Values<T>) -> Self {
        Leader { leader, values }
    }

    /// The same for an update: afterwards no older value is left.
    pub(crate) fn update(mut self) -> Self {
        self.leader.kind = Kind::Update;
        self
    }

    /// Ends after another leader took its flight.
    pub(crate) fn resign(mut self) {
        self.leader.lease = None;
        if let Some(flight) = self.leader.flight.take() {
            self.values.release(flight);
        }
    }

    /// Gives a value to the present waiters.
    fn notify_waiters(&self, share: impl FnOnce() -> Option<T>) {
        if self.leader.has_open_waiters() {
            self.land(share());
        }
    }

    /// Gives a value to the present waiters, and to those that come before the leader ends.
    pub(crate) fn publish(&self, share: impl FnOnce() -> Option<T>) {
        if self.leader.has_open_flight() {
            self.land(share());
        }
    }

    /// Without a value, each waiter computes for itself.
    fn land(&self, value: Option<T>) {
        match (value, &self.leader.flight) {
            (Some(value), Some(flight)) => {
                self.values.land(flight, value);
                self.leader.flights.notify_refreshes();
            }
            _ => self.leader.land(Outcome::Failed),
        }
    }

    /// Ends the flight, with a value for its waiters: newcomers start a new one.
    pub(crate) fn finish(mut self, share: impl FnOnce() -> Option<T>) {
        self.leader.detach();
        self.notify_waiters(share);
        self.leader.settled = true;
    }

    /// Ends the flight. Each waiter computes for itself, unless it has a value.
    pub(crate) fn fail(mut self) {
        self.leader.finish_without_value(Outcome::Failed);
    }

    /// Ends the flight. The waiters read again, unless they have a value.
    pub(crate) fn retry(mut self) {
        self.leader.finish_without_value(Outcome::Retry);
    }

    /// Stores a value in place and ends, unless it must wait for another write. `count` gets whether the value was
    /// stored; `share` makes the value for the waiters.
    ///
    /// # Errors
    ///
    /// The value, if it must wait for another write.
    #[inline]
    pub(crate) fn store_in_place(
        &mut self,
        storage: &dyn InPlace<T>,
        held: T,
        terms: Terms,
        count: impl FnOnce(bool),
        share: impl FnOnce(&EncodedKey) -> Option<T>,
    ) -> Result<(), T> {
        // Dropped without a lock: the value, if it was superseded, and the entries that gave way to it.
        let (mut held, mut gone) = (Some(held), None);
        let ended = self.leader.write_in_place(&mut |key| {
            if let Some(held) = held.take() {
                storage.write(key, held, terms, &mut gone);
            }
        });
        if !ended && let Some(held) = held {
            return Err(held);
        }
        // The rest runs code of values, which may panic.
        count(held.is_none());
        self.notify_waiters(|| share(&self.leader.key));
        self.leader.settled = true;
        storage.count_gone(gone);
        Ok(())
    }
}

impl<T> Drop for Leader<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let leader = Ending(self);
        leader.0.leader.end();
    }
}

/// A leader that ends. Its use of the flight ends, too, if a lease or a task that it wakes panics.
struct Ending<'l, 'f, T>(&'l mut Leader<'f, T>);

impl<T> Drop for Ending<'_, '_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(flight) = self.0.leader.flight.take() {
            self.0.values.release(flight);
        }
    }
}

/// The key of a leader that has not ended.
pub(crate) fn key_of<'l, T>(leader: &'l Option<Leader<'_, T>>) -> &'l EncodedKey {
    match leader {
        Some(leader) => leader.key(),
        None => unreachable!("it is taken at the end"),
    }
}

impl FlightTable {
    /// Starts a computation beside one that takes too long. Newcomers join the new one.
    pub(super) fn lead_anew(&self, key: EncodedKey) -> UntypedLeader<'_> {
        let mut shard = self.shard(&key).lock();
        let (state, epoch, spare) = shard.begin(&key);
        let flight = begin_flight(state, epoch, spare);
        UntypedLeader::new(self, key, epoch, Some(flight))
    }

    /// Takes the flight of another leader for a job in the background. `None` if the key's flight is another one by
    /// now, or if a job leads it. Waiters leave a job after `flight_timeout` at the latest.
    pub(super) fn lead_as_job(&self, key: &EncodedKey, first_epoch: u64) -> Option<UntypedLeader<'_>> {
        let mut shard = self.shard(key).lock();
        let state = shard.find(key)?;
        let flight = state.flight.clone()?;
        if flight.first_epoch() != first_epoch || flight.job_began.set(Instant::now()).is_err() {
            return None;
        }
        state.ref_count += 1;
        let epoch = shard.next_epoch();
        Some(UntypedLeader::new(self, key.clone(), epoch, Some(flight)))
    }

    /// Starts a computation that others cannot join.
    pub(super) fn lead_alone(&self, key: EncodedKey) -> UntypedLeader<'_> {
        let mut shard = self.shard(&key).lock();
        let (state, epoch, _) = shard.begin(&key);
        state.ref_count += 1;
        UntypedLeader::new(self, key, epoch, None)
    }

    /// Starts the write of a value given by the user. Computations under way are not stored, and newcomers start a
    /// new one.
    pub(super) fn lead_explicit(&self, key: EncodedKey) -> UntypedLeader<'_> {
        let mut shard = self.shard(&key).lock();
        let (state, epoch, _) = shard.begin(&key);
        state.ref_count += 1;
        state.begin_change(epoch);
        UntypedLeader::new(self, key, epoch, None).explicit()
    }
}

impl<'f> UntypedLeader<'f> {
    #[inline]
    pub(super) fn new(
        flights: &'f FlightTable,
        key: EncodedKey,
        epoch: u64,
        flight: Option<Arc<Flight>>,
    ) -> Self {
        UntypedLeader {
            flights,
            key,
            epoch,
            flight,
            kind: Kind::Fill,
            wishes: None,
            lease: None,
            is_writing: false,
            settled: false,
            released: false,
        }
    }

    pub(super) fn explicit(mut self) -> Self {
        self.kind = Kind::Explicit;
        self
    }

    /// Whether it stores for an `update`.
    pub(crate) fn is_update(&self) -> bool {
        self.kind == Kind::Update
    }

    /// Whether it stores a value given by the user.
    pub(crate) fn is_explicit(&self) -> bool {
        self.kind == Kind::Explicit
    }

    /// The key whose value is computed.
    #[inline]
    pub(crate) fn key(&self) -> &EncodedKey {
        &self.key
    }

    /// The number that identifies its flight among those of the key, if it leads one.
    pub(crate) fn flight(&self) -> Option<u64> {
        self.flight.as_ref().map(|flight| flight.first_epoch())
    }

    /// Notes the version of its tags, for calls that are to wait.
    #[inline]
    pub(crate) fn set_version(&self, version: u64) {
        if let Some(flight) = self.flight.as_ref().filter(|_| version != 0) {
            flight.version.store(version, Ordering::SeqCst);
        }
    }

    /// Notes the token of its key's lease. An unused lease is given back to `storage`; `None` if none was given.
    pub(crate) fn hold_lease(&mut self, token: LeaseToken, storage: Option<&'f dyn Leases>) {
        self.lease = Some(Box::new(Lease { token, storage }));
    }

    /// The token of the lease that it asked for.
    pub(crate) fn lease_token(&self) -> Option<LeaseToken> {
        self.lease.as_ref().map(|lease| lease.token)
    }

    /// Gives no lease back: it has ended, or was not given.
    pub(crate) fn forget_lease(&mut self) {
        if let Some(lease) = &mut self.lease {
            lease.storage = None;
        }
    }

    /// Sets the decisions of its body, which the store heeds.
    #[inline]
    pub(crate) fn heed(&mut self, wishes: Option<Arc<Wishes>>) {
        self.wishes = wishes;
    }

    /// The decisions of its body.
    #[inline]
    pub(crate) fn wishes(&self) -> Option<&Wishes> {
        self.wishes.as_deref()
    }

    /// The scope of its computation.
    #[inline]
    pub(crate) fn computing(&self) -> Scope {
        Scope::Computing(self.flights.address(), self.key.hash_value())
    }

    /// Whether a call waits for the outcome of its flight.
    #[inline]
    fn has_open_waiters(&self) -> bool {
        match &self.flight {
            Some(flight) => flight.has_open_waiters(),
            None => false,
        }
    }

    /// Whether it leads a flight without an outcome.
    fn has_open_flight(&self) -> bool {
        match &self.flight {
            Some(flight) => flight.outcome().is_none(),
            None => false,
        }
    }

    fn land(&self, outcome: Outcome) {
        if let Some(flight) = &self.flight {
            flight.land(outcome);
        }
        self.flights.notify_refreshes();
    }

    /// Ends the flight without a value: newcomers start a new one.
    fn finish_without_value(&mut self, outcome: Outcome) {
        self.detach();
        if self.has_open_waiters() {
            self.land(outcome);
        }
        self.settled = true;
    }

    /// Writes in place unless superseded, and releases the state of its key. Returns whether it did: if not, it must wait
    /// for another write.
    // Debug builds compile it once, and release builds inline it in every miss.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn write_in_place(&mut self, write: &mut dyn FnMut(&EncodedKey)) -> bool {
        let (key, flights) = (&self.key, self.flights);
        let mut shard = flights.shard(key).lock();
        let mut entry = shard.expect_entry(key);
        let state = entry.get_mut();
        if !state.is_of_one_call() || flights.has_doubts() {
            self.released = self.write_beside_others(shard, write);
            return self.released;
        }
        write(key);
        flights.count_write(key.hash_value());
        // No call waits. The state ends, and leaves its flight to the next leader.
        let led = self.flight.take_if(|own| state.joins(own));
        let joined = entry.remove();
        let used = shard.keep_spare(joined, led);
        drop(shard);
        drop(used);
        self.released = true;
        true
    }

    /// [`write_in_place`](Self::write_in_place), whatever the state of the key.
    #[inline(never)]
    fn write_beside_others(
        &self,
        mut shard: impl DerefMut<Target = Shard>,
        write: &mut dyn FnMut(&EncodedKey),
    ) -> bool {
        let (key, epoch, flights, own) = (&self.key, self.epoch, self.flights, self.flight.as_ref());
        let mut state = flights.expect_state(&mut shard, key);
        let is_overtaken = state.min_epoch > epoch;
        let waits_for_other = if is_overtaken {
            self.is_update() && !state.is_superseded(epoch)
        } else {
            state.writer.is_some()
        };
        if waits_for_other {
            return false;
        }
        if !is_overtaken {
            write(key);
            flights.count_write(key.hash_value());
            state.begin_write(epoch, own);
            state.took_effect(epoch);
        }
        if let Some(flight) = own {
            state.detach(flight);
        }
        drop(state);
        flights.release(shard, key);
        true
    }

    /// Takes the write turn, if the action of this leader is known without waiting. Inside another write, as in the
    /// `Drop` of an evicted value, it does not wait.
    pub(crate) fn try_begin_write(&mut self) -> Option<Turn> {
        self.take_turn(self.flights.is_writing())
    }

    /// Takes the write turn without waiting. A writer that has the turn is abandoned: it removes its entry when it
    /// ends.
    pub(crate) fn begin_write(&mut self) -> Turn {
        self.take_turn(true).unwrap_or(Turn::Superseded)
    }

    fn take_turn(&mut self, by_force: bool) -> Option<Turn> {
        let mut shard = self.flights.shard(&self.key).lock();
        let mut state = self.flights.expect_state(&mut shard, &self.key);
        let turn = if state.min_epoch > self.epoch && self.kind != Kind::Explicit {
            overtaken(&mut state, self.epoch, self.kind, by_force)
        } else if state.writer.is_some() && !by_force {
            None
        } else {
            state.begin_write(self.epoch, self.flight.as_ref());
            state.take_turn(self.epoch);
            Some(Turn::Write)
        };
        self.is_writing |= matches!(turn, Some(Turn::Write | Turn::Clear));
        turn
    }

    /// The event that the end of a write notifies.
    pub(crate) fn listen(&self) -> EventListener {
        self.flights.written.listen()
    }

    /// Returns the write turn; `done` is whether the write took effect. Returns whether the write was abandoned: then
    /// the caller removes its entry and calls [`end_abandoned_write`](Self::end_abandoned_write). An explicit write
    /// ends the computations that began during it.
    pub(crate) fn end_write(&mut self, done: bool) -> bool {
        std::mem::take(&mut self.is_writing) && self.give_back(done, self.kind == Kind::Explicit)
    }

    /// [`end_write`](Self::end_write) for a write that was dropped before its end.
    pub(crate) fn drop_write(&mut self) -> bool {
        std::mem::take(&mut self.is_writing) && self.give_back(false, false)
    }

    /// The entry of an abandoned write was removed or reported.
    pub(crate) fn end_abandoned_write(&self) {
        let mut shard = self.flights.shard(&self.key).lock();
        let mut state = self.flights.expect_state(&mut shard, &self.key);
        state.end_abandoned_write();
    }

    fn give_back(&self, done: bool, invalidates: bool) -> bool {
        let abandoned = self.end_turn(done, invalidates);
        self.flights.written.notify(usize::MAX);
        abandoned
    }

    /// Ends the write turn of its key. Returns whether it has lost the turn.
    fn end_turn(&self, done: bool, invalidates: bool) -> bool {
        let mut shard = self.flights.shard(&self.key).lock();
        let next_epoch = shard.next_epoch();
        let mut state = self.flights.expect_state(&mut shard, &self.key);
        self.flights.count_write(self.key.hash_value());
        if state.writer != Some(self.epoch) {
            return true;
        }
        state.writer = None;
        let mut epoch = self.epoch;
        if invalidates {
            epoch = next_epoch;
            state.invalidate_before(epoch);
        }
        if done {
            state.took_effect(epoch);
        }
        false
    }

    /// Newcomers do not join its flight any more.
    fn detach(&self) {
        let Some(flight) = &self.flight else { return };
        let mut shard = self.flights.shard(&self.key).lock();
        self.flights.expect_state(&mut shard, &self.key).detach(flight);
    }

    /// Releases the state of the key, and gives up the lead if calls wait.
    fn release(&self) {
        let flight = self.flight.as_ref();
        let give_up_lead = |flight: &Arc<Flight>| {
            let lost = flight.has_open_waiters();
            if lost {
                flight.led.store(false, Ordering::SeqCst);
            }
            lost
        };
        if self.released {
            flight.map(give_up_lead);
            return;
        }
        let mut shard = self.flights.shard(&self.key).lock();
        let mut state = self.flights.expect_state(&mut shard, &self.key);
        if self.kind == Kind::Explicit {
            state.end_change();
        }
        if let Some(flight) = flight.filter(|flight| !give_up_lead(flight)) {
            state.detach(flight);
        }
        drop(state);
        self.flights.release(shard, &self.key);
    }

    /// Ends all but its use of the flight.
    #[inline]
    fn end(&mut self) {
        if !(self.released && self.settled) {
            self.leave();
        }
    }

    /// Ends a leader that did not store in place, or whose store in place panicked.
    fn leave(&mut self) {
        if self.drop_write() {
            self.end_abandoned_write();
        }
        self.release();
        if let Some(lease) = self.lease.take()
            && let Some(storage) = lease.storage
        {
            storage.release(&self.key, lease.token);
        }
        if self.kind == Kind::Explicit {
            self.flights.written.notify(usize::MAX);
        }
        // One waiter takes the lead. All are woken, as the first might be a task that is not polled.
        if let Some(flight) = self.flight.as_ref().filter(|_| !self.settled) {
            flight.landed.notify(usize::MAX);
        }
    }
}

/// The action of a leader that a newer operation overtook: `None` if it has to wait for that operation.
fn overtaken(state: &mut KeyState, epoch: u64, kind: Kind, by_force: bool) -> Option<Turn> {
    if kind != Kind::Update || state.is_superseded(epoch) {
        return Some(Turn::Superseded);
    }
    if state.is_at_rest() {
        state.take_turn(epoch);
        return Some(Turn::Clear);
    }
    if by_force {
        state.promise(epoch);
        return Some(Turn::Superseded);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::Flights;
    use super::*;

    #[test]
    fn the_turn_of_a_leader_that_is_dropped_is_given_back() {
        let (flights, key) = (Flights::<()>::default(), EncodedKey::of(&1));
        let [mut first, mut second] = [(); 2].map(|()| flights.lead_alone(key.clone()));
        assert_eq!(first.try_begin_write(), Some(Turn::Write));
        assert_eq!(second.try_begin_write(), None);
        drop(first);
        assert_eq!(second.try_begin_write(), Some(Turn::Write));
        assert_eq!(flights.table().writes(key.hash_value()), 1);
    }

    #[test]
    fn a_turn_is_given_back_once() {
        let (flights, key) = (Flights::<()>::default(), EncodedKey::of(&1));
        let mut leader = flights.lead_alone(key.clone());
        assert_eq!(leader.begin_write(), Turn::Write, "no other write has the turn");
        assert!(!leader.end_write(true));
        drop(leader);
        assert_eq!(flights.table().writes(key.hash_value()), 1);
    }

    #[test]
    fn a_leader_that_was_refused_ends_no_write() {
        let (flights, key) = (Flights::<()>::default(), EncodedKey::of(&1));
        let mut writer = flights.lead_alone(key.clone());
        assert_eq!(writer.begin_write(), Turn::Write);
        let mut refused = flights.lead_alone(key.clone());
        let explicit = flights.lead_explicit(key.clone());
        assert_eq!(refused.try_begin_write(), Some(Turn::Superseded));
        drop(refused);
        assert_eq!(
            flights.table().writes(key.hash_value()),
            0,
            "the first still writes"
        );
        drop((writer, explicit));
    }
}
