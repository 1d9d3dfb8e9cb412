//! How one ring sees its storage.

use std::fmt;
use std::marker::PhantomData;

use super::{AnyStorage, AsyncStorage, Storage};
use crate::coder::Coder;
use crate::error::Error;

/// A storage as a ring with values `V` sees it: `&S` holds the values themselves, [`Coded`] holds bytes.
pub trait AnyView<V>: Copy {
    /// What the storage holds of a value.
    type Held: Clone;
    /// The storage.
    type Storage: AnyStorage<Self::Held>;

    /// The storage.
    fn storage(&self) -> &Self::Storage;
    /// What the storage is to hold of `value`.
    fn hold(&self, value: &V) -> Result<Self::Held, Error>;
    /// What the storage is to hold of a value that is not needed any more.
    fn keep(&self, value: V) -> Result<Self::Held, Error>;
    /// The value that the storage holds.
    fn value(&self, held: Self::Held) -> Result<V, Error>;
}

/// The view of a storage that blocks, or never waits.
pub trait View<V>: AnyView<V, Storage: Storage<Self::Held>> {}

impl<V, S: AnyView<V, Storage: Storage<S::Held>>> View<V> for S {}

/// The view of a storage that is awaited.
pub trait AsyncView<V>: AnyView<V, Storage: AsyncStorage<Self::Held>> {}

impl<V, S: AnyView<V, Storage: AsyncStorage<S::Held>>> AsyncView<V> for S {}

impl<V: Clone, S: AnyStorage<V>> AnyView<V> for &S {
    type Held = V;
    type Storage = S;

    #[inline]
    fn storage(&self) -> &S {
        self
    }

    #[inline]
    fn hold(&self, value: &V) -> Result<V, Error> {
        Ok(value.clone())
    }

    #[inline]
    fn keep(&self, value: V) -> Result<V, Error> {
        Ok(value)
    }

    #[inline]
    fn value(&self, held: V) -> Result<V, Error> {
        Ok(held)
    }
}

/// A storage of bytes, seen through the coder `C`.
pub struct Coded<'s, S, C> {
    storage: &'s S,
    coder: PhantomData<fn() -> C>,
}

impl<'s, S, C> Coded<'s, S, C> {
    /// Sees `storage` through the coder `C`.
    #[inline]
    pub fn new(storage: &'s S) -> Self {
        Coded {
            storage,
            coder: PhantomData,
        }
    }

    /// Encodes a value as the storage holds it.
    pub fn encode<V>(&self, value: &V) -> Result<Vec<u8>, Error>
    where
        C: Coder<V>,
    {
        C::encode(value).map_err(Error::encode)
    }

    /// Decodes bytes that the storage holds.
    pub fn decode<V>(&self, bytes: &[u8]) -> Result<V, Error>
    where
        C: Coder<V>,
    {
        C::decode(bytes).map_err(Error::decode)
    }
}

impl<S, C> Clone for Coded<'_, S, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, C> Copy for Coded<'_, S, C> {}

impl<S: fmt::Debug, C> fmt::Debug for Coded<'_, S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coded")
            .field("storage", self.storage)
            .finish_non_exhaustive()
    }
}

impl<V, S: AnyStorage<Vec<u8>>, C: Coder<V>> AnyView<V> for Coded<'_, S, C> {
    type Held = Vec<u8>;
    type Storage = S;

    fn storage(&self) -> &S {
        self.storage
    }

    fn hold(&self, value: &V) -> Result<Vec<u8>, Error> {
        self.encode(value)
    }

    fn keep(&self, value: V) -> Result<Vec<u8>, Error> {
        self.encode(&value)
    }

    fn value(&self, held: Vec<u8>) -> Result<V, Error> {
        self.decode(&held)
    }
}
