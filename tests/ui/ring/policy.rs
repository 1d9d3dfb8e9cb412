use ring_cache::{Lru, ring, ring_impl};

static USERS: std::sync::LazyLock<Lru<u32>> = std::sync::LazyLock::new(|| Lru::new(8));

#[ring(policy)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(policy = scan_resistent)] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(policy = Policy::ScanResistant)] //~
fn f3(n: u32) -> u32 {
    n
}

#[ring(lru = USERS, policy = scan_resistant)] //~
fn f4(n: u32) -> u32 {
    n
}

fn main() {}

struct Service;

#[ring_impl(lru = USERS, policy = scan_resistant)] //~
impl Service {
    #[ring]
    fn f5(n: u32) -> u32 {
        n
    }
}
