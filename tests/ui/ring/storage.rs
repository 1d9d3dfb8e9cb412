use std::sync::LazyLock;

use ring_cache::{Lru, ring};

static CACHE: LazyLock<Lru<u32>> = LazyLock::new(|| Lru::new(10));
static NUMBER: u32 = 1;
static OTHER: LazyLock<Lru<String>> = LazyLock::new(|| Lru::new(10));

#[ring(storage)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(storage = CACHE)] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(storage = NUMBER as u32)] //~
fn f3(n: u32) -> u32 {
    n
}

#[ring(storage = CACHE as Lru<u64>)] //~
fn f9(n: u32) -> u64 {
    n.into()
}

#[ring(storage = CACHE as Lru<u32>)] //~
fn f10(n: u32) -> u64 {
    n.into()
}

#[ring(lru)] //~
fn f4(n: u32) -> u32 {
    n
}

#[ring(lru(CACHE))] //~
fn f5(n: u32) -> u32 {
    n
}

#[ring(lru = self.cache)] //~
fn f6(n: u32) -> u32 {
    n
}

#[ring(map = CACHE)] //~
fn f7(n: u32) -> u32 {
    n
}

#[ring(lru = OTHER)] //~
fn f8(n: u32) -> u32 {
    n
}

fn main() {}
