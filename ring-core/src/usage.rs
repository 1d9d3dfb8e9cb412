//! The rings of one storage: their counters on it, and facts about the storage that outlive it.
//!
//! A storage's [`Flights`](crate::flights::Flights) own its [`Usage`]. Rings keep the [`Use`] of each storage, so that their
//! counters can be read without the storage, whose type and lifetime are not known.

use std::sync::Arc;

use crate::account::{Account, Use};
use crate::key::KeyShape;
use crate::observer::EvictionReason;
use crate::stats::cells::{self, NO_BASE};
use crate::storage_facts::StorageFacts;
use crate::sync::lasting::{AtomicUsize, Mutex, OnceLock, Ordering};

/// The rings that use one storage.
pub(crate) struct Usage {
    /// The number of this storage that gives the cells of hits: see [`cells`]. [`NO_BASE`] while there are strangers.
    base: AtomicUsize,
    chosen_base: AtomicUsize,
    /// The numbers of the names of rings with entries here that have not used the storage yet: the entries were written
    /// under their calls' keys. Without a base, their first hit takes the slow path, which registers them.
    strangers: Mutex<Vec<u32>>,
    first: Place,
    facts: Arc<StorageFacts>,
}

/// The next node of a list, if there is one. The list only grows, by one node for each ring, and is read without a
/// lock.
type Place = OnceLock<Box<Node>>;

struct Node {
    used: Arc<Use>,
    next: Place,
}

impl Default for Usage {
    fn default() -> Self {
        Usage {
            base: AtomicUsize::new(NO_BASE),
            chosen_base: AtomicUsize::new(NO_BASE),
            strangers: Mutex::default(),
            first: OnceLock::new(),
            facts: Arc::default(),
        }
    }
}

impl Usage {
    /// The cell that counts the hits of the ring with this number.
    #[inline(always)]
    pub(crate) fn cell(&self, ring: usize) -> usize {
        self.base.load(Ordering::Relaxed).wrapping_add(ring)
    }

    /// The facts about the storage.
    pub(crate) fn facts(&self) -> &StorageFacts {
        &self.facts
    }

    /// The use of a ring, if it was the first one and all hits find their cells. Most storages have one ring.
    #[inline]
    pub(crate) fn of_first(&self, ring: &Account) -> Option<&Use> {
        let first = &self.first.get()?.used;
        let is_known = std::ptr::eq(first.account, ring) && self.base.load(Ordering::Relaxed) != NO_BASE;
        is_known.then_some(first)
    }

    /// The use of a ring, and whether it begins with this call. `describe` is called if it does.
    pub(crate) fn of(
        &self,
        ring: &'static Account,
        shape: &'static KeyShape,
        describe: &dyn Fn(&StorageFacts),
    ) -> (&Use, bool) {
        let mut place = &self.first;
        loop {
            let mut began = false;
            let node = place.get_or_init(|| {
                began = true;
                describe(&self.facts);
                let used = self.begin(ring, shape);
                let next = OnceLock::new();
                Box::new(Node { used, next })
            });
            if std::ptr::eq(node.used.account, ring) {
                self.know(ring);
                return (&node.used, began);
            }
            place = &node.next;
        }
    }

    /// The use of a ring, if there is one.
    pub(crate) fn find(&self, ring: &Account) -> Option<&Use> {
        self.all().find(|used| std::ptr::eq(used.account, ring))
    }

    #[inline]
    fn all(&self) -> impl Iterator<Item = &Use> {
        let first = self.first.get();
        std::iter::successors(first, |node| node.next.get()).map(|node| &*node.used)
    }

    fn begin(&self, ring: &'static Account, shape: &'static KeyShape) -> Arc<Use> {
        let known: Vec<_> = self.all().collect();
        let numbers = known.iter().map(|used| used.account.number());
        let numbers: Vec<_> = numbers.chain([ring.number()]).collect();
        let (base, mut taken) = cells::take(self.chosen_base.load(Ordering::Relaxed), &numbers);
        let used = Use::new(ring, shape, Arc::clone(&self.facts), taken.pop());
        for (used, cell) in known.iter().zip(taken) {
            used.change_cell(cell);
        }
        self.chosen_base.store(base, Ordering::Relaxed);
        // For the new ring, the old base may give cells of others.
        self.base.store(NO_BASE, Ordering::Relaxed);
        ring.begin_use(&used);
        used
    }

    /// Removes a ring with a use from the strangers. An entry may have been written while its use began.
    fn know(&self, ring: &Account) {
        if self.base.load(Ordering::Relaxed) == NO_BASE {
            let mut strangers = self.strangers.lock();
            strangers.retain(|name| *name != ring.name.id());
            self.publish_base(&strangers);
        }
    }

    fn publish_base(&self, strangers: &[u32]) {
        let base = if strangers.is_empty() {
            self.chosen_base.load(Ordering::Relaxed)
        } else {
            NO_BASE
        };
        self.base.store(base, Ordering::Relaxed);
    }

    /// Notes that an entry is written under a key of the ring whose name has this number.
    #[inline]
    pub(crate) fn written(&self, ring: Option<u32>) {
        if self.of_name(ring).is_none() {
            self.written_unused(ring);
        }
    }

    /// [`written`](Self::written) for a ring that has not used the storage, and for the keys of no ring.
    #[inline(never)]
    fn written_unused(&self, ring: Option<u32>) {
        let Some(name) = ring else { return };
        let mut strangers = self.strangers.lock();
        if !strangers.contains(&name) {
            strangers.push(name);
            self.publish_base(&strangers);
        }
    }

    /// Counts and reports an entry that the storage lost. `ring` is the number of its ring's name. Called without a lock.
    #[inline]
    pub(crate) fn lost(&self, ring: Option<u32>, reason: EvictionReason) {
        self.facts.lost(reason);
        if let Some(used) = self.of_name(ring) {
            used.lost(reason);
        }
    }

    /// The use of the ring whose name has this number.
    #[inline]
    fn of_name(&self, ring: Option<u32>) -> Option<&Use> {
        self.all().find(|used| Some(used.account.name.id()) == ring)
    }

    /// [`lost`](Self::lost) for a storage that does not know the rings of its entries. If it has one ring, the entry is that
    /// ring's.
    pub(crate) fn lost_of_any(&self, reason: EvictionReason) {
        self.facts.lost(reason);
        let mut all = self.all();
        if let (Some(only), None) = (all.next(), all.next()) {
            only.lost(reason);
        }
    }
}

/// Rings keep the counts of dropped storages.
impl Drop for Usage {
    fn drop(&mut self) {
        for used in self.all() {
            used.account.end_use(used);
        }
        // Iterative: a recursive drop could overflow the stack.
        let mut next = self.first.take();
        while let Some(mut node) = next {
            next = node.next.take();
        }
    }
}
