use ring_cache::ring;

#[ring(expire = 60, expire = 70)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(capacity = 1, capacity = 2)] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(ignore(n), ignore(n))] //~
fn f3(n: u32) -> u32 {
    n
}

fn main() {}
