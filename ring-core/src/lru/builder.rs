//! Configuration of an [`Lru`].

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::config::Config;
use super::policy::{Policy, PolicyImpl};
use super::shard::{Entries, Shard};
use super::{DEFAULT_CAPACITY, Listener, Lru, Shared, Weigher};
use crate::clock::{Clock, StorageClock};
use crate::flights::{Evicted, Flights};
use crate::key::recorded_text;
use crate::observer::EvictionReason;
use crate::storage_facts::StorageFacts;
use crate::sync::{Arc, ReadersLock};

/// The smallest capacity of a shard, unless the user sets the number of shards.
const SHARD_CAPACITY: usize = 256;

/// Up to this many entries there is one shard, with the exact order of use.
const EXACT: usize = 512;

/// Up to this many entries the default policy is the least recently used order: so few entries show no pattern.
const FEW: usize = 32;

/// Configures an [`Lru`]: see [`Lru::builder`].
pub struct LruBuilder<T> {
    options: Options,
    weigher: Option<Box<Weigher<T>>>,
    listener: Option<Box<Listener<T>>>,
}

/// The options that do not depend on the type of the values.
struct Options {
    capacity: usize,
    max_weight: Option<u64>,
    shards: Option<usize>,
    policy: Option<Policy>,
    clock: StorageClock,
    idle: Option<Duration>,
}

impl<T> Default for LruBuilder<T> {
    fn default() -> Self {
        LruBuilder {
            options: Options::default(),
            weigher: None,
            listener: None,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            capacity: DEFAULT_CAPACITY,
            max_weight: None,
            shards: None,
            policy: None,
            clock: StorageClock::default(),
            idle: None,
        }
    }
}

impl<T> LruBuilder<T> {
    /// The greatest number of entries; the default is 128. A cache with capacity 0 stores nothing.
    #[must_use]
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.options.capacity = capacity;
        self
    }

    /// The number of shards, each with a lock: rounded up to a power of two, and at most the capacity. The default is
    /// one up to 512 entries, and above it four per processor, of at least 256 entries each. Several shards know the
    /// order of use in steps only.
    #[must_use]
    pub fn shards(mut self, shards: usize) -> Self {
        self.options.shards = Some(shards);
        self
    }

    /// The eviction policy. The default is [`Policy::ScanResistant`], and up to 32 entries
    /// [`Policy::LeastRecentlyUsed`].
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.options.policy = Some(policy);
        self
    }

    /// The clock by which entries expire.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.options.clock = StorageClock::Other(Arc::new(clock));
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
        self.options.max_weight = Some(max_weight);
        self.weigher = Some(Box::new(weigher));
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
        self.options.idle = Some(idle);
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
        self.listener = Some(Box::new(move |gone: Evicted<T>, count| {
            gone.each(|entry, value| {
                let Some(reason) = count(&entry) else { return };
                // Caught, since a panic of the listener must not affect the call that runs it.
                let told = || listener(&recorded_text(&entry.key), value, reason);
                drop(catch_unwind(AssertUnwindSafe(told)));
            });
        }));
        self
    }

    /// Creates the empty cache.
    pub fn build(self) -> Lru<T> {
        let flights = Flights::default();
        let facts = flights.usage().facts();
        let (config, entries) = self.options.begin(facts);
        Lru {
            shared: Arc::new(Shared {
                shards: shards(entries),
                config,
                flights,
                weigher: self.weigher,
                listener: self.listener,
            }),
        }
    }
}

/// Shards with these entries: none yet.
fn shards<T>(all: Vec<Entries>) -> Vec<ReadersLock<Shard<T>>> {
    let mut shards = Vec::with_capacity(all.len());
    for entries in all {
        shards.push(ReadersLock::new(Shard::new(entries)));
    }
    shards
}

impl Options {
    /// The settings of the cache, and the entries of each shard.
    fn begin(self, facts: &StorageFacts) -> (Config, Vec<Entries>) {
        facts.count_entries(Some(self.capacity));
        let shards = self.shard_count();
        let entries = (0..shards).map(|number| self.entries(number, shards)).collect();
        let config = Config {
            mask: shards - 1,
            capacity: self.capacity,
            clock: self.clock,
            idle: self.idle,
        };
        (config, entries)
    }

    /// No entries of the shard with this number yet, of so many shards.
    fn entries(&self, number: usize, shards: usize) -> Entries {
        // The first shards take the remainder of the division.
        let capacity = self.capacity / shards + usize::from(number < self.capacity % shards);
        let exact = shards == 1 && self.capacity <= EXACT;
        let policy = self.policy.unwrap_or(if self.capacity <= FEW {
            Policy::LeastRecentlyUsed
        } else {
            Policy::ScanResistant
        });
        Entries::new(capacity, PolicyImpl::new(policy, capacity, exact))
            .weighing(self.max_weight.map(|most| most / shards as u64))
            .with_idle(self.idle.is_some())
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
        self.options.fmt(f)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LruBuilder")
            .field("capacity", &self.capacity)
            .field("max_weight", &self.max_weight)
            .field("shards", &self.shards)
            .field("policy", &self.policy)
            .field("time_to_idle", &self.idle)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_a_power_of_two_and_each_has_room() {
        let count = |capacity, shards| {
            let builder = Lru::<u32>::builder().capacity(capacity).shards(shards);
            builder.options.shard_count()
        };
        assert_eq!(count(1000, 3), 4);
        assert_eq!(count(1000, 16), 16);
        assert_eq!(count(10, 16), 8);
        assert_eq!(count(0, 16), 1);
    }

    #[test]
    fn large_caches_have_shards_for_the_processors_there_are() {
        let count = |capacity| {
            let builder = Lru::<u32>::builder().capacity(capacity);
            builder.options.shard_count()
        };
        assert_eq!(count(EXACT), 1);
        assert_eq!(count(EXACT + 1), 2);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        assert_eq!(count(1 << 30), (processors * 4).next_power_of_two());
    }
}
