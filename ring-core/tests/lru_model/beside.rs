//! The cache beside its model.

mod calls;
mod operations;
mod stale_calls;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use ring_cache_core::clock::ManualClock;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::StorageBase;
use ring_cache_core::{Key, KeyWriter, Lru, Plain, Ring, RingKey, Stats};

use crate::model::Model;
use crate::step::{MOST_KEYS, Setup, Step};
use crate::value::{self, KEY_BITS, Value, alive, with_dropped};

/// The handle of a blocking method.
type Cache<S> = ring_cache_core::Cache<S>;

/// The shared state of one thread's cases.
pub(crate) struct World {
    rings: [&'static Ring; 2],
    /// The second ring, as programs see it that keep its entries when they are stale.
    stale: [&'static Ring; 3],
    keys: Vec<Key>,
}

impl World {
    pub(crate) fn new() -> Self {
        let rings = ["p", "q"].map(|name| &*Box::leak(Box::new(Ring::with_prefix(name))));
        let stale = stale_calls::STALE.map(|nanos| {
            let stale = Duration::from_nanos(nanos);
            &*Box::leak(Box::new(Ring::with_prefix("q").stale(stale)))
        });
        let lru = Lru::new(1);
        let key = |id| match ring_of(id) {
            Some(ring) => calls::bind(rings[ring], &lru, id, 0).key(),
            None => Key::of(&id),
        };
        World {
            rings,
            stale,
            keys: (0..MOST_KEYS).map(key).collect(),
        }
    }
}

/// The ring of a key, if any.
fn ring_of(key: u32) -> Option<usize> {
    (key % 3).checked_sub(1).map(|ring| ring as usize)
}

/// A key in one of the forms that storages receive.
enum AnyKey<'w> {
    Plain(u32),
    Recorded(&'w Key),
    Replayed(&'w Key),
}

impl RingKey for AnyKey<'_> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match self {
            AnyKey::Plain(id) => id.ring_key(key),
            AnyKey::Recorded(whole) | AnyKey::Replayed(whole) => whole.ring_key(key),
        }
    }

    fn as_recorded(&self) -> Option<&EncodedKey> {
        match self {
            AnyKey::Recorded(whole) => whole.as_recorded(),
            _ => None,
        }
    }
}

/// A divergence of the two.
pub(crate) struct Divergence {
    /// The number of the step.
    pub(crate) step: usize,
    pub(crate) message: String,
}

/// A cache, its model, and the expected counts.
struct Beside<'w> {
    world: &'w World,
    /// Counted, so that a call can be bound to it while the model changes.
    lru: Rc<Lru<Value>>,
    clock: ManualClock,
    model: Model,
    /// The expected counts of the rings.
    stats: [Stats; 2],
    /// The number of the latest value.
    latest: u64,
    shards: usize,
}

/// Applies the steps to a cache and to its model.
pub(crate) fn run(
    world: &World,
    setup: &Setup,
    steps: impl IntoIterator<Item = Step>,
) -> Result<(), Divergence> {
    let mut done = 0;
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let mut beside = Beside::new(world, setup);
        let every = setup.capacity.max(16);
        for step in steps {
            beside.step(step, setup);
            if done % every == 0 {
                beside.look_closely();
            }
            done += 1;
        }
        beside.end();
    }));
    ran.map_err(|panic| {
        value::reset();
        let message = panic.downcast_ref::<String>().cloned();
        Divergence {
            step: done,
            message: message.unwrap_or_else(|| (*panic.downcast_ref::<&str>().unwrap_or(&"?")).into()),
        }
    })
}

impl<'w> Beside<'w> {
    fn new(world: &'w World, setup: &Setup) -> Self {
        let clock = ManualClock::default();
        clock.advance(Duration::from_nanos(setup.start));
        let builder = Lru::builder().capacity(setup.capacity).shards(setup.shards);
        let lru = Rc::new(builder.policy(setup.policy).clock(clock.clone()).build());
        let begin = |ring| {
            let cache = Cache::new(ring, &*lru);
            // A storage that does not know the rings of all its entries may look up a hit twice, and drop a clone.
            let call = cache.bind::<Plain<Value>, _, _>((0_u32,), |_| Value::new(0));
            assert!(call.get().is_none());
            Cache::new(ring, &*lru).stats::<Value>()
        };
        Beside {
            stats: world.rings.map(begin),
            world,
            lru,
            clock,
            model: Model::new(setup.capacity, setup.is_exact(), setup.start, setup.keys),
            latest: 0,
            shards: setup.shards(),
        }
    }

