use ring_cache::{RingKey, ring};

#[derive(RingKey)]
struct Page {
    url: String,
}

impl Page {
    #[ring]
    fn content(&self) -> String { //~
        self.url.clone()
    }
}

fn main() {}
