use ring_cache::RingKey;

#[derive(RingKey)]
#[ring_key] //~
struct Bare(u8);

#[derive(RingKey)]
#[ring_key = "page"] //~
struct Assigned(#[ring_key(skip = true)] u8, #[ring_key(with = "function")] u8); //~ 2

#[derive(RingKey)]
#[ring_key("page")] //~
struct Literal(#[ring_key(with)] u8); //~

fn main() {}
