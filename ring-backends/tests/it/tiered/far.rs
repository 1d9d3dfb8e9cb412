//! A far storage whose single operations a test can hold and fail, and that reports changes.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use ring_cache::flights::Flights;
use ring_cache::key::EncodedKey;
use ring_cache::storage::{
    AsyncClear, AsyncStorage, ChangeObserver, Clear, EvictionCounts, Expires, Expiring, Storage, StorageBase,
};
use ring_cache::{Error, Map, Name, RingKey};
use tokio::sync::watch;

use crate::blocking::run;

type Result<T> = std::result::Result<T, Error>;

/// A map of bytes whose operations stop where they are held. Clones are handles to one storage.
#[derive(Clone)]
pub(crate) struct Far(Arc<Held>);

struct Held {
    map: Map<Vec<u8>>,
    /// Where the next operation stops: `read` before its effect, `read done` after it.
    holds: Mutex<Vec<String>>,
    /// Where operations stopped or passed.
    reached: Mutex<Vec<String>>,
    /// The number of releases of stopped operations.
    released: watch::Sender<usize>,
    /// Where operations fail.
    failing: Mutex<Vec<String>>,
    tells: bool,
    observer: OnceLock<Arc<dyn ChangeObserver>>,
}

impl Far {
    pub(crate) fn new() -> Self {
        Self::with(Map::new(), false)
    }

    /// A storage that reports changes to [`observer`](Self::observer).
    pub(crate) fn telling() -> Self {
        Self::with(Map::new(), true)
    }

    pub(crate) fn with(map: Map<Vec<u8>>, tells: bool) -> Self {
        Far(Arc::new(Held {
            map,
            holds: Mutex::default(),
            reached: Mutex::default(),
            released: watch::Sender::default(),
            failing: Mutex::default(),
            tells,
            observer: OnceLock::new(),
        }))
    }

    pub(crate) fn map(&self) -> &Map<Vec<u8>> {
        &self.0.map
    }

    pub(crate) fn observer(&self) -> &dyn ChangeObserver {
        &**self.0.observer.get().expect("it was used")
    }

    /// Holds the next operation at `place`.
    pub(crate) fn hold(&self, place: &str) {
        self.0.holds.lock().unwrap().push(place.to_owned());
    }

    /// Releases all held operations.
    pub(crate) fn release(&self) {
        self.0.holds.lock().unwrap().clear();
        self.0.released.send_modify(|times| *times += 1);
    }

    /// From now on operations fail at `place`.
    pub(crate) fn fail(&self, place: &str) {
        self.0.failing.lock().unwrap().push(place.to_owned());
    }

    /// From now on nothing fails.
    pub(crate) fn recover(&self) {
        self.0.failing.lock().unwrap().clear();
    }

    /// The number of operations that reached `place`.
    pub(crate) fn count(&self, place: &str) -> usize {
        let reached = self.0.reached.lock().unwrap();
        reached.iter().filter(|other| *other == place).count()
    }

    async fn pass(&self, place: &str) -> Result<()> {
        let mut released = self.0.released.subscribe();
        released.mark_unchanged();
        let is_held = {
            let mut holds = self.0.holds.lock().unwrap();
            let held = holds.iter().position(|other| other == place);
            held.map(|held| holds.remove(held)).is_some()
        };
        self.0.reached.lock().unwrap().push(place.to_owned());
        if is_held {
            let _ = released.changed().await;
        }
        let fails = self.0.failing.lock().unwrap().iter().any(|other| other == place);
        match fails {
            true => Err(Error::storage("far", "test", "it is to fail")),
            false => Ok(()),
        }
    }

    async fn act<T, E: Into<Error>>(
        &self,
        name: &str,
        act: impl FnOnce(&Map<Vec<u8>>) -> std::result::Result<T, E>,
    ) -> Result<T> {
        self.pass(name).await?;
        let done = act(self.map()).map_err(Into::into)?;
        self.pass(&format!("{name} done")).await?;
        Ok(done)
    }
}

impl StorageBase<Vec<u8>> for Far {
    type Error = Error;

    fn flights(&self) -> &Flights<Vec<u8>> {
        self.map().flights()
    }

    fn namespace(&self) -> &str {
        self.map().namespace()
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        self.map().stored_key(key)
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn eviction_counts(&self) -> EvictionCounts {
        EvictionCounts::default()
    }

    fn mark_suspect(&self, _: &EncodedKey) {}

    fn watch(&self, observer: Arc<dyn ChangeObserver>) -> bool {
        self.0.tells && self.0.observer.set(observer).is_ok()
    }
}

impl Expires for Far {}

impl AsyncStorage<Vec<u8>> for Far {
    async fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<Vec<u8>>> {
        self.act("read", |map| Storage::read(map, key, until)).await
    }

    async fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<Expiring<Vec<u8>>>> {
        self.act("read", |map| Storage::read_expiring(map, key, until))
            .await
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<()> {
        self.act("write", |map| Storage::write(map, key, value, expiry, until))
            .await
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool> {
        self.act("remove", |map| Storage::remove(map, key, until)).await
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool> {
        self.act("contains", |map| Storage::contains(map, key, until))
            .await
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool> {
        self.act("renew", |map| Storage::renew(map, key, expiry, until))
            .await
    }
}

impl AsyncClear<Vec<u8>> for Far {
    async fn clear_ring(&self, name: &'static Name) -> Result<()> {
        self.act("clear", |map| Clear::clear_ring(map, name)).await
    }
}

impl Storage<Vec<u8>> for Far {
    fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<Vec<u8>>> {
        run(AsyncStorage::read(self, key, until))
    }

    fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<Expiring<Vec<u8>>>> {
        run(AsyncStorage::read_expiring(self, key, until))
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: Vec<u8>,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<()> {
        run(AsyncStorage::write(self, key, value, expiry, until))
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool> {
        run(AsyncStorage::remove(self, key, until))
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool> {
        run(AsyncStorage::contains(self, key, until))
    }

    fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration, until: Option<Instant>) -> Result<bool> {
        run(AsyncStorage::renew(self, key, expiry, until))
    }
}

impl Clear<Vec<u8>> for Far {
    fn clear_ring(&self, name: &Name) -> Result<()> {
        run(self.act("clear", |map| Clear::clear_ring(map, name)))
    }
}
