//! The right to compute a value, and to store it unless something newer happened.

use std::time::Duration;

use super::leading::Mark;
use super::work::Work;
use super::{Flight, Flights};
use crate::key::EncodedKey;
use crate::storage::{Displaced, InPlace};
use crate::sync::{Arc, Ordering};

/// The right to compute the value of a key and to store it: see [`Flights`].
///
/// Dropped without an outcome, as by a panic of the computation or by the cancellation of its task, it hands the
/// flight over to one waiter.
pub(crate) struct Ticket<'f, T> {
    flights: &'f Flights<T>,
    key: EncodedKey,
    number: u64,
    flight: Option<Arc<Flight<T>>>,
    /// Whether it stores what the user said, and not what was computed: then nothing outdates it.
    explicit: bool,
    /// Whether its call promises that nothing older is left when it returns.
    replaces: bool,
    /// Whether the waiters were told, or there is nothing to tell.
    settled: bool,
    /// Whether it is not counted any more among those who work on the key.
    let_go: bool,
    /// How much of the storage's deadline its call has spent.
    spent: Duration,
}

/// What a ticket may do to the entry of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Store its value.
    Write,
    /// Remove what is there: it gave way to something newer, which was given up.
    Clear,
    /// Nothing.
    Nothing,
}

/// What a write in place leaves to be dropped when no lock is held.
struct Written<T> {
    /// The value, if it came too late.
    refused: Option<T>,
    /// What lost its place to it.
    displaced: Option<Displaced<T>>,
}

impl<T> Default for Written<T> {
    fn default() -> Self {
        Written {
            refused: None,
            displaced: None,
        }
    }
}

impl<'f, T> Ticket<'f, T> {
    pub(super) fn new(
        flights: &'f Flights<T>,
        key: EncodedKey,
        number: u64,
        flight: Option<Arc<Flight<T>>>,
    ) -> Self {
        Ticket {
            flights,
            key,
            number,
            flight,
            explicit: false,
            replaces: false,
            settled: false,
            let_go: false,
            spent: Duration::ZERO,
        }
    }

    /// Adds to what its call has spent of the storage's deadline.
    pub(crate) fn spend(&mut self, time: Duration) {
        self.spent += time;
    }

    /// How much of the storage's deadline its call has spent.
    pub(crate) fn spent(&self) -> Duration {
        self.spent
    }

    pub(super) fn explicit(mut self) -> Self {
        self.explicit = true;
        self
    }

