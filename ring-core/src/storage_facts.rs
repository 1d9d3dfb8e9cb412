//! The facts about a storage that its rings know, without its type and its lifetime.

use std::fmt;
use std::time::Duration;

#[cfg(feature = "inspect")]
use crate::inspect::Visit;
use crate::observer::EvictionReason;
use crate::stats::cells::{self, Cell};
#[cfg(feature = "inspect")]
use crate::sync::lasting::Mutex;
use crate::sync::lasting::{AtomicU64, AtomicUsize, OnceLock, Ordering};

/// The facts about a storage of unknown type.
pub(crate) struct StorageFacts {
    /// The unique number of the storage.
    #[cfg(feature = "inspect")]
    number: u64,
    /// Lends the storage to a visitor, if it can be inspected.
    #[cfg(feature = "inspect")]
    visit: Mutex<Option<(LentBy, Visit)>>,
    described: OnceLock<Description>,
    /// The address of the storage's flights when it was last used by a new ring.
    pub(crate) address: AtomicUsize,
    pub(crate) capacity: OnceLock<usize>,
    /// [`UNKNOWN`] if the storage does not count.
    entries: AtomicU64,
    most_entries: AtomicU64,
    /// Counts the entries that it lost, once there are some.
    losses: OnceLock<Option<Cell>>,
}

/// The facts from the type of a storage.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) deadline: Option<Duration>,
    pub(crate) can_fail: bool,
    pub(crate) has_text_keys: bool,
}

const UNKNOWN: u64 = u64::MAX;

/// The lender of a storage; later ones know more. A memory storage may be a tier of another.
#[cfg(feature = "inspect")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LentBy {
    /// The memory storage itself.
    Memory,
    /// The storage that a ring uses.
    Used,
    /// The whole storage, as a static or the user lends it.
    Whole,
}

/// The number of the next storage.
#[cfg(feature = "inspect")]
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Default for StorageFacts {
    fn default() -> Self {
        StorageFacts {
            #[cfg(feature = "inspect")]
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            #[cfg(feature = "inspect")]
            visit: Mutex::default(),
            described: OnceLock::new(),
            address: AtomicUsize::new(0),
            capacity: OnceLock::new(),
            entries: AtomicU64::new(UNKNOWN),
            most_entries: AtomicU64::new(0),
            losses: OnceLock::new(),
        }
    }
}

impl StorageFacts {
    /// Notes what the type of the storage tells, and the address of its flights.
    pub(crate) fn describe(&self, address: usize, describe: impl FnOnce() -> Description) {
        self.address.store(address, Ordering::Relaxed);
        self.described.get_or_init(describe);
    }

    pub(crate) fn description(&self) -> Option<&Description> {
        self.described.get()
    }

    /// Sets the most entries of the storage, and marks it as counting.
    pub(crate) fn count_entries(&self, capacity: Option<usize>) {
        if let Some(capacity) = capacity {
            self.capacity.get_or_init(|| capacity);
        }
        self.entries.store(0, Ordering::Relaxed);
    }

    /// Counts added entries, for a storage that counts.
    pub(crate) fn came(&self) {
        let entries = self.entries.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        if entries > self.most_entries.load(Ordering::Relaxed) {
            self.most_entries.fetch_max(entries, Ordering::Relaxed);
        }
    }

    /// Counts the entries of a part of the storage: by a write they became more by one, or fewer.
    #[inline]
    pub(crate) fn changed(&self, before: usize, after: usize) {
        match before.checked_sub(after) {
            Some(0) => {}
            Some(fewer) => self.went(fewer),
            None => self.came(),
        }
    }

    /// Entries went, for a storage that counts them.
    pub(crate) fn went(&self, count: usize) {
        self.entries.fetch_sub(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn entries(&self) -> Option<u64> {
        let entries = self.entries.load(Ordering::Relaxed);
        (entries != UNKNOWN).then_some(entries)
    }

    /// The greatest number of entries so far.
    pub(crate) fn most_entries(&self) -> u64 {
        self.most_entries.load(Ordering::Relaxed)
    }

    /// Counts an entry that the storage lost.
    #[inline]
    pub(crate) fn lost(&self, reason: EvictionReason) {
        if let Some(losses) = self.losses.get_or_init(cells::take_alone) {
            losses.count(reason.counter());
        }
    }

    fn losses(&self, reason: EvictionReason) -> u64 {
        let losses = self.losses.get().and_then(Option::as_ref);
        losses.map_or(0, |losses| losses.totals()[reason.counter() as usize])
    }

    #[cfg(feature = "inspect")]
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    #[cfg(feature = "inspect")]
    pub(crate) fn visit(&self) -> Option<Visit> {
        let visit = self.visit.lock();
        visit.as_ref().map(|(_, visit)| Visit::clone(visit))
    }

    /// Keeps the way in which the inspector reaches the storage, unless a better one is known.
    #[cfg(feature = "inspect")]
    pub(crate) fn lend(&self, by: LentBy, visit: Visit) {
        let mut known = self.visit.lock();
        if known.as_ref().is_none_or(|(known, _)| *known < by) {
            *known = Some((by, visit));
        }
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.losses(EvictionReason::Capacity)
    }

    pub(crate) fn expirations(&self) -> u64 {
        self.losses(EvictionReason::Expired)
    }
}

/// Omits how the storage is reached.
impl fmt::Debug for StorageFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageFacts")
            .field("described", &self.described)
            .field("entries", &self.entries())
            .finish_non_exhaustive()
    }
}

/// A type's name without the modules: `Tiered<Lru<User>, Redis>`.
pub(crate) fn short(name: &str) -> String {
    let mut short = String::new();
    for word in name.split_inclusive(|character: char| !character.is_alphanumeric() && character != '_') {
        short.push_str(word);
        if short.ends_with("::") {
            let end = short.len() - 2;
            let start =
                short[..end].rfind(|character: char| !character.is_alphanumeric() && character != '_');
            short.truncate(start.map_or(0, |start| start + 1));
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_are_read_without_their_modules() {
        for (name, expected) in [
            ("ring_cache_core::lru::Lru<alloc::string::String>", "Lru<String>"),
            ("a::Tiered<b::Lru<u32>, c::d::Redis>", "Tiered<Lru<u32>, Redis>"),
            ("u32", "u32"),
        ] {
            assert_eq!(short(name), expected);
        }
    }
}
