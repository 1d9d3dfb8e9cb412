//! The default storage: a bounded cache in memory.
//!
//! Entries lie in shards, each behind its own lock. A hit takes a read lock only: it compares the parts of the key
//! with the bytes of the entry, records the use ([`policy`]) and clones the value. Evicted values are dropped after
//! the lock is released.

mod builder;
mod hints;
mod idle;
#[cfg(feature = "inspect")]
mod inspect;
mod policy;
mod shard;
mod tags;
mod weights;

use std::convert::Infallible;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use builder::LruBuilder;
pub use policy::Policy;
use shard::Shard;

use crate::clock::{NEVER, StorageClock};
use crate::flights::{Evicted, Flights, Gone, InPlace, Terms};
use crate::key::{EncodedKey, KeyBytes, Name, RingKey, hash_key, recorded_text, text_in_namespace};
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
    /// Apart from the rest, so that a hit follows one pointer.
    shards: Arc<[ReadersLock<Shard<T>>]>,
    /// The number of shards, a power of two, minus one.
    mask: usize,
    capacity: usize,
    clock: StorageClock,
    flights: Arc<Flights<T>>,
    /// The options that few caches use; `None` if the cache uses none of them.
    extras: Option<Arc<Extras<T>>>,
}

/// The result of a look-up: the entry's slot, its value and its deadline by expiry. The error is the slot of an entry
/// that has ended.
type Found<T> = Result<Option<(usize, T, u64)>, usize>;

/// Gets each entry that was evicted or had expired: its key as text, its value, and the reason.
type Listener<T> = dyn Fn(&str, T, EvictionReason) + Send + Sync;

/// The weight of a value.
type Weigher<T> = dyn Fn(&T) -> u32 + Send + Sync;

/// The options of the builder that few caches use.
struct Extras<T> {
    weigher: Option<Box<Weigher<T>>>,
    listener: Option<Box<Listener<T>>>,
    /// The time to idle: an entry that is not used for this long ends.
    idle: Option<Duration>,
}

impl<T> Extras<T> {
    /// Calls the listener, if there is one, with an entry that was evicted or had expired.
    fn tell(&self, gone: Evicted<T>, reason: EvictionReason) {
        if let Some(listener) = &self.listener {
            // Caught, since a panic of the listener must not affect the call that runs it.
            let told = || listener(&recorded_text(&gone.key), gone.value, reason);
            drop(catch_unwind(AssertUnwindSafe(told)));
        }
    }
}

