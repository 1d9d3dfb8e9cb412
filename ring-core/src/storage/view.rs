//! Views: a storage with the form of one ring's values in it.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::base::StorageBase;
use crate::coder::{Coder, EntryKey};
use crate::error::Error;
use crate::key::{EncodedKey, RingKey};

/// A storage as a ring with values `V` reaches it: `&S` holds the values, [`Coded`] the bytes of a coder.
pub trait View<V>: Clone {
    /// The form of a value in the storage.
    type Stored: Clone;
    /// The storage.
    type Storage: StorageBase<Self::Stored>;

    /// Whether entries have tags, whose version is to be read before a value is made.
    #[doc(hidden)]
    const TAGGED: bool = false;

    /// The storage.
    fn storage(&self) -> &Self::Storage;

    /// The storage as several calls use it together, if it has state per call.
    #[doc(hidden)]
    #[must_use]
    fn together(calls: &[(&EncodedKey, &Self)]) -> Option<Self> {
        let _ = calls;
        None
    }

    /// The same for a ring that keeps stale entries for this long. A near tier drops an entry when it becomes stale.
    #[doc(hidden)]
    #[must_use]
    #[inline]
    fn keeping_stale(self, stale: Duration) -> Self {
        let _ = stale;
        self
    }

    /// Converts the value of the entry `key` for the storage.
    ///
    /// # Errors
    ///
    /// If the coder fails.
    fn encode<K: RingKey + ?Sized>(&self, value: V, key: &K) -> Result<Self::Stored, Error>;

    /// [`encode`](Self::encode) for a value that is still needed.
    ///
    /// # Errors
    ///
    /// If the coder fails.
    fn encode_ref<K: RingKey + ?Sized>(&self, value: &V, key: &K) -> Result<Self::Stored, Error>;

    /// Converts the content of the entry `key` back to the value.
    ///
    /// # Errors
    ///
    /// If the coder fails.
    fn decode<K: RingKey + ?Sized>(&self, held: Self::Stored, key: &K) -> Result<V, Error>;
}

/// A view whose storage can be kept without a borrow: the storage is a handle, whose clones have the same entries.
///
/// All storages of this library are handles. A storage of your own is one if it is [`Clone`].
#[diagnostic::on_unimplemented(
    message = "the storage behind `{Self}` is not `Clone`, so it cannot be kept",
    note = "write `#[derive(Clone)]` above a storage whose clones have the same entries, as one around an `Arc`"
)]
pub trait Detach<V>: View<V> {
    /// A handle of the storage.
    type Detached: StorageBase<Self::Stored>;

    /// Another handle of the storage.
    fn detach(&self) -> Self::Detached;
}

impl<V: Clone, S: StorageBase<V> + Clone> Detach<V> for &S {
    type Detached = S;

    fn detach(&self) -> S {
        (*self).clone()
    }
}

impl<V, S: StorageBase<Vec<u8>> + Clone, C: Coder<V>> Detach<V> for Coded<'_, S, C> {
    type Detached = S;

    fn detach(&self) -> S {
        self.storage.clone()
    }
}

impl<V: Clone, S: StorageBase<V>> View<V> for &S {
    type Stored = V;
    type Storage = S;

    #[inline]
    fn storage(&self) -> &S {
        self
    }

    #[inline]
    fn encode<K: RingKey + ?Sized>(&self, value: V, _: &K) -> Result<V, Error> {
        Ok(value)
    }

    #[inline]
    fn encode_ref<K: RingKey + ?Sized>(&self, value: &V, _: &K) -> Result<V, Error> {
        Ok(value.clone())
    }

    #[inline]
    fn decode<K: RingKey + ?Sized>(&self, held: V, _: &K) -> Result<V, Error> {
        Ok(held)
    }
}

/// A storage that holds values encoded by `C`: a storage of bytes, seen through [`Coded`].
pub trait CodedStorage<C> {
    /// The storage as a ring with this coder reaches it.
    type View<'s>: From<Self::Whole<'s>> + HasCoder<Coder = C>
    where
        Self: 's;

    /// The storage as the handle of a method uses it, without the coder if the storage needs none.
    type Whole<'s>
    where
        Self: 's;

