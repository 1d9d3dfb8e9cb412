use ring_cache::ring;

#[ring(key)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(key = std::time::Instant::now())] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(key = n, ignore(n))] //~
fn f4(n: u32) -> u32 {
    n
}

fn main() {}