/// A handle of the same entries.
impl<T> Clone for Lru<T> {
    fn clone(&self) -> Self {
        Lru {
            shards: Arc::clone(&self.shards),
            mask: self.mask,
            capacity: self.capacity,
            clock: self.clock.clone(),
            flights: Arc::clone(&self.flights),
            extras: self.extras.clone(),
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
        self.capacity
    }

    /// The number of entries, including expired ones that no operation has found yet.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }

    /// The total weight of the entries, by the weigher of [`LruBuilder::weigher`]. Without a weigher, each entry weighs
    /// one.
    pub fn weight(&self) -> u64 {
        self.shards.iter().map(|shard| shard.read().weight()).sum()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all entries, also those being computed.
    pub fn clear(&self) {
        let invalidation = self.flights.invalidate_all(DEFAULT_WRITE_TIMEOUT).block();
        self.drop_where(|_| true);
        let Ok(()) = invalidation.end(Ok::<_, Infallible>(()));
    }

    /// Checks the invariants, for tests.
    ///
    /// # Panics
    ///
    /// If an invariant is broken.
    #[cfg(any(test, feature = "testing"))]
    pub fn validate(&self) {
        self.shards.iter().for_each(|shard| shard.read().validate());
        assert!(self.len() <= self.capacity);
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
        let invalidation = self.flights.invalidate(key, DEFAULT_WRITE_TIMEOUT).block();
        let Ok(removed) = invalidation.end(Ok::<_, Infallible>(self.take(key)));
        removed
    }

    /// Whether there is a value under `key`. Not a use for the eviction policy.
    pub fn has<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        let hash = hash_key(key);
        let shard = self.shard(hash).read();
        shard
            .entry(hash, &|bytes| bytes.is(key))
            .is_some_and(|(slot, _)| !self.clock.is_past(shard.deadline(slot)))
    }

    fn facts(&self) -> &StorageFacts {
        self.flights.usage().facts()
    }

    #[inline]
    fn shard(&self, hash: u64) -> &ReadersLock<Shard<T>> {
        // The shard uses the lower half.
        &self.shards[(hash >> 32) as usize & self.mask]
    }

    /// Encodes a key before a write lock is taken: no code of the key's type may run under the lock.
    fn encode<K: RingKey + ?Sized>(&self, key: &K) -> EncodedKey {
        match key.as_recorded() {
            Some(recorded) => recorded.clone(),
            None => EncodedKey::of(key),
        }
    }

    /// Counts and reports an entry that is gone, unless it was removed or replaced while it was alive. Called without a lock.
    #[inline(always)]
    fn report(&self, gone: Evicted<T>) {
        let reason = if self.clock.is_past(gone.expires_at) {
            EvictionReason::Expired
        } else if gone.by_another_key {
            EvictionReason::Capacity
        } else {
            return;
        };
        self.flights.usage().lost(gone.key.ring_number(), reason);
        if let Some(extras) = &self.extras {
            extras.tell(gone, reason);
        }
    }

    /// The instant at which an entry that is used now ends if it is not used again; [`NEVER`] without a time to idle.
    #[inline]
    fn idle_until(&self) -> u64 {
        let idle = self.extras.as_ref().and_then(|extras| extras.idle);
        idle.map_or(NEVER, |idle| self.clock.deadline(Some(idle)))
    }

    /// Puts a value without a flight of this storage, and notes that the key's ring has an entry here.
    fn put<K: RingKey + ?Sized>(&self, key: &K, value: T, terms: Terms) {
        let (key, mut gone) = (self.encode(key), None);
        self.flights.usage().written(key.ring_number());
        self.write(&key, value, terms, &mut gone);
        self.count_gone(gone);
    }

    fn take<K: RingKey + ?Sized>(&self, key: &K) -> bool {
        let key = self.encode(key);
        let mut shard = self.shard(key.hash_value()).write();
        let removed = shard.find(&key).map(|slot| shard.remove(slot));
        drop(shard);
        self.was_alive(removed)
    }

    /// Counts and reports a removed entry. Returns whether there was one that had not expired. Called without a lock.
    fn was_alive(&self, removed: Option<Evicted<T>>) -> bool {
        removed.is_some_and(|removed| {
            self.facts().went(1);
            let was_alive = !self.clock.is_past(removed.expires_at);
            self.report(removed);
            was_alive
        })
    }

    fn drop_where(&self, concerns: impl Fn(&KeyBytes) -> bool) {
        // All entries are removed before any value is dropped: the drop of a value may panic.
        let dropped: Vec<_> = self
            .shards
            .iter()
            .map(|shard| shard.write().extract(&concerns))
            .collect();
        self.facts().went(dropped.iter().map(Vec::len).sum());
        drop(dropped);
    }

    /// Removes the entry of a slot that was seen to have expired. If another entry took the slot since, removes it
    /// only if it has expired as well.
    #[cold]
    fn expire<F>(&self, hash: u64, slot: usize) -> Option<F> {
        let mut shard = self.shard(hash).write();
        let removed = self
            .clock
            .is_past(shard.deadline(slot))
            .then(|| shard.remove(slot));
        drop(shard);
        if let Some(removed) = removed {
            self.facts().went(1);
            self.report(removed);
        }
        None
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
        let lock = self.shard(hash);
        let found = match lock.try_read_biased(thread_slot::current()) {
            Some(shard) => {
                let found = self.find_in(&shard, hash, is_key, version);
                if let Ok(Some((slot, ..))) = found {
                    shard.note_hint(slot);
                }
                found
            }
            // After recent writes, readers take the lock that writers take.
            None => {
                let shard = lock.read();
                let found = self.find_in(&shard, hash, is_key, version);
                if let Ok(Some(_)) = found {
                    lock.expect_reads(&shard);
                }
                found
            }
        };
        // An entry that has ended is removed without the lock.
        match found {
            Ok(found) => found.map(|(_, value, deadline)| (value, deadline)),
            Err(slot) => self.expire(hash, slot),
        }
    }

    #[inline(always)]
    fn find_in(
        &self,
        shard: &Shard<T>,
        hash: u64,
        is_key: &dyn Fn(&KeyBytes) -> bool,
        version: Option<u64>,
    ) -> Found<T> {
        let Some((slot, entry)) = shard.entry(hash, is_key) else {
            return Ok(None);
        };
        if self.clock.is_past(shard.deadline(slot)) {
            return Err(slot);
        }
        if version.is_some_and(|version| shard.version(slot) != version) {
            return Ok(None);
        }
        shard.note_use(entry);
        shard.note_idle(slot, || self.idle_until());
        Ok(Some((slot, entry.value().clone(), shard.expires_at(slot))))
    }
}

impl<T: Clone> StorageBase<T> for Lru<T> {
    type Error = Infallible;

