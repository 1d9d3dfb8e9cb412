//! Storages: what lies behind a ring, and how a ring sees it.
//!
//! A storage implements the raw operations of [`Storage`], of [`AsyncStorage`], or of both, and owns a [`Flights`]. The
//! verbs are provided, and keep to the rule that a computation which began before a `set` or a `delete` is not stored
//! after it. A ring sees its storage through a [`View`]: memory storages hold its values as they are, others hold the
//! bytes of a coder.

mod async_storage;
mod at_once;
mod in_place;
mod map;
mod view;

pub use async_storage::{AsyncClear, AsyncStorage, InMemory};
pub use at_once::AtOnce;
#[doc(hidden)]
pub use in_place::{Displaced, InPlace};
pub use map::Map;
pub use view::{AnyView, AsyncView, Coded, CodedStorage, CodingView, View, decode, encode};

use std::sync::Arc;
use std::time::Duration;

use crate::error::Failure;
use crate::flights::Flights;
use crate::key::{RingKey, text_in_namespace};
use crate::name::Name;

/// What storages have in common, whether they block or are awaited.
pub trait AnyStorage<T> {
    /// How operations fail: [`Infallible`](std::convert::Infallible) if they cannot.
    type Error: Failure;

    /// Whether two keys of one text are one key here. A storage that compares the bytes of keys may say `false`.
    const TEXT_KEYS: bool = true;

    /// The computations that are under way.
    fn flights(&self) -> &Flights<T>;

    /// The text that stands before every key here, such as `shop:`.
    ///
    /// [`Call::key`](crate::Call::key) shows it. The keys that the raw operations are given are without it: a storage
    /// that has a namespace puts it before their text itself.
    fn namespace(&self) -> &str {
        ""
    }

    /// The text under which the entry of `key` lies in the storage.
    ///
    /// It is the text of the key, namespace included, unless the storage cannot take every text.
    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        text_in_namespace(self.namespace(), key)
    }

    /// How many entries gave way to newer ones, and how many were found to have expired.
    fn losses(&self) -> (u64, u64) {
        (0, 0)
    }

    /// This storage as one that is written in place, if it is.
    #[doc(hidden)]
    fn in_place(&self) -> Option<&dyn InPlace<T>> {
        None
    }

    /// How long one plain call may keep this storage busy, look-up and store together. `None`: as long as it takes.
    #[inline]
    fn deadline(&self) -> Option<Duration> {
        None
    }

    /// This storage with another deadline, if it has one: for the rest of a call that has spent some of its time.
    #[inline]
    fn limited(&self, deadline: Duration) -> Option<Self>
    where
        Self: Sized,
    {
        let _ = deadline;
        None
    }

    /// Tells `observer` from now on, on a thread of its own, what others do to the entries here, and returns whether this
    /// storage can do that. It does not wait, and ends when the observer [is gone](Observer::is_gone).
    fn watch(&self, observer: Arc<dyn Observer>) -> bool {
        let _ = observer;
        false
    }

    /// Takes what lies under `key` for out of date from now on, without waiting, and removes it when that can be done.
    ///
    /// Called where a write might have come too late and nobody is left who could wait for its removal. Storages whose
    /// writes never outlast the future that asked for them need not do anything.
    fn distrust<K: RingKey + ?Sized>(&self, key: &K) {
        let _ = key;
    }
}

/// Is told what others do to a storage: see [`AnyStorage::watch`].
pub trait Observer: Send + Sync {
    /// It is told of all changes from now on.
    fn began(&self);
    /// It is not told of changes any more, and may have missed some already.
    fn ended(&self);
    /// The entry that lies under this text was changed or removed.
    fn changed(&self, stored_key: &str);
    /// Any entry may have been changed or removed.
    fn all_changed(&self);
    /// Whether nobody is left who wants to know.
    fn is_gone(&self) -> bool;
}

/// A value, and how long it will still be there.
pub type Expiring<T> = (T, Option<Duration>);

/// A storage of values `T` under keys of any type.
///
/// Implementors write the raw operations, which know nothing of computations under way. Users call the verbs.
///
/// All operations treat an expired entry as absent.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no storage of `{T}` for a function that blocks",
    label = "not a `Storage<{T}>`",
    note = "a storage that is awaited, an `AsyncStorage`, is for `async fn`"
)]
pub trait Storage<T>: AnyStorage<T> {
    /// Raw: the value under `key`, if there is one.
    fn read<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<T>, Self::Error>;

