//! The right to compute a value, and to store it unless something newer happened.

use super::flight::{Flight, Outcome};
use super::in_place::{Evicted, InPlace};
use super::scope::Scope;
use super::{Flights, KeyState};
use crate::key::EncodedKey;
use crate::sync::{Arc, EventListener, Ordering};

/// The right to compute the value of a key and to store it: see [`Flights`].
///
/// Dropped without an outcome, as by a panic of the computation or by the cancellation of its task, it hands the flight
/// over to one waiter.
pub(crate) struct Leader<'f, T> {
    flights: &'f Flights<T>,
    key: EncodedKey,
    epoch: u64,
    flight: Option<Arc<Flight<T>>>,
    kind: Kind,
    /// Whether it has the write turn.
    is_writing: bool,
    /// Whether the waiters know the outcome, or there is nothing to know.
    settled: bool,
    /// Whether it has given up its reference to the state of its key.
    released: bool,
}

/// What a leader's write promises.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Stores a value that was computed because it was absent.
    Fill,
    /// The same for an `update`: nothing older is left when its call returns.
    Update,
    /// Stores a value that the user gave: no other write supersedes it.
    Explicit,
}

/// What a leader may do to the entry of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Write its value.
    Write,
    /// Remove the entry: something newer overtook this update, and was abandoned.
    Clear,
    /// Nothing: something newer overtook it.
    Superseded,
}

