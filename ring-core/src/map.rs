//! An unbounded storage that can be inspected.

#[cfg(feature = "inspect")]
mod inspect;
mod tags;

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::time::{Duration, Instant};

use crate::clock::{Clock, StorageClock};
use crate::flights::Flights;
use crate::key::{EncodedKey, Name, RingKey, key_text};
use crate::ring::DEFAULT_WRITE_TIMEOUT;
use crate::storage::{
    ChangeObserver, Clear, EvictionCounts, Expires, Expiring, InMemory, Storage, StorageBase, TellsLife,
};
use crate::sync::{Arc, RwLock};

/// An unbounded storage by the text of the keys, for tests and for learning: its content can be inspected.
///
/// Clones are handles to the same entries.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::Map;
///
/// let map = Map::<u32>::new();
/// map.set(&("answer", 1_u8), 42);
/// assert_eq!(map.peek("('answer',1)"), Some(42));
/// assert_eq!(map.keys(), ["('answer',1)"]);
/// ```
pub struct Map<T> {
    shared: Arc<Shared<T>>,
    clock: StorageClock,
}

/// The common state of a map's clones.
struct Shared<T> {
    entries: RwLock<HashMap<Box<str>, Entry<T>>>,
    flights: Flights<T>,
}

/// A handle of the same entries.
impl<T> Clone for Map<T> {
    fn clone(&self) -> Self {
        Map {
            shared: Arc::clone(&self.shared),
            clock: self.clock.clone(),
        }
    }
}

struct Entry<T> {
    value: T,
    deadline: u64,
    /// The version of its tags; zero without tags.
    version: u64,
}

impl<T> Default for Map<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Map<T> {
    /// An empty map.
    pub fn new() -> Self {
        let flights = Flights::default();
        flights.usage().facts().count_entries(None);
        Map {
            shared: Arc::new(Shared {
                entries: RwLock::default(),
                flights,
            }),
            clock: StorageClock::default(),
        }
    }

    /// An empty map whose entries expire by `clock`.
    pub fn with_clock(clock: impl Clock + 'static) -> Self {
        Map {
            clock: StorageClock::Other(Arc::new(clock)),
            ..Self::new()
        }
    }

    /// The texts of all keys, sorted.
    pub fn keys(&self) -> Vec<String> {
        let entries = self.shared.entries.read();
        let live = entries
            .iter()
            .filter(|(_, entry)| !self.clock.is_past(entry.deadline));
        let mut keys: Vec<String> = live.map(|(key, _)| key.to_string()).collect();
        keys.sort_unstable();
        keys
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.shared
            .entries
            .read()
            .values()
            .filter(|entry| !self.clock.is_past(entry.deadline))
            .count()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all entries, also those being computed.
    pub fn clear(&self) {
        let invalidation = self.shared.flights.invalidate_all(DEFAULT_WRITE_TIMEOUT).block();
        let dropped = std::mem::take(&mut *self.shared.entries.write());
        self.shared.flights.usage().facts().went(dropped.len());
        let Ok(()) = invalidation.end(Ok::<_, Infallible>(()));
        drop(dropped);
    }

    /// The storage's backend: a memory storage is its own.
    pub fn backend(&self) -> &Self {
        self
    }

    /// Puts a value under `key`.
    pub fn set<K: RingKey + ?Sized>(&self, key: &K, value: T)
    where
        T: Clone,
    {
        let Ok(()) = Storage::set(self, key, value, None);
    }

    /// Removes the value under `key`. Returns whether there was an entry.
    pub fn delete<K: RingKey + ?Sized>(&self, key: &K) -> bool
    where
        T: Clone,
    {
        let invalidation = self.shared.flights.invalidate(key, DEFAULT_WRITE_TIMEOUT).block();
        let Ok(removed) = invalidation.end(Storage::remove(self, key, None));
        removed
    }

    /// Whether there is a value under `key`.
    pub fn has<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        let key = key_text(key);
        self.shared
            .entries
            .read()
            .get(&*key)
            .is_some_and(|entry| !self.clock.is_past(entry.deadline))
    }

    fn drop_where(&self, mut concerns: impl FnMut(&str) -> bool) {
        let mut entries = self.shared.entries.write();
        let dropped: Vec<_> = entries.extract_if(|key, _| concerns(key)).collect();
        drop(entries);
        self.shared.flights.usage().facts().went(dropped.len());
        drop(dropped);
    }
}

