//! What the inspector asks of storages: the keys of a ring, by pages, and their removal by text.
//!
//! A storage implements [`Inspect`]. Rings know their storages without the type, so each storage leaves a [`Visit`] with the
//! facts that are known of it: a closure that holds it weakly, and lends it to a visitor. Storages of bytes leave theirs when
//! a ring first uses them. A memory storage holds values of any type, also of types that other threads must not see: it
//! leaves one if a static owns it, or if the user says [`inspectable`](crate::Lru::inspectable).
//!
//! ```
//! # use ring_cache_core as ring_cache;
//! # use ring_cache::{Cache, Lru, Plain, Ring};
//! # let ring: &'static Ring = Box::leak(Box::new(Ring::with_prefix("user")));
//! let users = Lru::<String>::new(100).inspectable();
//! # let user = |id: u32| Cache::new(ring, &users).bind::<Plain<String>, _, _>((id,), |(id,)| format!("user {id}")).get_or_update();
//! user(7);
//!
//! let rings = ring_cache::rings();
//! let ring = rings.iter().find(|ring| ring.name() == "user").expect("it was used");
//! let storage = &ring.inspected()[0];
//! let page = storage.keys("", 100).expect("memory does not fail");
//! assert_eq!(page.keys[0].text, "user:7");
//! assert!(storage.delete("user:7").expect("memory does not fail"));
//! assert!(!users.has(&("user", 7_u32)) && users.is_empty());
//! ```

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::account::Use;
use crate::clearing;
use crate::error::Error;
use crate::flights::Flights;
use crate::key::Name;
use crate::ring::Ring;
use crate::ring_info::{RingInfo, StorageInfo};
use crate::storage::StorageBase;
use crate::storage_facts::LentBy;
use crate::used;

/// Some keys of a ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys. There may be none although more follow: the work for one page is bounded.
    pub keys: Vec<FoundKey>,
    /// Where the next page begins. `None` after the last.
    pub next: Option<String>,
}

/// A key that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundKey {
    /// The text under which the storage keeps the entry, as [`stored_key`](StorageBase::stored_key) returns it.
    pub text: String,
    /// The remaining life of the entry; `None` if it does not expire, or if the storage does not say.
    pub remaining: Option<Duration>,
}

/// How a storage does: its servers and its failures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageHealth {
    /// The servers. None for a storage without any.
    pub nodes: Vec<NodeHealth>,
    /// What is counted, by name. Zeros may be left out.
    pub counts: Vec<(&'static str, u64)>,
    /// What else there is to say: the last failure, and why changes are not told of.
    pub notes: Vec<String>,
}

/// How one server does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeHealth {
    /// Where it is. `None` if that is not known.
    pub address: Option<String>,
    /// Whether its breaker is open, so that it is not asked.
    pub is_open: bool,
    /// The failure for which the breaker opened.
    pub fault: Option<String>,
}

/// A storage whose entries can be listed and removed by the texts of their keys. All operations may block.
///
/// The texts of keys come from people: an operation does nothing to keys that are not of the ring.
pub trait Inspect<T>: StorageBase<T> {
    /// Why keys cannot be listed. `None` if they can.
    fn refusal(&self) -> Option<&'static str> {
        None
    }

    /// Up to about `at_most` keys of a ring, from `from` on: nothing for the first page, then what the page before said.
    /// The work is bounded, and no lock is held for longer than a few hundred entries take. A key may be listed twice while
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

    /// How the storage does.
    fn health(&self) -> StorageHealth {
        StorageHealth::default()
    }
}

/// Whether the text of a stored key is one of the ring's. `namespace` stands before all keys of the storage.
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

