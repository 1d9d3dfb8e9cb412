//! An [`Lru`] as the inspector sees it: pages of keys, shard by shard.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use super::Lru;
use super::config::Config;
use super::shard::Entries;
use super::untyped::UntypedLru;
use crate::inspect::{AnyStorage, FoundKey, Inspect, KeyPage, Lent};
use crate::key::{KeyBytes, Name, recorded_text};
use crate::storage::Clear;
use crate::storage_facts::LentBy;

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
        // Weak, also since a listener may own a handle of the cache.
        let shared = Arc::downgrade(&self.shared);
        let visit = move |visitor: &mut dyn FnMut(&dyn AnyStorage)| {
            if let Some(shared) = shared.upgrade() {
                visitor(&Lent::new(&Lru { shared }));
            }
        };
        self.facts().lend(LentBy::Memory, Arc::new(visit));
        self
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

impl dyn UntypedLru + '_ {
    /// A page of the keys of a ring, from a cursor on.
    fn keys(&self, ring: &Name, from: &str, at_most: usize) -> KeyPage {
        let (mut found, mut cursor) = (Vec::new(), Some(Cursor::parse(from)));
        for _ in 0..STEPS {
            match cursor {
                Some(from) if found.len() < at_most => cursor = self.step(ring, from, &mut found, at_most),
                _ => break,
            }
        }
        let key = |found: ListedEntry| FoundKey {
            text: recorded_text(&found.key),
            remaining: self.config().clock.left(found.deadline),
        };
        KeyPage {
            keys: found.into_iter().map(key).collect(),
            next: cursor.map(Cursor::text),
        }
    }

    /// Looks at some entries of one shard. Adds those of the ring to `found`, up to `at_most`. Returns the next cursor;
    /// `None` at the end.
    fn step(
        &self,
        ring: &Name,
        from: Cursor,
        found: &mut Vec<ListedEntry>,
        at_most: usize,
    ) -> Option<Cursor> {
        let config = self.config();
        let mut next = None;
        if from.shard <= config.mask {
            self.read(from.shard, &mut |entries| {
                let left = list(entries, ring, from, config, found, at_most);
                next = match left {
                    0 => (from.shard < config.mask).then(|| Cursor::of_shard(from.shard + 1)),
                    left => Some(Cursor { left, ..from }),
                };
            });
        }
        next
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

    fn remove_text(&self, ring: &Name, key: &str) -> bool {
        let found = self.entries_of_text(ring, key);
        let removed = found.iter().filter(|found| {
            self.change(found.shard, &mut |entries| {
                entries.position(&found.key, found.slot)
            })
        });
        removed.count() > 0
    }

    fn shorten_text(&self, ring: &Name, key: &str, life: Duration) -> bool {
        let deadline = self.config().clock.deadline(Some(life));
        let found = self.entries_of_text(ring, key);
        let shortened = found.iter().filter(|found| self.shorten(found, deadline));
        shortened.count() > 0
    }

    fn shorten(&self, found: &ListedEntry, deadline: u64) -> bool {
        let mut is_shortened = false;
        self.change(found.shard, &mut |entries| {
            let slot = entries.position(&found.key, found.slot)?;
            if entries.deadline(slot) > deadline {
                entries.set_deadline(slot, deadline);
                is_shortened = true;
            }
            None
        });
        is_shortened
    }
}

/// Lists entries of a shard: see `step`. Returns the number of its entries that are left.
fn list(
    entries: &Entries,
    ring: &Name,
    from: Cursor,
    config: &Config,
    found: &mut Vec<ListedEntry>,
    at_most: usize,
) -> usize {
    let end = from.left.min(entries.len());
    let start = end.saturating_sub(STEP);
    for slot in (start..end).rev() {
        if found.len() == at_most {
            return slot + 1;
        }
        let (key, deadline) = entries.at(slot);
        if key.belongs_to(ring) && !config.clock.is_past(deadline) {
            found.push(ListedEntry {
                key: key.clone(),
                deadline,
                shard: from.shard,
                slot,
            });
        }
    }
    start
}

impl<T: Clone> Inspect<T> for Lru<T> {
    fn keys(&self, ring: &Name, from: &str, at_most: usize) -> Result<KeyPage, Infallible> {
        Ok(self.untyped().keys(ring, from, at_most))
    }

    fn remove_text(&self, ring: &Name, key: &str) -> Result<bool, Infallible> {
        Ok(self.untyped().remove_text(ring, key))
    }

    fn shorten_text(&self, ring: &Name, key: &str, life: Duration) -> Result<bool, Infallible> {
        Ok(self.untyped().shorten_text(ring, key, life))
    }

    fn clear_entries(&self, ring: &Name) -> Result<(), Infallible> {
        self.clear_ring(ring)
    }
}
