//! The operations on entries that users call on a storage itself, without a ring.

use std::time::Duration;

use crate::call::{Store, awaited, blocking};
use crate::key::{EncodedKey, RingKey};
use crate::ring::DEFAULT_WRITE_TIMEOUT;
use crate::storage::{AsyncStorage, Storage};

/// The operations that users call on a blocking storage.
///
/// ```
/// use ring_cache_core::{Map, Verbs};
///
/// let users = Map::<String>::new();
/// Verbs::set(&users, &1_u32, "Ada".into(), None)?;
/// assert_eq!(Verbs::get(&users, &1_u32)?, Some("Ada".into()));
/// # Ok::<_, std::convert::Infallible>(())
/// ```
pub trait Verbs<T>: Storage<T> {
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
        set(self, EncodedKey::of(key), value, expiry)
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

impl<T, S: Storage<T>> Verbs<T> for S {}

/// [`Verbs::set`]
pub(crate) fn set<T, S: Storage<T>>(
    storage: &S,
    key: EncodedKey,
    value: T,
    expiry: Option<Duration>,
) -> Result<(), S::Error> {
    match Store::explicit(storage, key, Some(value), expiry, DEFAULT_WRITE_TIMEOUT) {
        Some(mut store) => blocking::run(storage, &mut store).1.map_or(Ok(()), Err),
        None => Ok(()),
    }
}

/// The operations that users call on an awaited storage: [`Verbs`], awaited.
#[allow(async_fn_in_trait)]
pub trait AsyncVerbs<T>: AsyncStorage<T> {
    /// The value under `key`, if there is one.
    async fn get<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<T>, Self::Error> {
        self.read(key, None).await
    }

    /// Puts a value under `key`, whatever is being computed for it.
    async fn set<K>(&self, key: &K, value: T, expiry: Option<Duration>) -> Result<(), Self::Error>
    where
        K: RingKey + ?Sized,
        Self: Sized,
    {
        let key = EncodedKey::of(key);
        match Store::explicit(self, key, Some(value), expiry, DEFAULT_WRITE_TIMEOUT) {
            Some(mut store) => awaited::run(self, &mut store).await.1.map_or(Ok(()), Err),
            None => Ok(()),
        }
    }

    /// Removes the entry under `key`, also one that is being computed. Returns whether there was one.
    async fn delete<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        let invalidation = self.flights().invalidate(key, DEFAULT_WRITE_TIMEOUT);
        let invalidation = invalidation.settle().await;
        invalidation.end(self.remove(key, None).await)
    }

    /// Whether there is an entry under `key`. It does not count as a use.
    async fn has<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        self.contains(key, None).await
    }

    /// Restarts the expiry of the entry under `key`; without an expiry the same as [`has`](Self::has).
    async fn touch<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Option<Duration>,
    ) -> Result<bool, Self::Error> {
        match expiry {
            Some(expiry) => self.renew(key, expiry, None).await,
            None => self.contains(key, None).await,
        }
    }
}

impl<T, S: AsyncStorage<T>> AsyncVerbs<T> for S {}
