//! The near tier of a `Tiered` holds values of one type.

use ring_cache::{Lru, Redis, Tiered, ring};
use std::sync::LazyLock;

static TIERED: LazyLock<Tiered<Lru<String>, Redis>> =
    LazyLock::new(|| Tiered::new(Lru::new(10), Redis::open("redis://127.0.0.1").unwrap()));

#[ring(storage = TIERED as Tiered<Lru<String>, Redis>)]
fn name(n: u32) -> String {
    n.to_string()
}

#[ring(storage = TIERED as Tiered<Lru<String>, Redis>)]
fn number(n: u32) -> u32 { //~
    n
}

fn main() {}
