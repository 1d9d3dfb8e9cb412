//! Two tiers as a ring sees them, through its coder.

mod awaited;
mod blocking;
mod many;
mod steps;

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use ring_cache_core::coder::Coder;

use ring_cache_core::flights::Flights;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::{
    ChangeObserver, EvictionCounts, Expires, HasCoder, InMemory, Storage, StorageBase, View,
};
use ring_cache_core::{Error, RingKey};

use super::Tiered;

/// [`Tiered`] storages as a ring with the coder `C` sees them: what `call.storage()` gives. It derefs to them.
pub struct TieredView<'s, N, F, C> {
    tiered: &'s Tiered<N, F>,
    coder: PhantomData<fn() -> C>,
}

/// A memory storage of values `V` that can expire, for all threads.
pub trait Near<V>: Storage<V, Error = Infallible> + InMemory + Expires + Send + Sync + 'static {}

impl<V, N: Storage<V, Error = Infallible> + InMemory + Expires + Send + Sync + 'static> Near<V> for N {}

impl<'s, N, F, C> TieredView<'s, N, F, C> {
    pub(super) fn new(tiered: &'s Tiered<N, F>) -> Self {
        TieredView {
            tiered,
            coder: PhantomData,
        }
    }
}

impl<V, N, F, C> View<V> for TieredView<'_, N, F, C>
where
    V: Clone + 'static,
    N: Near<V>,
    F: StorageBase<Vec<u8>>,
    C: Coder<V>,
{
    type Held = V;
    type Storage = Self;

    fn storage(&self) -> &Self {
        self
    }

    fn encode(&self, value: V) -> Result<V, Error> {
        Ok(value)
    }

    fn encode_ref(&self, value: &V) -> Result<V, Error> {
        Ok(value.clone())
    }

    fn decode(&self, held: V) -> Result<V, Error> {
        Ok(held)
    }
}

impl<N, F, C> HasCoder for TieredView<'_, N, F, C> {
    type Coder = C;
}

impl<V, N, F, C> StorageBase<V> for TieredView<'_, N, F, C>
where
    V: Clone + 'static,
    N: Near<V>,
    F: StorageBase<Vec<u8>>,
    C: Coder<V>,
{
    type Error = F::Error;

    fn flights(&self) -> &Flights<V> {
        self.near().flights()
    }

    fn namespace(&self) -> &str {
        self.far().namespace()
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        self.far().stored_key(key)
    }

    fn eviction_counts(&self) -> EvictionCounts {
        self.near().eviction_counts()
    }

    fn deadline(&self) -> Option<Duration> {
        self.far().deadline()
    }

    fn watch(&self, observer: Arc<dyn ChangeObserver>) -> bool {
        self.far().watch(observer)
    }

    fn mark_suspect(&self, key: &EncodedKey) {
        self.far().mark_suspect(key);
        self.drop_near(key);
    }
}

impl<N, F: Expires, C> Expires for TieredView<'_, N, F, C> {}

impl<N, F, C> Deref for TieredView<'_, N, F, C> {
    type Target = Tiered<N, F>;

    fn deref(&self) -> &Tiered<N, F> {
        self.tiered
    }
}

impl<N, F, C> Clone for TieredView<'_, N, F, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N, F, C> Copy for TieredView<'_, N, F, C> {}

impl<N: fmt::Debug, F: fmt::Debug, C> fmt::Debug for TieredView<'_, N, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tiered.fmt(f)
    }
}
