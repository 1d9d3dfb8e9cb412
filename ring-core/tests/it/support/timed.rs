//! A storage with a deadline.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ring_cache_core::flights::Flights;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{AsyncStorage, Storage, StorageBase};
use ring_cache_core::{Error, RingKey};

use super::{Gate, simple_base, text};

/// Far longer than any test.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1_000);
/// The duration of every operation.
pub(crate) const TAKES: Duration = Duration::from_millis(40);

type Hook = Box<dyn FnOnce() + Send>;

/// It records the operations, their time limits, and the entries that were marked as suspect. Clones share everything
/// but the deadline.
#[derive(Clone)]
pub(crate) struct Timed {
    shared: Arc<Shared>,
    deadline: Duration,
}

#[derive(Default)]
struct Shared {
    entries: Mutex<HashMap<String, u32>>,
    /// Operations, with their time limits.
    asked: Mutex<Vec<(&'static str, Duration)>>,
    suspects: Mutex<Vec<String>>,
    gates: Mutex<HashMap<&'static str, Arc<Gate>>>,
    hooks: Mutex<HashMap<&'static str, Hook>>,
    flights: Flights<u32>,
}

impl Timed {
    pub(crate) fn new() -> Self {
        Timed {
            shared: Arc::default(),
            deadline: DEADLINE,
        }
    }

    /// The operations since the last request, with the part of the deadline spent before each.
    pub(crate) fn asked(&self) -> Vec<(&'static str, Duration)> {
        let asked = std::mem::take(&mut *self.shared.asked.lock().unwrap());
        let spent = |(operation, left)| (operation, DEADLINE - left);
        asked.into_iter().map(spent).collect()
    }

    /// The same storage, with a deadline of its own.
    pub(crate) fn with_deadline(&self, deadline: Duration) -> Self {
        Timed {
            deadline,
            ..self.clone()
        }
    }

    /// The keys of the entries that were marked as suspect.
    pub(crate) fn suspects(&self) -> Vec<String> {
        self.shared.suspects.lock().unwrap().clone()
    }

    pub(crate) fn entry(&self, key: &str) -> Option<u32> {
        self.shared.entries.lock().unwrap().get(key).copied()
    }

    /// The next awaited `operation` stops here after its effect.
    pub(crate) fn stop_after(&self, operation: &'static str) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        let mut gates = self.shared.gates.lock().unwrap();
        gates.insert(operation, Arc::clone(&gate));
        gate
    }

    /// Runs `hook` in the next `operation`, after its effect.
    pub(crate) fn after(&self, operation: &'static str, hook: impl FnOnce() + Send + 'static) {
        self.shared
            .hooks
            .lock()
            .unwrap()
            .insert(operation, Box::new(hook));
    }

    fn operate<R>(
        &self,
        operation: &'static str,
        until: Option<Instant>,
        effect: impl FnOnce(&mut HashMap<String, u32>) -> R,
    ) -> Result<R, Error> {
        let left = until.map_or(self.deadline, |until| {
            until.saturating_duration_since(Instant::now())
        });
        self.shared.asked.lock().unwrap().push((operation, left));
        sleep(TAKES);
        let result = effect(&mut self.shared.entries.lock().unwrap());
        let hook = self.shared.hooks.lock().unwrap().remove(operation);
        if let Some(hook) = hook {
            hook();
        }
        Ok(result)
    }

    async fn stop<R>(&self, operation: &'static str, result: R) -> R {
        let gate = self.shared.gates.lock().unwrap().remove(operation);
        if let Some(gate) = gate {
            gate.pass().await;
        }
        result
    }
}

impl StorageBase<u32> for Timed {
    type Error = Error;

    simple_base!(namespace stored_key eviction_counts watch);

    fn flights(&self) -> &Flights<u32> {
        &self.shared.flights
    }

    fn deadline(&self) -> Option<Duration> {
        Some(self.deadline)
    }

    fn mark_suspect(&self, key: &EncodedKey) {
        self.shared.suspects.lock().unwrap().push(text(key));
    }
}

impl Storage<u32> for Timed {
    fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<u32>, Error> {
        self.operate("read", until, |entries| entries.get(&text(key)).copied())
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: u32,
        _: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Error> {
        self.operate("write", until, |entries| _ = entries.insert(text(key), value))
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        self.operate("remove", until, |entries| entries.remove(&text(key)).is_some())
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        self.operate("contains", until, |entries| entries.contains_key(&text(key)))
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        self.operate("renew", until, |entries| entries.contains_key(&text(key)))
    }

    fn read_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<Option<u32>>, Error> {
        let read =
            |entries: &mut HashMap<_, _>| keys.iter().map(|key| entries.get(&text(key)).copied()).collect();
        self.operate("read_many", until, read)
    }

    fn write_many<K: RingKey>(
        &self,
        new: Vec<(K, u32, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<(), Error> {
        let new = new.into_iter().map(|(key, value, _)| (text(&key), value));
        self.operate("write_many", until, |entries| entries.extend(new))
    }

    fn remove_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>, Error> {
        let remove = |entries: &mut HashMap<_, _>| {
            keys.iter()
                .map(|key| entries.remove(&text(key)).is_some())
                .collect()
        };
        self.operate("remove_many", until, remove)
    }
}

impl AsyncStorage<u32> for Timed {
    async fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<u32>, Error> {
        self.stop("read", Storage::read(self, key, until)).await
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: u32,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Error> {
        self.stop("write", Storage::write(self, key, value, expiry, until))
            .await
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        self.stop("remove", Storage::remove(self, key, until)).await
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        Storage::contains(self, key, until)
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Error> {
        Storage::renew(self, key, expiry, until)
    }

    async fn read_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<u32>>, Error> {
        Storage::read_many(self, keys, until)
    }

    async fn write_many<K: RingKey>(
        &self,
        new: Vec<(K, u32, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<(), Error> {
        self.stop("write_many", Storage::write_many(self, new, until))
            .await
    }

    async fn remove_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>, Error> {
        Storage::remove_many(self, keys, until)
    }
}
