//! The right to compute a value, and to store it unless a newer operation supersedes it.

use super::flight::{Flight, Outcome};
use super::in_place::{Gone, InPlace, Terms};
use super::lease::{Lease, LeaseToken, Leases};
use super::scope::Scope;
use super::{Flights, KeyState, shard_of};
use crate::entry::Wishes;
use crate::key::EncodedKey;
use crate::sync::{Arc, EventListener, Ordering};

/// The right to compute the value of a key and to store it: see [`Flights`].
///
/// If it is dropped without an outcome, as by a panic or the cancellation of its task, it hands the flight over to
/// one waiter.
pub(crate) struct Leader<'f, T> {
    flights: &'f Flights<T>,
    key: EncodedKey,
    epoch: u64,
    flight: Option<Arc<Flight<T>>>,
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

impl<'f, T> Leader<'f, T> {
    pub(super) fn new(
        flights: &'f Flights<T>,
        key: EncodedKey,
        epoch: u64,
        flight: Option<Arc<Flight<T>>>,
    ) -> Self {
        Leader {
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

    /// The same for an update: afterwards no older value is left.
    pub(crate) fn update(mut self) -> Self {
        self.kind = Kind::Update;
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
    pub(crate) fn key(&self) -> &EncodedKey {
        &self.key
    }

    /// The number that identifies its flight among those of the key, if it leads one.
    pub(crate) fn flight(&self) -> Option<u64> {
        self.flight.as_ref().map(|flight| flight.first_epoch())
    }

    /// Notes the version of its tags, for calls that are to wait.
    pub(crate) fn set_version(&self, version: u64) {
        if let Some(flight) = self.flight.as_ref().filter(|_| version != 0) {
            flight.version.store(version, Ordering::SeqCst);
        }
    }

    /// Ends after another leader took its flight.
    pub(crate) fn resign(mut self) {
        self.flight = None;
        self.lease = None;
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
    pub(crate) fn heed(&mut self, wishes: Option<Arc<Wishes>>) {
        self.wishes = wishes;
    }

    /// The decisions of its body.
    pub(crate) fn wishes(&self) -> Option<&Wishes> {
        self.wishes.as_deref()
    }

    /// The scope of its computation.
    pub(crate) fn computing(&self) -> Scope {
        Scope::Computing(self.flights.address(), self.key.hash_value())
    }

    /// Gives the outcome to the present waiters.
    fn notify_waiters(&self, outcome: impl FnOnce() -> Outcome<T>) {
        if let Some(flight) = self.flight_with_waiters() {
            self.land(flight, outcome());
        }
    }

    fn flight_with_waiters(&self) -> Option<&Flight<T>> {
        match &self.flight {
            Some(flight) if flight.has_open_waiters() => Some(flight),
            _ => None,
        }
    }

    /// Gives the outcome to the present waiters, and to those that come before the leader ends.
    pub(crate) fn publish(&self, outcome: impl FnOnce() -> Outcome<T>) {
        if let Some(flight) = self
            .flight
            .as_ref()
            .filter(|flight| flight.outcome.get().is_none())
        {
            self.land(flight, outcome());
        }
    }

    fn land(&self, flight: &Flight<T>, outcome: Outcome<T>) {
        flight.land(outcome);
        self.flights.notify_refreshes();
    }

    /// Ends the flight: newcomers start a new one.
    pub(crate) fn finish(mut self, outcome: impl FnOnce() -> Outcome<T>) {
        self.detach();
        self.notify_waiters(outcome);
        self.settled = true;
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
        share: impl FnOnce(&EncodedKey) -> Outcome<T>,
    ) -> Result<(), T> {
        // Dropped without a lock: the value, if it was superseded, and the entries that gave way to it.
        let (mut refused, mut gone) = (None, None);
        self.write_in_place(storage, held, terms, &mut refused, &mut gone)?;
        self.released = true;
        // The rest runs code of values, which may panic.
        count(refused.is_none());
        self.notify_waiters(|| share(&self.key));
        self.settled = true;
        storage.count_gone(gone);
        Ok(())
    }

    /// Writes in place unless superseded, and releases the state of its key.
    #[inline]
    fn write_in_place(
        &mut self,
        storage: &dyn InPlace<T>,
        held: T,
        terms: Terms,
        refused: &mut Option<T>,
        gone: &mut Gone<T>,
    ) -> Result<(), T> {
        let (key, flights) = (&self.key, self.flights);
        let mut shard = flights.shard(key).lock();
        let mut entry = shard.expect_entry(key);
        if entry.get_mut().is_of_one_call() && !flights.has_doubts() {
            storage.write(key, held, terms, gone);
            flights.count_write(key.hash_value());
            // No call waits. The state ends, and leaves its flight to the next leader.
            self.flight.take_if(|own| entry.get_mut().joins(own));
            let flight = entry.remove();
            flights.removed(shard_of(key.hash_value()), shard, flight);
            return Ok(());
        }
        drop(shard);
        self.write_beside_others(storage, held, terms, refused, gone)
    }

    /// [`write_in_place`](Self::write_in_place), whatever the state of the key.
    #[inline(never)]
    fn write_beside_others(
        &mut self,
        storage: &dyn InPlace<T>,
        held: T,
        terms: Terms,
        refused: &mut Option<T>,
        gone: &mut Gone<T>,
    ) -> Result<(), T> {
        let (key, epoch, is_update, own) = (&self.key, self.epoch, self.is_update(), self.flight.as_ref());
        let flights = self.flights;
        let mut shard = flights.shard(key).lock();
        let mut state = flights.expect_state(&mut shard, key);
        if state.min_epoch > epoch && is_update && !state.is_superseded(epoch) {
            return Err(held);
        } else if state.min_epoch > epoch {
            *refused = Some(held);
        } else if state.writer.is_some() {
            return Err(held);
        } else {
            storage.write(key, held, terms, gone);
            flights.count_write(key.hash_value());
            state.begin_write(epoch, own);
            state.took_effect(epoch);
        }
        if let Some(flight) = own {
            state.detach(flight);
        }
        drop(state);
        flights.release(shard, key);
        Ok(())
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
        let mut state = self.flights.expect_state(&mut shard, &self.key);
        self.flights.count_write(self.key.hash_value());
        if state.writer != Some(self.epoch) {
            return true;
        }
        state.writer = None;
        let mut epoch = self.epoch;
        if invalidates {
            epoch = self.flights.next_epoch();
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

    /// Releases the state of the key, and gives up the lead if calls wait. Returns its flight.
    fn release(&mut self) -> Option<Arc<Flight<T>>> {
        let flight = self.flight.take();
        let give_up_lead = |flight: &Arc<Flight<T>>| {
            let lost = flight.has_open_waiters();
            if lost {
                flight.led.store(false, Ordering::SeqCst);
            }
            lost
        };
        if self.released {
            flight.as_ref().map(give_up_lead);
            return flight;
        }
        let mut shard = self.flights.shard(&self.key).lock();
        let mut state = self.flights.expect_state(&mut shard, &self.key);
        if self.kind == Kind::Explicit {
            state.end_change();
        }
        if let Some(flight) = flight.as_ref().filter(|flight| !give_up_lead(flight)) {
            state.detach(flight);
        }
        drop(state);
        self.flights.release(shard, &self.key);
        flight
    }
}

impl<T> Drop for Leader<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if !(self.released && self.settled) {
            self.leave();
        }
    }
}

impl<T> Leader<'_, T> {
    /// Ends a leader that did not store in place, or whose store in place panicked.
    fn leave(&mut self) {
        if self.drop_write() {
            self.end_abandoned_write();
        }
        let flight = self.release();
        if let Some(lease) = self.lease.take()
            && let Some(storage) = lease.storage
        {
            storage.release(&self.key, lease.token);
        }
        if self.kind == Kind::Explicit {
            self.flights.written.notify(usize::MAX);
        }
        // One waiter takes the lead. All are woken, as the first might be a task that is not polled.
        if let Some(flight) = flight.filter(|_| !self.settled) {
            flight.landed.notify(usize::MAX);
        }
    }
}

/// The action of a leader that a newer operation overtook: `None` if it has to wait for that operation.
fn overtaken<T>(state: &mut KeyState<T>, epoch: u64, kind: Kind, by_force: bool) -> Option<Turn> {
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
    use super::*;

    #[test]
    fn the_turn_of_a_leader_that_is_dropped_is_given_back() {
        let (flights, key) = (Flights::<()>::default(), EncodedKey::of(&1));
        let [mut first, mut second] = [(); 2].map(|()| flights.lead_alone(key.clone()));
        assert_eq!(first.try_begin_write(), Some(Turn::Write));
        assert_eq!(second.try_begin_write(), None);
        drop(first);
        assert_eq!(second.try_begin_write(), Some(Turn::Write));
        assert_eq!(flights.writes(key.hash_value()), 1);
    }

    #[test]
    fn a_turn_is_given_back_once() {
        let (flights, key) = (Flights::<()>::default(), EncodedKey::of(&1));
        let mut leader = flights.lead_alone(key.clone());
        assert_eq!(leader.begin_write(), Turn::Write, "no other write has the turn");
        assert!(!leader.end_write(true));
        drop(leader);
        assert_eq!(flights.writes(key.hash_value()), 1);
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
        assert_eq!(flights.writes(key.hash_value()), 0, "the first still writes");
        drop((writer, explicit));
    }
}
