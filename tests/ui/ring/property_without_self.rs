use ring_cache::{RingKey, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

#[ring_impl]
impl Page {
    #[ring(property)] //~
    fn title() -> String {
        String::new()
    }
}

fn main() {}
