//! The cache in memory against a plain list that is sorted by use.

use std::time::Duration;

use ring_cache_core::Lru;
use ring_cache_core::clock::ManualClock;
use ring_cache_core::storage::Storage;

use crate::support::Random;

/// A list of entries, the least recently used first.
struct Model {
    capacity: usize,
    now: u64,
    entries: Vec<(u64, u64, u64)>,
}

impl Model {
    /// Takes the entry of a key out; an expired one is gone for good if `find` is a use.
    fn take(&mut self, key: u64) -> Option<(u64, u64, u64)> {
        let place = self.entries.iter().position(|(other, ..)| *other == key)?;
        Some(self.entries.remove(place))
    }

    fn get(&mut self, key: u64) -> Option<u64> {
        let now = self.now;
        let entry = self.take(key).filter(|(.., end)| *end > now)?;
        self.entries.push(entry);
        Some(entry.1)
    }

    fn set(&mut self, key: u64, value: u64, end: u64) {
        if self.take(key).is_none() && self.entries.len() == self.capacity {
            self.entries.remove(0);
        }
        self.entries.push((key, value, end));
    }

    fn live(&mut self, key: u64) -> Option<&mut (u64, u64, u64)> {
        let now = self.now;
        self.entries
            .iter_mut()
            .find(|(other, _, end)| *other == key && *end > now)
    }
}

#[test]
fn a_quarter_of_a_million_random_operations_agree_with_the_model() {
    let mut random = Random::seeded(1);
    for capacity in 1..=70 {
        let clock = ManualClock::default();
        let lru = Lru::<u64>::builder()
            .capacity(capacity)
            .shards(1)
            .clock(clock.clone())
            .build();
        let mut model = Model {
            capacity,
            now: 0,
            entries: Vec::new(),
        };
        let keys = capacity as u64 * 3 / 2 + 2;
        for step in 0..3600_u64 {
            let (key, operation) = (random.below(keys), random.below(100));
            let context = || format!("capacity {capacity}, step {step}, operation {operation}, key {key}");
            match operation {
                0..40 => assert_eq!(lru.get(&key), model.get(key), "{}", context()),
                40..60 => {
                    lru.set(&key, step);
                    model.set(key, step, u64::MAX);
                }
                60..75 => {
                    let expiry = random.below(50) + 1;
                    lru.set_for(&key, step, Duration::from_nanos(expiry));
                    model.set(key, step, model.now + expiry);
                }
                75..82 => {
                    let now = model.now;
                    let removed = model.take(key).is_some_and(|(.., end)| end > now);
                    assert_eq!(lru.delete(&key), removed, "{}", context());
                }
                82..88 => assert_eq!(lru.has(&key), model.live(key).is_some(), "{}", context()),
                88..94 => {
                    let end = model.now + 30;
                    let touched = model.live(key).map(|entry| entry.2 = end).is_some();
                    let expiry = Some(Duration::from_nanos(30));
                    assert_eq!(lru.touch(&key, expiry), Ok(touched), "{}", context());
                }
                94 if random.below(50) == 0 => {
                    lru.clear();
                    model.entries.clear();
                }
                _ => {
                    let by = random.below(8);
                    clock.advance(Duration::from_nanos(by));
                    model.now += by;
                }
            }
            assert_eq!(lru.len(), model.entries.len(), "{}", context());
        }
    }
}
