use ring_cache::ring;

#[ring(capacity = 3, lru = CACHE)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(lru = CACHE, map = CACHE)] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(lru = CACHE, storage = CACHE as Lru<u32>)] //~
fn f3(n: u32) -> u32 {
    n
}

fn main() {}
