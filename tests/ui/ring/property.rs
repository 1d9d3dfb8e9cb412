use ring_cache::ring;

#[ring(property)] //~
fn f(n: u32) -> u32 {
    n
}

fn main() {}
