//! An [`Lru`] as the inspector sees it: pages of keys, shard by shard.

use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::{Extras, Lru, Shard};
use crate::clock::StorageClock;
use crate::flights::Flights;
use crate::inspect::{AnyStorage, FoundKey, Inspect, KeyPage, Lent};
use crate::key::{KeyBytes, Name, recorded_text};
use crate::storage::Clear;
use crate::storage_facts::LentBy;
use crate::sync::ReadersLock;

/// The number of entries that are looked at under one lock.
const STEP: usize = 512;

/// The number of steps for one page.
const STEPS: usize = 64;

impl<T: Clone + Send + Sync + 'static> Lru<T> {
    /// Lets the inspector (feature `inspector`) list the keys and remove entries. It holds the storage weakly.
    ///
    /// Storages that statics own are inspectable as they are.
    #[must_use]
    pub fn inspectable(self) -> Self {
        let weak = WeakLru {
            shards: Arc::downgrade(&self.shards),
            flights: Arc::downgrade(&self.flights),
            mask: self.mask,
            capacity: self.capacity,
            clock: self.clock.clone(),
            extras: self.extras.as_ref().map(Arc::downgrade),
        };
        let visit = move |visitor: &mut dyn FnMut(&dyn AnyStorage)| {
            if let Some(lru) = weak.upgrade() {
                visitor(&Lent::new(&lru));
            }
        };
        self.facts().lend(LentBy::Memory, Arc::new(visit));
        self
    }
}

/// An [`Lru`] that may be gone.
struct WeakLru<T> {
    shards: Weak<[ReadersLock<Shard<T>>]>,
    flights: Weak<Flights<T>>,
    mask: usize,
    capacity: usize,
    clock: StorageClock,
    /// Weak, since a listener may own a handle of the cache.
    extras: Option<Weak<Extras<T>>>,
}

impl<T> WeakLru<T> {
    fn upgrade(&self) -> Option<Lru<T>> {
        Some(Lru {
            shards: self.shards.upgrade()?,
            mask: self.mask,
            capacity: self.capacity,
            clock: self.clock.clone(),
            flights: self.flights.upgrade()?,
            extras: match &self.extras {
                Some(extras) => Some(extras.upgrade()?),
                None => None,
            },
        })
    }
}

/// Where a step begins: a shard, and the number of its entries that are left. Entries are listed from the last to the
/// first: a removal moves the last entry into the free slot, so none is left out.
#[derive(Clone, Copy)]
struct Cursor {
    shard: usize,
    left: usize,
}

impl Cursor {
    /// The beginning of a shard.
    fn of_shard(shard: usize) -> Self {
        Cursor {
            shard,
            left: usize::MAX,
        }
    }

    /// Parses the result of [`text`](Self::text). Any other text gives the beginning.
    fn parse(text: &str) -> Self {
        let parsed = text.split_once('.').and_then(|(shard, left)| {
            let (shard, left) = (shard.parse().ok()?, left.parse().ok()?);
            Some(Cursor { shard, left })
        });
        parsed.unwrap_or(Cursor::of_shard(0))
    }

    fn text(self) -> String {
        format!("{}.{}", self.shard, self.left)
    }
}

/// A listed entry, with its place when it was listed.
struct ListedEntry {
    key: KeyBytes,
    deadline: u64,
    shard: usize,
    slot: usize,
}

impl<T> Lru<T> {
    /// Looks at some entries of one shard. Adds those of the ring to `found`, up to `at_most`. Returns the next cursor;
    /// `None` at the end.
    fn step(
        &self,
        ring: &Name,
        from: Cursor,
        found: &mut Vec<ListedEntry>,
        at_most: usize,
    ) -> Option<Cursor> {
        let shard = self.shards.get(from.shard)?.read();
        let end = from.left.min(shard.len());
        let start = end.saturating_sub(STEP);
        for slot in (start..end).rev() {
            if found.len() == at_most {
                let left = slot + 1;
                return Some(Cursor { left, ..from });
            }
            let (key, deadline) = shard.at(slot);
            if key.belongs_to(ring) && !self.clock.is_past(deadline) {
                found.push(ListedEntry {
                    key: key.clone(),
                    deadline,
                    shard: from.shard,
                    slot,
                });
            }
        }
        match start {
            0 => (from.shard + 1 < self.shards.len()).then(|| Cursor::of_shard(from.shard + 1)),
            left => Some(Cursor { left, ..from }),
        }
    }

    /// The entries of a ring whose keys have this text. Keys are told apart by their bytes, so there may be several.
    fn entries_of_text(&self, ring: &Name, text: &str) -> Vec<ListedEntry> {
        let (mut of_text, mut cursor) = (Vec::new(), Some(Cursor::of_shard(0)));
        while let Some(from) = cursor {
            let mut found = Vec::new();
            cursor = self.step(ring, from, &mut found, usize::MAX);
            // Texts are rendered without the lock.
            of_text.extend(
                found
                    .into_iter()
                    .filter(|found| recorded_text(&found.key) == text),
            );
        }
        of_text
    }

    fn remove_found(&self, found: &ListedEntry) -> bool {
        let mut shard = self.shards[found.shard].write();
        let slot = shard.position(&found.key, found.slot);
        let removed = slot.map(|slot| shard.remove(slot));
        drop(shard);
        self.was_alive(removed)
    }

    fn shorten_found(&self, found: &ListedEntry, deadline: u64) -> bool {
        let mut shard = self.shards[found.shard].write();
        let slot = shard.position(&found.key, found.slot);
        let longer = slot.filter(|&slot| shard.deadline(slot) > deadline);
        longer.map(|slot| shard.set_deadline(slot, deadline)).is_some()
    }
}

impl<T: Clone> Inspect<T> for Lru<T> {
    fn keys(&self, ring: &Name, from: &str, at_most: usize) -> Result<KeyPage, Infallible> {
        let (mut found, mut cursor) = (Vec::new(), Some(Cursor::parse(from)));
        for _ in 0..STEPS {
            match cursor {
                Some(from) if found.len() < at_most => cursor = self.step(ring, from, &mut found, at_most),
                _ => break,
            }
        }
        let key = |found: ListedEntry| FoundKey {
            text: recorded_text(&found.key),
            remaining: self.clock.left(found.deadline),
        };
        Ok(KeyPage {
            keys: found.into_iter().map(key).collect(),
            next: cursor.map(Cursor::text),
        })
    }

    fn remove_text(&self, ring: &Name, key: &str) -> Result<bool, Infallible> {
        let found = self.entries_of_text(ring, key);
        let removed = found.iter().filter(|found| self.remove_found(found));
        Ok(removed.count() > 0)
    }

    fn shorten_text(&self, ring: &Name, key: &str, life: Duration) -> Result<bool, Infallible> {
        let deadline = self.clock.deadline(Some(life));
        let found = self.entries_of_text(ring, key);
        let shortened = found.iter().filter(|found| self.shorten_found(found, deadline));
        Ok(shortened.count() > 0)
    }

    fn clear_entries(&self, ring: &Name) -> Result<(), Infallible> {
        self.clear_ring(ring)
    }
}
