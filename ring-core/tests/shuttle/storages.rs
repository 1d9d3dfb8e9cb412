//! Storages whose operations take time.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use ring_cache_core::clock::{Clock, ManualClock};
use ring_cache_core::flights::Flights;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{
    AsyncClear, AsyncStorage, ChangeObserver, Clear, EvictionCounts, Expires, Expiring, InMemory, Storage,
    StorageBase, TellsLife,
};
use ring_cache_core::{Key, Name, RingKey};

use crate::world::{others_may_run, pause};

fn text<K: RingKey + ?Sized>(key: &K) -> String {
    Key::of(key).to_string()
}

/// A value, and when it expires.
#[derive(Clone, Copy)]
struct Entry {
    value: u32,
    until: Option<Duration>,
}

/// Entries by the texts of their keys. Its lock is never contended.
#[derive(Default)]
pub(crate) struct Entries {
    values: Mutex<BTreeMap<String, Entry>>,
    clock: ManualClock,
    writes: AtomicUsize,
    flights: Flights<u32>,
}

impl Entries {
    fn by(clock: ManualClock) -> Arc<Self> {
        Arc::new(Entries {
            clock,
            ..Entries::default()
        })
    }

    fn read(&self, key: &str) -> Option<u32> {
        self.read_expiring(key).map(|found| found.value)
    }

    fn read_expiring(&self, key: &str) -> Option<Expiring<u32>> {
        let Entry { value, until } = self.values.lock().get(key).copied()?;
        let remaining = until.map(|until| until.saturating_sub(self.clock.now()));
        (remaining != Some(Duration::ZERO)).then_some(Expiring { value, remaining })
    }

    fn write(&self, key: String, value: u32, expiry: Option<Duration>) {
        let until = expiry.map(|expiry| self.clock.now() + expiry);
        self.values.lock().insert(key, Entry { value, until });
        self.writes.fetch_add(1, Ordering::SeqCst);
    }

    fn renew(&self, key: &str, expiry: Duration) -> bool {
        // Read before the lock is held: others may run.
        let until = Some(self.clock.now() + expiry);
        let mut values = self.values.lock();
        let entry = values.get_mut(key);
        entry.map(|entry| entry.until = until).is_some()
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
#[derive(Clone)]
pub(crate) struct Slow(pub(crate) Arc<Entries>);

impl Slow {
    pub(crate) fn new(clock: ManualClock) -> Self {
        Slow(Entries::by(clock))
    }
}

impl Expires for Slow {}
impl TellsLife for Slow {}

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
        expiry: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Infallible> {
        slowly(|| self.0.write(text(key), value, expiry))
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
        expiry: Duration,
        _: Option<Instant>,
    ) -> Result<bool, Infallible> {
        slowly(|| self.0.renew(&text(key), expiry))
    }

    fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Option<Instant>,
    ) -> Result<Option<Expiring<u32>>, Infallible> {
        slowly(|| self.0.read_expiring(&text(key)))
    }
}

impl Clear<u32> for Slow {
    fn clear_ring(&self, name: &Name) -> Result<(), Infallible> {
        slowly(|| self.0.clear_ring(name))
    }
}

/// A storage whose operations are awaited, before and after the effect: there they can be dropped, or held.
#[derive(Clone)]
pub(crate) struct Awaited(pub(crate) Arc<Entries>);

impl Awaited {
    pub(crate) fn new(clock: ManualClock) -> Self {
        Awaited(Entries::by(clock))
    }
}

impl Expires for Awaited {}
impl TellsLife for Awaited {}

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
        expiry: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Infallible> {
        awaited(|| self.0.write(text(key), value, expiry)).await
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
        expiry: Duration,
        _: Option<Instant>,
    ) -> Result<bool, Infallible> {
        awaited(|| self.0.renew(&text(key), expiry)).await
    }

    async fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Option<Instant>,
    ) -> Result<Option<Expiring<u32>>, Infallible> {
        awaited(|| self.0.read_expiring(&text(key))).await
    }
}

impl AsyncClear<u32> for Awaited {
    async fn clear_ring(&self, name: &Name) -> Result<(), Infallible> {
        awaited(|| self.0.clear_ring(name)).await
    }
}
