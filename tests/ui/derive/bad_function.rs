use ring_cache::{KeyWriter, RingKey};

fn of_number(number: &u32, key: &mut impl KeyWriter) {
    number.ring_key(key);
}

#[derive(RingKey)]
struct Page {
    #[ring_key(with = of_number)] //~
    url: String,
    #[ring_key(with = missing)] //~
    visits: u32,
}

fn main() {}
