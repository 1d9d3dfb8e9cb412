//! The default storage: a bounded cache in memory.
//!
//! Entries lie in shards, each behind its own lock. A hit takes a read lock only: it compares the parts of the key
//! with the bytes of the entry, records the use ([`policy`]) and clones the value. Evicted values are dropped after
//! the lock is released.
//!
//! Code that depends on the type of the values is compiled for each type: it moves values, and nothing else. The rest
//! ([`untyped`], [`shard::Entries`], [`policy`]) is compiled once.

mod builder;
mod config;
mod head;
mod hints;
mod idle;
#[cfg(feature = "inspect")]
mod inspect;
mod policy;
mod shard;
mod tags;
mod untyped;
mod weights;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use builder::LruBuilder;
use config::Config;
pub use policy::Policy;
use shard::{Entries, Found, Shard};
use untyped::UntypedLru;

use crate::flights::{Departed, Evicted, Flights, Gone, InPlace, Terms};
use crate::key::{EncodedKey, KeyBytes, Name, RingKey, hash_key, text_in_namespace};
use crate::observer::EvictionReason;
use crate::ring::DEFAULT_WRITE_TIMEOUT;
use crate::storage::{
    ChangeObserver, Clear, EvictionCounts, Expires, Expiring, InMemory, Storage, StorageBase, TellsLife,
};
use crate::storage_facts::StorageFacts;
use crate::sync::{ReadersLock, thread_slot};

/// The default capacity of a ring's storage, as in the original.
pub const DEFAULT_CAPACITY: usize = 128;

/// A bounded cache in memory. The [`Policy`] chooses the entry to evict: by default a seldom used one, and up to 32
/// entries the least recently used one.
///
/// The number of entries never exceeds the capacity. Caches of more than 512 entries are split into shards, each with
/// its own order and a part of the capacity, so an entry may be evicted slightly before the whole cache is full.
///
/// It is a handle: a clone has the same entries.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::Lru;
///
/// let users = Lru::<String>::new(2);
/// users.set(&1_u32, "Ada".into());
/// users.set(&2_u32, "Grace".into());
/// users.get(&1_u32);
/// users.set(&3_u32, "Edsger".into());
/// assert!(users.has(&1_u32) && !users.has(&2_u32) && users.has(&3_u32));
/// ```
pub struct Lru<T> {
    shared: Arc<Shared<T>>,
}

/// What all handles of a cache share.
struct Shared<T> {
    shards: Vec<ReadersLock<Shard<T>>>,
    config: Config,
    flights: Flights<T>,
    weigher: Option<Box<Weigher<T>>>,
    listener: Option<Box<Listener<T>>>,
}

/// Gets entries that are gone, and a function that counts one and tells the reason: `None` if it is not to be reported.
type Listener<T> = dyn Fn(Evicted<T>, &dyn Fn(&Departed) -> Option<EvictionReason>) + Send + Sync;

/// The weight of a value.
type Weigher<T> = dyn Fn(&T) -> u32 + Send + Sync;

/// Encodes a key before a write lock is taken: no code of the key's type may run under the lock.
fn encode<K: RingKey + ?Sized>(key: &K) -> EncodedKey {
    match key.as_recorded() {
        Some(recorded) => recorded.clone(),
        None => EncodedKey::of(key),
    }
}

