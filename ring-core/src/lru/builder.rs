//! Configuration of an [`Lru`].

use std::marker::PhantomData;

use super::policy::{Policy, PolicyImpl};
use super::shard::Shard;
use super::{DEFAULT_CAPACITY, Lru};
use crate::clock::{Clock, StorageClock};
use crate::flights::Flights;
use crate::sync::{Arc, ReadersLock};

/// The smallest capacity of a shard, unless the user sets the number of shards.
const SHARD_CAPACITY: usize = 256;

/// Up to this many entries there is one shard, with the exact order of use.
const EXACT: usize = 512;

/// Up to this many entries the default policy is the least recently used order: so few entries show no pattern.
const FEW: usize = 32;

/// Configures an [`Lru`]: see [`Lru::builder`].
#[derive(Debug)]
pub struct LruBuilder<T> {
    capacity: usize,
    shards: Option<usize>,
    policy: Option<Policy>,
    clock: StorageClock,
    values: PhantomData<fn(T)>,
}

impl<T> Default for LruBuilder<T> {
    fn default() -> Self {
        LruBuilder {
            capacity: DEFAULT_CAPACITY,
            shards: None,
            policy: None,
            clock: StorageClock::default(),
            values: PhantomData,
        }
    }
}

impl<T> LruBuilder<T> {
    /// The greatest number of entries; the default is 128. A cache with capacity 0 stores nothing.
    #[must_use]
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// The number of shards, each with a lock: rounded up to a power of two, and at most the capacity. The default is
    /// one up to 512 entries, and above it four per processor, of at least 256 entries each. Several shards know the
    /// order of use in steps only.
    #[must_use]
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// The eviction policy. The default is [`Policy::ScanResistant`], and up to 32 entries
    /// [`Policy::LeastRecentlyUsed`].
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// The clock by which entries expire.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = StorageClock::Other(Arc::new(clock));
        self
    }

    /// Creates the empty cache.
    pub fn build(self) -> Lru<T> {
        let shards = self.shard_count();
        // The first shards take the remainder of the division.
        let capacity = |shard| self.capacity / shards + usize::from(shard < self.capacity % shards);
        let exact = shards == 1 && self.capacity <= EXACT;
        let policy = self.policy.unwrap_or(if self.capacity <= FEW {
            Policy::LeastRecentlyUsed
        } else {
            Policy::ScanResistant
        });
        let flights = Flights::default();
        flights.usage().facts().count_entries(Some(self.capacity));
        let shard = |capacity| Shard::new(capacity, PolicyImpl::new(policy, capacity, exact));
        Lru {
            shards: (0..shards)
                .map(|number| ReadersLock::new(shard(capacity(number))))
                .collect(),
            mask: shards - 1,
            capacity: self.capacity,
            clock: self.clock,
            flights: Arc::new(flights),
        }
    }

    fn shard_count(&self) -> usize {
        let wanted = self.shards.unwrap_or_else(|| {
            if self.capacity <= EXACT {
                return 1;
            }
            let processors = std::thread::available_parallelism().map_or(1, usize::from);
            (processors * 4).min(self.capacity / SHARD_CAPACITY)
        });
        let wanted = wanted.clamp(1, 1 << 16).next_power_of_two();
        // The largest power of two of which each shard can hold an entry.
        wanted.min(1 << self.capacity.max(1).ilog2())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_a_power_of_two_and_each_has_room() {
        let count = |capacity, shards| {
            Lru::<u32>::builder()
                .capacity(capacity)
                .shards(shards)
                .shard_count()
        };
        assert_eq!(count(1000, 3), 4);
        assert_eq!(count(1000, 16), 16);
        assert_eq!(count(10, 16), 8);
        assert_eq!(count(0, 16), 1);
    }

    #[test]
    fn large_caches_have_shards_for_the_processors_there_are() {
        let count = |capacity| Lru::<u32>::builder().capacity(capacity).shard_count();
        assert_eq!(count(EXACT), 1);
        assert_eq!(count(EXACT + 1), 2);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(count(1 << 30), (processors * 4).next_power_of_two());
    }
}