/// What a write in place leaves to be dropped when no lock is held.
struct Written<T> {
    /// The value, if it was superseded.
    refused: Option<T>,
    evicted: Option<Evicted<T>>,
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
            is_writing: false,
            settled: false,
            released: false,
        }
    }

    pub(super) fn explicit(mut self) -> Self {
        self.kind = Kind::Explicit;
        self
    }

    /// The same for an update, after which nothing older is left.
    pub(crate) fn update(mut self) -> Self {
        self.kind = Kind::Update;
        self
    }

    /// Whether it stores for an `update`.
    pub(crate) fn is_update(&self) -> bool {
        self.kind == Kind::Update
    }

    /// Whether it stores a value that the user gave.
    pub(crate) fn is_explicit(&self) -> bool {
        self.kind == Kind::Explicit
    }

    /// The key whose value is computed.
    pub(crate) fn key(&self) -> &EncodedKey {
        &self.key
    }

    /// Its computation.
    pub(crate) fn computing(&self) -> Scope {
        Scope::Computing(self.flights.address(), self.key.hash_value())
    }

    /// Gives the outcome to those who wait already.
    fn notify_waiters(&self, outcome: impl FnOnce() -> Outcome<T>) {
        if let Some(flight) = self.flight.as_ref().filter(|flight| flight.has_open_waiters()) {
            flight.land(outcome());
        }
    }

    /// Gives the outcome to those who wait and to those who come until the leader ends.
    pub(crate) fn publish(&self, outcome: impl FnOnce() -> Outcome<T>) {
        if let Some(flight) = self
            .flight
            .as_ref()
            .filter(|flight| flight.outcome.get().is_none())
        {
            flight.land(outcome());
        }
    }

    /// Ends the flight: newcomers start a new one.
    pub(crate) fn finish(mut self, outcome: impl FnOnce() -> Outcome<T>) {
        self.detach();
        self.notify_waiters(outcome);
        self.settled = true;
    }

    /// Stores a value in place and ends, unless another write is to be waited for. `count` is told whether the value was
    /// stored; `share` makes the value for those who wait.
    ///
    /// # Errors
    ///
    /// The leader and the value, if another write is to be waited for.
    pub(crate) fn store_in_place(
        mut self,
        storage: &dyn InPlace<T>,
        held: T,
        expires_at: u64,
        count: impl FnOnce(bool),
        share: impl FnOnce() -> Outcome<T>,
    ) -> Result<(), (Self, T)> {
        let written = match self.write_in_place(storage, held, expires_at) {
            Ok(written) => written,
            Err(held) => return Err((self, held)),
        };
        self.released = true;
        // What follows runs code of values, which may panic.
        count(written.refused.is_none());
        self.notify_waiters(share);
        self.settled = true;
        if let Some(evicted) = written.evicted {
            storage.count_evicted(evicted);
        }
        Ok(())
    }

    /// Writes in place, if it still may, and releases the state of its key.
    fn write_in_place(
        &mut self,
        storage: &dyn InPlace<T>,
        held: T,
        expires_at: u64,
    ) -> Result<Written<T>, T> {
        let (key, epoch, is_update, own) = (&self.key, self.epoch, self.is_update(), &mut self.flight);
        let flights = self.flights;
        flights.try_release(key, |state| {
            let mut written = Written {
                refused: None,
                evicted: None,
            };
            if state.min_epoch > epoch && is_update && !state.is_superseded(epoch) {
                return Err(held);
            } else if state.min_epoch > epoch {
                written.refused = Some(held);
            } else if state.writer.is_some() {
                return Err(held);
            } else {
                written.evicted = storage.write(key.clone(), held, expires_at);
                flights.count_write(key.hash_value());
                state.begin_write(epoch, own.as_ref());
                state.took_effect(epoch);
            }
            match own {
                // Nothing waits. The state ends, and leaves its flight to the next leader.
                Some(flight) if state.ref_count == 1 && state.joins(flight) => *own = None,
                Some(flight) => state.detach(flight),
                None => {}
            }
            Ok(written)
        })
    }

    /// Takes the write turn, if it can be said without waiting what this leader may do. Inside of another write, as in the
    /// `Drop` of an evicted value, it does not wait.
    pub(crate) fn try_begin_write(&mut self) -> Option<Turn> {
        self.take_turn(self.flights.is_writing())
    }

    /// Takes the write turn without waiting. A write that has the turn is abandoned: it removes what it wrote when it ends.
    pub(crate) fn begin_write(&mut self) -> Turn {
        self.take_turn(true).unwrap_or(Turn::Superseded)
    }

    fn take_turn(&mut self, by_force: bool) -> Option<Turn> {
        let (epoch, kind, flight) = (self.epoch, self.kind, self.flight.as_ref());
        let turn = self.flights.with_expected_state(&self.key, |state| {
            if state.min_epoch > epoch && kind != Kind::Explicit {
                return overtaken(state, epoch, kind, by_force);
            }
            if state.writer.is_some() && !by_force {
                return None;
            }
            state.begin_write(epoch, flight);
            state.take_turn(epoch);
            Some(Turn::Write)
        });
        self.is_writing |= matches!(turn, Some(Turn::Write | Turn::Clear));
        turn
    }

    /// The event of the end of a write.
    pub(crate) fn listen(&self) -> EventListener {
        self.flights.written.listen()
    }

    /// Gives the write turn back; `done` is whether the write took effect. Returns whether the write was abandoned: then what
    /// it wrote is to be removed, and [`end_abandoned_write`](Self::end_abandoned_write) to be called. An explicit write
    /// ends the computations that began while it went on.
    pub(crate) fn end_write(&mut self, done: bool) -> bool {
        std::mem::take(&mut self.is_writing) && self.give_back(done, self.kind == Kind::Explicit)
    }

    /// [`end_write`](Self::end_write) for a write that was dropped on its way.
    pub(crate) fn drop_write(&mut self) -> bool {
        std::mem::take(&mut self.is_writing) && self.give_back(false, false)
    }

    /// What an abandoned write wrote was removed or reported.
    pub(crate) fn end_abandoned_write(&self) {
        self.flights
            .with_expected_state(&self.key, KeyState::end_abandoned_write);
    }

    fn give_back(&self, done: bool, invalidates: bool) -> bool {
        let abandoned = self.flights.with_expected_state(&self.key, |state| {
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
        });
        self.flights.written.notify(usize::MAX);
        abandoned
    }

    /// Newcomers do not join its flight from now on.
    fn detach(&self) {
        let Some(flight) = &self.flight else { return };
        self.flights
            .with_expected_state(&self.key, |state| state.detach(flight));
    }

    /// Releases the state of the key. Returns its flight, if a waiter is to take the lead.
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
        self.flights.release(&self.key, |state: &mut KeyState<T>| {
            if self.kind == Kind::Explicit {
                state.end_change();
            }
            if let Some(flight) = flight.as_ref().filter(|flight| !give_up_lead(flight)) {
                state.detach(flight);
            }
        });
        flight
    }
}

impl<T> Drop for Leader<'_, T> {
    fn drop(&mut self) {
        if self.drop_write() {
            self.end_abandoned_write();
        }
        let flight = self.release();
        if self.kind == Kind::Explicit {
            self.flights.written.notify(usize::MAX);
        }
        // One of those who wait takes the lead. All are woken: the first might be a task that is not polled.
        if let Some(flight) = flight.filter(|_| !self.settled) {
            flight.landed.notify(usize::MAX);
        }
    }
}

/// What a leader may do that something newer overtook: `None` if it has to wait for that.
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
