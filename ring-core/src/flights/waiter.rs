//! A call that waits for another call's computation.

use std::time::{Duration, Instant};

use super::flight::{Flight, Outcome};
use super::leader::{Leader, UntypedLeader};
use super::table::FlightTable;
use super::values::Values;
use crate::key::EncodedKey;
use crate::sync::{Arc, EventListener, Ordering};

/// Waits for the outcome of a flight.
///
/// After `flight_timeout` one waiter computes instead of the leader. The others give it the same time again, and then
/// compute for themselves.
pub(crate) struct Waiter<'f, T> {
    waiter: UntypedWaiter<'f>,
    values: &'f Values<T>,
}

/// The part of a [`Waiter`] that does not depend on the type of values. It does not end by itself: no code that may panic
/// comes before it is part of a `Waiter`.
pub(crate) struct UntypedWaiter<'f> {
    flights: &'f FlightTable,
    key: EncodedKey,
    /// `None` after its end.
    flight: Option<Arc<Flight>>,
    timeout: Duration,
    until: Option<Instant>,
    /// Whether the first timeout has passed.
    is_late: bool,
    /// Taken before the last check of the outcome, so that the flight does not land unnoticed in between.
    landed: Option<EventListener>,
}

/// The result of a check: wait, or go on.
pub(crate) enum WaitOutcome<L, T> {
    /// Until this event happens or this instant comes.
    Wait(EventListener, Option<Instant>),
    /// With the leader's value.
    Value(T),
    /// With the right to compute: the leader is gone, exceeded the timeout, or had no value to share.
    Lead(L),
    /// With another read: the leader found the value in the storage, or takes too long in the background.
    Retry,
}

impl<'f, T> Waiter<'f, T> {
    pub(super) fn new(waiter: UntypedWaiter<'f>, values: &'f Values<T>) -> Self {
        Waiter { waiter, values }
    }

    /// The key whose value it waits for.
    pub(crate) fn key(&self) -> &EncodedKey {
        &self.waiter.key
    }

    /// Waits at most for `timeout`, from now on or from the start of the job that leads.
    pub(crate) fn start(&mut self, timeout: Duration) {
        self.waiter.start(timeout);
    }
}

impl<'f, T: Clone> Waiter<'f, T> {
    /// If the flight has landed, the value, or `None` if there is none: for a call that only
    /// [watches](super::Flights::watch).
    pub(crate) fn watched(&self) -> Option<Option<T>> {
        Some(match self.waiter.flight().outcome()? {
            Outcome::Value(slot) => Some(self.values.get(slot)),
            Outcome::Failed | Outcome::Retry => None,
        })
    }

    /// The event and instant to wait for, or the end of the wait. `in_time` is whether the last wait ended with its
    /// event.
    pub(crate) fn next(&mut self, in_time: bool) -> WaitOutcome<Leader<'f, T>, T> {
        match self.waiter.next(in_time) {
            WaitOutcome::Wait(event, until) => WaitOutcome::Wait(event, until),
            WaitOutcome::Value(slot) => WaitOutcome::Value(self.values.get(slot)),
            WaitOutcome::Lead(leader) => WaitOutcome::Lead(Leader::new(leader, self.values)),
            WaitOutcome::Retry => WaitOutcome::Retry,
        }
    }
}

impl<T> Drop for Waiter<'_, T> {
    fn drop(&mut self) {
        if let Some(flight) = self.waiter.end() {
            self.values.release(flight);
        }
    }
}

impl FlightTable {
    /// Watches the computation of a key's value, which may not have begun, without taking the lead.
    pub(super) fn watch(&self, key: EncodedKey) -> UntypedWaiter<'_> {
        let mut shard = self.shard(&key).lock();
        let (state, epoch, _) = shard.begin(&key);
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
        UntypedWaiter::new(self, key, flight)
    }
}

/// [`WaitOutcome`] with the slot of the value.
type UntypedOutcome<'f> = WaitOutcome<UntypedLeader<'f>, usize>;

impl<'f> UntypedWaiter<'f> {
    pub(super) fn new(flights: &'f FlightTable, key: EncodedKey, flight: Arc<Flight>) -> Self {
        UntypedWaiter {
            flights,
            key,
            flight: Some(flight),
            timeout: Duration::MAX,
            until: None,
            is_late: false,
            landed: None,
        }
    }

    fn flight(&self) -> &Arc<Flight> {
        self.flight
            .as_ref()
            .unwrap_or_else(|| unreachable!("it is taken at the end"))
    }

    fn start(&mut self, timeout: Duration) {
        self.timeout = timeout;
        let began = self.flight().job_began.get().copied();
        self.until = began.unwrap_or_else(Instant::now).checked_add(timeout);
    }

    fn next(&mut self, in_time: bool) -> UntypedOutcome<'f> {
        let mut timed_out = !in_time;
        loop {
            if let Some(outcome) = self.outcome() {
                return outcome;
            }
            if timed_out {
                if self.flight().job_began.get().is_some() {
                    return self.leave_job();
                }
                if self.is_late {
                    return self.lead_alone();
                }
                if self.flight().take_over() {
                    return self.lead();
                }
                self.is_late = true;
                timed_out = false;
                self.until = Instant::now().checked_add(self.timeout);
            }
            match self.landed.take() {
                Some(landed) => return WaitOutcome::Wait(landed, self.until),
                None => self.landed = Some(self.flight().landed.listen()),
            }
        }
    }

    fn outcome(&self) -> Option<UntypedOutcome<'f>> {
        match self.flight().outcome() {
            Some(Outcome::Value(slot)) => Some(WaitOutcome::Value(slot)),
            Some(Outcome::Failed) => Some(self.lead_alone()),
            Some(Outcome::Retry) => Some(WaitOutcome::Retry),
            None if self.flight().take_lead() => Some(self.lead()),
            None => None,
        }
    }

    /// Newcomers start a new flight, since the job may never end. This call may do so too, after another read.
    fn leave_job(&self) -> UntypedOutcome<'f> {
        let mut shard = self.flights.shard(&self.key).lock();
        self.flights
            .expect_state(&mut shard, &self.key)
            .detach(self.flight());
        WaitOutcome::Retry
    }

    fn lead_alone(&self) -> UntypedOutcome<'f> {
        WaitOutcome::Lead(self.flights.lead_alone(self.key.clone()))
    }

    /// Leads this flight.
    fn lead(&self) -> UntypedOutcome<'f> {
        let mut shard = self.flights.shard(&self.key).lock();
        let epoch = shard.next_epoch();
        self.flights.expect_state(&mut shard, &self.key).ref_count += 1;
        let flight = Arc::clone(self.flight());
        let leader = UntypedLeader::new(self.flights, self.key.clone(), epoch, Some(flight));
        WaitOutcome::Lead(leader)
    }

    /// Ends. Returns its flight, whose value may have to be dropped.
    fn end(&mut self) -> Option<Arc<Flight>> {
        let flight = self.flight.take()?;
        let mut shard = self.flights.shard(&self.key).lock();
        let last = flight.waiters.fetch_sub(1, Ordering::SeqCst) == 1;
        // A flight that lost its leader and then its last waiter never lands.
        if last && !flight.led.load(Ordering::SeqCst) {
            self.flights.expect_state(&mut shard, &self.key).detach(&flight);
        }
        self.flights.release(shard, &self.key);
        Some(flight)
    }
}
