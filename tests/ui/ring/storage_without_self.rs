use ring_cache::{Lru, RingKey, ring_impl};

#[derive(RingKey)]
struct Service {
    id: u32,
    #[ring_key(skip)]
    cache: Lru<u32>,
}

#[ring_impl(lru = self.cache)] //~
impl Service {
    #[ring]
    fn with_self(&self) -> u32 {
        self.id
    }

    #[ring]
    fn without() -> u32 {
        1
    }
}

fn main() {}
