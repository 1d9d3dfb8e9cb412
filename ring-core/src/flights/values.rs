//! The values of flights that landed, for their waiters.

use super::flight::{Flight, Outcome};
use crate::sync::{Arc, Mutex};

/// The values of flights that landed, each until the last leader or waiter of its flight ends.
///
/// The only part of the flight table that depends on the type of values. Calls that give or take a value use it. A call
/// that stores in place and has no waiters does not.
pub(super) struct Values<T>(Mutex<Slots<T>>);

/// Values by their places, which the outcomes of flights name.
struct Slots<T> {
    values: Vec<Option<Arc<T>>>,
    /// The places without a value.
    free: Vec<usize>,
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Values(Mutex::new(Slots {
            values: Vec::new(),
            free: Vec::new(),
        }))
    }
}

impl<T> Slots<T> {
    fn put(&mut self, slot: usize, value: Arc<T>) {
        if self.free.pop().is_some() {
            self.values[slot] = Some(value);
        } else {
            self.values.push(Some(value));
        }
    }

    fn take(&mut self, slot: usize) -> Option<Arc<T>> {
        self.free.push(slot);
        self.values[slot].take()
    }
}

impl<T> Values<T> {
    /// Gives a value to the waiters of a flight, unless it has landed.
    pub(super) fn land(&self, flight: &Flight, value: T) {
        // Declared before the lock: a refused value is dropped after it.
        let value = Arc::new(value);
        let mut slots = self.0.lock();
        let slot = slots.free.last().copied().unwrap_or(slots.values.len());
        // Under the lock, so that a waiter that sees the outcome finds the value.
        if flight.set_outcome(Outcome::Value(slot)) {
            slots.put(slot, value);
            drop(slots);
            flight.landed.notify(usize::MAX);
        }
    }

    /// The value in the slot of a flight that the caller leads or waits for.
    pub(super) fn get(&self, slot: usize) -> T
    where
        T: Clone,
    {
        let value = self.0.lock().values[slot].clone();
        match value {
            // Cloned without the lock: it runs code of the type.
            Some(value) => T::clone(&value),
            None => unreachable!("it is kept until the last waiter ends"),
        }
    }

    /// Ends the use of a flight by a leader or a waiter. The last one drops the value.
    pub(super) fn release(&self, flight: Arc<Flight>) {
        let flight = Arc::into_inner(flight);
        if let Some(Outcome::Value(slot)) = flight.and_then(|flight| flight.outcome()) {
            let value = self.0.lock().take(slot);
            // Without the lock: the drop runs code of the type.
            drop(value);
        }
    }

    /// The number of values.
    #[cfg(any(test, ring_loom))]
    #[cfg_attr(ring_loom, allow(dead_code, reason = "the model checker's test uses it"))]
    pub(super) fn len(&self) -> usize {
        let slots = self.0.lock();
        slots.values.len() - slots.free.len()
    }
}

// The model checker includes this file without the rest of the crate.
#[cfg(all(test, not(ring_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_last_call_of_a_flight_drops_its_value() {
        let (values, flight, value) = (Values::default(), Flight::new(1), Arc::new(()));
        let waiter = Arc::clone(&flight);
        values.land(&flight, Arc::clone(&value));
        values.release(flight);
        assert_eq!((values.len(), Arc::strong_count(&value)), (1, 2));
        values.release(waiter);
        assert_eq!((values.len(), Arc::strong_count(&value)), (0, 1));
    }

    #[test]
    fn a_flight_that_has_landed_takes_no_value() {
        let (values, flight, value) = (Values::default(), Flight::new(1), Arc::new(()));
        flight.land(Outcome::Failed);
        values.land(&flight, Arc::clone(&value));
        assert_eq!((values.len(), Arc::strong_count(&value)), (0, 1));
        assert_eq!(flight.outcome(), Some(Outcome::Failed));
    }

    #[test]
    fn places_are_taken_again() {
        let values = Values::default();
        let land = |value: u32| {
            let flight = Flight::new(1);
            values.land(&flight, value);
            flight
        };
        let slot = |flight: &Flight| match flight.outcome() {
            Some(Outcome::Value(slot)) => (slot, values.get(slot)),
            other => panic!("{other:?}"),
        };
        let (first, second) = (land(1), land(2));
        assert_eq!((slot(&first), slot(&second)), ((0, 1), (1, 2)));
        values.release(first);
        let (third, fourth) = (land(3), land(4));
        assert_eq!((slot(&third), slot(&fourth)), ((0, 3), (2, 4)));
        assert_eq!(slot(&second), (1, 2));
    }
}
