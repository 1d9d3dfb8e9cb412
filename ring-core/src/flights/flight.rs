//! One computation and those who wait for it.

use crate::sync::{Arc, AtomicBool, AtomicUsize, Event, OnceLock, Ordering};

/// One computation that others wait for.
pub(super) struct Flight<T> {
    /// The number of the ticket that leads it, or did first.
    pub(super) first: u64,
    /// A value for the waiters, or the word to compute for themselves.
    pub(super) outcome: OnceLock<Option<T>>,
    /// Whether somebody computes. Who finds it unset may take the lead.
    pub(super) led: AtomicBool,
    /// Whether a waiter computes in the place of a leader that took too long.
    pub(super) taken_over: AtomicBool,
    pub(super) waiters: AtomicUsize,
    pub(super) landed: Event,
}

impl<T> Flight<T> {
    pub(super) fn new(first: u64) -> Arc<Self> {
        Arc::new(Flight {
            first,
            outcome: OnceLock::new(),
            led: AtomicBool::new(true),
            taken_over: AtomicBool::new(false),
            waiters: AtomicUsize::new(0),
            landed: Event::new(),
        })
    }

    /// Whether it is as it was made, but for its leader. Nobody else has it.
    pub(super) fn is_unused(&mut self) -> bool {
        self.outcome.get().is_none()
            && self.led.load(Ordering::Relaxed)
            && !self.taken_over.load(Ordering::Relaxed)
            && self.waiters.load(Ordering::Relaxed) == 0
    }

    /// Takes the lead if nobody has it.
    pub(super) fn take_lead(&self) -> bool {
        self.led
            .compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    /// Takes the lead beside one that takes too long, if nobody did before.
    pub(super) fn take_over(&self) -> bool {
        !self.taken_over.swap(true, Ordering::SeqCst)
    }

    /// Tells the waiters: a value, or to compute for themselves.
    pub(super) fn land(&self, outcome: Option<T>) {
        if self.outcome.set(outcome).is_ok() {
            self.landed.notify(usize::MAX);
        }
    }

    /// Whether somebody waits who was not told the outcome.
    pub(super) fn has_open_waiters(&self) -> bool {
        self.waiters.load(Ordering::SeqCst) > 0 && self.outcome.get().is_none()
    }
}

// The model checker takes this file in, without the rest of the crate.
#[cfg(all(test, not(ring_loom)))]
mod tests {
    use super::*;

    fn flight() -> Flight<&'static str> {
        Arc::into_inner(Flight::new(1)).expect("nobody else has it")
    }

    #[test]
    fn a_flight_that_anything_happened_to_is_used() {
        assert!(flight().is_unused());
        let happenings: [fn(&Flight<_>); 4] = [
            |flight| flight.land(None),
            |flight| flight.led.store(false, Ordering::SeqCst),
            |flight| _ = flight.take_over(),
            |flight| flight.waiters.store(1, Ordering::SeqCst),
        ];
        for (which, happen) in happenings.iter().enumerate() {
            let mut flight = flight();
            happen(&flight);
            assert!(!flight.is_unused(), "{which}");
        }
    }

    #[test]
    fn waiters_are_open_until_they_are_told() {
        let flight = flight();
        assert!(!flight.has_open_waiters());
        flight.waiters.store(1, Ordering::SeqCst);
        assert!(flight.has_open_waiters());
        flight.land(Some("value"));
        assert!(!flight.has_open_waiters());
    }
}
