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

    /// Puts a value under `key`. Adds the entries that it replaced or evicted to `gone`. Requires that the key's ring
    /// has used the storage, or was noted as one that has entries there.
    fn write(&self, key: &EncodedKey, value: T, terms: Terms, gone: &mut Gone<T>);

    /// Counts and drops entries. Called after the lock is released.
    fn count_gone(&self, gone: Gone<T>);
}

/// The deadlines of an entry, its weight, and the version of its tags.
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
    /// Whether it gave way to other keys, and was not replaced or removed.
    pub by_another_key: bool,
    /// Its deadline.
    pub expires_at: u64,
    /// The value, which is dropped without a lock.
    pub value: T,
    /// The next entry that gave way to the same one.
    pub next: Option<Box<Evicted<T>>>,
}

/// The entries that gave way to another: mostly one or none.
pub type Gone<T> = Option<Evicted<T>>;

impl<T> Evicted<T> {
    /// Adds it to `gone`.
    #[inline(always)]
    pub(crate) fn add_to(mut self, gone: &mut Gone<T>) {
        self.next = gone.take().map(Box::new);
        *gone = Some(self);
    }
}
