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

/// A storage that keeps what the coder `C` makes of values. Those of bytes are, seen through [`Coded`].
pub trait CodedStorage<C> {
    /// The storage as a ring with this coder sees it.
    type View<'s>: From<Self::Whole<'s>>
    where
        Self: 's;

    /// The storage as the handle of a whole method sees it, which needs no coder if the storage does not.
    type Whole<'s>
    where
        Self: 's;

    /// Sees the storage as a whole.
    fn whole(&self) -> Self::Whole<'_>;

    /// Sees the storage through the coder.
    #[inline]
    fn coded(&self) -> Self::View<'_> {
        self.whole().into()
    }
}

#[diagnostic::do_not_recommend]
impl<C, S: AnyStorage<Vec<u8>>> CodedStorage<C> for S {
    type View<'s>
        = Coded<'s, S, C>
    where
        S: 's;

    type Whole<'s>
        = &'s S
    where
        S: 's;

    #[inline]
    fn whole(&self) -> &S {
        self
    }
}

/// A view through a coder, for [`Call::encode`](crate::BoundCall::encode) and
/// [`Call::decode`](crate::BoundCall::decode).
pub trait CodingView<V> {
    /// Encodes a value as the storage holds it.
    ///
    /// # Errors
    ///
    /// What the coder says.
    fn encode(&self, value: &V) -> Result<Vec<u8>, Error>;

    /// Decodes bytes that the storage holds.
    ///
    /// # Errors
    ///
    /// What the coder says.
    fn decode(&self, bytes: &[u8]) -> Result<V, Error>;
}

/// What a coder makes of a value.
///
/// # Errors
///
/// What the coder says.
pub fn encode<V, C: Coder<V>>(value: &V) -> Result<Vec<u8>, Error> {
    C::encode(value).map_err(Error::encode)
}

/// What a coder makes of bytes.
///
/// # Errors
///
/// What the coder says.
pub fn decode<V, C: Coder<V>>(bytes: &[u8]) -> Result<V, Error> {
    C::decode(bytes).map_err(Error::decode)
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
}

impl<'s, S, C> From<&'s S> for Coded<'s, S, C> {
    #[inline]
    fn from(storage: &'s S) -> Self {
        Coded::new(storage)
    }
}

impl<V, S, C: Coder<V>> CodingView<V> for Coded<'_, S, C> {
    fn encode(&self, value: &V) -> Result<Vec<u8>, Error> {
        encode::<V, C>(value)
    }

    fn decode(&self, bytes: &[u8]) -> Result<V, Error> {
        decode::<V, C>(bytes)
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
