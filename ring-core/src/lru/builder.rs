//! Configuration of an [`Lru`].

use std::fmt;
use std::time::Duration;

use super::policy::{Policy, PolicyImpl};
use super::shard::Shard;
use super::{DEFAULT_CAPACITY, Extras, Lru};
use crate::clock::{Clock, StorageClock};
use crate::flights::Flights;
use crate::observer::EvictionReason;
use crate::sync::{Arc, ReadersLock};

/// The smallest capacity of a shard, unless the user sets the number of shards.
const SHARD_CAPACITY: usize = 256;

/// Up to this many entries there is one shard, with the exact order of use.
const EXACT: usize = 512;

/// Up to this many entries the default policy is the least recently used order: so few entries show no pattern.
const FEW: usize = 32;

/// Configures an [`Lru`]: see [`Lru::builder`].
pub struct LruBuilder<T> {
    capacity: usize,
    max_weight: Option<u64>,
    shards: Option<usize>,
    policy: Option<Policy>,
    clock: StorageClock,
    extras: Extras<T>,
}

impl<T> Default for LruBuilder<T> {
    fn default() -> Self {
        LruBuilder {
            capacity: DEFAULT_CAPACITY,
            max_weight: None,
            shards: None,
            policy: None,
            clock: StorageClock::default(),
            extras: Extras {
                weigher: None,
                listener: None,
                idle: None,
            },
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

    /// Limits the total weight of the values to `max_weight`: entries are evicted until a new value has room. The
    /// [capacity](Self::capacity) remains the greatest number of entries; the policy works best if it is about the
    /// expected number. A value that alone weighs more than a shard's part of `max_weight` is not stored.
    ///
    /// ```
    /// # use ring_cache_core as ring_cache;
    /// use ring_cache::Lru;
    ///
    /// let pages = Lru::builder()
    ///     .capacity(10_000)
    ///     .weigher(1 << 20, |page: &String| page.len().try_into().unwrap_or(u32::MAX))
    ///     .build();
    /// pages.set(&"/", "Welcome".into());
    /// assert_eq!((pages.len(), pages.weight()), (1, 7));
    /// ```
    ///
    /// The weigher runs when a value is stored, without a lock.
    #[must_use]
    pub fn weigher(mut self, max_weight: u64, weigher: impl Fn(&T) -> u32 + Send + Sync + 'static) -> Self {
        self.max_weight = Some(max_weight);
        self.extras.weigher = Some(Box::new(weigher));
        self
    }

    /// Ends entries that were not used for this long, also before they expire. A use is a hit, a write or a `touch`.
    /// Hits are then slower, and write to memory that other threads read.
    ///
    /// ```
    /// # use ring_cache_core as ring_cache;
    /// use std::time::Duration;
    /// use ring_cache::Lru;
    ///
    /// let sessions = Lru::<u32>::builder().time_to_idle(Duration::from_secs(1800)).build();
    /// ```
    #[must_use]
    pub fn time_to_idle(mut self, idle: Duration) -> Self {
        self.extras.idle = Some(idle);
        self
    }

    /// Calls `listener` with each entry that was evicted or found expired: its key as text, its value, and the reason.
    /// It runs without a lock, in the call that evicted or found the entry; a panic in it is caught. Entries that were
    /// removed or replaced while they were alive are not reported.
    ///
    /// ```
    /// # use ring_cache_core as ring_cache;
    /// use ring_cache::{EvictionReason, Lru};
    ///
    /// let files = Lru::builder()
    ///     .capacity(1)
    ///     .on_eviction(|key, value: u32, reason| {
    ///         assert_eq!((key, value, reason), ("1", 10, EvictionReason::Capacity));
    ///     })
    ///     .build();
    /// files.set(&1_u32, 10);
    /// files.set(&2_u32, 20);
    /// ```
    #[must_use]
    pub fn on_eviction(mut self, listener: impl Fn(&str, T, EvictionReason) + Send + Sync + 'static) -> Self {
        self.extras.listener = Some(Box::new(listener));
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
        let max_weight = self.max_weight.map(|most| most / shards as u64);
        let mut all = Vec::with_capacity(shards);
        for number in 0..shards {
            let capacity = capacity(number);
            let shard = Shard::new(capacity, PolicyImpl::new(policy, capacity, exact)).weighing(max_weight);
            all.push(ReadersLock::new(shard.with_idle(self.extras.idle.is_some())));
        }
        let has_extras = self.extras.weigher.is_some() || self.extras.listener.is_some();
        let has_extras = has_extras || self.extras.idle.is_some();
        Lru {
            shards: all.into(),
            mask: shards - 1,
            capacity: self.capacity,
            clock: self.clock,
            flights: Arc::new(flights),
            extras: has_extras.then(|| Arc::new(self.extras)),
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

/// Omits functions.
impl<T> fmt::Debug for LruBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LruBuilder")
            .field("capacity", &self.capacity)
            .field("max_weight", &self.max_weight)
            .field("shards", &self.shards)
            .field("policy", &self.policy)
            .field("time_to_idle", &self.extras.idle)
            .finish_non_exhaustive()
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
