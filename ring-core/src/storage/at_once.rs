//! A blocking storage, as the code sees it that blocking and async calls share.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::{AnyStorage, AnyView, AsyncStorage, Expiring, InPlace, Storage, View};
use crate::colour::Wait;
use crate::error::Error;
use crate::flights::Flights;
use crate::key::RingKey;

/// The view `S` of a blocking storage, as one of an async storage whose futures are ready when they are polled first.
///
/// A storage that is made of others is written once by it: its async code runs over `AtOnce` where it is to block, by
/// [`now`](crate::colour::now).
pub struct AtOnce<S, V> {
    view: S,
    /// The deadline that is left, if it is not the storage's own.
    deadline: Option<Duration>,
    value: PhantomData<fn() -> V>,
}

impl<S, V> AtOnce<S, V> {
    /// Sees a blocking storage so; the view of a storage of `V` is a reference.
    #[inline]
    pub fn new(view: S) -> Self {
        AtOnce {
            view,
            deadline: None,
            value: PhantomData,
        }
    }
}

/// The result of an operation on the storage of the view `S`.
type Done<S, V, T> = Result<T, <<S as AnyView<V>>::Storage as AnyStorage<<S as AnyView<V>>::Held>>::Error>;

impl<V, S: View<V>> AtOnce<S, V> {
    /// Does something in the time that is left.
    fn on<T>(&self, operation: impl FnOnce(&S::Storage) -> Done<S, V, T>) -> Done<S, V, T> {
        operation(self.in_time().as_ref().unwrap_or_else(|| self.view.storage()))
    }

    /// The storage with the time that is left, if it is not the storage's own.
    fn in_time(&self) -> Option<S::Storage> {
        self.view.storage().limited(self.deadline?)
    }
}

impl<S: fmt::Debug, V> fmt::Debug for AtOnce<S, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AtOnce").field(&self.view).finish()
    }
}

impl<S: Clone, V> Clone for AtOnce<S, V> {
    fn clone(&self) -> Self {
        AtOnce {
            view: self.view.clone(),
            ..*self
        }
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

    fn in_place(&self) -> Option<&dyn InPlace<S::Held>> {
        self.view.storage().in_place()
    }

    #[inline]
    fn deadline(&self) -> Option<Duration> {
        self.view.storage().deadline()
    }

    fn limited(&self, deadline: Duration) -> Option<Self> {
        Some(AtOnce {
            deadline: Some(deadline),
            ..*self
        })
    }

    fn distrust<K: RingKey + ?Sized>(&self, key: &K) {
        self.view.storage().distrust(key);
    }
}

impl<V, S: View<V>> AsyncStorage<S::Held> for AtOnce<S, V> {
    const WAIT: Wait = Wait::Block;

    async fn read<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<S::Held>, Self::Error> {
        self.on(|storage| storage.read(key))
    }

    async fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: S::Held,
        expiry: Option<Duration>,
    ) -> Result<(), Self::Error> {
        self.on(|storage| storage.write(key, value, expiry))
    }

    async fn remove<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        self.on(|storage| storage.remove(key))
    }

    async fn contains<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        self.on(|storage| storage.contains(key))
    }

    async fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration) -> Result<bool, Self::Error> {
        self.on(|storage| storage.renew(key, expiry))
    }

    async fn read_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<S::Held>>, Self::Error> {
        self.on(|storage| storage.read_many(keys))
    }

    async fn read_expiring<K: RingKey + ?Sized>(
        &self,
        key: &K,
    ) -> Result<Option<Expiring<S::Held>>, Self::Error> {
        self.on(|storage| storage.read_expiring(key))
    }

    async fn read_many_expiring<K: RingKey>(
        &self,
        keys: &[K],
    ) -> Result<Vec<Option<Expiring<S::Held>>>, Self::Error> {
        self.on(|storage| storage.read_many_expiring(keys))
    }

    async fn contains_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>, Self::Error> {
        self.on(|storage| storage.contains_many(keys))
    }

    async fn renew_many<K: RingKey>(&self, entries: &[(K, Duration)]) -> Result<Vec<bool>, Self::Error> {
        self.on(|storage| storage.renew_many(entries))
    }

    async fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, S::Held, Option<Duration>)>,
    ) -> Result<(), Self::Error> {
        self.on(|storage| storage.write_many(entries))
    }

    async fn remove_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>, Self::Error> {
        self.on(|storage| storage.remove_many(keys))
    }
}
