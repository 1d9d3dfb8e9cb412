//! Storages whose operations take time.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use ring_cache_core::flights::Flights;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{
    AsyncClear, AsyncStorage, ChangeObserver, Clear, EvictionCounts, InMemory, Storage, StorageBase,
};
use ring_cache_core::{Key, Name, RingKey};

use crate::world::{others_may_run, pause};

fn text<K: RingKey + ?Sized>(key: &K) -> String {
    Key::of(key).to_string()
}

/// Entries by the texts of their keys. Its lock is never contended.
#[derive(Default)]
pub(crate) struct Entries {
    values: Mutex<BTreeMap<String, u32>>,
    writes: AtomicUsize,
    flights: Flights<u32>,
}

impl Entries {
    fn read(&self, key: &str) -> Option<u32> {
        self.values.lock().get(key).copied()
    }

    fn write(&self, key: String, value: u32) {
        self.values.lock().insert(key, value);
        self.writes.fetch_add(1, Ordering::SeqCst);
    }

    /// The number of stored values.
    pub(crate) fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    fn remove(&self, key: &str) -> bool {
        self.values.lock().remove(key).is_some()
    }

    fn clear_ring(&self, name: &Name) {
        self.values
            .lock()
            .retain(|key, _| !key.starts_with(name.as_str()));
    }
}

/// A storage in whose operations others may run, before and after the effect.
#[derive(Clone, Default)]
pub(crate) struct Slow(pub(crate) Arc<Entries>);

fn slowly<T>(effect: impl FnOnce() -> T) -> Result<T, Infallible> {
    others_may_run();
    let result = effect();
    others_may_run();
    Ok(result)
}

impl StorageBase<u32> for Slow {
    type Error = Infallible;

    fn flights(&self) -> &Flights<u32> {
        &self.0.flights
    }

    fn namespace(&self) -> &str {
        ""
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        text(key)
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn eviction_counts(&self) -> EvictionCounts {
        EvictionCounts::default()
    }

    fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool {
        false
    }

    fn mark_suspect(&self, _: &EncodedKey) {}
}

/// Shared by threads and tasks: either may be the later one in a schedule.
impl InMemory for Slow {}

impl Storage<u32> for Slow {
    fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<u32>, Infallible> {
        slowly(|| self.0.read(&text(key)))
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: u32,
        _: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Infallible> {
        slowly(|| self.0.write(text(key), value))
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Infallible> {
        slowly(|| self.0.remove(&text(key)))
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Infallible> {
        slowly(|| self.0.read(&text(key)).is_some())
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Infallible> {
        Storage::contains(self, key, until)
    }
}

impl Clear<u32> for Slow {
    fn clear_ring(&self, name: &Name) -> Result<(), Infallible> {
        slowly(|| self.0.clear_ring(name))
    }
}

/// A storage whose operations are awaited, before and after the effect: there they can be dropped, or held.
#[derive(Clone, Default)]
pub(crate) struct Awaited(pub(crate) Arc<Entries>);

async fn awaited<T>(effect: impl FnOnce() -> T) -> Result<T, Infallible> {
    pause().await;
    let result = effect();
    pause().await;
    Ok(result)
}

impl StorageBase<u32> for Awaited {
    type Error = Infallible;

    fn flights(&self) -> &Flights<u32> {
        &self.0.flights
    }

    fn namespace(&self) -> &str {
        ""
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        text(key)
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn eviction_counts(&self) -> EvictionCounts {
        EvictionCounts::default()
    }

    fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool {
        false
    }

    fn mark_suspect(&self, _: &EncodedKey) {}
}

impl AsyncStorage<u32> for Awaited {
    async fn read<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Option<Instant>,
    ) -> Result<Option<u32>, Infallible> {
        awaited(|| self.0.read(&text(key))).await
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: u32,
        _: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Infallible> {
        awaited(|| self.0.write(text(key), value)).await
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Infallible> {
        awaited(|| self.0.remove(&text(key))).await
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Infallible> {
        awaited(|| self.0.read(&text(key)).is_some()).await
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Infallible> {
        AsyncStorage::contains(self, key, until).await
    }
}

impl AsyncClear<u32> for Awaited {
    async fn clear_ring(&self, name: &Name) -> Result<(), Infallible> {
        awaited(|| self.0.clear_ring(name)).await
    }
}
