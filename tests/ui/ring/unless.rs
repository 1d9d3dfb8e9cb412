use ring_cache::ring;

#[ring(unless)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(unless = 3)] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(unless = |n| n > 3)] //~
fn f3(n: u32) -> u32 {
    n
}

#[ring(unless = |n: &String| true)] //~
fn f4(n: u32) -> u32 {
    n
}

fn main() {}
