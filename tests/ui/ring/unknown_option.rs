use ring_cache::ring;

#[ring(expires = 60)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(capasity = 3)] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(ignored(n))] //~
fn f3(n: u32) -> u32 {
    n
}

#[ring(xyzzy)] //~
fn f4(n: u32) -> u32 {
    n
}

#[ring(ring_cache::expire = 60)] //~
fn f5(n: u32) -> u32 {
    n
}

#[ring("text")] //~
fn f6(n: u32) -> u32 {
    n
}

fn main() {}
