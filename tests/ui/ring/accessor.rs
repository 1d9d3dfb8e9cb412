use ring_cache::ring;

#[ring(accessor)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(accessor = "name")] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(accessor = a::b)] //~
fn f3(n: u32) -> u32 {
    n
}

fn main() {}
