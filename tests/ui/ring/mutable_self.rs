use ring_cache::{RingKey, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

#[ring_impl]
impl Page {
    #[ring]
    fn f(&mut self) -> u32 { //~
        1
    }
}

fn main() {}
