//! For any operations in any order, an `Lru` does what its plain model allows.
#![no_main]

#[path = "../lru/model.rs"]
mod model;
#[path = "../lru/script.rs"]
mod script;

use std::time::Duration;

use libfuzzer_sys::{Corpus, fuzz_target};
use model::{Model, Seen};
use ring_cache::Lru;
use ring_cache::clock::ManualClock;
use ring_cache::storage::{Clear, Storage, StorageBase};
use script::{Operation, Rings, Setup};

/// The number of entries set or checked in one run, so that none takes long.
const WORK: usize = 1_000;

struct Trial {
    lru: Lru<u32>,
    clock: ManualClock,
    model: Model,
    rings: Rings,
    /// Counts set values, so that all are different.
    values: u32,
}

impl Trial {
    fn new(setup: Setup) -> Self {
        let clock = ManualClock::default();
        let builder = Lru::builder().capacity(setup.capacity).shards(setup.shards);
        Trial {
            lru: builder.policy(setup.policy).clock(clock.clone()).build(),
            clock,
            model: Model::new(
                setup.keys(),
                setup.capacity,
                setup.actual_shards(),
                setup.is_exact(),
            ),
            rings: Rings::new(),
            values: 0,
        }
    }

    fn seen(&self) -> Seen {
        let counts = self.lru.eviction_counts();
        Seen {
            len: self.lru.len(),
            evictions: counts.evictions,
            expirations: counts.expirations,
        }
    }

    fn run(&mut self, operation: Operation, keys: usize) {
        let key = usize::from(operation.key) % keys;
        match operation.kind % 16 {
            0..3 => self.get(key),
            3..6 => self.set(key, None),
            6..8 => self.set(key, Some(operation)),
            8 => self.delete(key),
            9 => _ = self.has(key),
            10 => self.renew(key, operation),
            11 => {
                self.clock.advance(operation.duration());
                self.model.advance(operation.time());
            }
            12 => self.get_expiring(key),
            13 => operation.run(keys).for_each(|key| self.set(key, None)),
            14 => operation.run(keys).for_each(|key| self.get(key)),
            _ => self.clear(operation.argument),
        }
    }

    fn get(&mut self, key: usize) {
        let found = self.lru.get(&self.rings.key(key));
        let after = self.seen();
        self.model.got_value(key, found, after);
    }

    fn get_expiring(&mut self, key: usize) {
        let Ok(found) = self.lru.read_expiring(&self.rings.key(key), None);
        let nanos = |left: Duration| u64::try_from(left.as_nanos()).expect("no clock goes on for longer");
        let found = found.map(|found| (found.value, found.remaining.map(nanos)));
        let after = self.seen();
        self.model.got(key, found, after);
    }

    fn set(&mut self, key: usize, operation: Option<Operation>) {
        self.values += 1;
        let (name, value) = (self.rings.key(key), self.values);
        let there = self.has(key);
        match operation {
            None => self.lru.set(&name, value),
            Some(operation) => self.lru.set_with_expiry(&name, value, operation.duration()),
        }
        let after = self.seen();
        self.model
            .set(key, value, operation.map(Operation::time), there, after);
    }

    fn delete(&mut self, key: usize) {
        let answer = self.lru.delete(&self.rings.key(key));
        let after = self.seen();
        self.model.deleted(key, answer, after);
    }

    fn has(&mut self, key: usize) -> bool {
        let answer = self.lru.has(&self.rings.key(key));
        let after = self.seen();
        self.model.has(key, answer, after);
        answer
    }

    fn renew(&mut self, key: usize, operation: Operation) {
        let Ok(answer) = self.lru.renew(&self.rings.key(key), operation.duration(), None);
        let after = self.seen();
        self.model.renewed(key, operation.time(), answer, after);
    }

    fn clear(&mut self, argument: u8) {
        let ring = usize::from(argument % 3);
        if ring == 2 {
            self.lru.clear();
        } else {
            let Ok(()) = self.lru.clear_ring(self.rings.name(ring));
        }
        let after = self.seen();
        let concerned = |key| ring == 2 || Rings::of(key) == Some(ring);
        self.model.cleared(concerned, after);
    }

    /// Entries of the model exist, or are among those that were evicted; there are no others.
    fn end(mut self, keys: usize) {
        for key in 0..keys {
            if self.model.knows(key) {
                self.delete(key);
            }
        }
        assert_eq!(self.lru.len(), 0);
        self.lru.validate();
    }
}

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((setup, operations)) = input.split_first_chunk() else {
        return Corpus::Reject;
    };
    let setup = Setup::of(*setup);
    let mut trial = Trial::new(setup);
    let mut work = 0;
    for operation in operations.as_chunks().0 {
        let before = trial.values;
        trial.run(Operation::of(*operation), setup.keys());
        trial.lru.validate();
        work += trial.lru.len() + trial.values.abs_diff(before) as usize;
        if work > WORK {
            break;
        }
    }
    trial.end(setup.keys());
    Corpus::Keep
});
