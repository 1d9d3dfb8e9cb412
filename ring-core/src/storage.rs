//! Storages: where rings keep their values.
//!
//! A storage implements the raw operations of [`Storage`], of [`AsyncStorage`], or of both, and owns a [`Flights`]. The
//! verbs for users are provided. They end computations under way: a computation that began before a `set` or a `delete`
//! is not stored after it. A ring reaches its storage through a [`View`]: memory storages hold values as they are, other
//! storages hold the bytes of a coder.

mod async_storage;
mod view;

pub use async_storage::{AsyncClear, AsyncStorage, InMemory};
pub use view::{Coded, CodedStorage, HasCoder, View};

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::call::{Store, blocking};
use crate::error::Failure;
use crate::flights::{Flights, InPlace};
use crate::key::{EncodedKey, RingKey};
use crate::name::Name;
use crate::ring::DEFAULT_WRITE_TIMEOUT;

/// What blocking and awaited storages have in common.
///
/// All methods but one are required, so that a storage that wraps another cannot forget to forward one.
pub trait StorageBase<T> {
    /// The error of operations: [`Infallible`](std::convert::Infallible) if they cannot fail.
    type Error: Failure;

    /// Whether two keys with the same text are the same key. A storage that compares the bytes of keys may say `false`.
    const TEXT_KEYS: bool = true;

    /// The computations that are under way. All handles to one storage return the same.
    fn flights(&self) -> &Flights<T>;

    /// The text before every key, such as `shop:`; empty without a namespace.
    ///
    /// [`Call::key`](crate::Call::key) shows it. The keys that raw operations get do not contain it.
    fn namespace(&self) -> &str;

    /// The text under which the storage keeps the entry of `key`: [`text_in_namespace`](crate::key::text_in_namespace),
    /// unless the storage cannot take every text.
    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String;

    /// The longest time that one plain call may keep this storage busy, look-up and store together. `None`: no limit.
    fn deadline(&self) -> Option<Duration>;

    /// The entries that the storage lost.
    fn eviction_counts(&self) -> EvictionCounts;

    /// Reports to `observer` what others do to the entries, from a thread of its own, until the observer
    /// [is gone](Observer::is_gone). Returns at once, with whether this storage can do so.
    fn watch(&self, observer: Arc<dyn Observer>) -> bool;

    /// Treats the entry of `key` as out of date from now on, without waiting, and removes it when possible.
    ///
    /// It is called where a write may have landed after a newer one and no call is left to remove it. A storage whose
    /// writes end with the operation that asked for them need not do anything.
    fn mark_suspect(&self, key: &EncodedKey);

    /// This storage as one that is written in place, if it is.
    #[doc(hidden)]
    fn in_place(&self) -> Option<&dyn InPlace<T>> {
        None
    }
}

/// Counts of the entries that a storage lost, since it was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EvictionCounts {
    /// Entries that other entries displaced.
    pub evictions: u64,
    /// Entries that were found to have expired.
    pub expirations: u64,
}

impl EvictionCounts {
    /// Counts of a storage.
    pub fn new(evictions: u64, expirations: u64) -> Self {
        EvictionCounts {
            evictions,
            expirations,
        }
    }
}

/// Receives what others do to a storage: see [`StorageBase::watch`].
pub trait Observer: Send + Sync {
    /// From now on all changes are reported.
    fn began(&self);
    /// Changes are not reported any more, and some may have been missed.
    fn ended(&self);
    /// The entry under this text was changed or removed.
    fn changed(&self, stored_key: &str);
    /// Any entry may have been changed or removed.
    fn all_changed(&self);
    /// All changes of before `at` were reported. Once this was called, what was reported counts for about a second longer:
    /// then it has to be confirmed again.
    fn confirmed(&self, at: Instant) {
        let _ = at;
    }
    /// The storage refuses to report changes, and why.
    fn refused(&self, reason: &str) {
        let _ = reason;
    }
    /// Whether the reports are not needed any more.
    fn is_gone(&self) -> bool;
}

/// A value, and its remaining life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring<T> {
    /// The value.
    pub value: T,
    /// The time after which it expires; `None` if it does not, or if the storage cannot tell.
    pub remaining: Option<Duration>,
}

