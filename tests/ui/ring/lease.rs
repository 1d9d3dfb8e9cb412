use ring_cache::ring;

#[ring(lease = 0)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(lease = "never")] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(lease)] //~
fn f3(n: u32) -> u32 {
    n
}

#[ring(coalesce = false, lease = "5s")] //~
fn f4(n: u32) -> u32 {
    n
}

#[ring(action = update, lease = "5s")] //~
fn f5(n: u32) -> u32 {
    n
}

// In memory there is one process.
#[ring(lease = "5s")] //~
fn f6(n: u32) -> u32 {
    n
}

fn main() {}
