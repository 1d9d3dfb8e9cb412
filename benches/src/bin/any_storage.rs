//! A hit in memory through a storage that is chosen at run time, beside the same storage, whose type is
//! known when compiling.
//!
//! `cargo run --release --bin any_storage`

use std::hint::black_box;

use ring_cache::{AnyStorage, Lru, RingKey, ring_impl};
use ring_cache_benches::rounds::{compare, contender};

const KEYS: u64 = 1000;
const PASSES: u64 = 100;
const ROUNDS: usize = 201;

#[derive(RingKey)]
struct Squares {
    #[ring_key(skip)]
    lru: Lru<u64>,
    #[ring_key(skip)]
    any: AnyStorage<u64>,
}

#[ring_impl]
impl Squares {
    #[ring(lru = self.lru)]
    fn of_lru(&self, number: u64) -> u64 {
        number * number
    }
    #[ring(storage = self.any as AnyStorage<u64>)]
    fn of_any(&self, number: u64) -> u64 {
        number * number
    }
}

fn each(square: impl Fn(u64) -> u64) {
    for _ in 0..PASSES {
        for number in 0..KEYS {
            black_box(square(black_box(number)));
        }
    }
}

fn main() {
    let squares = Squares {
        lru: Lru::new(2048),
        any: AnyStorage::new(Lru::new(2048)),
    };
    compare(
        "A hit, u64 key, of 1,000 that are all present",
        ROUNDS,
        (PASSES * KEYS) as usize,
        vec![
            contender("Lru", || each(|number| squares.of_lru(number))),
            contender("AnyStorage over Lru", || each(|number| squares.of_any(number))),
        ],
    );
}
