use ring_cache::{RingKey, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

#[ring_impl]
impl Page {
    #[ring(class)] //~
    fn f(&self, n: u32) -> u32 {
        n
    }
}

fn main() {}
