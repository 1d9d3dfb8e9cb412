//! One computation and the calls that wait for it.

use std::time::Instant;

use crate::sync::{Arc, AtomicBool, AtomicU64, AtomicUsize, Event, OnceLock, Ordering};

/// The outcome of a flight, for its waiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The waiters take the value in this slot of the [`Values`](super::values::Values).
    Value(usize),
    /// The body returned no value to share, such as an `Err`: each waiter computes for itself.
    Failed,
    /// The value was in the storage already: the waiters read again.
    Retry,
}

/// One computation and its waiters. Without the value, so that it is compiled once for all types of values.
pub(super) struct Flight {
    /// The epoch of its first leader.
    first_epoch: AtomicU64,
    outcome: OnceLock<Outcome>,
    /// Whether a leader computes. A call that finds it unset may take the lead.
    pub(super) led: AtomicBool,
    /// Whether a waiter computes instead of a leader that exceeded `flight_timeout`.
    pub(super) taken_over: AtomicBool,
    pub(super) waiters: AtomicUsize,
    pub(super) landed: Event,
    /// The start of the job that leads it, if a job does: waiters leave the job `flight_timeout` later.
    pub(super) job_began: OnceLock<Instant>,
    /// The version of the leader's tags when it looked up: zero without tags, and if it is not known.
    pub(super) version: AtomicU64,
}

impl Flight {
    pub(super) fn new(first_epoch: u64) -> Arc<Self> {
        Arc::new(Flight {
            first_epoch: AtomicU64::new(first_epoch),
            outcome: OnceLock::new(),
            led: AtomicBool::new(true),
            taken_over: AtomicBool::new(false),
            waiters: AtomicUsize::new(0),
            landed: Event::new(),
            job_began: OnceLock::new(),
            version: AtomicU64::new(0),
        })
    }

    /// The epoch of its first leader.
    #[inline]
    pub(super) fn first_epoch(&self) -> u64 {
        self.first_epoch.load(Ordering::Relaxed)
    }

    /// Begins again, with another first leader. Requires that it [is unused](Self::is_unused).
    #[inline]
    pub(super) fn begin_again(&self, first_epoch: u64) {
        self.first_epoch.store(first_epoch, Ordering::Relaxed);
    }

    /// Whether nothing has happened to it since it began. Requires that the caller holds all references, and the lock
    /// under which others released theirs.
    #[inline]
    pub(super) fn is_unused(&self) -> bool {
        self.outcome().is_none()
            && self.led.load(Ordering::Relaxed)
            && !self.taken_over.load(Ordering::Relaxed)
            && self.job_began.get().is_none()
            && self.waiters.load(Ordering::Relaxed) == 0
            && self.version.load(Ordering::Relaxed) == 0
    }

    /// Whether a call whose tags have this version may take the outcome. A computation whose version is not known may have
    /// begun before the tags were forgotten.
    #[inline]
    pub(super) fn is_of(&self, version: u64) -> bool {
        let own = self.version.load(Ordering::SeqCst);
        own == version || own == 0 && !self.led.load(Ordering::SeqCst)
    }

    /// Takes the lead if there is no leader.
    pub(super) fn take_lead(&self) -> bool {
        self.led
            .compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    /// Takes the lead beside a leader that exceeded `flight_timeout`, unless another waiter did.
    pub(super) fn take_over(&self) -> bool {
        !self.taken_over.swap(true, Ordering::SeqCst)
    }

    /// The outcome, if the flight has landed.
    #[inline]
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.outcome.get().copied()
    }

    /// Sets the outcome. Returns whether it is the first one.
    pub(super) fn set_outcome(&self, outcome: Outcome) -> bool {
        self.outcome.set(outcome).is_ok()
    }

    /// Sets the outcome, unless it is set, and wakes the waiters.
    pub(super) fn land(&self, outcome: Outcome) {
        if self.set_outcome(outcome) {
            self.landed.notify(usize::MAX);
        }
    }

    /// Whether a call waits and the outcome is not set.
    #[inline]
    pub(super) fn has_open_waiters(&self) -> bool {
        self.waiters.load(Ordering::SeqCst) > 0 && self.outcome().is_none()
    }
}

/// What can happen to a flight, so that it is used.
#[cfg(all(test, not(ring_loom)))]
pub(super) const HAPPENINGS: [fn(&Flight); 6] = [
    |flight| _ = flight.job_began.set(Instant::now()),
    |flight| flight.land(Outcome::Failed),
    |flight| flight.led.store(false, Ordering::SeqCst),
    |flight| _ = flight.take_over(),
    |flight| flight.waiters.store(1, Ordering::SeqCst),
    |flight| flight.version.store(1, Ordering::SeqCst),
];

// The model checker includes this file without the rest of the crate.
#[cfg(all(test, not(ring_loom)))]
mod tests {
    use super::*;

    fn flight() -> Flight {
        Arc::into_inner(Flight::new(1)).expect("there is one reference")
    }

    #[test]
    fn a_flight_that_anything_happened_to_is_used() {
        assert!(flight().is_unused());
        for (which, happen) in HAPPENINGS.iter().enumerate() {
            let flight = flight();
            happen(&flight);
            assert!(!flight.is_unused(), "{which}");
        }
    }

    #[test]
    fn waiters_are_open_until_the_flight_lands() {
        let flight = flight();
        assert!(!flight.has_open_waiters());
        flight.waiters.store(1, Ordering::SeqCst);
        assert!(flight.has_open_waiters());
        flight.land(Outcome::Value(0));
        assert!(!flight.has_open_waiters());
    }
}