    /// The same for a call which promises that nothing older is left when it returns.
    pub(crate) fn replacing(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// The key whose value is computed.
    pub(crate) fn key(&self) -> &EncodedKey {
        &self.key
    }

    /// Its computation, for [`leading`](super::leading).
    pub(crate) fn computing(&self) -> Mark {
        Mark::Computing(self.flights.address(), self.key.hash_value())
    }

    /// Gives those who wait already a share of the computed value; with `None` they compute for themselves.
    pub(crate) fn announce(&self, share: impl FnOnce() -> Option<T>) {
        if let Some(flight) = self.flight.as_ref().filter(|flight| flight.has_open_waiters()) {
            flight.land(share());
        }
    }

    /// Gives a share of the computed value to all who wait and to all who come until it is stored; with `None` they compute
    /// for themselves.
    pub(crate) fn publish(&self, share: impl FnOnce() -> Option<T>) {
        if let Some(flight) = self
            .flight
            .as_ref()
            .filter(|flight| flight.outcome.get().is_none())
        {
            flight.land(share());
        }
    }

    /// Gives those who wait a share of a value that was stored, or is not to be.
    pub(crate) fn pass_on(mut self, share: impl FnOnce() -> Option<T>) {
        self.detach();
        self.announce(share);
        self.settled = true;
    }

    /// Stores a value in place and ends, unless another is to be waited for. Those who wait get a share. `stored` is told
    /// whether this ticket still might store.
    ///
    /// # Errors
    ///
    /// The ticket and the value, if another is to be waited for.
    pub(crate) fn store_in_place(
        mut self,
        storage: &dyn InPlace<T>,
        held: T,
        deadline: u64,
        stored: impl FnOnce(bool),
        share: impl FnOnce() -> Option<T>,
    ) -> Result<(), (Self, T)> {
        let written = match self.write_in_place(storage, held, deadline) {
            Ok(written) => written,
            Err(held) => return Err((self, held)),
        };
        self.let_go = true;
        // What follows runs code of values, which may panic.
        stored(written.refused.is_none());
        self.announce(share);
        self.settled = true;
        if let Some(displaced) = written.displaced {
            storage.lose(displaced);
        }
        Ok(())
    }

    /// Writes in place, if it still may, and is counted no more among those who work on the key.
    fn write_in_place(&mut self, storage: &dyn InPlace<T>, held: T, deadline: u64) -> Result<Written<T>, T> {
        let (key, number, replaces, own) = (&self.key, self.number, self.replaces, &mut self.flight);
        self.flights.let_go_after(key, |work| {
            let mut written = Written::default();
            if work.barrier > number && replaces && !work.is_outdone(number) {
                return Err(held);
            } else if work.barrier > number {
                written.refused = Some(held);
            } else if work.writer.is_some() {
                return Err(held);
            } else {
                written.displaced = storage.write(key.clone(), held, deadline);
                work.outdate(number, own.as_ref());
                work.took_effect(number);
            }
            match own {
                // Nobody waits. The work ends, and leaves its flight to the next.
                Some(flight) if work.hands == 1 && work.joins(flight) => *own = None,
                Some(flight) => work.detach(flight),
                None => {}
            }
            Ok(written)
        })
    }

    /// Tells the waiters to compute for themselves, all at once.
    pub(crate) fn release(mut self) {
        self.detach();
        if let Some(flight) = &self.flight {
            flight.land(None);
        }
        self.settled = true;
    }

    /// The turn to write, if this ticket still may. `tried` is what [`try_turn`](Self::try_turn) came to in the time that
    /// it was given: after that another that writes is passed over, and clears away what it wrote when it is done.
    pub(crate) fn turn(&self, tried: Option<Leave>) -> Option<Turn<'_, 'f, T>> {
        let leave = tried.or_else(|| self.take_turn(true))?;
        (leave != Leave::Nothing).then(|| Turn::new(self, leave))
    }

    /// What this ticket may do, if that can be said without waiting for another that writes; and if it is nothing but the
    /// ticket replaces, until what it gives way to is done. Part of another write, as in the `Drop` of a value that gave
    /// way, it does not wait.
    pub(crate) fn try_turn(&self) -> Option<Leave> {
        self.take_turn(self.flights.is_writing())
    }

    /// Takes the turn, unless this ticket is outdated, or, not by force, another has it.
    fn take_turn(&self, by_force: bool) -> Option<Leave> {
        self.flights.change(&self.key, |work| {
            if work.barrier > self.number && !self.explicit {
                return self.give_way(work, by_force);
            }
            if work.writer.is_some() && !by_force {
                return None;
            }
            work.outdate(self.number, self.flight.as_ref());
            work.take_turn(self.number);
            Some(Leave::Write)
        })
    }

    /// What is left to a ticket that is outdated.
    fn give_way(&self, work: &mut Work<T>, by_force: bool) -> Option<Leave> {
        if !self.replaces || work.is_outdone(self.number) {
            return Some(Leave::Nothing);
        }
        if work.is_at_rest() {
            work.take_turn(self.number);
            return Some(Leave::Clear);
        }
        if by_force {
            work.rely(self.number);
            return Some(Leave::Nothing);
        }
        None
    }

    /// Lets nobody join from now on.
    fn detach(&self) {
        let Some(flight) = &self.flight else { return };
        self.flights.change(&self.key, |work| work.detach(flight));
    }
}

impl<T> Drop for Ticket<'_, T> {
    fn drop(&mut self) {
        let flight = self.flight.take();
        let settled = self.settled;
        let give_up_lead = |flight: &Arc<Flight<T>>| {
            let lost = flight.has_open_waiters();
            if lost {
                flight.led.store(false, Ordering::SeqCst);
            }
            lost
        };
        if self.let_go {
            flight.as_ref().map(give_up_lead);
        } else {
            self.flights.let_go(&self.key, |work| {
                if self.explicit {
                    work.end_change();
                }
                if let Some(flight) = flight.as_ref().filter(|flight| !give_up_lead(flight)) {
                    work.detach(flight);
                }
            });
        }
        if self.explicit {
            self.flights.written.notify(usize::MAX);
        }
        // One of those who wait takes the lead. All are told: the first might be a task that nobody polls.
        if let Some(flight) = flight.filter(|_| !settled) {
            flight.landed.notify(usize::MAX);
        }
    }
}

