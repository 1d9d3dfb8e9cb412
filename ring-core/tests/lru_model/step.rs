//! Random steps.

use std::time::Duration;

use ring_cache_core::Policy;

/// Numbers that look random and are the same in every run.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// SplitMix64, which separates neighbouring seeds well.
    pub(crate) fn seeded(seed: u64, stream: u64) -> Self {
        let mut random = Random(seed);
        Random(random.next() ^ stream.wrapping_mul(0xd605_1aef_5b9d_9b4f))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        scale(self.next(), bound)
    }
}

/// Maps 64 random bits to the numbers below `bound`.
fn scale(random: u64, bound: u64) -> u64 {
    ((u128::from(random) * u128::from(bound)) >> 64) as u64
}

/// The cache of one case, and its kinds of steps.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) capacity: usize,
    pub(crate) shards: usize,
    pub(crate) policy: Policy,
    /// The clock's first time.
    pub(crate) start: u64,
    /// The number of keys.
    pub(crate) keys: u32,
    /// Expiries are mostly below this many nanoseconds.
    span: u64,
    /// The slowdown of the clock against that, in powers of two.
    pace: u32,
    /// Whether low keys are used more often.
    skewed: bool,
}

/// The greatest capacity.
pub(crate) const LARGEST: usize = 1000;

/// The number of keys, enough for every case.
pub(crate) const MOST_KEYS: u32 = 4 * LARGEST as u32 + 9;

impl Setup {
    pub(crate) fn random(random: &mut Random) -> Self {
        let largest = [4, 16, 64, 300, 520, LARGEST as u64][random.below(6) as usize];
        let capacity = 1 + random.below(largest);
        // As many as fit, half as many again, and up to four times as many.
        let keys = capacity * [4, 5, 6, 8, 16][random.below(5) as usize] / 4 + random.below(5) + 1;
        let shards = if random.below(2) == 0 {
            1
        } else {
            1 + random.below(16)
        };
        let policies = [Policy::LeastRecentlyUsed, Policy::ScanResistant];
        Setup {
            capacity: capacity as usize,
            shards: shards as usize,
            policy: policies[usize::from(random.below(5) >= 3)],
            start: [0, u64::MAX - 10_000_000][usize::from(random.below(8) == 0)],
            // A third of the keys each in no ring, in the first, and in the second.
            keys: (keys as u32).next_multiple_of(3),
            span: [8, 300, 5_000, 100_000][random.below(4) as usize],
            pace: random.below(12) as u32,
            skewed: random.below(2) == 0,
        }
    }

    /// The number of shards.
    pub(crate) fn shards(&self) -> usize {
        self.shards.next_power_of_two().min(1 << self.capacity.ilog2())
    }

    /// Whether the order of eviction is promised.
    pub(crate) fn is_exact(&self) -> bool {
        self.policy == Policy::LeastRecentlyUsed && self.shards() == 1 && self.capacity <= 512
    }

    /// Enough steps to fill the cache and replace its entries.
    pub(crate) fn steps(&self) -> u64 {
        20 * self.capacity as u64 + 2_000
    }
}

/// One step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) verb: Verb,
    pub(crate) key: u32,
    pub(crate) expiry: Expiry,
    /// Chooses the form of keys, and the other keys of a bulk operation.
    pub(crate) shape: u8,
}

/// Not a `Duration`, so that steps are small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    Never,
    Nanos(u64),
    /// Longer than any clock runs.
    Longest,
}

impl Expiry {
    pub(crate) fn duration(self) -> Option<Duration> {
        match self {
            Expiry::Never => None,
            Expiry::Nanos(nanos) => Some(Duration::from_nanos(nanos)),
            Expiry::Longest => Some(Duration::MAX),
        }
    }

    /// The same for operations that always expire.
    pub(crate) fn set(self) -> Self {
        if self == Expiry::Never {
            Expiry::Nanos(7)
        } else {
            self
        }
    }

    /// The same for operations that always store.
    pub(crate) fn lasting(self) -> Self {
        if self == Expiry::Nanos(0) {
            Expiry::Never
        } else {
            self
        }
    }
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $verb:ident $weight:literal)*) => {
        /// The kinds of steps, some more frequent than others.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Verb { $($(#[$doc])* $verb),* }

        const VERBS: [Verb; 1024] = {
            let (mut verbs, mut filled) = ([Verb::Advance; 1024], 0);
            $(
                let end = filled + $weight;
                while filled < end {
                    verbs[filled] = Verb::$verb;
                    filled += 1;
                }
            )*
            assert!(filled <= 1000, "the rest is for moving the clock");
            verbs
        };
    };
}

verbs! {
    Get 90
    Read 50
    ReadExpiring 50
    Has 40
    Contains 20
    Set 60
    SetFor 70
    Write 50
    Delete 40
    Remove 20
    Renew 40
    Touch 20
    StorageGet 10
    StorageSet 15
    StorageDelete 5
    ReadMany 6
    ReadManyExpiring 6
    ContainsMany 4
    RenewMany 6
    WriteMany 8
    RemoveMany 4
    Clear 1
    ClearRing 1
    HandleClear 1
    CallGet 10
    GetOrUpdate 70
    GetOrUpdateUnless 8
    Update 25
    UpdateUnless 8
    /// The key is deleted while its value is computed.
    UpdateDeleted 8
    CallSet 15
    CallDelete 8
    CallHas 4
    CallTouch 8
    GetMany 3
    GetOrUpdateMany 7
    UpdateMany 3
    SetMany 4
    DeleteMany 2
    HasMany 1
    TouchMany 2
    StaleGetOrUpdate 60
    StaleUpdate 8
    StaleSet 12
    StaleGet 15
    StaleLookup 20
    StaleHas 8
    StaleTouch 15
    StaleExpire 12
    StaleDelete 4
    StaleGetMany 3
    StaleLookupMany 3
    StaleHasMany 2
    StaleTouchMany 3
    StaleExpireMany 3
    StaleDeleteMany 1
    /// The rest: the clock moves.
    Advance 20
}

impl Verb {
    /// Whether it is a call of a ring that keeps stale entries.
    pub(crate) fn is_stale(self) -> bool {
        self as usize >= Verb::StaleGetOrUpdate as usize && self != Verb::Advance
    }

    /// Large caches are seldom cleared, otherwise they would never fill.
    fn clears(self) -> bool {
        matches!(self, Verb::Clear | Verb::ClearRing | Verb::HandleClear)
    }
}

impl Step {
    /// The step of the clock.
    pub(crate) fn time(self, setup: &Setup) -> u64 {
        match self.expiry {
            Expiry::Nanos(nanos) if nanos <= setup.span => nanos >> setup.pace,
            _ => 1,
        }
    }

    pub(crate) fn random(random: &mut Random, setup: &Setup) -> Self {
        let (one, two) = (random.next(), random.next());
        let keys = u64::from(setup.keys);
        let key = if setup.skewed {
            scale(one << 10, scale(two << 30, keys) + 1)
        } else {
            scale(one << 10, keys)
        };
        let mut verb = VERBS[(one >> 54) as usize];
        if verb.clears() && random.below(setup.capacity as u64) >= 32 {
            verb = Verb::Advance;
        }
        Step {
            verb,
            key: key as u32,
            expiry: match two >> 54 {
                0..200 => Expiry::Never,
                200..240 => Expiry::Nanos(0),
                240..250 => Expiry::Longest,
                250..260 => Expiry::Nanos(u64::MAX - (two >> 20 & 3)),
                _ => Expiry::Nanos(1 + scale(two << 10, setup.span)),
            },
            shape: two as u8,
        }
    }
}