    /// Raw: puts a value under `key`, for `expiry` if there is one. A zero expiry removes what is there.
    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
    ) -> Result<(), Self::Error>;

    /// Raw: removes what is under `key`. Returns whether something was there.
    fn remove<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error>;

    /// Raw: whether something is under `key`. This is no use of the entry that would keep it from eviction.
    fn contains<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error>;

    /// Raw: restarts the expiry of the entry under `key`. Returns whether something was there.
    ///
    /// Called only on storages that are [`Expires`].
    fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration) -> Result<bool, Self::Error>;

    /// Raw: the values under many keys, in the order of the keys.
    fn read_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<T>>, Self::Error> {
        keys.iter().map(|key| self.read(key)).collect()
    }

    /// Raw: the value under `key`, and how long it will still be there, if it expires and the storage can tell.
    fn read_expiring<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<Expiring<T>>, Self::Error> {
        let value = self.read(key)?;
        Ok(value.map(|value| (value, None)))
    }

    /// Raw: [`read_expiring`](Self::read_expiring) for many keys, in the order of the keys.
    fn read_many_expiring<K: RingKey>(&self, keys: &[K]) -> Result<Vec<Option<Expiring<T>>>, Self::Error> {
        keys.iter().map(|key| self.read_expiring(key)).collect()
    }

    /// Raw: whether something is under each of many keys.
    fn contains_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>, Self::Error> {
        keys.iter().map(|key| self.contains(key)).collect()
    }

    /// Raw: restarts the expiry of many entries. Returns for each whether something was there.
    fn renew_many<K: RingKey>(&self, entries: &[(K, Duration)]) -> Result<Vec<bool>, Self::Error> {
        entries
            .iter()
            .map(|(key, expiry)| self.renew(key, *expiry))
            .collect()
    }

    /// Raw: puts many values, each with its expiry.
    fn write_many<K: RingKey>(
        &self,
        entries: impl IntoIterator<Item = (K, T, Option<Duration>)>,
    ) -> Result<(), Self::Error> {
        entries
            .into_iter()
            .try_for_each(|(key, value, expiry)| self.write(&key, value, expiry))
    }

    /// Raw: removes many entries. Returns for each whether something was there.
    fn remove_many<K: RingKey>(&self, keys: &[K]) -> Result<Vec<bool>, Self::Error> {
        keys.iter().map(|key| self.remove(key)).collect()
    }

    /// The value under `key`, if there is one.
    #[inline]
    fn get<K: RingKey + ?Sized>(&self, key: &K) -> Result<Option<T>, Self::Error> {
        self.read(key)
    }

    /// Puts a value under `key`, whatever is being computed for it.
    fn set<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
    ) -> Result<(), Self::Error> {
        let removal = self.flights().removal(key);
        let written = self.write(key, value, expiry);
        removal.end(written.is_ok());
        written
    }

    /// Forgets the value under `key`, also one that is being computed. Returns whether something was there.
    fn delete<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        let removal = self.flights().removal(key);
        let removed = self.remove(key);
        removal.end(removed.is_ok());
        removed
    }

    /// Whether something is under `key`. It does not count as a use.
    fn has<K: RingKey + ?Sized>(&self, key: &K) -> Result<bool, Self::Error> {
        self.contains(key)
    }

    /// Restarts the expiry of the entry under `key`; without an expiry the same as [`has`](Self::has).
    fn touch<K: RingKey + ?Sized>(&self, key: &K, expiry: Option<Duration>) -> Result<bool, Self::Error> {
        match expiry {
            Some(expiry) => self.renew(key, expiry),
            None => self.contains(key),
        }
    }
}

/// A storage whose entries can expire. Without it `expire` and `expire_in` do not compile.
#[diagnostic::on_unimplemented(
    message = "entries of `{Self}` cannot expire",
    note = "leave out `expire`, or choose a storage whose entries can"
)]
pub trait Expires {}

/// A storage that can drop all entries of one ring. Without it `{method}_cache().clear()` does not compile.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot clear the entries of one ring")]
pub trait Clear<T>: Storage<T> {
    /// Raw: drops the entries of the ring `name`, and no others.
    fn clear_ring(&self, name: &Name) -> Result<(), Self::Error>;
}
