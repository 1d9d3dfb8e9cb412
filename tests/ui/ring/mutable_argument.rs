use ring_cache::ring;

#[ring]
fn append(log: &mut Vec<u32>, n: u32) -> u32 { //~
    log.push(n);
    n
}

fn main() {}
