//! The operations of an eviction policy.

use std::ops::Range;

use crate::sync::AtomicU32;

/// The marks of a shard's entries: each slot has a number that belongs to the policy.
pub(in crate::lru) trait Marks {
    /// The number of slots.
    fn count(&self) -> usize;

    /// The mark of a slot.
    fn mark(&mut self, slot: usize) -> &mut u32;

    /// The marks of consecutive slots.
    fn marks(&mut self, slots: Range<usize>) -> impl Iterator<Item = u32>;
}

/// The policy of one shard. Slots are numbered without gaps from 0.
///
/// A hit happens under a shared lock, all other operations under the exclusive one.
pub(in crate::lru) trait EvictionPolicy {
    /// A hit on the entry with this mark. Others may use it at the same time.
    fn note_use(&self, mark: &AtomicU32);

    /// An entry was added in a new slot at the end.
    fn push(&mut self, marks: &mut impl Marks, hash: u32);

    /// The slot to evict for the entry with this hash; [`reuse`](Self::reuse) follows. Requires at least one entry.
    fn victim(&mut self, marks: &mut impl Marks, hash: u32) -> usize;

    /// The victim, an entry with the hash `old`, gave its slot to the entry that `victim` was called for.
    fn reuse(&mut self, marks: &mut impl Marks, slot: usize, old: u32);

    /// The victim, an entry with the hash `old`, is about to be removed instead: no entry takes its slot.
    fn remember(&mut self, _marks: &mut impl Marks, _slot: usize, _old: u32) {}

    /// The value of the entry was replaced.
    fn replace(&mut self, mark: &mut u32);

    /// A slot is about to be removed, and the last one to take its place.
    fn swap_remove(&mut self, marks: &mut impl Marks, slot: usize);

    /// All slots were removed.
    fn clear(&mut self);

    /// Checks the invariants.
    #[cfg(any(test, feature = "testing"))]
    fn validate(&self, marks: &[u32]);
}

/// Adds an item to a vector with one item for each slot. Its memory doubles, but never exceeds the capacity.
pub(in crate::lru) fn push_within<T>(capacity: usize, slots: &mut Vec<T>, slot: T) {
    if slots.len() == slots.capacity() {
        let left = capacity.saturating_sub(slots.len());
        slots.reserve_exact(slots.len().max(4).min(left));
    }
    slots.push(slot);
}
