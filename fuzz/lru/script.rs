//! Decodes a fuzzer's bytes: the setup of the `Lru`, and its operations.

use std::ops::Range;
use std::time::Duration;

use ring_cache::key::CallKey;
use ring_cache::{KeyWriter, Name, Policy, RingKey};

/// The setup of the `Lru`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) capacity: usize,
    pub(crate) shards: usize,
    pub(crate) policy: Policy,
}

impl Setup {
    /// Mostly small ones, which fill up soon, half of them with one shard.
    pub(crate) fn of([size, shape]: [u8; 2]) -> Self {
        let size = usize::from(size);
        let capacity = match shape & 3 {
            0 => size % 4,
            1 => 1 + size % 20,
            2 => 1 + size % 80,
            // Most of them small too, since large ones take long.
            _ => 1 + size.pow(6) * 999 / 255_usize.pow(6),
        };
        Setup {
            capacity,
            shards: if shape & 4 == 0 {
                1
            } else {
                1 + usize::from(shape >> 4)
            },
            policy: if shape & 8 == 0 {
                Policy::LeastRecentlyUsed
            } else {
                Policy::ScanResistant
            },
        }
    }

    /// The number of shards: a power of two, each with room for an entry.
    pub(crate) fn actual_shards(self) -> usize {
        let most = 1 << self.capacity.max(1).ilog2();
        self.shards.next_power_of_two().min(most)
    }

    pub(crate) fn is_exact(self) -> bool {
        self.policy == Policy::LeastRecentlyUsed && self.actual_shards() == 1 && self.capacity <= 512
    }

    /// The number of keys: enough for evictions.
    pub(crate) fn keys(self) -> usize {
        2 * self.capacity + 8
    }
}

/// Four bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) kind: u8,
    pub(crate) key: u16,
    pub(crate) argument: u8,
}

impl Operation {
    pub(crate) fn of([kind, low, high, argument]: [u8; 4]) -> Self {
        Operation {
            kind,
            key: u16::from_le_bytes([low, high]),
            argument,
        }
    }

    /// Consecutive keys: up to half of all, at most sixty-four.
    pub(crate) fn run(self, keys: usize) -> Range<usize> {
        let first = usize::from(self.key) % keys;
        let count = usize::from(self.argument) * keys / 510;
        first..keys.min(first + count.min(64))
    }

    /// Nanoseconds: mostly few, and sometimes without end.
    pub(crate) fn time(self) -> u64 {
        match self.argument {
            255 => u64::MAX,
            254 => u64::MAX - 1,
            253 => u64::MAX / 2,
            few => few.into(),
        }
    }

    pub(crate) fn duration(self) -> Duration {
        match self.argument {
            255 => Duration::MAX,
            _ => Duration::from_nanos(self.time()),
        }
    }
}

/// Two rings, and keys without a ring.
#[derive(Clone, Copy)]
pub(crate) struct Rings([&'static Name; 2]);

impl Rings {
    pub(crate) fn new() -> Self {
        Rings(["fuzz", "fuzz:more"].map(Name::chosen))
    }

    pub(crate) fn name(self, ring: usize) -> &'static Name {
        self.0[ring]
    }

    /// The ring that a key belongs to.
    pub(crate) fn of(key: usize) -> Option<usize> {
        (key / 4 % 3).checked_sub(1)
    }

    pub(crate) fn key(self, number: usize) -> Key {
        let parts = Parts { number };
        match Self::of(number) {
            None => Key::Alone(parts),
            Some(ring) => Key::OfRing(self.0[ring], (parts,)),
        }
    }
}

/// Four consecutive keys have the same hash: it omits labels.
pub(crate) enum Key {
    Alone(Parts),
    OfRing(&'static Name, (Parts,)),
}

pub(crate) struct Parts {
    number: usize,
}

impl RingKey for Key {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match self {
            Key::Alone(parts) => parts.ring_key(key),
            Key::OfRing(name, parts) => CallKey::new(name, parts).ring_key(key),
        }
    }
}

impl RingKey for Parts {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        let group = self.number / 4;
        group.ring_key(key);
        if group.is_multiple_of(5) {
            "too long to be kept in its slot".ring_key(key);
        }
        key.label(["a", "b", "ab", "abc"][self.number % 4]);
    }
}
