use ring_cache::ring;

#[ring(expire = 0)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(expire = "0s")] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(expire = -1)] //~
fn f3(n: u32) -> u32 {
    n
}

#[ring(expire = "soon")] //~
fn f4(n: u32) -> u32 {
    n
}

#[ring(expire = 1.5)] //~
fn f5(n: u32) -> u32 {
    n
}

#[ring(expire = 60u64)] //~
fn f6(n: u32) -> u32 {
    n
}

#[ring(expire)] //~
fn f7(n: u32) -> u32 {
    n
}

#[ring(expire(60))] //~
fn f8(n: u32) -> u32 {
    n
}

#[ring(expire = true)] //~
fn f9(n: u32) -> u32 {
    n
}

#[ring(expire = 60 * 2)] //~
fn f10(n: u32) -> u32 {
    n
}

fn main() {}
