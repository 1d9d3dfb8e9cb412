use ring_cache::RingKey;

#[derive(RingKey)]
struct Page {
    #[ring_key(skip, rename = "u")] //~
    url: String,
    #[ring_key(with = function)] //~
    #[ring_key(skip)]
    visits: u64,
}

fn main() {}
