use ring_cache::ring;

#[ring(flight_timeout = 0)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(flight_timeout = "never")] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(flight_timeout)] //~
fn f3(n: u32) -> u32 {
    n
}

#[ring(coalesce = false, flight_timeout = 3)] //~
fn f4(n: u32) -> u32 {
    n
}

fn main() {}
