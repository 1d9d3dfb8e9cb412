//! What rings do on one storage: their counters there, and facts on the storage that outlive it.
//!
//! A storage's [`Flights`](crate::flights::Flights) own its [`Usage`]. Rings keep the [`Use`] of each storage, so that
//! their counters can be read without the storage, whose type and lifetime nobody else knows.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Failure};
use crate::key::KeyShape;
use crate::observer::{self, EvictionReason};
use crate::ring::Ring;
use crate::stats::cells::{self, Cell, NO_BASE};
use crate::stats::{Counters, Stats};
use crate::storage::StorageBase;
use crate::sync::lasting::{AtomicBool, AtomicU64, AtomicUsize, Mutex, OnceLock, Ordering};

/// The rings that use one storage.
pub(crate) struct Usage {
    /// The number of this storage by which hits find their cell: see [`cells`]. [`NO_BASE`] while there are strangers.
    base: AtomicUsize,
    chosen_base: AtomicUsize,
    /// The numbers of the names of rings that have entries here, and have not used the storage yet: somebody wrote under
    /// the keys of their calls. Without a base their first hit takes the long way, and makes them known.
    strangers: Mutex<Vec<u32>>,
    first: Place,
    facts: Arc<StorageFacts>,
}

/// Where a list goes on. It only grows, by one node for each ring, and is read without a lock.
type Place = OnceLock<Box<Node>>;

struct Node {
    used: Arc<Use>,
    next: Place,
}

/// One ring on one storage.
pub(crate) struct Use {
    pub(crate) ring: &'static Ring,
    pub(crate) shape: &'static KeyShape,
    pub(crate) storage: Arc<StorageFacts>,
    pub(crate) counters: Counters,
    /// The cells of its hits: one, and those that it had before another ring came to the storage.
    cells: Mutex<Vec<Cell>>,
    /// The place of the latest of them.
    place: AtomicUsize,
    /// The expiry of the value that was stored last, in nanoseconds.
    expiry: AtomicU64,
    /// Whether a value was stored that does not expire.
    stored_for_ever: AtomicBool,
    /// The last failure of the storage, in words.
    last_failure: Mutex<Option<String>>,
}

/// What is known of a storage whose type is not.
#[derive(Debug)]
pub(crate) struct StorageFacts {
    described: OnceLock<Description>,
    /// The address of the storage's flights when it was last used by a new ring.
    pub(crate) address: AtomicUsize,
    pub(crate) capacity: OnceLock<usize>,
    /// [`UNKNOWN`] if the storage does not count.
    entries: AtomicU64,
    most_entries: AtomicU64,
    evictions: AtomicU64,
    expirations: AtomicU64,
}

/// What the type of a storage tells.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) deadline: Option<Duration>,
    pub(crate) can_fail: bool,
    pub(crate) has_text_keys: bool,
}

const UNKNOWN: u64 = u64::MAX;

/// The expiry of values that do not expire.
const NEVER: u64 = u64::MAX;

impl Default for Usage {
    fn default() -> Self {
        Usage {
            base: AtomicUsize::new(NO_BASE),
            chosen_base: AtomicUsize::new(NO_BASE),
            strangers: Mutex::default(),
            first: OnceLock::new(),
            facts: Arc::new(StorageFacts {
                described: OnceLock::new(),
                address: AtomicUsize::new(0),
                capacity: OnceLock::new(),
                entries: AtomicU64::new(UNKNOWN),
                most_entries: AtomicU64::new(0),
                evictions: AtomicU64::new(0),
                expirations: AtomicU64::new(0),
            }),
        }
    }
}

impl Usage {
    /// The cell that counts a ring's hits.
    #[inline(always)]
    pub(crate) fn cell(&self, ring: &Ring) -> usize {
        self.base.load(Ordering::Relaxed).wrapping_add(ring.number)
    }

    /// The facts on the storage.
    pub(crate) fn facts(&self) -> &StorageFacts {
        &self.facts
    }

