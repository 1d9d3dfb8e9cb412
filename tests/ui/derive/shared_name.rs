use ring_cache::RingKey;

#[derive(RingKey)]
enum Kind {
    #[ring_key(rename = "New")] //~
    Old,
    New,
    Other {
        a: u8,
        #[ring_key(rename = "a")] //~
        b: u8,
    },
}

#[derive(RingKey)]
struct Pair(#[ring_key(rename = "side")] u8, #[ring_key(rename = "side")] u8); //~

fn main() {}
