use ring_cache::RingKey;

#[derive(RingKey)]
#[ring_key(prefx = "page")] //~
struct Near {
    #[ring_key(skipped)] //~
    url: String,
}

#[derive(RingKey)]
#[ring_key(colour = "red")] //~
enum Far {
    #[ring_key(renamed = "b")] //~
    A,
    B(#[ring_key(ignore)] u8), //~
}

fn main() {
    // No further errors: the types have a `RingKey` all the same.
    fn is_key<K: RingKey>() {}
    is_key::<(Near, Far)>();
}
