use ring_cache::{RingKey, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

#[ring_impl]
impl Page {
    #[ring]
    fn value(self) -> String { //~
        self.url
    }

    #[ring]
    fn arc(self: std::sync::Arc<Self>) -> String {
        self.url.clone()
    }
}

fn main() {}
