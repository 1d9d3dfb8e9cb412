//! The operations on the flight of one key under the lock of its shard.

use crate::flight::{Flight, Outcome};
use crate::sync::{Arc, Mutex, Ordering};
use crate::values::Values;

/// A key, and the flight that newcomers join.
#[derive(Default)]
pub(crate) struct Key {
    joined: Mutex<Option<Arc<Flight>>>,
    values: Values<u32>,
}

pub(crate) enum Joined<'k> {
    Lead(Leader<'k>),
    /// The leader reported it.
    Alone,
    Value(u32),
}

pub(crate) struct Leader<'k> {
    key: &'k Key,
    /// `None` after its end.
    flight: Option<Arc<Flight>>,
    settled: bool,
}

impl Key {
    pub(crate) fn join(&self) -> Joined<'_> {
        let mut joined = self.joined.lock();
        let flight = match joined.as_ref() {
            None => return Joined::Lead(self.leader(joined.insert(Flight::new(1)))),
            Some(flight) if flight.take_lead() => return Joined::Lead(self.leader(flight)),
            Some(flight) => Arc::clone(flight),
        };
        flight.waiters.fetch_add(1, Ordering::SeqCst);
        drop(joined);
        let outcome = self.wait(&flight);
        let mut joined = self.joined.lock();
        let last = flight.waiters.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && !flight.led.load(Ordering::SeqCst) {
            detach(&mut joined, &flight);
        }
        drop(joined);
        self.values.release(flight);
        outcome
    }

    fn wait(&self, flight: &Arc<Flight>) -> Joined<'_> {
        loop {
            let landed = flight.landed.listen();
            match flight.outcome() {
                Some(Outcome::Value(slot)) => return Joined::Value(self.values.get(slot)),
                Some(Outcome::Failed | Outcome::Retry) => return Joined::Alone,
                None if flight.take_lead() => return Joined::Lead(self.leader(flight)),
                None => landed.wait(),
            }
        }
    }

    fn leader(&self, flight: &Arc<Flight>) -> Leader<'_> {
        Leader {
            key: self,
            flight: Some(Arc::clone(flight)),
            settled: false,
        }
    }

    pub(crate) fn is_forgotten(&self) -> bool {
        self.joined.lock().is_none() && self.values.len() == 0
    }
}

impl Leader<'_> {
    pub(crate) fn value(self, value: u32) {
        self.settle(|key, flight| key.values.land(flight, value));
    }

    pub(crate) fn release(self) {
        self.settle(|_, flight| flight.land(Outcome::Failed));
    }

    fn settle(mut self, land: impl FnOnce(&Key, &Flight)) {
        if let Some(flight) = &self.flight {
            detach(&mut self.key.joined.lock(), flight);
            land(self.key, flight);
        }
        self.settled = true;
    }

    fn leave(&self, flight: &Arc<Flight>) {
        let mut joined = self.key.joined.lock();
        if flight.has_open_waiters() {
            flight.led.store(false, Ordering::SeqCst);
        } else {
            detach(&mut joined, flight);
        }
        drop(joined);
        flight.landed.notify(usize::MAX);
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        let Some(flight) = self.flight.take() else { return };
        if !self.settled {
            self.leave(&flight);
        }
        self.key.values.release(flight);
    }
}

fn detach(joined: &mut Option<Arc<Flight>>, flight: &Arc<Flight>) {
    if joined.as_ref().is_some_and(|joined| Arc::ptr_eq(joined, flight)) {
        *joined = None;
    }
}
