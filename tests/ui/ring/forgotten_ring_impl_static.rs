use ring_cache::{RingKey, ring};

#[derive(RingKey)]
struct Page {
    url: String,
}

impl Page {
    #[ring]
    fn example_dot_com() -> String {
        String::new()
    }
}

fn main() {}
