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

/// An entry that is gone, without its value.
#[derive(Debug)]
pub struct Departed {
    /// Its key.
    pub(crate) key: KeyBytes,
    /// Whether it gave way to other keys, and was not replaced or removed.
    pub by_another_key: bool,
    /// Its deadline.
    pub expires_at: u64,
}

/// An entry that was replaced by another value of its key, or evicted by another key.
#[derive(Debug)]
pub struct Evicted<T> {
    /// The entry.
    pub entry: Departed,
    /// The value, which is dropped without a lock.
    pub value: T,
    /// The entries that gave way to the same one after it: mostly none.
    pub later: Option<Box<Later<T>>>,
}

/// Entries that gave way to another after the first one, and their values.
#[derive(Debug)]
pub struct Later<T> {
    /// The entries.
    pub entries: Vec<Departed>,
    /// The value of each.
    pub values: Vec<T>,
}

/// The entries that gave way to another: mostly one or none.
pub type Gone<T> = Option<Evicted<T>>;

impl<T> Evicted<T> {
    /// An entry alone.
    #[inline(always)]
    pub(crate) fn new(entry: Departed, value: T) -> Self {
        Evicted {
            entry,
            value,
            later: None,
        }
    }

    /// Adds an entry to `gone`.
    #[inline(always)]
    pub(crate) fn add(entry: Departed, value: T, gone: &mut Gone<T>) {
        match gone {
            None => *gone = Some(Evicted::new(entry, value)),
            Some(first) => first.add_later(entry, value),
        }
    }

    #[cold]
    fn add_later(&mut self, entry: Departed, value: T) {
        if self.later.is_none() {
            self.later = Some(Box::new(Later {
                entries: Vec::new(),
                values: Vec::new(),
            }));
        }
        if let Some(later) = &mut self.later {
            later.entries.push(entry);
            later.values.push(value);
        }
    }

    /// Calls `f` with each entry and its value.
    pub(crate) fn each(self, mut f: impl FnMut(Departed, T)) {
        f(self.entry, self.value);
        if let Some(later) = self.later {
            for (entry, value) in later.entries.into_iter().zip(later.values) {
                f(entry, value);
            }
        }
    }
}