/// A blocking storage of values `T` under keys of any type.
///
/// Implementors write the raw operations, which know nothing of computations under way. Users call the verbs: [`get`](Self::get), [`set`](Self::set), [`delete`](Self::delete),
/// [`has`](Self::has) and [`touch`](Self::touch).
///
/// All operations treat an expired entry as absent. They end at the instant `until`, with an error if they are not done
/// by then; without one, a storage with a [deadline](StorageBase::deadline) applies its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a blocking storage of `{T}`",
    label = "not a `Storage<{T}>`",
    note = "a storage that is awaited, an `AsyncStorage`, is for `async fn`"
)]
pub trait Storage<T>: StorageBase<T> {
    /// Raw: the value under `key`, if there is one.
    fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<T>, Self::Error>;

    /// Raw: puts a value under `key`, for `expiry` if there is one. A zero expiry removes the entry.
    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Self::Error>;

    /// Raw: removes the entry under `key`. Returns whether there was one.
    fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Self::Error>;

    /// Raw: whether there is an entry under `key`. It does not count as a use that protects the entry from eviction.
    fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Self::Error>;

    /// Raw: restarts the expiry of the entry under `key`. Returns whether there was one.
    ///
    /// Called only on storages that are [`Expires`].
    fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error>;

    /// Raw: the value under `key` and its remaining life.
    fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<Expiring<T>>, Self::Error> {
        let value = self.read(key, until)?;
        Ok(value.map(|value| Expiring {
            value,
            remaining: None,
        }))
    }

    /// Raw: the values under many keys, in the order of the keys.
    fn read_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<T>>, Self::Error> {
        keys.iter().map(|key| self.read(key, until)).collect()
    }

    /// Raw: [`read_expiring`](Self::read_expiring) for many keys, in the order of the keys.
    fn read_many_expiring<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<Option<Expiring<T>>>, Self::Error> {
        keys.iter().map(|key| self.read_expiring(key, until)).collect()
    }

    /// Raw: whether there is an entry under each of many keys.
    fn contains_many<K: RingKey>(
        &self,
        keys: &[K],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        keys.iter().map(|key| self.contains(key, until)).collect()
    }

    /// Raw: restarts the expiry of many entries. Returns for each whether there was one.
    fn renew_many<K: RingKey>(
        &self,
        entries: &[(K, Duration)],
        until: Option<Instant>,
    ) -> Result<Vec<bool>, Self::Error> {
        entries
            .iter()
            .map(|(key, expiry)| self.renew(key, *expiry, until))
            .collect()
    }

    /// Raw: puts many values, each with its expiry.
    fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<(), Self::Error> {
        entries
            .into_iter()
            .try_for_each(|(key, value, expiry)| self.write(&key, value, expiry, until))
    }

    /// Raw: removes many entries. Returns for each whether there was one.
    fn remove_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>, Self::Error> {
        keys.iter().map(|key| self.remove(key, until)).collect()
    }

    /// The value under `key`, if there is one.
    fn get<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<T>, Self::Error> {
        self.read(key, None)
    }

    /// Puts a value under `key`, whatever is being computed for it.
    fn set<K>(&self, key: &K, value: T, expiry: Option<Duration>) -> Result<(), Self::Error>
    where
        K: RingKey + ?Sized,
        Self: Sized,
    {
        let key = EncodedKey::of(key);
        match Store::explicit(self, key, Some(value), expiry, DEFAULT_WRITE_TIMEOUT) {
            Some(mut store) => blocking::run(self, &mut store).1.map_or(Ok(()), Err),
            None => Ok(()),
        }
    }

    /// Removes the entry under `key`, also one that is being computed. Returns whether there was one.
    fn delete<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        let invalidation = self.flights().invalidate(key, DEFAULT_WRITE_TIMEOUT).block();
        invalidation.end(self.remove(key, None))
    }

    /// Whether there is an entry under `key`. It does not count as a use.
    fn has<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        self.contains(key, None)
    }

    /// Restarts the expiry of the entry under `key`; without an expiry the same as [`has`](Self::has).
    fn touch<K: RingKey + ?Sized>(&self, key: &K, expiry: Option<Duration>) -> Result<bool, Self::Error> {
        match expiry {
            Some(expiry) => self.renew(key, expiry, None),
            None => self.contains(key, None),
        }
    }
}

/// A storage whose entries can expire. Without it `expire` and `expire_in` do not compile.
#[diagnostic::on_unimplemented(
    message = "entries of `{Self}` cannot expire",
    note = "leave out `expire`, or choose a storage whose entries can"
)]
pub trait Expires {}

/// A storage that can remove all entries of one ring. Without it `{method}_cache().clear()` does not compile.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot clear the entries of one ring")]
pub trait Clear<T>: Storage<T> {
    /// Raw: removes the entries of the ring `name`, and no others. No deadline applies.
    fn clear_ring(&self, name: &Name) -> Result<(), Self::Error>;
}
