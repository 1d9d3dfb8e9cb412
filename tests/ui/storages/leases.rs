use ring_cache::{Disk, Lru, Map, Redis, RedisHash, Tiered, ring};
use std::sync::LazyLock;

static HASH: LazyLock<RedisHash> = LazyLock::new(|| RedisHash::open("redis://127.0.0.1").unwrap());
static REDIS: LazyLock<Redis> = LazyLock::new(|| Redis::open("redis://127.0.0.1").unwrap());
static DISK: LazyLock<Disk> = LazyLock::new(|| Disk::open("cache.db").unwrap());
static MAP: LazyLock<Map<u32>> = LazyLock::new(Map::new);
static TIERS: LazyLock<Tiered<Lru<u32>, Disk>> = LazyLock::new(|| Tiered::new(Lru::new(9), DISK.clone()));

#[ring(redis = REDIS, lease = "5s")]
fn has_leases(id: u32) -> u32 {
    id
}

#[ring(redis_hash = HASH, lease = "5s")] //~
fn would_have_a_key_beside_the_hash(id: u32) -> u32 {
    id
}

#[ring(map = MAP, lease = "5s")] //~
fn is_in_one_process(id: u32) -> u32 {
    id
}

#[ring(disk = DISK, lease = "5s")] //~
fn has_no_server(id: u32) -> u32 {
    id
}

#[ring(storage = TIERS as Tiered<Lru<u32>, Disk>, lease = "5s")] //~
fn far_away_there_is_none(id: u32) -> u32 {
    id
}

fn main() {}
