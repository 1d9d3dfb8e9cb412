//! The operations on the flight of one key under the lock of its shard.

use crate::flight::{Flight, Outcome};
use crate::sync::{Arc, Mutex, Ordering};

/// A key, and the flight that newcomers join.
#[derive(Default)]
pub(crate) struct Key {
    joined: Mutex<Option<Arc<Flight<u32>>>>,
}

pub(crate) enum Joined<'k> {
    Lead(Leader<'k>),
    /// The leader reported it.
    Alone,
    Value(u32),
}

pub(crate) struct Leader<'k> {
    key: &'k Key,
    flight: Arc<Flight<u32>>,
    settled: bool,
}

impl Key {
    pub(crate) fn join(&self) -> Joined<'_> {
        let mut joined = self.joined.lock().unwrap();
        let flight = match joined.as_ref() {
            None => return Joined::Lead(self.leader(joined.insert(Flight::new(1)))),
            Some(flight) if flight.take_lead() => return Joined::Lead(self.leader(flight)),
            Some(flight) => Arc::clone(flight),
        };
        flight.waiters.fetch_add(1, Ordering::SeqCst);
        drop(joined);
        let outcome = self.wait(&flight);
        let mut joined = self.joined.lock().unwrap();
        let last = flight.waiters.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && !flight.led.load(Ordering::SeqCst) {
            detach(&mut joined, &flight);
        }
        outcome
    }

    fn wait(&self, flight: &Arc<Flight<u32>>) -> Joined<'_> {
        loop {
            let landed = flight.landed.listen();
            match flight.outcome.get() {
                Some(Outcome::Value(value)) => return Joined::Value(*value),
                Some(Outcome::Failed | Outcome::Retry) => return Joined::Alone,
                None if flight.take_lead() => return Joined::Lead(self.leader(flight)),
                None => landed.wait(),
            }
        }
    }

    fn leader(&self, flight: &Arc<Flight<u32>>) -> Leader<'_> {
        Leader {
            key: self,
            flight: Arc::clone(flight),
            settled: false,
        }
    }

    pub(crate) fn is_forgotten(&self) -> bool {
        self.joined.lock().unwrap().is_none()
    }
}

impl Leader<'_> {
    pub(crate) fn value(self, value: u32) {
        self.settle(Outcome::Value(value));
    }

    pub(crate) fn release(self) {
        self.settle(Outcome::Failed);
    }

    fn settle(mut self, outcome: Outcome<u32>) {
        detach(&mut self.key.joined.lock().unwrap(), &self.flight);
        self.flight.land(outcome);
        self.settled = true;
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let mut joined = self.key.joined.lock().unwrap();
        if self.flight.has_open_waiters() {
            self.flight.led.store(false, Ordering::SeqCst);
        } else {
            detach(&mut joined, &self.flight);
        }
        drop(joined);
        self.flight.landed.notify(usize::MAX);
    }
}

fn detach(joined: &mut Option<Arc<Flight<u32>>>, flight: &Arc<Flight<u32>>) {
    if joined.as_ref().is_some_and(|joined| Arc::ptr_eq(joined, flight)) {
        *joined = None;
    }
}
