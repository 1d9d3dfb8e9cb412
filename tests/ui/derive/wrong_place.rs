use ring_cache::RingKey;

#[derive(RingKey)]
#[ring_key(rename = "page", skip)] //~ 2
struct Page<T> {
    #[ring_key(prefix = "u")] //~
    url: String,
    #[ring_key(name = "t")] //~
    topic: T,
}

#[derive(RingKey)]
#[ring_key(with = function)] //~
enum Kind {
    #[ring_key(skip)] //~
    Old,
    #[ring_key(prefix = "new")] //~
    New,
}

fn main() {}
