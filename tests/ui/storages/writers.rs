use ring_cache::{Disk, Memcached, ring};

static DISK: std::sync::LazyLock<Disk> = std::sync::LazyLock::new(|| Disk::open("never").unwrap());
static MEMCACHED: std::sync::LazyLock<Memcached> =
    std::sync::LazyLock::new(|| Memcached::open("memcache://127.0.0.1").unwrap());

#[ring(disk = DISK)]
fn user(id: u64) -> u64 { id }

#[ring(memcached = MEMCACHED)]
fn page(id: u64) -> u64 { id }

#[ring(invalidates(user(1)))] //~
async fn awaits() {}

#[ring(invalidates(page(1), page(..)))] //~
fn clears() {}

fn main() {}
