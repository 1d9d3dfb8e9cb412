//! The right to compute a value, and to store it unless something newer happened.

use std::cell::Cell;

use super::leading::{self, Mark, leading};
use super::{Flight, Flights};
use crate::key::EncodedKey;
use crate::sync::{Arc, Ordering};

/// The right to compute the value of a key and to store it: see [`Flights`].
///
/// Dropped without an outcome, as by a panic of the computation, it hands the flight over to one waiter.
pub struct Ticket<'f, T> {
    flights: &'f Flights<T>,
    key: EncodedKey,
    number: u64,
    flight: Option<Arc<Flight<T>>>,
    /// Whether the waiters were told, or there is nothing to tell.
    settled: bool,
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
            settled: false,
        }
    }

    /// The key whose value is computed.
    pub fn key(&self) -> &EncodedKey {
        &self.key
    }

    /// Its computation, for [`leading`](super::leading).
    pub(crate) fn computing(&self) -> Mark {
        Mark::Computing(self.flights.address(), self.key.clone())
    }

    /// Its write, for [`leading`](super::leading).
    fn writing(&self) -> Mark {
        Mark::Writing(self.flights.address(), self.number)
    }

    /// Gives those who wait already a share of the computed value; with `None` they compute for themselves.
    pub fn announce(&self, share: impl FnOnce() -> Option<T>) {
        if let Some(flight) = self.flight.as_ref().filter(|flight| flight.has_open_waiters()) {
            flight.land(share());
        }
    }

    /// Gives the computed value to all who wait and to all who come until it is stored.
    pub fn publish(&self, value: impl FnOnce() -> T) {
        if let Some(flight) = self
            .flight
            .as_ref()
            .filter(|flight| flight.outcome.get().is_none())
        {
            flight.land(Some(value()));
        }
    }

    /// Stores the computed value by `write`, unless it is outdated, and gives a share of it to those who wait: before
    /// the write to those who wait already, after it to those who came meanwhile.
    ///
    /// Returns what `write` returned, or `None` if it was not called.
    pub fn fill<R>(
        self,
        mut share: impl FnMut() -> Option<T>,
        write: impl FnOnce(&EncodedKey) -> R,
    ) -> Option<R> {
        self.announce(&mut share);
        let result = self.take_turn().then(|| {
            let _turn = Turn(&self);
            leading([self.writing()], || write(&self.key))
        });
        self.pass_on(share);
        result
    }

    /// Gives those who wait a share of a value that is not to be stored.
    pub fn pass_on(mut self, share: impl FnOnce() -> Option<T>) {
        self.detach();
        self.announce(share);
        self.settled = true;
    }

    /// Tells the waiters to compute for themselves, all at once.
    pub fn release(mut self) {
        self.detach();
        if let Some(flight) = &self.flight {
            flight.land(None);
        }
        self.settled = true;
    }

    /// Waits until no other ticket writes this key. Returns whether this one still may.
    fn take_turn(&self) -> bool {
        let turn = Cell::new(None);
        self.flights.wait_while(|| {
            turn.set(self.try_turn());
            turn.get().is_none()
        });
        turn.get() == Some(true)
    }

    /// Whether this ticket may write, if that can be said without waiting for another that writes. Part of another
    /// write, as in the `Drop` of a value that gave way, it cannot wait and is not stored.
    fn try_turn(&self) -> Option<bool> {
        let flights = self.flights.address();
        self.flights.change(&self.key, |work| {
            let other = work
                .writer
                .filter(|writer| !leading::is_writing_for(flights, *writer));
            if work.barrier > self.number {
                Some(false)
            } else if other.is_some() {
                leading::is_writing(flights).then_some(false)
            } else {
                work.barrier = self.number;
                work.writer = Some(self.number);
                Some(true)
            }
        })
    }

    /// Lets nobody join from now on.
    fn detach(&self) {
        let Some(flight) = &self.flight else { return };
        self.flights.change(&self.key, |work| work.detach(flight));
    }
}

/// [`Ticket::fill`] for many, each known by its index: what may be written is written at once.
///
/// Those whose key another ticket writes just now come last, one by one, so that two such calls never wait for each
/// other.
pub fn fill_many<T>(
    tickets: Vec<Ticket<'_, T>>,
    mut share: impl FnMut(usize) -> Option<T>,
    mut write: impl FnMut(&[(usize, &EncodedKey)]),
) {
    let mut turns = Vec::with_capacity(tickets.len());
    let mut later = vec![false; tickets.len()];
    for (index, ticket) in tickets.iter().enumerate() {
        ticket.announce(|| share(index));
        match ticket.try_turn() {
            Some(true) => turns.push((index, Turn(ticket))),
            Some(false) => {}
            None => later[index] = true,
        }
    }
    if !turns.is_empty() {
        let entries: Vec<_> = turns.iter().map(|(index, turn)| (*index, &turn.0.key)).collect();
        leading(turns.iter().map(|(_, turn)| turn.0.writing()), || write(&entries));
    }
    drop(turns);
    for (index, ticket) in tickets.into_iter().enumerate() {
        if later[index] {
            ticket.fill(|| share(index), |key| write(&[(index, key)]));
        } else {
            ticket.pass_on(|| share(index));
        }
    }
}

impl<T> Drop for Ticket<'_, T> {
    fn drop(&mut self) {
        let flight = self.flight.take();
        let flight = self.flights.change(&self.key, |work| {
            work.hands -= 1;
            let flight = flight?;
            if flight.has_open_waiters() && !self.settled {
                flight.led.store(false, Ordering::SeqCst);
            } else {
                work.detach(&flight);
            }
            Some(flight)
        });
        // One of those who wait takes the lead.
        if let Some(flight) = flight.filter(|_| !self.settled) {
            flight.landed.notify(1);
        }
    }
}

/// The turn to write: given back also when the write panics.
struct Turn<'t, 'f, T>(&'t Ticket<'f, T>);

impl<T> Drop for Turn<'_, '_, T> {
    fn drop(&mut self) {
        let Turn(ticket) = self;
        ticket.flights.change(&ticket.key, |work| {
            work.writer = work.writer.filter(|writer| *writer != ticket.number);
            ticket.flights.writes.fetch_add(1, Ordering::SeqCst);
        });
        ticket.flights.written.notify(usize::MAX);
    }
}
