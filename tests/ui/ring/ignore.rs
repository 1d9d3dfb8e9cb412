use ring_cache::ring;

#[ring(ignore)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(ignore())] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(ignore(m))] //~
fn f3(n: u32) -> u32 {
    n
}

#[ring(ignore = n)] //~
fn f4(n: u32) -> u32 {
    n
}

#[ring(ignore("n"))] //~
fn f5(n: u32) -> u32 {
    n
}

#[ring(ignore(n, n))] //~
fn f6(n: u32) -> u32 {
    n
}

#[ring(ignore(self))] //~
fn f7(n: u32) -> u32 {
    n
}

fn main() {}
