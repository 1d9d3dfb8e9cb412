use ring_cache::{RingKey, ring, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

#[ring_impl(class, ignore(n), key = 1, key_prefix = "p", accessor = a, property)] //~ 5
impl Page {
    #[ring]
    fn content(&self) -> String {
        self.url.clone()
    }
}

#[ring(accessors = Name)] //~
fn function() -> u32 {
    1
}

fn main() {}