/// A handle of the same entries.
impl<T> Clone for Lru<T> {
    fn clone(&self) -> Self {
        Lru {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> Lru<T> {
    /// An empty cache for up to `capacity` entries. Memory is allocated as entries come.
    pub fn new(capacity: usize) -> Self {
        Self::builder().capacity(capacity).build()
    }

    /// Configures a cache: its capacity and more.
    pub fn builder() -> LruBuilder<T> {
        LruBuilder::default()
    }

    /// The greatest number of entries.
    pub fn capacity(&self) -> usize {
        self.shared.config.capacity
    }

    /// The number of entries, including expired ones that no operation has found yet.
    pub fn len(&self) -> usize {
        self.untyped().len()
    }

    /// The total weight of the entries, by the weigher of [`LruBuilder::weigher`]. Without a weigher, each entry weighs
    /// one.
    pub fn weight(&self) -> u64 {
        self.untyped().weight()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all entries, also those being computed.
    pub fn clear(&self) {
        let invalidation = self.flights().invalidate_all(DEFAULT_WRITE_TIMEOUT).block();
        self.drop_where(&|_| true);
        let Ok(()) = invalidation.end(Ok::<_, Infallible>(()));
    }

    /// Checks the invariants, for tests.
    ///
    /// # Panics
    ///
    /// If an invariant is broken.
    #[cfg(any(test, feature = "testing"))]
    pub fn validate(&self) {
        self.shared
            .shards
            .iter()
            .for_each(|shard| shard.read().validate());
        assert!(self.len() <= self.capacity());
        assert_eq!(self.facts().entries(), Some(self.len() as u64));
    }

    /// The storage's backend: a memory storage is its own.
    pub fn backend(&self) -> &Self {
        self
    }

    /// Puts a value under `key`. A computation of it under way is not stored.
    pub fn set<K: RingKey + ?Sized>(&self, key: &K, value: T)
    where
        T: Clone,
    {
        let Ok(()) = Storage::set(self, key, value, None);
    }

    /// Puts a value under `key` that expires after `expiry`. A zero expiry removes the entry.
    pub fn set_with_expiry<K: RingKey + ?Sized>(&self, key: &K, value: T, expiry: Duration)
    where
        T: Clone,
    {
        let Ok(()) = Storage::set(self, key, value, Some(expiry));
    }

    /// Removes the value under `key`. Returns whether there was an entry.
    pub fn delete<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        let invalidation = self.flights().invalidate(key, DEFAULT_WRITE_TIMEOUT).block();
        let removed = self.untyped().take(&encode(key));
        let Ok(removed) = invalidation.end(Ok::<_, Infallible>(removed));
        removed
    }

    /// Whether there is a value under `key`. Not a use for the eviction policy.
    pub fn has<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        let is_key = |bytes: &KeyBytes| bytes.is(key);
        self.untyped().has(hash_key(key), &is_key, &|_, _| true)
    }

    fn untyped(&self) -> &(dyn UntypedLru + '_) {
        self
    }

    #[inline(always)]
    fn flights(&self) -> &Flights<T> {
        &self.shared.flights
    }

    fn facts(&self) -> &StorageFacts {
        self.flights().usage().facts()
    }

    /// The shard with this number.
    #[inline]
    fn shard(&self, number: usize) -> &ReadersLock<Shard<T>> {
        &self.shared.shards[number]
    }

    /// Puts a value without a flight of this storage, and notes that the key's ring has an entry here.
    fn put(&self, key: &EncodedKey, value: T, terms: Terms) {
        let mut gone = None;
        self.flights().usage().written(key.ring_number());
        InPlace::write(self, key, value, terms, &mut gone);
        self.count_gone(gone);
    }

    fn drop_where(&self, concerns: &dyn Fn(&KeyBytes) -> bool) {
        // All entries are removed before any value is dropped: the drop of a value may panic.
        let mut dropped = Vec::new();
        for number in 0..=self.shared.config.mask {
            self.shard(number).write().extract(concerns, &mut dropped);
        }
        self.facts().went(dropped.len());
    }
}

impl<T> UntypedLru for Lru<T> {
    fn config(&self) -> &Config {
        &self.shared.config
    }

    fn read(&self, shard: usize, read: &mut dyn FnMut(&Entries)) {
        read(self.shard(shard).read().entries());
    }

    fn change(&self, shard: usize, change: &mut dyn FnMut(&mut Entries) -> Option<usize>) -> bool {
        // The lock is released at once: the value's drop and the listener run code of the user.
        let removed = self.shard(shard).write().change(change);
        let was_alive = match &removed {
            Some(removed) => self.shared.config.count_removed(self.facts(), &removed.entry),
            None => false,
        };
        self.count_gone(removed);
        was_alive
    }
}

/// A cache of [`DEFAULT_CAPACITY`] entries.
impl<T> Default for Lru<T> {
    fn default() -> Self {
        Self::new(DEFAULT_CAPACITY)
    }
}

impl<T: Clone> Lru<T> {
    /// The value under `key`.
    #[inline]
    pub fn get<K: RingKey + ?Sized>(&self, key: &K) -> Option<T> {
        let found = self.hit(key, Some(Duration::ZERO));
        found.or_else(|| self.find(key).map(|(value, _)| value))
    }

    /// The value under `key` and its deadline.
    #[inline]
    fn find<K: RingKey + ?Sized>(&self, key: &K) -> Option<(T, u64)> {
        self.find_by(hash_key(key), &|bytes| bytes.is(key), None)
    }

    /// The value under the key with this hash for which `is_key` is true, and its deadline. With a version, only of an entry
    /// that was stored with it. Compiled once for each type of values, not for each type of keys.
    #[inline]
    fn find_by(
        &self,
        hash: u64,
        is_key: &dyn Fn(&KeyBytes) -> bool,
        version: Option<u64>,
    ) -> Option<(T, u64)> {
        let config = &self.shared.config;
        let lock = self.shard(config.shard(hash));
        let found = match lock.try_read_biased(thread_slot::current()) {
            Some(shard) => {
                let found = shard.entries().look_up(hash, is_key, version, config);
                if let Found::Live(slot) = found {
                    shard.entries().note_hint(slot);
                    return shard.value_and_expiry(slot);
                }
                found
            }
            // After recent writes, readers take the lock that writers take.
            None => {
                let shard = lock.read();
                let found = shard.entries().look_up(hash, is_key, version, config);
                if let Found::Live(slot) = found {
                    lock.expect_reads(&shard);
                    return shard.value_and_expiry(slot);
                }
                found
            }
        };
        // An entry that has ended is removed without the lock.
        if let Found::Ended(slot) = found {
            self.untyped().expire(hash, slot);
        }
        None
    }

    /// A found value and its deadline.
    fn expiring(&self, (value, deadline): (T, u64)) -> Expiring<T> {
        Expiring {
            value,
            remaining: self.shared.config.clock.left(deadline),
        }
    }
}

impl<T: Clone> StorageBase<T> for Lru<T> {
    type Error = Infallible;

    /// Keys are compared by their bytes, which are injective even where texts are not.
    const TEXT_KEYS: bool = false;

    fn flights(&self) -> &Flights<T> {
        &self.shared.flights
    }

    fn namespace(&self) -> &str {
        ""
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        text_in_namespace("", key)
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn eviction_counts(&self) -> EvictionCounts {
        EvictionCounts::new(self.facts().evictions(), self.facts().expirations())
    }

    fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool {
        false
    }

    fn mark_suspect(&self, _: &EncodedKey) {}

    #[inline(always)]
    fn hit<K: RingKey + ?Sized>(&self, key: &K, life: Option<Duration>) -> Option<T> {
        let slot = thread_slot::assigned()?;
        let (hash, shared) = (hash_key(key), &*self.shared);
        let lock = shared.shards.get(shared.config.shard(hash))?;
        let shard = lock.try_read_biased(slot)?;
        let slot = shard.entries().hit(hash, key, life, &shared.config.clock, None)?;
        shard.values().get(slot).cloned()
    }

    #[inline(always)]
    fn hit_of<K: RingKey + ?Sized>(&self, key: &K, life: Option<Duration>, version: u64) -> Option<T> {
        let slot = thread_slot::assigned()?;
        let (hash, shared) = (hash_key(key), &*self.shared);
        let lock = shared.shards.get(shared.config.shard(hash))?;
        let shard = lock.try_read_biased(slot)?;
        let slot = shard
            .entries()
            .hit(hash, key, life, &shared.config.clock, Some(version))?;
        shard.values().get(slot).cloned()
    }

    fn in_place(&self) -> Option<&dyn InPlace<T>> {
        Some(self)
    }
}

impl<T> InMemory for Lru<T> {}

impl<T> InPlace<T> for Lru<T> {
    #[inline(always)]
    fn terms(&self, value: &T, expiry: Option<Duration>) -> Option<Terms> {
        if expiry == Some(Duration::ZERO) {
            return None;
        }
        let weight = match &self.shared.weigher {
            Some(weigher) => weigher(value),
            None => 1,
        };
        Some(self.shared.config.terms(expiry, weight))
    }

    fn write(&self, key: &EncodedKey, value: T, terms: Terms, gone: &mut Gone<T>) {
        let mut shard = self.shard(self.shared.config.shard(key.hash_value())).write();
        let before = shard.entries().len();
        shard.put(key, value, &terms, gone);
        self.facts().changed(before, shard.entries().len());
    }

    fn count_gone(&self, gone: Gone<T>) {
        let Some(evicted) = gone else { return };
        let (config, usage) = (&self.shared.config, self.flights().usage());
        if let Some(listener) = &self.shared.listener {
            return listener(evicted, &|entry| config.count_loss(usage, entry));
        }
        config.count_loss(usage, &evicted.entry);
        if let Some(later) = evicted.later {
            config.count_losses(usage, &later.entries);
        }
    }
}

impl<T: Clone> Storage<T> for Lru<T> {
    #[inline(always)]
    fn read<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<Option<T>, Infallible> {
        Ok(self.find(key).map(|(value, _)| value))
    }

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        _: Option<Instant>,
    ) -> Result<(), Infallible> {
        match self.terms(&value, expiry) {
            Some(terms) => self.put(&encode(key), value, terms),
            None => _ = self.untyped().take(&encode(key)),
        }
        Ok(())
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Infallible> {
        Ok(self.untyped().take(&encode(key)))
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Infallible> {
        Ok(self.has(key))
    }

    fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Option<Instant>,
    ) -> Result<Option<Expiring<T>>, Infallible> {
        Ok(self.find(key).map(|found| self.expiring(found)))
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
        let is_key = |bytes: &KeyBytes| bytes.is(key);
        Ok(self.untyped().has_fresh(hash_key(key), &is_key, stale))
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
        Ok(self.untyped().renew(&encode(key), expiry))
    }
}

impl<T> Expires for Lru<T> {}

impl<T> TellsLife for Lru<T> {}

impl<T: Clone> Clear<T> for Lru<T> {
    fn clear_ring(&self, name: &Name) -> Result<(), Infallible> {
        self.drop_where(&|key| key.belongs_to(name));
        Ok(())
    }
}

/// Omits keys and values.
impl<T> fmt::Debug for Lru<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.untyped().fmt(f)
    }
}
