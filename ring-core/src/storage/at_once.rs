//! A blocking storage, as the code sees it that blocking and async calls share.

use std::marker::PhantomData;
use std::time::Duration;

use super::{AnyStorage, AnyView, AsyncStorage, Storage, View};
use crate::colour::Wait;
use crate::error::Error;
use crate::flights::Flights;
use crate::key::RingKey;

/// The view `S` of a blocking storage, as one of an async storage whose futures are ready when they are polled first.
pub(crate) struct AtOnce<S, V> {
    view: S,
    value: PhantomData<fn() -> V>,
}

impl<S, V> AtOnce<S, V> {
    #[inline]
    pub(crate) fn new(view: S) -> Self {
        AtOnce {
            view,
            value: PhantomData,
        }
    }
}

impl<S: Clone, V> Clone for AtOnce<S, V> {
    fn clone(&self) -> Self {
        Self::new(self.view.clone())
    }
}

impl<S: Copy, V> Copy for AtOnce<S, V> {}

impl<V, S: View<V>> AnyView<V> for AtOnce<S, V> {
    type Held = S::Held;
    type Storage = Self;

    #[inline]
    fn storage(&self) -> &Self {
        self
    }

    fn hold(&self, value: &V) -> Result<S::Held, Error> {
        self.view.hold(value)
    }

    fn keep(&self, value: V) -> Result<S::Held, Error> {
        self.view.keep(value)
    }

    #[inline]
    fn value(&self, held: S::Held) -> Result<V, Error> {
        self.view.value(held)
    }
}

impl<V, S: View<V>> AnyStorage<S::Held> for AtOnce<S, V> {
    type Error = <S::Storage as AnyStorage<S::Held>>::Error;

    const TEXT_KEYS: bool = S::Storage::TEXT_KEYS;

    fn flights(&self) -> &Flights<S::Held> {
        self.view.storage().flights()
    }
}

impl<V, S: View<V>> AsyncStorage<S::Held> for AtOnce<S, V> {
    const WAIT: Wait = Wait::Block;

    async fn read<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<S::Held>, Self::Error> {
        self.view.storage().read(key)
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: S::Held,
        expiry: Option<Duration>,
    ) -> Result<(), Self::Error> {
        self.view.storage().write(key, value, expiry)
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        self.view.storage().remove(key)
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        self.view.storage().contains(key)
    }

    async fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration) -> Result<bool, Self::Error> {
        self.view.storage().renew(key, expiry)
    }

    async fn read_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<S::Held>>, Self::Error> {
        self.view.storage().read_many(keys)
    }

    async fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, S::Held, Option<Duration>)>,
    ) -> Result<(), Self::Error> {
        self.view.storage().write_many(entries)
    }

    async fn remove_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>, Self::Error> {
        self.view.storage().remove_many(keys)
    }
}
