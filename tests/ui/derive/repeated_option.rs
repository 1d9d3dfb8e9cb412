use ring_cache::RingKey;

#[derive(RingKey)]
#[ring_key(prefix = "page", prefix = "pages")] //~
struct Page {
    #[ring_key(rename = "u")]
    #[ring_key(rename = "v")] //~
    url: String,
    #[ring_key(skip, skip)] //~
    visits: u64,
}

fn main() {}