    /// The storage for the handle of a whole method.
    fn whole(&self) -> Self::Whole<'_>;

    /// The storage for the calls of a ring.
    #[inline]
    fn coded(&self) -> Self::View<'_> {
        self.whole().into()
    }
}

/// A view through a coder, for [`Call::encode`](crate::Call::encode) and [`Call::decode`](crate::Call::decode).
pub trait HasCoder {
    /// The coder.
    type Coder;
}

#[diagnostic::do_not_recommend]
impl<C, S: StorageBase<Vec<u8>>> CodedStorage<C> for S {
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

/// A storage of bytes of this library. The macros know its name, and check here that a type of that name is this one.
#[doc(hidden)]
pub trait HoldsBytes {
    /// Whether its entries can expire.
    const EXPIRES: bool = true;
}

/// A type with the name of one of this library's storages of bytes: its view by a ring with values `V`, and with the coder
/// `C` if it holds bytes.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has the name of a storage of this library, and is another type",
    label = "not this library's",
    note = "write its path, as in `self::{Self}`, or the coder if it holds bytes: `coder = Cbor`"
)]
pub trait NamedStorage<V, C> {
    /// The type of its values.
    type Stored;

    /// The storage as a call reaches it.
    type View<'s>: From<Self::Whole<'s>>
    where
        Self: 's;

    /// The storage as the handle of a whole method uses it.
    type Whole<'s>
    where
        Self: 's;

    /// The storage for the handle of a whole method.
    fn whole(&self) -> Self::Whole<'_>;
}

#[diagnostic::do_not_recommend]
impl<V, C, S: HoldsBytes + CodedStorage<C>> NamedStorage<V, C> for S {
    type Stored = Vec<u8>;

    type View<'s>
        = <S as CodedStorage<C>>::View<'s>
    where
        S: 's;

    type Whole<'s>
        = <S as CodedStorage<C>>::Whole<'s>
    where
        S: 's;

    #[inline]
    fn whole(&self) -> Self::Whole<'_> {
        CodedStorage::whole(self)
    }
}

macro_rules! in_memory {
    ($($storage:ident)*) => {$(
        /// The macros do not know a storage by an alias.
        #[diagnostic::do_not_recommend]
        impl<V, C> NamedStorage<V, C> for crate::$storage<V> {
            type Stored = V;

            type View<'s>
                = &'s Self
            where
                V: 's;

            type Whole<'s>
                = &'s Self
            where
                V: 's;

            #[inline]
            fn whole(&self) -> &Self {
                self
            }
        }
    )*};
}

in_memory!(Lru Map);

/// A storage of bytes, seen through the coder `C`.
pub struct Coded<'s, S, C> {
    storage: &'s S,
    coder: PhantomData<fn() -> C>,
}

impl<S, C> Coded<'_, S, C> {
    pub(super) fn coded_storage(&self) -> &S {
        self.storage
    }
}

impl<S, C> HasCoder for Coded<'_, S, C> {
    type Coder = C;
}

impl<'s, S, C> From<&'s S> for Coded<'s, S, C> {
    #[inline]
    fn from(storage: &'s S) -> Self {
        Coded {
            storage,
            coder: PhantomData,
        }
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

impl<V, S: StorageBase<Vec<u8>>, C: Coder<V>> View<V> for Coded<'_, S, C> {
    type Stored = Vec<u8>;
    type Storage = S;

    fn storage(&self) -> &S {
        self.storage
    }

    fn encode<K: RingKey + ?Sized>(&self, value: V, key: &K) -> Result<Vec<u8>, Error> {
        self.encode_ref(&value, key)
    }

    fn encode_ref<K: RingKey + ?Sized>(&self, value: &V, key: &K) -> Result<Vec<u8>, Error> {
        let text = || self.storage.stored_key(key);
        C::encode_entry(value, EntryKey::new(&text)).map_err(Error::encode)
    }

    fn decode<K: RingKey + ?Sized>(&self, held: Vec<u8>, key: &K) -> Result<V, Error> {
        let text = || self.storage.stored_key(key);
        C::decode_entry(&held, EntryKey::new(&text)).map_err(Error::decode)
    }
}
