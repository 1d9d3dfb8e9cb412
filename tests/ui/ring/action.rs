use ring_cache::ring;

#[ring(action)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(action = fetch)] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(action = "update")] //~
fn f3(n: u32) -> u32 {
    n
}

#[ring(action = delete)] //~
fn f4(n: u32) -> u32 {
    n
}

fn main() {}
