//! A storage whose operations a test can delay.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use ring_cache::flights::Flights;
use ring_cache::key::EncodedKey;
use ring_cache::storage::{ChangeObserver, Clear, EvictionCounts, Expires, Storage, StorageBase};
use ring_cache::{Error, Map, Name, RingKey};

/// Long enough for any expected event, and short enough to wait for a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

type Hook = Arc<dyn Fn() + Send + Sync>;

/// A map whose operations wait at gates.
pub(crate) struct Gated<T> {
    pub(crate) map: Map<T>,
    deadline: Option<Duration>,
    hooks: Mutex<HashMap<&'static str, Hook>>,
    gates: Mutex<Gates>,
    changed: Condvar,
}

#[derive(Default)]
struct Gates {
    closed: Vec<&'static str>,
    begun: Vec<&'static str>,
    running: usize,
}

impl<T> Gated<T> {
    pub(crate) fn new() -> Self {
        Gated {
            map: Map::new(),
            deadline: None,
            hooks: Mutex::default(),
            gates: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// With a deadline, which the gates ignore.
    pub(crate) fn deadline(self, deadline: Duration) -> Self {
        Gated {
            deadline: Some(deadline),
            ..self
        }
    }

    /// From now on this operation waits.
    pub(crate) fn close(&self, operation: &'static str) {
        self.gates.lock().unwrap().closed.push(operation);
    }

    /// Releases all operations.
    pub(crate) fn open(&self) {
        self.gates.lock().unwrap().closed.clear();
        self.changed.notify_all();
    }

    /// Releases this operation.
    pub(crate) fn open_only(&self, operation: &'static str) {
        self.gates
            .lock()
            .unwrap()
            .closed
            .retain(|closed| *closed != operation);
        self.changed.notify_all();
    }

    /// Runs `hook` in every `operation`, before its effect.
    pub(crate) fn before(&self, operation: &'static str, hook: impl Fn() + Send + Sync + 'static) {
        self.hooks.lock().unwrap().insert(operation, Arc::new(hook));
    }

    /// The begun operations, in order.
    pub(crate) fn begun(&self) -> Vec<&'static str> {
        self.gates.lock().unwrap().begun.clone()
    }

    pub(crate) fn running(&self) -> usize {
        self.gates.lock().unwrap().running
    }

    fn pass(&self, operation: &'static str) {
        let mut gates = self.gates.lock().unwrap();
        gates.begun.push(operation);
        gates.running += 1;
        let closed = |gates: &mut Gates| gates.closed.contains(&operation);
        let (mut gates, waited) = self.changed.wait_timeout_while(gates, PATIENCE, closed).unwrap();
        gates.running -= 1;
        drop(gates);
        assert!(!waited.timed_out(), "the gate was not opened");
        let hook = self.hooks.lock().unwrap().get(operation).cloned();
        if let Some(hook) = hook {
            hook();
        }
    }
}

impl<T: Clone> StorageBase<T> for Gated<T> {
    type Error = Error;

    fn flights(&self) -> &Flights<T> {
        self.map.flights()
    }

    fn namespace(&self) -> &str {
        self.map.namespace()
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        self.map.stored_key(key)
    }

    fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    fn eviction_counts(&self) -> EvictionCounts {
        EvictionCounts::default()
    }

    fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool {
        false
    }

    fn mark_suspect(&self, key: &EncodedKey) {
        let Ok(_) = self.map.remove(key, None);
    }
}

impl<T: Clone> Storage<T> for Gated<T> {
    fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<T>, Error> {
        self.pass("read");
        Ok(self.map.read(key, until)?)
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Error> {
        self.pass("write");
        Ok(self.map.write(key, value, expiry, until)?)
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        self.pass("remove");
        Ok(self.map.remove(key, until)?)
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        self.pass("contains");
        Ok(self.map.contains(key, until)?)
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        self.pass("renew");
        Ok(self.map.renew(key, expiry, until)?)
    }
}

impl<T> Expires for Gated<T> {}

impl<T: Clone> Clear<T> for Gated<T> {
    fn clear_ring(&self, name: &Name) -> Result<(), Error> {
        self.pass("clear");
        Ok(self.map.clear_ring(name)?)
    }
}
