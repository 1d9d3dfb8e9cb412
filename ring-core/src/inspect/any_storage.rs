//! A storage of unknown type, and its facts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::key::Name;

/// Some keys of a ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys. May be empty although more follow: the work for one page is bounded.
    pub keys: Vec<FoundKey>,
    /// The start of the next page. `None` after the last.
    pub next: Option<String>,
}

/// A key in a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundKey {
    /// The text under which the storage keeps the entry, as [`stored_key`](crate::storage::StorageBase::stored_key) returns
    /// it.
    pub text: String,
    /// The remaining life of the entry; `None` if it does not expire, or if the storage does not tell.
    pub remaining: Option<Duration>,
}

/// The health of a storage: its servers and its failures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageHealth {
    /// The servers, if any.
    pub nodes: Vec<NodeHealth>,
    /// Counts, by name. Zeros may be omitted.
    pub counts: Vec<(&'static str, u64)>,
    /// Notes: the last failure, and why changes are not reported.
    pub notes: Vec<String>,
}

/// The health of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeHealth {
    /// Its address. `None` if unknown.
    pub address: Option<String>,
    /// Whether its breaker is open, so that it is not asked.
    pub is_open: bool,
    /// The failure for which the breaker opened.
    pub fault: Option<String>,
}

/// The facts about a ring that a change needs.
#[derive(Clone, Copy)]
pub struct RingRules<'r> {
    /// The name of the ring.
    pub name: &'static Name,
    /// The time for which expired entries are kept.
    pub stale: Duration,
    pub(super) write_timeout: Duration,
    /// Forgets the errors that calls get on the storage with these flights.
    pub(super) forget_errors: &'r dyn Fn(usize),
}

impl fmt::Debug for RingRules<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingRules")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A storage of unknown type.
pub trait AnyStorage {
    /// See [`Inspect::refusal`](super::Inspect::refusal).
    fn refusal(&self) -> Option<&'static str>;
    /// See [`Inspect::keys`](super::Inspect::keys).
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
    fn delete(&self, ring: &RingRules<'_>, key: &str) -> Result<bool, Error>;
    /// Makes the entries of this text stale; removes them in a ring without stale entries.
    ///
    /// # Errors
    ///
    /// If the storage fails.
    fn expire(&self, ring: &RingRules<'_>, key: &str) -> Result<bool, Error>;
    /// Removes all entries of the ring, also those being computed.
    ///
    /// # Errors
    ///
    /// If the storage fails, or cannot do it.
    fn clear(&self, ring: &RingRules<'_>) -> Result<(), Error>;
    /// See [`Inspect::health`](super::Inspect::health).
    fn health(&self) -> StorageHealth;
}

/// Lends a storage to a visitor, unless the storage is gone.
pub type Visit = Arc<dyn Fn(&mut dyn FnMut(&dyn AnyStorage)) + Send + Sync>;
