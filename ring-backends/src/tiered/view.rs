//! Two tiers as a ring sees them, through its coder.

mod awaited;
mod blocking;
mod operations;
mod steps;

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::time::Duration;

use ring_cache_core::coder::Coder;

use ring_cache_core::flights::Flights;
use ring_cache_core::storage::{AnyStorage, AnyView, CodingView, Expires, InMemory, Storage, decode, encode};
use ring_cache_core::{Error, RingKey};

use super::Tiered;

/// [`Tiered`] storages as a ring with the coder `C` sees them: what `call.storage()` gives. It derefs to them.
pub struct TieredView<'s, N, F, C> {
    tiered: &'s Tiered<N, F>,
    /// The deadline that is left, if it is not the far tier's own.
    deadline: Option<Duration>,
    coder: PhantomData<fn() -> C>,
}

/// A memory storage of values `V` that can expire, for all threads.
pub trait Near<V>: Storage<V, Error = Infallible> + InMemory + Expires + Send + Sync + 'static {}

impl<V, N: Storage<V, Error = Infallible> + InMemory + Expires + Send + Sync + 'static> Near<V> for N {}

impl<'s, N, F, C> TieredView<'s, N, F, C> {
    pub(super) fn new(tiered: &'s Tiered<N, F>) -> Self {
        TieredView {
            tiered,
            deadline: None,
            coder: PhantomData,
        }
    }

    /// The far tier in the time that is left.
    fn limited_far(&self) -> Option<F>
    where
        F: AnyStorage<Vec<u8>>,
    {
        self.far().limited(self.deadline?)
    }
}

impl<V, N, F, C> AnyView<V> for TieredView<'_, N, F, C>
where
    V: Clone + 'static,
    N: Near<V>,
    F: AnyStorage<Vec<u8>>,
    C: Coder<V>,
{
    type Held = V;
    type Storage = Self;

    fn storage(&self) -> &Self {
        self
    }

    fn hold(&self, value: &V) -> Result<V, Error> {
        Ok(value.clone())
    }

    fn keep(&self, value: V) -> Result<V, Error> {
        Ok(value)
    }

    fn value(&self, held: V) -> Result<V, Error> {
        Ok(held)
    }
}

impl<V, N, F, C: Coder<V>> CodingView<V> for TieredView<'_, N, F, C> {
    fn encode(&self, value: &V) -> Result<Vec<u8>, Error> {
        encode::<V, C>(value)
    }

    fn decode(&self, bytes: &[u8]) -> Result<V, Error> {
        decode::<V, C>(bytes)
    }
}

impl<V, N, F, C> AnyStorage<V> for TieredView<'_, N, F, C>
where
    V: Clone + 'static,
    N: Near<V>,
    F: AnyStorage<Vec<u8>>,
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

    fn losses(&self) -> (u64, u64) {
        self.near().losses()
    }

    fn deadline(&self) -> Option<Duration> {
        self.far().deadline()
    }

    fn limited(&self, deadline: Duration) -> Option<Self> {
        Some(TieredView {
            deadline: Some(deadline),
            ..*self
        })
    }

    fn distrust<K: RingKey + ?Sized>(&self, key: &K) {
        self.far().distrust(key);
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
