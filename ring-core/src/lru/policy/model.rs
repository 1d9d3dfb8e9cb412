//! A policy under random operations.

use super::eviction::EvictionPolicy;
use crate::key::EncodedKey;
use crate::lru::head::Head;

/// The effect of a step on a key, or on all keys.
pub(super) enum Step {
    Used(u64),
    Added(u64),
    Removed(u64),
    Evicted(u64),
    Cleared,
}

/// A cache of keys without values, with this policy.
pub(super) struct Cache<P> {
    policy: P,
    keys: Vec<u64>,
    heads: Vec<Head>,
    capacity: usize,
}

impl<P: EvictionPolicy> Cache<P> {
    pub(super) fn new(policy: P, capacity: usize) -> Self {
        Cache {
            policy,
            keys: Vec::new(),
            heads: Vec::new(),
            capacity,
        }
    }

    /// Returns whether the key was there.
    pub(super) fn get_or_insert(&mut self, key: u64) -> bool {
        let slot = self.slot(key);
        match slot {
            Some(slot) => self.policy.note_use(&self.heads[slot].mark),
            None => _ = self.add(key),
        }
        slot.is_some()
    }

    fn slot(&self, key: u64) -> Option<usize> {
        self.keys.iter().position(|&other| other == key)
    }

    /// Returns the evicted key.
    fn add(&mut self, key: u64) -> Option<u64> {
        if self.keys.len() < self.capacity {
            self.keys.push(key);
            self.heads.push(head(key));
            self.policy.push(&mut self.heads, hash(key));
            return None;
        }
        let victim = self.policy.victim(&mut self.heads, hash(key));
        let old = std::mem::replace(&mut self.keys[victim], key);
        self.policy.reuse(&mut self.heads, victim, hash(old));
        Some(old)
    }
}

/// Inserts, uses and removes keys at random, and checks the invariants after each step.
pub(super) fn random_steps(
    policy: impl EvictionPolicy,
    capacity: usize,
    steps: usize,
    mut tell: impl FnMut(Step),
) {
    let mut cache = Cache::new(policy, capacity);
    let mut random = 88_172_645_463_325_252_u64;
    for _ in 0..steps {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // Some keys come much more often than others.
        let part = (random >> 8) & 0xffff;
        let key = (part * part * (4 * capacity as u64 + 1)) >> 32;
        match (cache.slot(key), random >> 40 & 63) {
            (Some(slot), 0..4) => {
                cache.policy.swap_remove(&mut cache.heads, slot);
                cache.keys.swap_remove(slot);
                cache.heads.swap_remove(slot);
                tell(Step::Removed(key));
            }
            (Some(slot), 4..8) => {
                cache.policy.replace(cache.heads[slot].mark());
                tell(Step::Used(key));
            }
            (Some(slot), _) => {
                cache.policy.note_use(&cache.heads[slot].mark);
                tell(Step::Used(key));
            }
            (None, 0) if random >> 50 & 15 == 0 => {
                cache.keys.clear();
                cache.heads.clear();
                cache.policy.clear();
                tell(Step::Cleared);
            }
            (None, _) => {
                cache.add(key).map(Step::Evicted).map(&mut tell);
                tell(Step::Added(key));
            }
        }
        let marks: Vec<_> = cache.heads.iter_mut().map(|head| *head.mark()).collect();
        cache.policy.validate(&marks);
    }
}

/// The hits of a policy in random steps, and a checksum of all evicted keys in order: it changes with any decision.
pub(super) fn decisions(policy: impl EvictionPolicy, capacity: usize) -> (u32, u32) {
    let (mut used, mut gave_way) = (0, 0_u32);
    random_steps(policy, capacity, 20_000, |step| match step {
        Step::Used(_) => used += 1,
        Step::Evicted(key) => gave_way = gave_way.wrapping_mul(31).wrapping_add(key as u32 + 1),
        _ => {}
    });
    (used, gave_way)
}

/// The head of a key.
fn head(key: u64) -> Head {
    Head::new(EncodedKey::of(&key).bytes().clone(), hash(key))
}

/// Spreads the numbers of keys over all bits.
pub(super) fn hash(key: u64) -> u32 {
    let mixed = (key + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ mixed >> 31) as u32
}