impl<T: Clone> Map<T> {
    /// The value under `key`.
    pub fn get<K: RingKey + ?Sized>(&self, key: &K) -> Option<T> {
        self.peek(&key_text(key))
    }

    /// The value under the key of this text.
    pub fn peek(&self, key: &str) -> Option<T> {
        let entries = self.shared.entries.read();
        entries
            .get(key)
            .filter(|entry| !self.clock.is_past(entry.deadline))
            .map(|entry| entry.value.clone())
    }
}

impl<T: Clone> Map<T> {
    fn put_of<K: RingKey + ?Sized>(&self, key: &K, value: T, expiry: Option<Duration>, version: u64) {
        if expiry == Some(Duration::ZERO) {
            let Ok(_) = Storage::remove(self, key, None);
            return;
        }
        let entry = Entry {
            value,
            deadline: self.clock.deadline(expiry),
            version,
        };
        let key = key_text(key).into_boxed_str();
        let replaced = self.shared.entries.write().insert(key, entry);
        if replaced.is_none() {
            self.shared.flights.usage().facts().came();
        }
        drop(replaced);
    }
}

impl<T: Clone> StorageBase<T> for Map<T> {
    type Error = Infallible;

    fn flights(&self) -> &Flights<T> {
        &self.shared.flights
    }

    fn namespace(&self) -> &str {
        ""
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        key_text(key)
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn eviction_counts(&self) -> EvictionCounts {
        EvictionCounts::default()
    }

    fn watch(&self, _: std::sync::Arc<dyn ChangeObserver>) -> bool {
        false
    }

    fn mark_suspect(&self, _: &EncodedKey) {}
}

impl<T> InMemory for Map<T> {}

impl<T: Clone> Storage<T> for Map<T> {
    fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<T>, Infallible> {
        Ok(self.get(key))
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Infallible> {
        self.put_of(key, value, expiry, 0);
        Ok(())
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Infallible> {
        let key = key_text(key);
        let removed = self.shared.entries.write().remove(&*key);
        self.shared
            .flights
            .usage()
            .facts()
            .went(usize::from(removed.is_some()));
        Ok(removed.is_some_and(|entry| !self.clock.is_past(entry.deadline)))
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Infallible> {
        Ok(self.has(key))
    }

    fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Option<Instant>,
    ) -> Result<Option<Expiring<T>>, Infallible> {
        let entries = self.shared.entries.read();
        let live = entries
            .get(&*key_text(key))
            .filter(|entry| !self.clock.is_past(entry.deadline));
        Ok(live.map(|entry| Expiring {
            value: entry.value.clone(),
            remaining: self.clock.left(entry.deadline),
        }))
    }

    fn read_of<K>(&self, key: &K, version: u64) -> Result<Option<Expiring<T>>, Infallible>
    where
        K: RingKey + ?Sized,
    {
        Ok(self.find_of(key, version))
    }

    fn write_of<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        version: u64,
    ) -> Result<(), Infallible> {
        self.put_of(key, value, expiry, version);
        Ok(())
    }

    fn contains_fresh<K: RingKey + ?Sized>(
        &self,
        key: &K,
        stale: Duration,
        _: Option<Instant>,
    ) -> Result<bool, Infallible> {
        let entries = self.shared.entries.read();
        let entry = entries.get(&*key_text(key));
        Ok(entry.is_some_and(|entry| self.clock.is_fresh(entry.deadline, stale)))
    }

    fn contains_fresh_many<K: RingKey>(
        &self,
        keys: &[K],
        stale: Duration,
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Infallible> {
        keys.iter()
            .map(|key| self.contains_fresh(key, stale, until))
            .collect()
    }

    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        _: Option<Instant>,
    ) -> Result<bool, Infallible> {
        let (key, deadline) = (key_text(key), self.clock.deadline(Some(expiry)));
        let mut entries = self.shared.entries.write();
        let entry = entries
            .get_mut(&*key)
            .filter(|entry| !self.clock.is_past(entry.deadline));
        Ok(entry.map(|entry| entry.deadline = deadline).is_some())
    }
}

impl<T> Expires for Map<T> {}

impl<T> TellsLife for Map<T> {}

impl<T: Clone> Clear<T> for Map<T> {
    fn clear_ring(&self, name: &Name) -> Result<(), Infallible> {
        self.drop_where(|key| {
            key.strip_prefix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        });
        Ok(())
    }
}

/// Omits values.
impl<T> fmt::Debug for Map<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("keys", &self.keys())
            .finish_non_exhaustive()
    }
}