    fn step(&mut self, step: Step, setup: &Setup) {
        self.model.begin_step();
        self.act(step, setup);
        with_dropped(|dropped| self.compare_dropped(dropped));
        same("values in the cache", alive(), self.model.length);
        assert!(alive() <= self.model.capacity, "{} values are too many", alive());
        self.compare_counts();
        same("computations under way", self.lru.flights().under_way(), 0);
    }

    /// A dropped value must be one that the model removed; otherwise it was evicted for an added one.
    fn compare_dropped(&mut self, dropped: &mut Vec<u64>) {
        let mut gone = std::mem::take(&mut self.model.gone);
        dropped.sort_unstable();
        gone.sort_unstable();
        let (mut victims, mut known) = (Vec::new(), gone.iter().peekable());
        for number in dropped.iter() {
            if known.next_if_eq(&number).is_none() {
                victims.push(*number);
            }
        }
        assert!(known.peek().is_none(), "dropped are {dropped:?}, not {gone:?}");
        let most = self.model.added + self.model.replaced_in_bulk() as usize;
        assert!(
            victims.is_empty() || !self.model.exact && victims.len() <= most,
            "evicted {victims:?}, expected {gone:?}"
        );
        for number in &victims {
            let key = (number & ((1 << KEY_BITS) - 1)) as u32;
            if let Err(wrong) = self.model.gave_way(key, *number) {
                panic!("{wrong}");
            }
        }
        let least = self.model.capacity / self.shards;
        assert!(
            victims.is_empty() || self.model.length >= least,
            "evicted {victims:?} although no shard was full"
        );
        self.model.gone = gone;
    }

    /// In a bulk operation, an entry may be evicted before it is replaced: then that one counts, too.
    fn compare_counts(&mut self) {
        let counts = self.lru.eviction_counts();
        same("expirations", counts.expirations, self.model.expirations);
        let fewest = self.model.evictions;
        let most = fewest
            + if self.model.exact {
                0
            } else {
                self.model.replaced_in_bulk()
            };
        assert!(
            (fewest..=most).contains(&counts.evictions),
            "{} evictions, not {fewest}",
            counts.evictions
        );
        self.model.evictions = counts.evictions;
    }

    fn look_closely(&self) {
        #[cfg(feature = "testing")]
        self.lru.validate();
        same("entries", self.lru.len(), self.model.length);
        for (ring, stats) in self.world.rings.iter().zip(&self.stats) {
            let counts = |stats: &Stats| {
                (
                    stats.hits,
                    stats.stale_hits,
                    stats.misses,
                    stats.coalesced,
                    stats.stores,
                    stats.errors,
                )
            };
            let counted = Cache::new(ring, &*self.lru).stats::<Value>();
            same("the counts of a ring", counts(&counted), counts(stats));
        }
    }

    fn end(mut self) {
        self.look_closely();
        for key in 0..self.model.keys() {
            let there = self.lru.has(&self.key(key, 0));
            same("presence at the end", there, self.model.has(key));
        }
        drop(self.lru);
        self.model.gone.clear();
        self.model.clear(|_| true);
        with_dropped(|dropped| {
            dropped.sort_unstable();
            self.model.gone.sort_unstable();
            same("values dropped at the end", &*dropped, &self.model.gone);
        });
        same("values at the end", alive(), 0);
    }

    /// A key, in a form chosen by `shape`.
    fn key(&self, key: u32, shape: u8) -> AnyKey<'w> {
        let whole = &self.world.keys[key as usize];
        match (shape % 3, ring_of(key)) {
            (0, None) => AnyKey::Plain(key),
            (0 | 1, _) => AnyKey::Replayed(whole),
            _ => AnyKey::Recorded(whole),
        }
    }

    /// The number of a new value.
    fn number(&mut self, key: u32) -> u64 {
        self.latest += 1;
        self.latest << KEY_BITS | u64::from(key)
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, cache: T, model: T) {
    if cache != model {
        panic!("{what}: the cache says {cache:?}, the model {model:?}");
    }
}