    /// Keys are compared by their bytes, which are injective even where texts are not.
    const TEXT_KEYS: bool = false;

    fn flights(&self) -> &Flights<T> {
        &self.flights
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
        let hash = hash_key(key);
        let shard = self.shards.get((hash >> 32) as usize & self.mask)?;
        shard.try_read_biased(slot)?.hit(hash, key, life, &self.clock)
    }

    #[inline(always)]
    fn hit_of<K: RingKey + ?Sized>(&self, key: &K, life: Option<Duration>, version: u64) -> Option<T> {
        let slot = thread_slot::assigned()?;
        let hash = hash_key(key);
        let shard = self.shards.get((hash >> 32) as usize & self.mask)?;
        shard
            .try_read_biased(slot)?
            .hit_of(hash, key, life, &self.clock, version)
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
        let weigher = self.extras.as_ref().and_then(|extras| extras.weigher.as_ref());
        Some(Terms {
            expires_at: self.clock.deadline(expiry),
            idle_until: self.idle_until(),
            weight: weigher.map_or(1, |weigher| weigher(value)),
            version: 0,
        })
    }

    fn write(&self, key: &EncodedKey, value: T, terms: Terms, gone: &mut Gone<T>) {
        let mut shard = self.shard(key.hash_value()).write();
        let before = shard.len();
        shard.put(key, value, terms, gone);
        match before.checked_sub(shard.len()) {
            Some(0) => {}
            Some(fewer) => self.facts().went(fewer),
            None => self.facts().came(),
        }
    }

    #[inline]
    fn count_gone(&self, mut gone: Gone<T>) {
        let mut others = gone.as_mut().and_then(|first| first.next.take());
        if let Some(evicted) = gone {
            self.report(evicted);
        }
        while let Some(mut evicted) = others {
            others = evicted.next.take();
            self.report(*evicted);
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
        let Some(terms) = self.terms(&value, expiry) else {
            self.take(key);
            return Ok(());
        };
        self.put(key, value, terms);
        Ok(())
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Infallible> {
        Ok(self.take(key))
    }

    fn contains<K: RingKey + ?Sized>(&self, key: &K, _: Option<Instant>) -> Result<bool, Infallible> {
        Ok(self.has(key))
    }

    fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        _: Option<Instant>,
    ) -> Result<Option<Expiring<T>>, Infallible> {
        let found = self.find(key);
        Ok(found.map(|(value, deadline)| Expiring {
            value,
            remaining: self.clock.left(deadline),
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
        let hash = hash_key(key);
        let shard = self.shard(hash).read();
        let found = shard.entry(hash, &|bytes| bytes.is(key));
        Ok(found.is_some_and(|(slot, _)| {
            !self.clock.is_past(shard.deadline(slot)) && self.clock.is_fresh(shard.expires_at(slot), stale)
        }))
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
        let deadline = self.clock.deadline(Some(expiry));
        let key = self.encode(key);
        let hash = key.hash_value();
        let mut shard = self.shard(hash).write();
        let live = shard
            .find(&key)
            .filter(|&slot| !self.clock.is_past(shard.deadline(slot)));
        let renewed = live.map(|slot| {
            shard.set_deadline(slot, deadline);
            shard.note_idle(slot, || self.idle_until());
        });
        Ok(renewed.is_some())
    }
}

impl<T> Expires for Lru<T> {}

impl<T> TellsLife for Lru<T> {}

impl<T: Clone> Clear<T> for Lru<T> {
    fn clear_ring(&self, name: &Name) -> Result<(), Infallible> {
        self.drop_where(|key| key.belongs_to(name));
        Ok(())
    }
}

/// Omits keys and values.
impl<T> fmt::Debug for Lru<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lru")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
