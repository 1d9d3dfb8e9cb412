//! What an eviction policy does.

use std::ops::Range;

use crate::sync::AtomicU32;

/// The marks of a shard's entries: a number in each slot, which belongs to the policy.
pub(in crate::lru) trait Marks {
    /// How many slots there are.
    fn count(&self) -> usize;

    /// The mark of a slot.
    fn mark(&mut self, slot: usize) -> &mut u32;

    /// The marks of slots that lie one after another.
    fn marks(&mut self, slots: Range<usize>) -> impl Iterator<Item = u32>;
}

/// A policy at work: one for each shard. Slots are numbered without gaps from 0.
///
/// A hit happens under a shared lock; all else under the exclusive one.
pub(in crate::lru) trait EvictionPolicy {
    /// A hit on the entry with this mark. Others may use it at the same time.
    fn note_use(&self, mark: &AtomicU32);

    /// An entry was added in a new slot at the end.
    fn push(&mut self, marks: &mut impl Marks, hash: u32);

    /// The slot whose entry gives way to the one with this hash; [`reuse`](Self::reuse) follows. There is at least one.
    fn victim(&mut self, marks: &mut impl Marks, hash: u32) -> usize;

    /// The victim, an entry with the hash `old`, gave its slot to the entry for which it was asked.
    fn reuse(&mut self, marks: &mut impl Marks, slot: usize, old: u32);

    /// The value of the entry was replaced.
    fn replace(&mut self, mark: &mut u32);

    /// A slot is about to be removed, and the last one to take its place.
    fn swap_remove(&mut self, marks: &mut impl Marks, slot: usize);

    /// All slots were removed.
    fn clear(&mut self);

    /// Checks what always holds.
    #[cfg(any(test, feature = "testing"))]
    fn validate(&self, marks: &[u32]);
}

/// Adds one: memory doubles, but never beyond the capacity.
pub(in crate::lru) fn push_within<T>(capacity: usize, slots: &mut Vec<T>, slot: T) {
    if slots.len() == slots.capacity() {
        let left = capacity.saturating_sub(slots.len());
        slots.reserve_exact(slots.len().max(4).min(left));
    }
    slots.push(slot);
}
