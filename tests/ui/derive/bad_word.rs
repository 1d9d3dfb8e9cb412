use ring_cache::RingKey;

#[derive(RingKey)]
#[ring_key(prefix = "", name = "my page")] //~ 2
struct Page {
    #[ring_key(rename = "a:b")] //~
    url: String,
    #[ring_key(rename = "größe")] //~
    size: u64,
}

#[derive(RingKey)]
#[ring_key(prefix = 1, name("shop"))] //~ 2
enum Kind {
    #[ring_key(rename)] //~
    Old,
    #[ring_key(rename = New)] //~
    New,
}

fn main() {}
