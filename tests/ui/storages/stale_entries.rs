use ring_cache::{RedisHash, RingKey, ring_impl};

#[derive(RingKey, Clone)]
struct Service {
    #[ring_key(skip)]
    hash: RedisHash,
}

#[ring_impl(redis_hash = self.hash)]
impl Service {
    #[ring(
        expire = "1m", //~
        stale = "1h", //~
    )]
    fn user(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
