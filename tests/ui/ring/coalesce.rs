use ring_cache::ring;

#[ring(coalesce)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(coalesce = 1)] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(coalesce(false))] //~
fn f3(n: u32) -> u32 {
    n
}

fn main() {}
