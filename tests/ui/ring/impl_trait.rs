use ring_cache::{RingKey, ring};

#[ring]
fn returned() -> impl Clone { //~
    1
}

#[ring]
fn argument(key: impl RingKey) -> u32 { //~
    let _ = key;
    1
}

#[ring]
fn reference(log: &impl Fn(u32), n: u32) -> u32 { //~
    log(n);
    n
}

fn main() {}
