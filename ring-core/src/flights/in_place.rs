//! Writes without I/O: how a computed value is stored in memory.

use std::time::Duration;

use crate::key::EncodedKey;

/// A storage that is written in place.
///
/// Other storages need a write turn, since a `delete` may come during a write. Here the lock that orders the writes
/// of a key is held during the write. So the write runs no user code; user code runs before or after it. Keys are
/// compared by their bytes.
pub trait InPlace<T> {
    /// The deadline of an entry, by the storage's clock; `None` if the entry is not to be stored. Called before the
    /// lock is taken.
    fn expires_at(&self, expiry: Option<Duration>) -> Option<u64>;

    /// Puts a value under `key`. Returns the entry that it replaced or evicted.
    fn write(&self, key: EncodedKey, value: T, expires_at: u64) -> Option<Evicted<T>>;

    /// Counts and drops an entry. Called after the lock is released.
    fn count_evicted(&self, evicted: Evicted<T>);
}

/// An entry that was replaced by another value of its key, or evicted by another key.
#[derive(Debug)]
pub struct Evicted<T> {
    /// The number of the name of its ring, if it is the entry of one.
    pub ring: Option<u32>,
    /// Whether another key took its slot.
    pub by_another_key: bool,
    /// Its deadline.
    pub expires_at: u64,
    /// The value, which is dropped without a lock.
    pub value: T,
}
