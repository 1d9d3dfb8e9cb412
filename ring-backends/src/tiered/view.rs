//! Two tiers as a ring sees them, through its coder.

mod awaited;
mod blocking;
#[cfg(feature = "inspect")]
mod inspect;
mod many;
mod steps;
mod tags;

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
    ChangeObserver, Detach, EvictionCounts, Expires, HasCoder, InMemory, LeaseToken, Leases, Storage,
    StorageBase, TellsLife, View,
};
use ring_cache_core::{Error, RingKey};

use super::Tiered;

/// [`Tiered`] storages as a ring with the coder `C` sees them: the type of `call.storage()`. It derefs to them.
///
/// `P` is a reference to the tiers, or a box with a handle to them.
pub struct TieredView<P, N, F, C> {
    tiered: P,
    /// The stale part of an entry's life: near drops it before.
    stale: Duration,
    types: PhantomData<Types<N, F, C>>,
}

type Types<N, F, C> = fn() -> (N, F, C);

/// A memory storage of values `V` that can expire, shared by all threads.
pub trait Near<V>: Storage<V, Error = Infallible> + InMemory + Expires + Send + Sync + 'static {}

impl<V, N: Storage<V, Error = Infallible> + InMemory + Expires + Send + Sync + 'static> Near<V> for N {}

impl<P, N, F, C> TieredView<P, N, F, C> {
    pub(super) fn new(tiered: P) -> Self {
        TieredView {
            tiered,
            stale: Duration::ZERO,
            types: PhantomData,
        }
    }
}

impl<V, N, F, C> View<V> for TieredView<&Tiered<N, F>, N, F, C>
where
    V: Clone + 'static,
    N: Near<V>,
    F: StorageBase<Vec<u8>>,
    C: Coder<V>,
{
    type Stored = V;
    type Storage = Self;

    fn storage(&self) -> &Self {
        self
    }

    fn keeping_stale(self, stale: Duration) -> Self {
        TieredView { stale, ..self }
    }

    fn encode<K: RingKey + ?Sized>(&self, value: V, _: &K) -> Result<V, Error> {
        Ok(value)
    }

    fn encode_ref<K: RingKey + ?Sized>(&self, value: &V, _: &K) -> Result<V, Error> {
        Ok(value.clone())
    }

    fn decode<K: RingKey + ?Sized>(&self, held: V, _: &K) -> Result<V, Error> {
        Ok(held)
    }
}

impl<V, N, F, C> Detach<V> for TieredView<&Tiered<N, F>, N, F, C>
where
    V: Clone + 'static,
    N: Near<V>,
    F: StorageBase<Vec<u8>>,
    C: Coder<V>,
{
    type Detached = TieredView<Box<Tiered<N, F>>, N, F, C>;

    fn detach(&self) -> Self::Detached {
        TieredView::new(Box::new(self.tiered.clone()))
    }
}

impl<P, N, F, C> HasCoder for TieredView<P, N, F, C> {
    type Coder = C;
}

impl<V, N, F, C, P> StorageBase<V> for TieredView<P, N, F, C>
where
    P: Deref<Target = Tiered<N, F>>,
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

    fn leases(&self) -> Option<&dyn Leases> {
        self.far().leases()
    }

    fn mark_suspect(&self, key: &EncodedKey) {
        self.far().mark_suspect(key);
        self.drop_near(key);
    }

    #[cfg(feature = "inspect")]
    fn visit(&self) -> Option<ring_cache_core::inspect::Visit> {
        Some(inspect::not_lent())
    }
}

impl<P, N, F: Expires, C> Expires for TieredView<P, N, F, C> {}

impl<P, N, F: TellsLife, C> TellsLife for TieredView<P, N, F, C> {}

/// The far tier gives the leases.
impl<P, N, F, C> Leases for TieredView<P, N, F, C>
where
    P: Deref<Target = Tiered<N, F>> + Send + Sync,
    F: Leases,
{
    fn release(&self, key: &EncodedKey, token: LeaseToken) {
        self.far().release(key, token);
    }
}

impl<P: Deref<Target = Tiered<N, F>>, N, F, C> Deref for TieredView<P, N, F, C> {
    type Target = Tiered<N, F>;

    fn deref(&self) -> &Tiered<N, F> {
        &self.tiered
    }
}

impl<N, F, C> Clone for TieredView<&Tiered<N, F>, N, F, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N, F, C> Copy for TieredView<&Tiered<N, F>, N, F, C> {}

impl<P: fmt::Debug, N, F, C> fmt::Debug for TieredView<P, N, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tiered.fmt(f)
    }
}
