use ring_cache::ring;

#[ring(key_prefix)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(key_prefix = "")] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(key_prefix = 3)] //~
fn f3(n: u32) -> u32 {
    n
}

fn main() {}
