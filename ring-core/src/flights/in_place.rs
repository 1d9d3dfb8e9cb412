//! Writes without I/O: how a computed value is stored in memory.

use std::time::Duration;

use crate::key::{EncodedKey, KeyBytes};

/// A storage that is written in place.
///
/// Other storages need a write turn, since a `delete` may come during a write. Here the lock that orders the writes
/// of a key is held during the write. So the write runs no user code; user code runs before or after it. Keys are
/// compared by their bytes.
pub trait InPlace<T> {
    /// The terms of an entry; `None` if it is not to be stored. Called before the lock is taken.
    fn terms(&self, value: &T, expiry: Option<Duration>) -> Option<Terms>;

    /// Puts a value under `key`. Returns the entry that it replaced or evicted.
    fn write(&self, key: &EncodedKey, value: T, terms: Terms) -> Option<Evicted<T>>;

    /// Counts and drops an entry. Called after the lock is released.
    fn count_evicted(&self, evicted: Evicted<T>);
}

/// For how long an entry is stored, and what it costs.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Its deadline, by the storage's clock.
    pub expires_at: u64,
    /// Its deadline, unless it is used before.
    pub idle_until: u64,
    /// Its weight.
    pub weight: u32,
    /// The version of its tags, zero without any.
    pub version: u64,
}

/// An entry that was replaced by another value of its key, or evicted by another key.
#[derive(Debug)]
pub struct Evicted<T> {
    /// Its key.
    pub(crate) key: KeyBytes,
    /// Whether another key took its slot.
    pub by_another_key: bool,
    /// Its deadline.
    pub expires_at: u64,
    /// The value, which is dropped without a lock.
    pub value: T,
    /// The next one that was evicted for the same entry.
    pub next: Option<Box<Evicted<T>>>,
}

impl<T> Evicted<T> {
    /// The same before others that were evicted for the same entry.
    pub(crate) fn before(mut self, next: Option<Box<Self>>) -> Self {
        self.next = next;
        self
    }
}
