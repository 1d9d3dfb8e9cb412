use ring_cache::ring;

#[ring(class)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(class = true)] //~
fn f2(n: u32) -> u32 {
    n
}

fn main() {}
