use ring_cache::ring;

#[ring(capacity = 0)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(capacity)] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(capacity = "many")] //~
fn f3(n: u32) -> u32 {
    n
}

#[ring(capacity = 0x0)] //~
fn f4(n: u32) -> u32 {
    n
}

fn main() {}
