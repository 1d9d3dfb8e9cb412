use ring_cache::ring;

#[ring]
fn function(n: u32, #[cfg(test)] log: &str) -> u32 { //~
    n
}

fn main() {}
