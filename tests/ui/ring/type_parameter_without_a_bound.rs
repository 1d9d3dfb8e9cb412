use ring_cache::{RingKey, ring};

#[ring]
fn key<T>(value: T) -> u32 { //~
    let _ = value;
    1
}

#[ring]
fn value<T: RingKey + Default + Send + Sync + 'static>(n: u32) -> T { //~
    let _ = n;
    T::default()
}

fn main() {}
