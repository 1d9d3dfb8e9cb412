//! The right to compute a value, and to store it unless something newer happened.

use super::{Flight, Flights, Listener, leading};
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

    /// The identity of the flight it leads, for [`leading`](super::leading).
    pub(crate) fn flight(&self) -> Option<usize> {
        self.flight.as_ref().map(Flight::identity)
    }

    /// Gives those who wait already a share of the computed value; with `None` they compute for themselves.
    pub fn announce(&self, share: impl FnOnce() -> Option<T>) {
        if let Some(flight) = self.flight.as_ref().filter(|flight| flight.has_open_waiters()) {
            flight.land(share());
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
            leading([self.identity()], || write(&self.key))
        });
        self.pass_on(share);
        result
    }

    /// Gives those who wait a share of a value that is in the storage already, or that is not to be stored.
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
        loop {
            let written = self.flights.written.listen();
            match self.try_turn() {
                Some(turn) => return turn,
                None => written.wait(),
            }
        }
    }

    /// Whether this ticket may write, if that can be said without waiting for another that writes.
    fn try_turn(&self) -> Option<bool> {
        self.flights.change(&self.key, |work| {
            if work.barrier > self.number {
                Some(false)
            } else if work.is_written_by_another() {
                None
            } else {
                work.barrier = self.number;
                work.writer = Some(self.identity());
                Some(true)
            }
        })
    }

    /// Unique while the ticket is not moved, which is as long as it writes.
    fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
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
    let mut later = Vec::new();
    for (index, ticket) in tickets.iter().enumerate() {
        ticket.announce(|| share(index));
        match ticket.try_turn() {
            Some(true) => turns.push((index, Turn(ticket))),
            Some(false) => {}
            None => later.push(index),
        }
    }
    if !turns.is_empty() {
        let entries: Vec<_> = turns.iter().map(|(index, turn)| (*index, &turn.0.key)).collect();
        leading(turns.iter().map(|(_, turn)| turn.0.identity()), || {
            write(&entries)
        });
    }
    drop(turns);
    for (index, ticket) in tickets.into_iter().enumerate() {
        if later.contains(&index) {
            ticket.fill(|| share(index), |key| write(&[(index, key)]));
        } else {
            ticket.pass_on(|| share(index));
        }
    }
}

impl<T> Drop for Ticket<'_, T> {
    fn drop(&mut self) {
        let flight = self.flight.take();
        self.flights.change(&self.key, |work| {
            work.hands -= 1;
            // A lost flight goes on only if somebody waits who was not told yet.
            if let Some(flight) = flight.as_ref().filter(|flight| !flight.has_open_waiters()) {
                work.detach(flight);
            }
        });
        if let Some(flight) = flight.filter(|_| !self.settled) {
            flight.led.store(false, Ordering::SeqCst);
            flight.landed.notify(1);
        }
    }
}

/// The turn to write: given back also when the write panics.
struct Turn<'t, 'f, T>(&'t Ticket<'f, T>);

impl<T> Drop for Turn<'_, '_, T> {
    fn drop(&mut self) {
        self.0.flights.change(&self.0.key, |work| work.writer = None);
        self.0.flights.written.notify(usize::MAX);
    }
}
