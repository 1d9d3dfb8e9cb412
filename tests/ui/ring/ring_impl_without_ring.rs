use ring_cache::{RingKey, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

#[ring_impl]
impl Page { //~
    fn content(&self) -> String {
        self.url.clone()
    }
}

fn main() {}
