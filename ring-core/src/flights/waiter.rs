//! One that waits for another's computation.

use std::time::{Duration, Instant};

use super::{Flight, Flights, Ticket};
use crate::colour::Wait;
use crate::key::EncodedKey;
use crate::sync::{Arc, Ordering};

/// Waits for the outcome of a flight.
pub(crate) struct Waiter<'f, T> {
    flights: &'f Flights<T>,
    key: EncodedKey,
    flight: Arc<Flight<T>>,
}

/// How the wait ended.
pub(crate) enum Landed<'f, T> {
    /// With the leader's value.
    Value(T),
    /// With the right to compute: the leader was lost, told all to compute for themselves, or took too long.
    Compute(Ticket<'f, T>),
}

impl<'f, T> Waiter<'f, T> {
    pub(super) fn new(flights: &'f Flights<T>, key: EncodedKey, flight: Arc<Flight<T>>) -> Self {
        Waiter { flights, key, flight }
    }
}

impl<'f, T: Clone> Waiter<'f, T> {
    /// Waits until the flight lands. After `timeout` one of those who wait computes in the place of the leader; the
    /// others give it as much time again, and then compute for themselves.
    pub(crate) async fn wait(self, wait: Wait, timeout: Duration) -> Landed<'f, T> {
        let landed = self.landed(wait, timeout).await;
        // The last one drops the leader's value. A result that is on its way out would be lost if that panicked.
        drop(self);
        landed
    }

    async fn landed(&self, wait: Wait, timeout: Duration) -> Landed<'f, T> {
        let mut deadline = Instant::now().checked_add(timeout);
        let mut patient = true;
        loop {
            let landed = self.flight.landed.listen();
            if let Some(outcome) = self.outcome() {
                return outcome;
            }
            if wait.until(landed, deadline).await {
                continue;
            }
            if let Some(outcome) = self.outcome() {
                return outcome;
            }
            if !patient {
                return self.compute_alone();
            }
            if self.flight.take_over() {
                return self.compute_in_place_of_the_leader();
            }
            patient = false;
            deadline = Instant::now().checked_add(timeout);
        }
    }

    /// The outcome, if there is one: never blocks.
    fn outcome(&self) -> Option<Landed<'f, T>> {
        match self.flight.outcome.get() {
            Some(Some(value)) => Some(Landed::Value(value.clone())),
            Some(None) => Some(self.compute_alone()),
            None if self.flight.take_lead() => Some(self.compute_in_place_of_the_leader()),
            None => None,
        }
    }

    fn compute_alone(&self) -> Landed<'f, T> {
        Landed::Compute(self.flights.alone(self.key.clone()))
    }

    fn compute_in_place_of_the_leader(&self) -> Landed<'f, T> {
        let ticket = self.flights.change(&self.key, |work| {
            work.hands += 1;
            self.flights
                .ticket(self.key.clone(), Some(Arc::clone(&self.flight)))
        });
        Landed::Compute(ticket)
    }
}

impl<T> Drop for Waiter<'_, T> {
    fn drop(&mut self) {
        self.flights.let_go(&self.key, |work| {
            let last = self.flight.waiters.fetch_sub(1, Ordering::SeqCst) == 1;
            // A flight that lost its leader and then its last waiter has nobody left to land it.
            if last && !self.flight.led.load(Ordering::SeqCst) {
                work.detach(&self.flight);
            }
        });
    }
}
