//! The operations of an eviction policy.

use crate::lru::head::Head;
use crate::sync::AtomicU32;

/// The policy of one shard. Slots are numbered without gaps from 0; the mark in the head of each belongs to the policy.
///
/// A hit happens under a shared lock, all other operations under the exclusive one.
pub(in crate::lru) trait EvictionPolicy {
    /// A hit on the entry with this mark. Others may use it at the same time.
    fn note_use(&self, mark: &AtomicU32);

    /// An entry was added in a new slot at the end.
    fn push(&mut self, heads: &mut [Head], hash: u32);

    /// The slot to evict for the entry with this hash; [`reuse`](Self::reuse) follows. Requires at least one entry.
    fn victim(&mut self, heads: &mut [Head], hash: u32) -> usize;

    /// The victim, an entry with the hash `old`, gave its slot to the entry that `victim` was called for.
    fn reuse(&mut self, heads: &mut [Head], slot: usize, old: u32);

    /// The victim, an entry with the hash `old`, is about to be removed instead: no entry takes its slot.
    fn remember(&mut self, _heads: &mut [Head], _slot: usize, _old: u32) {}

    /// The value of the entry was replaced.
    fn replace(&mut self, mark: &mut u32);

    /// A slot is about to be removed, and the last one to take its place.
    fn swap_remove(&mut self, heads: &mut [Head], slot: usize);

    /// All slots were removed.
    fn clear(&mut self);

    /// Checks the invariants.
    #[cfg(any(test, feature = "testing"))]
    fn validate(&self, marks: &[u32]);
}

/// Adds an item to a vector with one item for each slot. Its memory doubles, but never exceeds the capacity.
pub(in crate::lru) fn push_within<T>(capacity: usize, slots: &mut Vec<T>, slot: T) {
    if slots.len() == slots.capacity() {
        slots.reserve_exact(more_slots(slots.len(), capacity));
    }
    slots.push(slot);
}

/// The number of slots for which a full vector of this length gets memory.
pub(in crate::lru) fn more_slots(length: usize, capacity: usize) -> usize {
    length.max(4).min(capacity.saturating_sub(length))
}
