use ring_cache::RingKey;

#[derive(RingKey)]
union Either { //~
    number: u32,
    float: f32,
}

fn main() {}
