use ring_cache::{RingKey, ring, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

struct Failure;
type Outcome<T> = Result<T, Failure>;

#[ring]
fn alias(n: u32) -> Outcome<u32> { //~
    Ok(n)
}

#[ring_impl]
impl Page {
    #[ring]
    fn alias(&self) -> Outcome<String> { //~
        Ok(self.url.clone())
    }
}

fn main() {}
