//! The eviction policies of a shard.

mod eviction;
mod least_recent;
#[cfg(test)]
mod model;
mod scan_resistant;

use eviction::EvictionPolicy;
pub(super) use eviction::{more_slots, push_within};
use least_recent::LeastRecent;
use scan_resistant::ScanResistant;

use super::head::Head;
use crate::sync::AtomicU32;

/// The choice of the entry that a full [`Lru`](crate::Lru) evicts for a new one.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::{Lru, Policy};
///
/// let pages = Lru::<String>::builder().capacity(2).policy(Policy::ScanResistant).build();
/// pages.set(&"/", "Welcome".into());
/// assert!(pages.has(&"/"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// The least recently used entry. Up to 512 entries the order is exact. Larger caches, and caches with several
    /// shards, know it in steps of a sixty-fourth of the capacity, and evict the oldest of 16 entries. Hits write to
    /// memory that other threads read: with the exact order nearly each one, otherwise an entry's first in each step. A
    /// loop over more than the capacity has no hits.
    LeastRecentlyUsed,
    /// An entry that was used once is evicted before entries that were used more often. A scan does not displace
    /// those, and a loop over more than the capacity still has hits. The hit ratio is better than that of
    /// [`LeastRecentlyUsed`](Self::LeastRecentlyUsed) on most loads, and hits of several threads do not contend. It
    /// takes 14 bytes more per entry.
    ScanResistant,
}

/// The policy of a shard.
#[repr(u8)]
pub(super) enum PolicyImpl {
    LeastRecentlyUsed(LeastRecent),
    ScanResistant(Box<ScanResistant>),
}

/// Dispatches to the configured policy.
macro_rules! ask {
    ($chosen:expr, $policy:ident => $answer:expr) => {
        match $chosen {
            PolicyImpl::LeastRecentlyUsed($policy) => $answer,
            PolicyImpl::ScanResistant($policy) => $answer,
        }
    };
}

/// The operations of every policy: see [`EvictionPolicy`].
impl PolicyImpl {
    /// For a shard of up to `capacity` entries. Memory is allocated as they come. `exact` asks for the exact order of
    /// use.
    pub(super) fn new(policy: Policy, capacity: usize, exact: bool) -> Self {
        match policy {
            Policy::LeastRecentlyUsed if exact => PolicyImpl::LeastRecentlyUsed(LeastRecent::exact()),
            Policy::LeastRecentlyUsed => PolicyImpl::LeastRecentlyUsed(LeastRecent::windowed(capacity)),
            Policy::ScanResistant => PolicyImpl::ScanResistant(Box::new(ScanResistant::new(capacity))),
        }
    }

    #[inline(always)]
    pub(super) fn note_use(&self, mark: &AtomicU32) {
        ask!(self, policy => policy.note_use(mark));
    }

    pub(super) fn push(&mut self, heads: &mut [Head], hash: u32) {
        ask!(self, policy => policy.push(heads, hash));
    }

    #[inline(always)]
    pub(super) fn victim(&mut self, heads: &mut [Head], hash: u32) -> usize {
        ask!(self, policy => policy.victim(heads, hash))
    }

    #[inline(always)]
    pub(super) fn reuse(&mut self, heads: &mut [Head], slot: usize, old: u32) {
        ask!(self, policy => policy.reuse(heads, slot, old));
    }

    pub(super) fn remember(&mut self, heads: &mut [Head], slot: usize, old: u32) {
        ask!(self, policy => policy.remember(heads, slot, old));
    }

    pub(super) fn replace(&mut self, mark: &mut u32) {
        ask!(self, policy => policy.replace(mark));
    }

    pub(super) fn swap_remove(&mut self, heads: &mut [Head], slot: usize) {
        ask!(self, policy => policy.swap_remove(heads, slot));
    }

    pub(super) fn clear(&mut self) {
        ask!(self, policy => policy.clear());
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn validate(&self, marks: &[u32]) {
        ask!(self, policy => policy.validate(marks));
    }
}
