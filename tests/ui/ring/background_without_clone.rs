use ring_cache::{RingKey, ring_impl};

#[derive(RingKey)]
struct Service {
    id: u32,
}

#[ring_impl(expire = "1m")]
impl Service {
    #[ring(stale = "1h")] //~
    fn user(&self, id: u64) -> u64 {
        id + u64::from(self.id)
    }
}

fn main() {}
