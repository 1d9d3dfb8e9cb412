//! A storage of pages as calls reach it: each entry lives as long as it says itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ring_cache_core::flights::Flights;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{AsyncStorage, ChangeObserver, EvictionCounts, StorageBase, View};
use ring_cache_core::{Error, RingKey};

use crate::coder;
use crate::stored::StoredResponse;

/// The form of an entry in a storage: itself, or its bytes.
pub trait Kept: Clone {
    /// The time for which the entry is of use.
    fn life(&self) -> Duration;
}

impl Kept for StoredResponse {
    fn life(&self) -> Duration {
        StoredResponse::life(self)
    }
}

impl Kept for Vec<u8> {
    fn life(&self) -> Duration {
        coder::life(self)
    }
}

/// The view `W`, whose writes expire by the life of the entry. A ring has one expiry for all, pages have their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed<W>(pub(crate) W);

impl<W: View<StoredResponse>> View<StoredResponse> for Timed<W> {
    type Held = W::Held;
    type Storage = Self;

    fn storage(&self) -> &Self {
        self
    }

    fn encode<K: RingKey + ?Sized>(&self, value: StoredResponse, key: &K) -> Result<W::Held, Error> {
        self.0.encode(value, key)
    }

    fn encode_ref<K: RingKey + ?Sized>(&self, value: &StoredResponse, key: &K) -> Result<W::Held, Error> {
        self.0.encode_ref(value, key)
    }

    fn decode<K: RingKey + ?Sized>(&self, held: W::Held, key: &K) -> Result<StoredResponse, Error> {
        self.0.decode(held, key)
    }
}

impl<T, W: View<StoredResponse, Held = T>> StorageBase<T> for Timed<W> {
    type Error = <W::Storage as StorageBase<T>>::Error;

    fn flights(&self) -> &Flights<T> {
        self.0.storage().flights()
    }

    fn namespace(&self) -> &str {
        self.0.storage().namespace()
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        self.0.storage().stored_key(key)
    }

    fn deadline(&self) -> Option<Duration> {
        self.0.storage().deadline()
    }

    fn eviction_counts(&self) -> EvictionCounts {
        self.0.storage().eviction_counts()
    }

    fn watch(&self, observer: Arc<dyn ChangeObserver>) -> bool {
        self.0.storage().watch(observer)
    }

    fn mark_suspect(&self, key: &EncodedKey) {
        self.0.storage().mark_suspect(key);
    }
}

impl<T, W> AsyncStorage<T> for Timed<W>
where
    T: Kept,
    W: View<StoredResponse, Held = T>,
    W::Storage: AsyncStorage<T>,
{
    async fn read<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<T>, Self::Error> {
        self.0.storage().read(key, until).await
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        _: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Self::Error> {
        let life = value.life();
        self.0.storage().write(key, value, Some(life), until).await
    }

    async fn remove<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        self.0.storage().remove(key, until).await
    }

    async fn contains<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        self.0.storage().contains(key, until).await
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        self.0.storage().renew(key, expiry, until).await
    }
}