    /// The use of a ring, which begins with this call if there was none.
    pub(crate) fn of<T, S: StorageBase<T>>(
        &self,
        ring: &'static Ring,
        shape: &'static KeyShape,
        storage: &S,
    ) -> &Use {
        let mut place = &self.first;
        loop {
            if place.get().is_none() {
                self.facts.describe(storage);
            }
            let node = place.get_or_init(|| {
                Box::new(Node {
                    used: self.begin(ring, shape),
                    next: OnceLock::new(),
                })
            });
            if std::ptr::eq(node.used.ring, ring) {
                return &node.used;
            }
            place = &node.next;
        }
    }

    /// The use of a ring, if there is one.
    pub(crate) fn find(&self, ring: &Ring) -> Option<&Use> {
        self.all().find(|used| std::ptr::eq(used.ring, ring))
    }

    /// Counts a failure of the storage for a ring that uses it.
    pub(crate) fn failed(&self, ring: &Ring, error: &Error) {
        if let Some(used) = self.find(ring) {
            used.failed(error);
        }
    }

    fn all(&self) -> impl Iterator<Item = &Use> {
        let first = self.first.get();
        std::iter::successors(first, |node| node.next.get()).map(|node| &*node.used)
    }

    fn begin(&self, ring: &'static Ring, shape: &'static KeyShape) -> Arc<Use> {
        let known: Vec<_> = self.all().collect();
        let numbers = known.iter().map(|used| used.ring.number);
        let numbers: Vec<_> = numbers.chain([ring.number]).collect();
        let (base, mut taken) = cells::take(self.chosen_base.load(Ordering::Relaxed), &numbers);
        let own = taken.pop();
        for (used, cell) in known.iter().zip(taken) {
            used.place.store(cell.place(), Ordering::Relaxed);
            used.cells.lock().push(cell);
        }
        let used = Arc::new(Use {
            ring,
            shape,
            storage: Arc::clone(&self.facts),
            counters: Counters::default(),
            place: AtomicUsize::new(base.wrapping_add(ring.number)),
            cells: Mutex::new(own.into_iter().collect()),
            expiry: AtomicU64::new(NEVER),
            stored_for_ever: AtomicBool::new(false),
            last_failure: Mutex::default(),
        });
        let mut strangers = self.strangers.lock();
        strangers.retain(|name| *name != ring.name().id());
        self.chosen_base.store(base, Ordering::Relaxed);
        self.publish_base(&strangers);
        drop(strangers);
        ring.begin_use(&used);
        used
    }

    fn publish_base(&self, strangers: &[u32]) {
        let base = if strangers.is_empty() {
            self.chosen_base.load(Ordering::Relaxed)
        } else {
            NO_BASE
        };
        self.base.store(base, Ordering::Relaxed);
    }

    /// An entry is written under the key of a ring with this number of its name.
    pub(crate) fn written(&self, ring: Option<u32>) {
        let Some(name) = ring else { return };
        if self.all().any(|used| used.ring.name().id() == name) {
            return;
        }
        let mut strangers = self.strangers.lock();
        if !strangers.contains(&name) {
            strangers.push(name);
            self.publish_base(&strangers);
        }
    }

    /// Counts and reports an entry that the storage lost. `ring` is the number of the name of its ring. Called without a
    /// lock.
    pub(crate) fn lost(&self, ring: Option<u32>, reason: EvictionReason) {
        self.facts.lost(reason);
        let is_meant = |used: &&Use| Some(used.ring.name().id()) == ring;
        if let Some(used) = ring.and_then(|_| self.all().find(is_meant)) {
            used.lost(reason);
        }
    }

    /// [`lost`](Self::lost) for a storage that does not know the rings of its entries. A storage of one ring has only
    /// entries of that.
    pub(crate) fn lost_of_any(&self, reason: EvictionReason) {
        self.facts.lost(reason);
        let mut all = self.all();
        if let (Some(only), None) = (all.next(), all.next()) {
            only.lost(reason);
        }
    }
}