/// A storage whose type is not known.
pub trait AnyStorage {
    /// See [`Inspect::refusal`].
    fn refusal(&self) -> Option<&'static str>;
    /// See [`Inspect::keys`].
    ///
    /// # Errors
    ///
    /// If the storage fails, or does not list keys.
    fn keys(&self, ring: &Name, from: &str, at_most: usize) -> Result<KeyPage, Error>;
    /// Removes the entries of this text, also those being computed. Returns whether there were any.
    ///
    /// # Errors
    ///
    /// If the storage fails.
    fn delete(&self, ring: &'static Ring, key: &str) -> Result<bool, Error>;
    /// Makes the entries of this text stale, and removes those of a ring that keeps no stale ones.
    ///
    /// # Errors
    ///
    /// If the storage fails.
    fn expire(&self, ring: &'static Ring, key: &str) -> Result<bool, Error>;
    /// Removes all entries of the ring, also those being computed.
    ///
    /// # Errors
    ///
    /// If the storage fails, or cannot do it.
    fn clear(&self, ring: &'static Ring) -> Result<(), Error>;
    /// See [`Inspect::health`].
    fn health(&self) -> StorageHealth;
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
    /// Changes entries by the text of their keys, as a `delete` does: computations that began before are not stored.
    fn change<R>(
        &self,
        ring: &'static Ring,
        key: &str,
        change: impl FnOnce(&S) -> Result<R, S::Error>,
    ) -> Result<R, Error> {
        let (name, flights) = (ring.name(), self.0.flights());
        // The hash of the key is not known.
        clearing::forget_errors(ring, self.0);
        let mut under_way = flights.keys_of(name);
        under_way.retain(|under_way| self.0.stored_key(under_way) == key);
        let invalidation = flights.invalidate_many(under_way, ring.write_timeout);
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

    fn delete(&self, ring: &'static Ring, key: &str) -> Result<bool, Error> {
        self.change(ring, key, |storage| storage.remove_text(ring.name(), key))
    }

    fn expire(&self, ring: &'static Ring, key: &str) -> Result<bool, Error> {
        if ring.stale.is_zero() {
            return self.delete(ring, key);
        }
        self.change(ring, key, |storage| {
            storage.shorten_text(ring.name(), key, ring.stale)
        })
    }

    fn clear(&self, ring: &'static Ring) -> Result<(), Error> {
        let cleared = clearing::clear_by(ring, self.0, || self.0.clear_entries(ring.name()));
        cleared.map_err(|error| error.into().of_ring(ring.name().as_str()))
    }

    fn health(&self) -> StorageHealth {
        self.0.health()
    }
}

/// Lends a storage to a visitor, unless the storage is gone.
pub type Visit = Arc<dyn Fn(&mut dyn FnMut(&dyn AnyStorage)) + Send + Sync>;

/// Lends a storage that is made of others, whatever they say of themselves.
#[doc(hidden)]
pub fn lend_whole<T>(flights: &Flights<T>, visit: Visit) {
    flights.usage().facts().lend(LentBy::Whole, visit);
}

/// A storage of a ring, to be looked into: see [`RingInfo::inspected`].
#[derive(Clone, Debug)]
pub struct Inspected {
    ring: &'static Ring,
    used: Arc<Use>,
}

impl RingInfo {
    /// The storages that it is about, to be looked into.
    ///
    /// It runs no code of users but that of statics that hold storages, where a ring was used whose storage was not.
    pub fn inspected(&self) -> Vec<Inspected> {
        used::show_new();
        let uses = self.uses.iter().map(|used| Inspected {
            ring: self.ring(),
            used: Arc::clone(used),
        });
        uses.collect()
    }

    /// The time for which entries are kept after they expired. Zero: not at all.
    pub fn stale(&self) -> Duration {
        self.ring().stale
    }
}

impl Inspected {
    /// A number that no other storage of this process has.
    pub fn number(&self) -> u64 {
        self.used.storage.number()
    }

    /// What is known of the storage.
    pub fn info(&self) -> StorageInfo {
        StorageInfo::of(&self.used.storage)
    }

    /// Why keys cannot be listed or removed, and what to do about it. `None` if they can.
    pub fn refusal(&self) -> Option<&'static str> {
        match self.used.storage.visit() {
            None => Some(NOT_INSPECTABLE),
            Some(_) => self.visit(|storage| storage.refusal()).unwrap_or(Some(GONE)),
        }
    }

    /// Up to about `at_most` keys of the ring, from `from` on: nothing for the first page, then [`KeyPage::next`].
    /// Blocks where the storage is outside the process.
    ///
    /// # Errors
    ///
    /// If the storage fails, is gone, or does not list keys.
    pub fn keys(&self, from: &str, at_most: usize) -> Result<KeyPage, Error> {
        self.ask("keys", |storage| storage.keys(self.ring.name(), from, at_most))
    }

    /// Removes the entry whose stored key has this text, also one that is being computed. Returns whether there was one.
    /// Blocks where the storage is outside the process.
    ///
    /// # Errors
    ///
    /// If the storage fails or is gone.
    pub fn delete(&self, key: &str) -> Result<bool, Error> {
        self.ask("delete", |storage| storage.delete(self.ring, key))
    }

    /// Makes the entry stale whose stored key has this text, as [`expire`](crate::Call::expire) does; in a ring without
    /// `stale`, removes it. Returns whether there was one that had not expired.
    ///
    /// # Errors
    ///
    /// If the storage fails or is gone.
    pub fn expire(&self, key: &str) -> Result<bool, Error> {
        self.ask("expire", |storage| storage.expire(self.ring, key))
    }

    /// Removes all entries of the ring, also those being computed.
    ///
    /// # Errors
    ///
    /// If the storage fails, is gone, or cannot remove the entries of one ring.
    pub fn clear(&self) -> Result<(), Error> {
        self.ask("clear", |storage| storage.clear(self.ring))
    }

    /// How the storage does. Asks no server.
    pub fn health(&self) -> StorageHealth {
        self.visit(|storage| storage.health()).unwrap_or_default()
    }

    fn visit<R>(&self, read: impl FnOnce(&dyn AnyStorage) -> R) -> Option<R> {
        let (mut read, mut result) = (Some(read), None);
        let visit = self.used.storage.visit()?;
        visit(&mut |storage| result = read.take().map(|read| read(storage)));
        result
    }

    fn ask<R>(
        &self,
        operation: &'static str,
        ask: impl FnOnce(&dyn AnyStorage) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let refused = || self.refusal().unwrap_or(GONE);
        self.visit(ask)
            .unwrap_or_else(|| Err(Error::storage("inspector", operation, refused())))
    }
}

/// Why a memory storage is not looked into.
const NOT_INSPECTABLE: &str = "the keys of this storage are not listed: for an `Lru` or a `Map`, write `.inspectable()` where it is made";

const GONE: &str = "the storage is gone";

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
