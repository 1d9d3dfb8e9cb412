//! A call that waits for another call's computation.

use std::time::{Duration, Instant};

use super::flight::{Flight, Outcome};
use super::{Flights, Leader};
use crate::key::EncodedKey;
use crate::sync::{Arc, EventListener, Ordering};

/// Waits for the outcome of a flight.
///
/// After `flight_timeout` one waiter computes instead of the leader. The others give it the same time again, and then
/// compute for themselves.
pub(crate) struct Waiter<'f, T> {
    flights: &'f Flights<T>,
    key: EncodedKey,
    flight: Arc<Flight<T>>,
    timeout: Duration,
    until: Option<Instant>,
    /// Whether the first timeout has passed.
    is_late: bool,
    /// Taken before the last check of the outcome, so that the flight does not land unnoticed in between.
    landed: Option<EventListener>,
}

/// The result of a check: wait, or go on.
pub(crate) enum WaitOutcome<'f, T> {
    /// Until this event happens or this instant comes.
    Wait(EventListener, Option<Instant>),
    /// With the leader's value.
    Value(T),
    /// With the right to compute: the leader is gone, exceeded the timeout, or had no value to share.
    Lead(Leader<'f, T>),
    /// With another read: the leader found the value in the storage, or takes too long in the background.
    Retry,
}

impl<'f, T> Waiter<'f, T> {
    pub(super) fn new(flights: &'f Flights<T>, key: EncodedKey, flight: Arc<Flight<T>>) -> Self {
        Waiter {
            flights,
            key,
            flight,
            timeout: Duration::MAX,
            until: None,
            is_late: false,
            landed: None,
        }
    }

    /// The key whose value it waits for.
    pub(crate) fn key(&self) -> &EncodedKey {
        &self.key
    }

    /// Waits at most for `timeout`, from now on or from the start of the job that leads.
    pub(crate) fn start(&mut self, timeout: Duration) {
        self.timeout = timeout;
        let began = self.flight.job_began.get().copied().unwrap_or_else(Instant::now);
        self.until = began.checked_add(timeout);
    }
}

impl<'f, T: Clone> Waiter<'f, T> {
    /// The outcome, if there is one, for a call that only [watches](Flights::watch).
    pub(crate) fn watched(&self) -> Option<Outcome<T>> {
        self.flight.outcome.get().cloned()
    }

    /// The event and instant to wait for, or the end of the wait. `in_time` is whether the last wait ended with its
    /// event.
    pub(crate) fn next(&mut self, in_time: bool) -> WaitOutcome<'f, T> {
        let mut timed_out = !in_time;
        loop {
            if let Some(outcome) = self.outcome() {
                return outcome;
            }
            if timed_out {
                if self.flight.job_began.get().is_some() {
                    return self.leave_job();
                }
                if self.is_late {
                    return self.lead_alone();
                }
                if self.flight.take_over() {
                    return self.lead();
                }
                self.is_late = true;
                timed_out = false;
                self.until = Instant::now().checked_add(self.timeout);
            }
            match self.landed.take() {
                Some(landed) => return WaitOutcome::Wait(landed, self.until),
                None => self.landed = Some(self.flight.landed.listen()),
            }
        }
    }

    fn outcome(&self) -> Option<WaitOutcome<'f, T>> {
        match self.flight.outcome.get() {
            Some(Outcome::Value(value)) => Some(WaitOutcome::Value(value.clone())),
            Some(Outcome::Failed) => Some(self.lead_alone()),
            Some(Outcome::Retry) => Some(WaitOutcome::Retry),
            None if self.flight.take_lead() => Some(self.lead()),
            None => None,
        }
    }

    /// Newcomers start a new flight, since the job may never end. This call may do so too, after another read.
    fn leave_job(&self) -> WaitOutcome<'f, T> {
        let mut shard = self.flights.shard(&self.key).lock();
        self.flights
            .expect_state(&mut shard, &self.key)
            .detach(&self.flight);
        WaitOutcome::Retry
    }

    fn lead_alone(&self) -> WaitOutcome<'f, T> {
        WaitOutcome::Lead(self.flights.lead_alone(self.key.clone()))
    }

    /// Leads this flight.
    fn lead(&self) -> WaitOutcome<'f, T> {
        let mut shard = self.flights.shard(&self.key).lock();
        self.flights.expect_state(&mut shard, &self.key).ref_count += 1;
        let flight = Arc::clone(&self.flight);
        WaitOutcome::Lead(self.flights.leader(self.key.clone(), Some(flight)))
    }
}

impl<T> Drop for Waiter<'_, T> {
    fn drop(&mut self) {
        let mut shard = self.flights.shard(&self.key).lock();
        let last = self.flight.waiters.fetch_sub(1, Ordering::SeqCst) == 1;
        // A flight that lost its leader and then its last waiter never lands.
        if last && !self.flight.led.load(Ordering::SeqCst) {
            self.flights
                .expect_state(&mut shard, &self.key)
                .detach(&self.flight);
        }
        self.flights.release(shard, &self.key);
    }
}