impl Use {
    fn lost(&self, reason: EvictionReason) {
        match reason {
            EvictionReason::Capacity => self.counters.evicted(),
            EvictionReason::Expired => self.counters.expired(),
        }
        let ring = self.ring.name().as_str();
        observer::each(|observer| match reason {
            EvictionReason::Capacity => observer.evicted(ring, reason),
            EvictionReason::Expired => observer.expired(ring),
        });
    }
}

/// Rings keep the counts of storages that are gone.
impl Drop for Usage {
    fn drop(&mut self) {
        for used in self.all() {
            used.ring.end_use(used);
        }
        // Not one within another.
        let mut next = self.first.take();
        while let Some(mut node) = next {
            next = node.next.take();
        }
    }
}

impl Use {
    /// Counts a hit of a thread that could not do so at once.
    pub(crate) fn count_hit(&self) {
        cells::count(self.place.load(Ordering::Relaxed));
    }

    /// Prepares this thread to count hits without allocating.
    pub(crate) fn expect_hits(&self) {
        cells::prepare(self.place.load(Ordering::Relaxed));
    }

    pub(crate) fn stats(&self) -> Stats {
        let hits = self.cells.lock().iter().map(Cell::total).sum();
        self.counters.read(hits)
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, error: &Error) {
        self.counters.error(error.kind());
        if error.kind() == ErrorKind::Storage {
            *self.last_failure.lock() = Some(error.to_string());
        }
    }

    /// The last failure of the storage, in words.
    pub(crate) fn last_failure(&self) -> Option<String> {
        self.last_failure.lock().clone()
    }

    /// Notes the expiry of a value that was stored.
    pub(crate) fn stored(&self, expiry: Option<Duration>) {
        self.counters.store();
        let nanos = expiry.map_or(NEVER, crate::stats::nanos);
        self.expiry.store(nanos, Ordering::Relaxed);
        if expiry.is_none() {
            self.stored_for_ever.store(true, Ordering::Relaxed);
        }
    }

    /// The expiry of the value that was stored last.
    pub(crate) fn expiry(&self) -> Option<Duration> {
        let nanos = self.expiry.load(Ordering::Relaxed);
        (nanos != NEVER).then(|| Duration::from_nanos(nanos))
    }

    pub(crate) fn stored_for_ever(&self) -> bool {
        self.stored_for_ever.load(Ordering::Relaxed)
    }
}

/// Not the ring, which names its uses.
impl fmt::Debug for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Use")
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}

impl StorageFacts {
    fn describe<T, S: StorageBase<T>>(&self, storage: &S) {
        let address = storage.flights().address();
        self.address.store(address, Ordering::Relaxed);
        self.described.get_or_init(|| Description {
            kind: short(type_name::<S>()),
            namespace: storage.namespace().to_owned(),
            deadline: storage.deadline(),
            can_fail: S::Error::CAN_FAIL,
            has_text_keys: S::TEXT_KEYS,
        });
    }

    pub(crate) fn description(&self) -> Option<&Description> {
        self.described.get()
    }

    /// Says how many entries the storage holds at most, and that it counts them.
    pub(crate) fn count_entries(&self, capacity: Option<usize>) {
        if let Some(capacity) = capacity {
            self.capacity.get_or_init(|| capacity);
        }
        self.entries.store(0, Ordering::Relaxed);
    }

    /// Entries came, for a storage that counts them.
    pub(crate) fn came(&self) {
        let entries = self.entries.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        if entries > self.most_entries.load(Ordering::Relaxed) {
            self.most_entries.fetch_max(entries, Ordering::Relaxed);
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

    fn lost(&self, reason: EvictionReason) {
        let count = match reason {
            EvictionReason::Capacity => &self.evictions,
            EvictionReason::Expired => &self.expirations,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    pub(crate) fn expirations(&self) -> u64 {
        self.expirations.load(Ordering::Relaxed)
    }
}

/// A type's name without the modules: `Tiered<Lru<User>, Redis>`.
fn short(name: &str) -> String {
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
