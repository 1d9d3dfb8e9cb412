//! A small `Lru` is an exact one: after any operations it holds what a plain list of entries holds.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ring_cache::Lru;
use ring_cache::clock::ManualClock;
use ring_cache::storage::Storage;

/// An operation, on one of few keys.
#[derive(Arbitrary, Debug)]
enum Operation {
    Get(u8),
    Set(u8, u32),
    SetFor(u8, u32, u8),
    Delete(u8),
    Has(u8),
    Touch(u8, u8),
    Advance(u8),
    Clear,
}

struct Entry {
    key: u8,
    value: u32,
    deadline: Option<u64>,
}

/// A list of entries, the least recently used first. Entries that expired stay until they are found.
#[derive(Default)]
struct Model {
    entries: Vec<Entry>,
    capacity: usize,
    now: u64,
}

impl Model {
    fn place(&self, key: u8) -> Option<usize> {
        self.entries.iter().position(|entry| entry.key == key)
    }

    fn is_live(&self, place: usize) -> bool {
        let deadline = self.entries[place].deadline;
        deadline.is_none_or(|deadline| self.now < deadline)
    }

    fn live(&self, key: u8) -> Option<usize> {
        self.place(key).filter(|&place| self.is_live(place))
    }

    fn get(&mut self, key: u8) -> Option<u32> {
        let place = self.place(key)?;
        let live = self.is_live(place);
        let entry = self.entries.remove(place);
        let value = entry.value;
        if live {
            self.entries.push(entry);
        }
        live.then_some(value)
    }

    fn set(&mut self, key: u8, value: u32, expiry: Option<u8>) {
        self.delete(key);
        if expiry == Some(0) {
            return;
        }
        if self.entries.len() == self.capacity {
            self.entries.remove(0);
        }
        let deadline = expiry.map(|expiry| self.now + u64::from(expiry));
        self.entries.push(Entry { key, value, deadline });
    }

    fn delete(&mut self, key: u8) -> bool {
        let Some(place) = self.place(key) else {
            return false;
        };
        let live = self.is_live(place);
        self.entries.remove(place);
        live
    }

    fn touch(&mut self, key: u8, expiry: u8) -> bool {
        let Some(place) = self.live(key) else {
            return false;
        };
        self.entries[place].deadline = Some(self.now + u64::from(expiry));
        true
    }
}

fn seconds(seconds: u8) -> Duration {
    Duration::from_secs(seconds.into())
}

fuzz_target!(|input: (u8, Vec<Operation>)| {
    let (capacity, operations) = (usize::from(input.0 % 64) + 1, input.1);
    let clock = ManualClock::default();
    let builder = Lru::<u32>::builder().capacity(capacity).shards(1);
    let lru = builder.clock(clock.clone()).build();
    let mut model = Model {
        capacity,
        ..Model::default()
    };
    for operation in operations {
        match operation {
            Operation::Get(key) => assert_eq!(lru.get(&key), model.get(key)),
            Operation::Set(key, value) => {
                lru.set(&key, value);
                model.set(key, value, None);
            }
            Operation::SetFor(key, value, expiry) => {
                lru.set_for(&key, value, seconds(expiry));
                model.set(key, value, Some(expiry));
            }
            Operation::Delete(key) => assert_eq!(lru.delete(&key), model.delete(key)),
            Operation::Has(key) => assert_eq!(lru.has(&key), model.live(key).is_some()),
            Operation::Touch(key, expiry) => {
                // A touch that lets an entry expire at once leaves it to be found.
                assert_eq!(lru.renew(&key, seconds(expiry)), Ok(model.touch(key, expiry)));
            }
            Operation::Advance(by) => {
                clock.advance(seconds(by));
                model.now += u64::from(by);
            }
            Operation::Clear => {
                lru.clear();
                model.entries.clear();
            }
        }
        assert_eq!(lru.len(), model.entries.len());
        assert!(lru.len() <= capacity);
    }
    for key in 0..=u8::MAX {
        assert_eq!(lru.has(&key), model.live(key).is_some());
    }
});
