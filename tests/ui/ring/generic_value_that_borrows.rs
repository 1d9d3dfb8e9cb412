use ring_cache::{RingKey, ring};

#[ring]
fn generic<T: RingKey + Clone + Send + Sync>(value: T) -> T { //~
    value
}

fn main() {}
