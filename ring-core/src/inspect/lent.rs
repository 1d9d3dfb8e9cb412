//! A storage, lent to the inspector without its type.

use std::marker::PhantomData;
use std::time::Duration;

use super::any_storage::{AnyStorage, KeyPage, RingRules, StorageHealth, Visit};
use crate::clearing::clear_by;
use crate::error::Error;
use crate::flights::Flights;
use crate::key::Name;
use crate::storage::StorageBase;
use crate::storage_facts::LentBy;

/// A storage whose entries can be listed and removed by the texts of their keys. All operations may block.
///
/// The texts of keys come from users: an operation must not affect keys of other rings.
pub trait Inspect<T>: StorageBase<T> {
    /// Why keys cannot be listed. `None` if they can.
    fn refusal(&self) -> Option<&'static str> {
        None
    }

    /// Up to about `at_most` keys of a ring, from `from` on: empty for the first page, then [`KeyPage::next`]. The work is
    /// bounded, and locks are held for a few hundred entries at most. A key may be listed twice while entries are written; a
    /// key that stays is never omitted.
    /// entries are written, and none is left out that is there all the time.
    ///
    /// # Errors
    ///
    /// If the storage fails, or does not list keys.
    fn keys(&self, ring: &Name, from: &str, at_most: usize) -> Result<KeyPage, Self::Error>;

    /// Raw: removes the entries whose stored key has this text. Returns whether there were any.
    ///
    /// # Errors
    ///
    /// If the storage fails.
    fn remove_text(&self, ring: &Name, key: &str) -> Result<bool, Self::Error>;

    /// Raw: shortens the life of the entries whose stored key has this text to `life`. Returns whether any had more.
    ///
    /// # Errors
    ///
    /// If the storage fails, or cannot shorten lives.
    fn shorten_text(&self, ring: &Name, key: &str, life: Duration) -> Result<bool, Self::Error>;

    /// Raw: removes all entries of a ring.
    ///
    /// # Errors
    ///
    /// If the storage fails, or cannot remove the entries of one ring.
    fn clear_entries(&self, ring: &Name) -> Result<(), Self::Error>;

    /// The health of the storage.
    fn health(&self) -> StorageHealth {
        StorageHealth::default()
    }
}

/// Whether the text of a stored key is one of the ring's. `namespace` precedes all keys of the storage.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::{Name, inspect::is_of_ring};
///
/// let user = Name::chosen("user");
/// assert!(is_of_ring("shop:user:7", "shop:", user));
/// assert!(!is_of_ring("shop:users:7", "shop:", user) && !is_of_ring("user:7", "shop:", user));
/// ```
pub fn is_of_ring(key: &str, namespace: &str, ring: &Name) -> bool {
    let rest = key
        .strip_prefix(namespace)
        .and_then(|key| key.strip_prefix(ring.as_str()));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// A storage as [`AnyStorage`].
#[derive(Debug)]
pub struct Lent<'s, T, S>(&'s S, PhantomData<fn() -> T>);

impl<'s, T, S> Lent<'s, T, S> {
    /// Lends a storage.
    pub fn new(storage: &'s S) -> Self {
        Lent(storage, PhantomData)
    }
}

impl<T, S: Inspect<T>> Lent<'_, T, S> {
    /// Changes entries by the text of their keys, like a `delete`: computations that began before are not stored.
    fn change<R>(
        &self,
        ring: &RingRules<'_>,
        key: &str,
        change: impl FnOnce(&S) -> Result<R, S::Error>,
    ) -> Result<R, Error> {
        let (name, flights) = (ring.name, self.0.flights().table());
        // The hash of the key is unknown.
        (ring.forget_errors)(flights.address());
        let mut under_way = flights.keys_of(name);
        under_way.retain(|under_way| self.0.stored_key(under_way) == key);
        let invalidation = flights.invalidate_many(&mut under_way.into_iter(), ring.write_timeout);
        let changed = invalidation.block().end(change(self.0));
        changed.map_err(|error| error.into().of_ring(name.as_str()))
    }
}

impl<T, S: Inspect<T>> AnyStorage for Lent<'_, T, S> {
    fn refusal(&self) -> Option<&'static str> {
        self.0.refusal()
    }

    fn keys(&self, ring: &Name, from: &str, at_most: usize) -> Result<KeyPage, Error> {
        let page = self.0.keys(ring, from, at_most);
        page.map_err(|error| error.into().of_ring(ring.as_str()))
    }

    fn delete(&self, ring: &RingRules<'_>, key: &str) -> Result<bool, Error> {
        self.change(ring, key, |storage| storage.remove_text(ring.name, key))
    }

    fn expire(&self, ring: &RingRules<'_>, key: &str) -> Result<bool, Error> {
        if ring.stale.is_zero() {
            return self.delete(ring, key);
        }
        self.change(ring, key, |storage| {
            storage.shorten_text(ring.name, key, ring.stale)
        })
    }

    fn clear(&self, ring: &RingRules<'_>) -> Result<(), Error> {
        let flights = self.0.flights().table();
        (ring.forget_errors)(flights.address());
        let cleared = clear_by(flights, ring.name, ring.write_timeout, || {
            self.0.clear_entries(ring.name)
        });
        cleared.map_err(|error| error.into().of_ring(ring.name.as_str()))
    }

    fn health(&self) -> StorageHealth {
        self.0.health()
    }
}

/// Lends a storage that wraps others, instead of these.
#[doc(hidden)]
pub fn lend_whole<T>(flights: &Flights<T>, visit: Visit) {
    flights.usage().facts().lend(LentBy::Whole, visit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_other_rings_and_namespaces_are_not_the_rings() {
        let user = Name::chosen("inspect:user");
        for (key, expected) in [
            ("inspect:user", true),
            ("inspect:user:", true),
            ("inspect:user:7", true),
            ("inspect:users:7", false),
            ("inspect:use", false),
            ("", false),
        ] {
            assert_eq!(is_of_ring(key, "", user), expected, "{key}");
            assert!(!is_of_ring(key, "shop:", user), "{key}");
            assert_eq!(
                is_of_ring(&format!("shop:{key}"), "shop:", user),
                expected,
                "{key}"
            );
        }
    }
}