/// The turn to write: given back also when the write panics or is cancelled.
pub(crate) struct Turn<'t, 'f, T> {
    ticket: &'t Ticket<'f, T>,
    leave: Leave,
    ended: bool,
}

impl<'t, 'f, T> Turn<'t, 'f, T> {
    fn new(ticket: &'t Ticket<'f, T>, leave: Leave) -> Self {
        Turn {
            ticket,
            leave,
            ended: false,
        }
    }

    /// Whether all that may be done is to remove what is there.
    pub(crate) fn only_clears(&self) -> bool {
        self.leave == Leave::Clear
    }

    /// The key that is written.
    pub(crate) fn key(&self) -> &'t EncodedKey {
        &self.ticket.key
    }

    /// Gives the turn back. `done` says whether the write took effect. Returns whether somebody lost patience and did not
    /// wait for this write: then what it wrote must be cleared away, after which it
    /// [straggles](Flights::end_straggling) no more.
    pub(crate) fn end(mut self, done: bool) -> bool {
        self.give_back(done, false)
    }

    /// [`end`](Self::end), outdating all computations that began while this write went on.
    pub(crate) fn end_and_forget(mut self, done: bool) -> bool {
        self.give_back(done, true)
    }

    fn give_back(&mut self, done: bool, forget: bool) -> bool {
        self.ended = true;
        let Ticket {
            flights, key, number, ..
        } = self.ticket;
        let passed_over = flights.change(key, |work| {
            flights.count_write(key.hash_value());
            let own = work.writer == Some(*number);
            if own {
                work.writer = None;
                let mut number = *number;
                if forget {
                    number = flights.number();
                    work.forget(number);
                }
                if done {
                    work.took_effect(number);
                }
            }
            !own
        });
        flights.written.notify(usize::MAX);
        passed_over
    }
}

impl<T> Drop for Turn<'_, '_, T> {
    fn drop(&mut self) {
        if !self.ended && self.give_back(false, false) {
            self.ticket.flights.end_straggling(&self.ticket.key);
        }
    }
}

/// The turns of those tickets that can have theirs without waiting, by their places, and the places of those that
/// must wait.
pub(crate) fn turns_at_once<'t, 'f: 't, T: 't>(
    tickets: impl ExactSizeIterator<Item = &'t Ticket<'f, T>>,
) -> (Vec<(usize, Turn<'t, 'f, T>)>, Vec<usize>) {
    let (mut turns, mut waiting) = (Vec::with_capacity(tickets.len()), Vec::new());
    for (place, ticket) in tickets.enumerate() {
        match ticket.try_turn() {
            Some(Leave::Write) => turns.push((place, Turn::new(ticket, Leave::Write))),
            // One by one: that is seldom.
            Some(Leave::Clear) => {
                drop(Turn::new(ticket, Leave::Clear));
                waiting.push(place);
            }
            Some(Leave::Nothing) => {}
            None => waiting.push(place),
        }
    }
    (turns, waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_is_dropped_is_given_back() {
        let (flights, key) = (Flights::<()>::default(), EncodedKey::of(&1));
        let [first, second] = [(); 2].map(|()| flights.alone(key.clone()));
        let turn = first.turn(first.try_turn());
        assert!(turn.is_some());
        assert_eq!(second.try_turn(), None);
        drop(turn);
        assert_eq!(second.try_turn(), Some(Leave::Write));
        assert_eq!(flights.writes(key.hash_value()), 1);
    }

    #[test]
    fn a_turn_is_given_back_once() {
        let (flights, key) = (Flights::<()>::default(), EncodedKey::of(&1));
        let ticket = flights.alone(key.clone());
        let turn = ticket.turn(None).expect("there is nobody else");
        assert!(!turn.end(true));
        assert_eq!(flights.writes(key.hash_value()), 1);
    }
}
