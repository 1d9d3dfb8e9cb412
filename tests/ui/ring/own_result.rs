use ring_cache::ring;

/// Not std's.
#[derive(Clone)]
struct Result;

#[ring]
fn own(_n: u32) -> Result { //~
    Result
}

fn main() {}
