//! Which entry gives way when a shard is full.

mod least_recent;
#[cfg(test)]
mod model;
mod scan_resistant;

use least_recent::LeastRecent;
use scan_resistant::ScanResistant;

use std::ops::Range;

use crate::sync::AtomicU32;

/// Which entry of a full [`Lru`](crate::Lru) gives way to a new one.
///
/// ```
/// use ring_cache_core::{Lru, Policy};
///
/// let pages = Lru::<String>::builder().capacity(2).policy(Policy::ScanResistant).build();
/// pages.set(&"/", "Welcome".into());
/// assert!(pages.has(&"/"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// The one that was not used for the longest time. That is easy to foresee, and good where what was used lately is used
    /// again; a loop over more than fits leaves nothing of use.
    #[default]
    LeastRecentlyUsed,
    /// One that was used once gives way before those that were used more often. A scan passes by and leaves them alone.
    /// It finds more than [`LeastRecentlyUsed`](Self::LeastRecentlyUsed) on most loads, and takes 14 bytes an entry more.
    ScanResistant,
}

/// The marks of a shard's entries: a number in each slot, which belongs to the policy.
pub(super) trait Marks {
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
trait Evicts {
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

/// The policy of a shard.
#[repr(u8)]
pub(super) enum Chosen {
    LeastRecentlyUsed(LeastRecent),
    ScanResistant(Box<ScanResistant>),
}

/// Asks whichever policy was chosen.
macro_rules! ask {
    ($chosen:expr, $policy:ident => $answer:expr) => {
        match $chosen {
            Chosen::LeastRecentlyUsed($policy) => $answer,
            Chosen::ScanResistant($policy) => $answer,
        }
    };
}

/// What every policy does: see [`Evicts`].
impl Chosen {
    /// For a shard of up to so many entries: memory is taken as they come. `exact` asks for the exact order of use.
    pub(super) fn new(policy: Policy, capacity: usize, exact: bool) -> Self {
        match policy {
            Policy::LeastRecentlyUsed if exact => Chosen::LeastRecentlyUsed(LeastRecent::exact()),
            Policy::LeastRecentlyUsed => Chosen::LeastRecentlyUsed(LeastRecent::windowed(capacity)),
            Policy::ScanResistant => Chosen::ScanResistant(Box::new(ScanResistant::new(capacity))),
        }
    }

    #[inline]
    pub(super) fn note_use(&self, mark: &AtomicU32) {
        ask!(self, policy => policy.note_use(mark));
    }

    pub(super) fn push(&mut self, marks: &mut impl Marks, hash: u32) {
        ask!(self, policy => policy.push(marks, hash));
    }

    pub(super) fn victim(&mut self, marks: &mut impl Marks, hash: u32) -> usize {
        ask!(self, policy => policy.victim(marks, hash))
    }

    pub(super) fn reuse(&mut self, marks: &mut impl Marks, slot: usize, old: u32) {
        ask!(self, policy => policy.reuse(marks, slot, old));
    }

    pub(super) fn replace(&mut self, mark: &mut u32) {
        ask!(self, policy => policy.replace(mark));
    }

    pub(super) fn swap_remove(&mut self, marks: &mut impl Marks, slot: usize) {
        ask!(self, policy => policy.swap_remove(marks, slot));
    }

    pub(super) fn clear(&mut self) {
        ask!(self, policy => policy.clear());
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn validate(&self, marks: &[u32]) {
        ask!(self, policy => policy.validate(marks));
    }
}

/// Adds one: memory doubles, but never beyond the capacity.
pub(super) fn push_within<T>(capacity: usize, slots: &mut Vec<T>, slot: T) {
    if slots.len() == slots.capacity() {
        let left = capacity.saturating_sub(slots.len());
        slots.reserve_exact(slots.len().max(4).min(left));
    }
    slots.push(slot);
}
