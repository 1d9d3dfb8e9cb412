use ring_cache::ring;

#[ring("1m")] //~
fn text() -> u32 {
    1
}

#[ring(expire = )] //~
fn no_value() -> u32 {
    1
}

fn main() {}
