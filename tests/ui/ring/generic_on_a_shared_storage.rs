use std::sync::LazyLock;

use ring_cache::{Map, ring};

struct Store;

#[ring(storage = STORE as Map<u32>)]
fn generic<T: Default + 'static>(n: u32) -> u32 { //~
    n
}

static STORE: LazyLock<Map<u32>> = LazyLock::new(Map::new);

fn main() {}
