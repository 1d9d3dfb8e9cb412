//! The awaited counterpart of [`Remote`](super::Remote).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ring_cache_core::flights::Flights;
use ring_cache_core::storage::{AsyncClear, AsyncStorage, Expires, StorageBase};
use ring_cache_core::{Error, Name, RingKey};

use super::{Gate, pause, simple_base, text};

/// The moment of an event in an operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Moment {
    Before,
    After,
}

/// A storage like a remote one, whose operations yield before and after their effect: it can fail, panic and hang.
pub(crate) struct AsyncRemote<T> {
    pub(crate) entries: Mutex<HashMap<String, T>>,
    failing: Mutex<HashSet<&'static str>>,
    panics: Mutex<HashSet<&'static str>>,
    gates: Mutex<HashMap<(&'static str, Moment), Arc<Gate>>>,
    operations: Mutex<Vec<&'static str>>,
    flights: Flights<T>,
}

impl<T> AsyncRemote<T> {
    pub(crate) fn new() -> Self {
        AsyncRemote {
            entries: Mutex::default(),
            failing: Mutex::default(),
            panics: Mutex::default(),
            gates: Mutex::default(),
            operations: Mutex::default(),
            flights: Flights::default(),
        }
    }

    /// From now on these operations fail.
    pub(crate) fn fail(&self, operations: &[&'static str]) {
        *self.failing.lock().unwrap() = operations.iter().copied().collect();
    }

    /// The next `operation` panics.
    pub(crate) fn panic_once(&self, operation: &'static str) {
        self.panics.lock().unwrap().insert(operation);
    }

    /// The next `operation` stops here before its effect.
    pub(crate) fn stop_before(&self, operation: &'static str) -> Arc<Gate> {
        self.stop(operation, Moment::Before)
    }

    /// The next `operation` stops here after its effect.
    pub(crate) fn stop_after(&self, operation: &'static str) -> Arc<Gate> {
        self.stop(operation, Moment::After)
    }

    fn stop(&self, operation: &'static str, moment: Moment) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        let mut gates = self.gates.lock().unwrap();
        gates.insert((operation, moment), Arc::clone(&gate));
        gate
    }

    /// The operations since the last request.
    pub(crate) fn operations(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.operations.lock().unwrap())
    }

    /// Does `effect` in the middle of `operation`.
    async fn operate<R>(
        &self,
        operation: &'static str,
        effect: impl FnOnce(&mut HashMap<String, T>) -> R,
    ) -> Result<R, Error> {
        self.operations.lock().unwrap().push(operation);
        pause().await;
        self.pass(operation, Moment::Before).await;
        let panics = self.panics.lock().unwrap().remove(operation);
        assert!(!panics, "the storage panics");
        if self.failing.lock().unwrap().contains(operation) {
            return Err(Error::storage("remote", operation, "connection refused"));
        }
        let result = effect(&mut self.entries.lock().unwrap());
        pause().await;
        self.pass(operation, Moment::After).await;
        Ok(result)
    }

    async fn pass(&self, operation: &'static str, moment: Moment) {
        let gate = self.gates.lock().unwrap().remove(&(operation, moment));
        if let Some(gate) = gate {
            gate.pass().await;
        }
    }
}

impl<T: Clone> StorageBase<T> for AsyncRemote<T> {
    type Error = Error;

    simple_base!(namespace stored_key deadline eviction_counts watch mark_suspect);

    fn flights(&self) -> &Flights<T> {
        &self.flights
    }
}

impl<T: Clone> AsyncStorage<T> for AsyncRemote<T> {
    async fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<T>, Error> {
        let key = text(key);
        self.operate("read", |entries| entries.get(&key).cloned()).await
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        _: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Error> {
        let key = text(key);
        self.operate("write", |entries| drop(entries.insert(key, value)))
            .await
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        let key = text(key);
        self.operate("remove", |entries| entries.remove(&key).is_some())
            .await
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Error> {
        let key = text(key);
        self.operate("contains", |entries| entries.contains_key(&key))
            .await
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Duration,
        _: Option<Instant>,
    ) -> Result<bool, Error> {
        let key = text(key);
        self.operate("renew", |entries| entries.contains_key(&key)).await
    }

    async fn read_many<K: RingKey>(&self, keys: &[K], _: Option<Instant>) -> Result<Vec<Option<T>>, Error> {
        let keys: Vec<_> = keys.iter().map(text).collect();
        self.operate("read_many", |entries| {
            keys.iter().map(|key| entries.get(key).cloned()).collect()
        })
        .await
    }

    async fn write_many<K: RingKey>(
        &self,
        new: Vec<(K, T, Option<Duration>)>,
        _: Option<Instant>,
    ) -> Result<(), Error> {
        let new: Vec<_> = new
            .into_iter()
            .map(|(key, value, _)| (text(&key), value))
            .collect();
        self.operate("write_many", |entries| entries.extend(new)).await
    }

    async fn remove_many<K: RingKey>(&self, keys: &[K], _: Option<Instant>) -> Result<Vec<bool>, Error> {
        let keys: Vec<_> = keys.iter().map(text).collect();
        self.operate("remove_many", |entries| {
            keys.iter().map(|key| entries.remove(key).is_some()).collect()
        })
        .await
    }
}

impl<T> Expires for AsyncRemote<T> {}

impl<T: Clone> AsyncClear<T> for AsyncRemote<T> {
    async fn clear_ring(&self, name: &Name) -> Result<(), Error> {
        self.operate("clear", |entries| {
            entries.retain(|key, _| !key.starts_with(name.as_str()));
        })
        .await
    }
}
