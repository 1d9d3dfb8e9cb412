//! The common part of all storages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::Failure;
use crate::flights::{Flights, InPlace, Leases};
use crate::key::{EncodedKey, RingKey};

/// The common part of blocking and awaited storages.
///
/// All methods that every storage needs are required, so that a wrapper of another storage must forward them. A wrapper of
/// a storage with leases also forwards [`leases`](Self::leases).
pub trait StorageBase<T> {
    /// The error of operations: [`Infallible`](std::convert::Infallible) if they cannot fail.
    type Error: Failure;

    /// Whether two keys with the same text are the same key. A storage that compares the bytes of keys may say `false`.
    const TEXT_KEYS: bool = true;

    /// The computations that are under way. All handles to one storage return the same.
    fn flights(&self) -> &Flights<T>;

    /// The text before every key, such as `shop:`; empty without a namespace.
    ///
    /// [`Call::key`](crate::Call::key) includes it. The keys that raw operations get do not.
    fn namespace(&self) -> &str;

    /// The text under which the storage keeps the entry of `key`:
    /// [`text_in_namespace`](crate::key::text_in_namespace), unless the storage limits its keys.
    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String;

    /// The longest time that one plain call may occupy this storage, look-up and store together. `None`: no limit.
    fn deadline(&self) -> Option<Duration>;

    /// The number of entries that the storage lost.
    fn eviction_counts(&self) -> EvictionCounts;

    /// Reports changes of the entries by other clients to `observer`, from a separate thread, until the observer [is
    /// gone](ChangeObserver::is_gone). Returns at once, with whether this storage can do so.
    fn watch(&self, observer: Arc<dyn ChangeObserver>) -> bool;

    /// Treats the entry of `key` as out of date from now on, without waiting, and removes it when possible.
    ///
    /// Called where a write may have landed after a newer one and no call is left to remove it. A storage whose
    /// writes end with their operation need not do anything.
    fn mark_suspect(&self, key: &EncodedKey);

    /// This storage as a storage with leases, if it is one.
    fn leases(&self) -> Option<&dyn Leases> {
        None
    }

    /// The value under `key`, if it is found without waiting: the fast path of a hit in memory. An entry that expires must have
    /// more than `life` left; without `life` none is found, so that no clock is read. After `None` the entry may still exist.
    #[doc(hidden)]
    #[inline(always)]
    fn hit<K: RingKey + ?Sized>(&self, key: &K, life: Option<Duration>) -> Option<T> {
        let _ = (key, life);
        None
    }

    /// [`hit`](Self::hit) for an entry that was stored with this version.
    #[doc(hidden)]
    #[inline(always)]
    fn hit_of<K: RingKey + ?Sized>(&self, key: &K, life: Option<Duration>, version: u64) -> Option<T> {
        let _ = (key, life, version);
        None
    }

    /// The version of the call's tags that was read last: zero without tags, or if it is unknown.
    #[doc(hidden)]
    #[inline(always)]
    fn version<K: RingKey + ?Sized>(&self, key: &K) -> u64 {
        let _ = key;
        0
    }

    /// Fixes the version of a call's tags, whatever is read later: its value is being computed.
    #[doc(hidden)]
    #[inline(always)]
    fn fix_version<K: RingKey + ?Sized>(&self, key: &K) {
        let _ = key;
    }

    /// Lends this storage to the inspector, without keeping it. `None` if it cannot be inspected, or only on request.
    #[cfg(feature = "inspect")]
    #[doc(hidden)]
    fn visit(&self) -> Option<crate::inspect::Visit> {
        None
    }

    /// This storage as a storage that is written in place, if it is one.
    #[doc(hidden)]
    fn in_place(&self) -> Option<&dyn InPlace<T>> {
        None
    }
}

/// The number of entries that a storage lost since it was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EvictionCounts {
    /// Entries evicted for other entries.
    pub evictions: u64,
    /// Entries that were found expired.
    pub expirations: u64,
}

impl EvictionCounts {
    /// The counts of a storage.
    pub fn new(evictions: u64, expirations: u64) -> Self {
        EvictionCounts {
            evictions,
            expirations,
        }
    }
}

/// Receives changes of a storage by other clients: see [`StorageBase::watch`].
pub trait ChangeObserver: Send + Sync {
    /// From now on all changes are reported.
    fn began(&self);
    /// Changes are no longer reported. Some may have been missed.
    fn ended(&self);
    /// The entry under this text was changed or removed.
    fn changed(&self, stored_key: &str);
    /// Any entry may have been changed or removed.
    fn all_changed(&self);
    /// All changes before `at` were reported. Entries then stay valid for about a second, until the next confirmation.
    fn confirmed(&self, at: Instant) {
        let _ = at;
    }
    /// The storage refuses to report changes, for this reason.
    fn refused(&self, reason: &str) {
        let _ = reason;
    }
    /// Whether the reports are no longer needed.
    fn is_gone(&self) -> bool;
}

/// A value and its remaining life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring<T> {
    /// The value.
    pub value: T,
    /// The time after which it expires; `None` if it does not expire, or if the storage does not know.
    pub remaining: Option<Duration>,
}

impl<T> Expiring<T> {
    /// Whether the remaining life is at most `stale`. An entry that does not expire is never stale.
    pub(crate) fn is_stale(&self, stale: Duration) -> bool {
        self.remaining.is_some_and(|remaining| remaining <= stale)
    }

    /// The value, unless it [is stale](Self::is_stale).
    pub(crate) fn fresh(self, stale: Duration) -> Option<T> {
        (!self.is_stale(stale)).then_some(self.value)
    }
}

/// For each key, whether there is an entry that is not stale.
pub(super) fn which_are_fresh<T>(found: &[Option<Expiring<T>>], stale: Duration) -> Vec<bool> {
    let is_fresh = |found: &Expiring<T>| !found.is_stale(stale);
    found
        .iter()
        .map(|found| found.as_ref().is_some_and(is_fresh))
        .collect()
}

/// The values that are not stale, in the order of the keys.
pub(super) fn all_fresh<T>(found: Vec<Option<Expiring<T>>>, stale: Duration) -> Vec<Option<T>> {
    let found = found.into_iter();
    found
        .map(|found| found.and_then(|found| found.fresh(stale)))
        .collect()
}

/// A storage whose entries can expire. On other storages `expire` and `expire_in` do not compile.
#[diagnostic::on_unimplemented(
    message = "entries of `{Self}` cannot expire",
    note = "leave out `expire`, or choose a storage whose entries can"
)]
pub trait Expires {}

/// A storage that tells the remaining life of its entries: its [`read_expiring`](super::Storage::read_expiring) returns
/// it for each entry that expires. On other storages `stale` does not compile.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell the remaining life of its entries, so it cannot keep stale ones",
    note = "leave out `stale`, or choose a storage that does: `Lru`, `Map`, `Redis`, `RedisCluster`, `Memcached`, `Disk`, `Tiered`"
)]
pub trait TellsLife: Expires {}
