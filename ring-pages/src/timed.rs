//! A storage of pages as calls reach it: each entry lives as long as it says itself, and has tags of its own.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ring_cache_core::flights::Flights;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{
    Asked, AsyncStorage, ChangeObserver, EvictionCounts, Seen, StorageBase, View,
};
use ring_cache_core::{Error, RingKey, Tag};

use crate::coder;
use crate::keeping::KeepsTags;
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

/// The view `W` of a storage for one entry: its writes expire by the life of the entry, and it knows the entry's tags. A
/// ring has one expiry for all, pages have their own.
#[derive(Debug)]
pub(crate) struct Timed<W, G> {
    view: W,
    tags: Arc<[Tag]>,
    seen: Arc<Seen>,
    keeping: PhantomData<fn() -> G>,
}

impl<W, G> Timed<W, G> {
    /// `version` is that of the tags, if it was read before.
    pub(crate) fn new(view: W, tags: Arc<[Tag]>, version: Option<u64>) -> Self {
        Timed {
            view,
            tags,
            seen: Arc::new(version.map_or_else(Seen::default, Seen::fixed)),
            keeping: PhantomData,
        }
    }

    /// The version of the tags that was read; `None` if it is not known, or if there are no tags.
    pub(crate) fn version(&self) -> Option<u64> {
        self.asked().seen().filter(|_| self.has_tags())
    }

    fn has_tags(&self) -> bool {
        !self.tags.is_empty()
    }

    fn asked(&self) -> Asked<'_> {
        Asked::new(&self.tags, &self.seen)
    }
}

impl<W: Clone, G> Clone for Timed<W, G> {
    fn clone(&self) -> Self {
        Timed {
            view: self.view.clone(),
            tags: Arc::clone(&self.tags),
            seen: Arc::clone(&self.seen),
            keeping: PhantomData,
        }
    }
}

impl<W: View<StoredResponse>, G> View<StoredResponse> for Timed<W, G> {
    type Stored = W::Stored;
    type Storage = Self;

    const TAGGED: bool = true;

    fn storage(&self) -> &Self {
        self
    }

    fn encode<K: RingKey + ?Sized>(&self, value: StoredResponse, key: &K) -> Result<W::Stored, Error> {
        self.view.encode(value, key)
    }

    fn encode_ref<K: RingKey + ?Sized>(&self, value: &StoredResponse, key: &K) -> Result<W::Stored, Error> {
        self.view.encode_ref(value, key)
    }

    fn decode<K: RingKey + ?Sized>(&self, held: W::Stored, key: &K) -> Result<StoredResponse, Error> {
        self.view.decode(held, key)
    }
}

impl<T, W: View<StoredResponse, Stored = T>, G> StorageBase<T> for Timed<W, G> {
    type Error = <W::Storage as StorageBase<T>>::Error;

    fn flights(&self) -> &Flights<T> {
        self.view.storage().flights()
    }

    fn namespace(&self) -> &str {
        self.view.storage().namespace()
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        self.view.storage().stored_key(key)
    }

    fn deadline(&self) -> Option<Duration> {
        self.view.storage().deadline()
    }

    fn eviction_counts(&self) -> EvictionCounts {
        self.view.storage().eviction_counts()
    }

    fn watch(&self, observer: Arc<dyn ChangeObserver>) -> bool {
        self.view.storage().watch(observer)
    }

    fn mark_suspect(&self, key: &EncodedKey) {
        self.view.storage().mark_suspect(key);
    }

    fn version<K: RingKey + ?Sized>(&self, _: &K) -> u64 {
        Timed::version(self).unwrap_or_default()
    }

    fn fix_version<K: RingKey + ?Sized>(&self, _: &K) {
        self.seen.fix();
    }
}

/// What concerns tags is boxed: the futures of other pages stay small, and all of them shallow, as layouts are computed in the
/// crates of those who use this.
impl<T, W, G> AsyncStorage<T> for Timed<W, G>
where
    T: Kept,
    W: View<StoredResponse, Stored = T>,
    W::Storage: AsyncStorage<T>,
    G: KeepsTags<T, W::Storage>,
{
    async fn see_versions<K: RingKey>(&self, _: &[K], until: Option<Instant>) -> Result<(), Self::Error> {
        if self.has_tags() && self.version().is_none() {
            Box::pin(G::see(self.view.storage(), self.asked(), until)).await?;
        }
        Ok(())
    }

    async fn read<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<Option<T>, Self::Error> {
        if self.has_tags() {
            return Box::pin(G::read(self.view.storage(), key, self.asked(), until)).await;
        }
        self.view.storage().read(key, until).await
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        _: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Self::Error> {
        let life = value.life();
        if self.has_tags() {
            return Box::pin(G::write(
                self.view.storage(),
                key,
                (value, life),
                self.asked(),
                until,
            ))
            .await;
        }
        self.view.storage().write(key, value, Some(life), until).await
    }

    async fn remove<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        if self.has_tags() {
            return Box::pin(G::remove(self.view.storage(), key, until)).await;
        }
        self.view.storage().remove(key, until).await
    }

    async fn contains<K: RingKey + ?Sized>(
        &self,
        key: &K,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        Ok(self.read(key, until).await?.is_some())
    }

    async fn renew<K: RingKey + ?Sized>(
        &self,
        key: &K,
        expiry: Duration,
        until: Option<Instant>,
    ) -> Result<bool, Self::Error> {
        Ok(self.contains(key, until).await? && self.view.storage().renew(key, expiry, until).await?)
    }
}
