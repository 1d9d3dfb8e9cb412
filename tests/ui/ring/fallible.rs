use ring_cache::ring;

#[ring(fallible)]
fn f1(n: u32) -> u32 { //~
    n
}

#[ring(fallible = true)]
fn f2(n: u32) -> u32 { //~
    n
}

fn main() {}
