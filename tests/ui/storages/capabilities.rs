use ring_cache::{Blocking, Disk, Memcached, Redis, RedisHash, ring};
use std::sync::LazyLock;

static HASH: LazyLock<RedisHash> = LazyLock::new(|| RedisHash::open("redis://127.0.0.1").unwrap());
static CACHE: LazyLock<Memcached> = LazyLock::new(|| Memcached::open("127.0.0.1").unwrap());
static REDIS: LazyLock<Redis> = LazyLock::new(|| Redis::open("redis://127.0.0.1").unwrap());
static DISK: LazyLock<Disk> = LazyLock::new(|| Disk::open("cache.db").unwrap());
static SHARED: LazyLock<Blocking<Disk>> = LazyLock::new(|| Blocking::new(DISK.clone()));

#[ring(redis_hash = HASH, expire = "1m")] //~
fn fields_do_not_expire(id: u32) -> u32 {
    id
}

#[ring(redis_hash = HASH)]
fn nor_for_one_call(id: u32) -> u32 {
    id
}

fn expire() {
    let _ = nor_for_one_call_ring(1).expire_in(std::time::Duration::from_secs(1)); //~
}

#[ring(memcached = CACHE)]
fn cannot_be_cleared(id: u32) -> u32 {
    id
}

fn clear() {
    cannot_be_cleared_cache().clear().unwrap(); //~
}

#[ring(disk = DISK)] //~
async fn blocks(id: u32) -> u32 {
    id
}

#[ring(storage = DISK as Disk)] //~
async fn blocks_by_its_type(id: u32) -> u32 {
    id
}

#[ring(disk = SHARED)]
async fn does_not_block(id: u32) -> u32 {
    id
}

#[ring(disk = SHARED)] //~
fn is_not_awaited(id: u32) -> u32 {
    id
}

struct Opaque;

#[ring(redis = REDIS)]
fn has_no_coder(_: u32) -> Opaque { //~
    Opaque
}

fn main() {
    expire();
    clear();
}
