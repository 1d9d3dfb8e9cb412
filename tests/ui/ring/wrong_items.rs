use ring_cache::{RingKey, ring, ring_impl};

#[derive(RingKey)]
struct Page {
    url: String,
}

#[ring_impl]
fn function() -> u32 { //~
    1
}

#[ring_impl]
struct Struct; //~

#[ring]
struct Other; //~

#[ring]
impl Page {} //~

#[ring_impl]
trait Trait { //~
    fn method(&self) -> u32;
}

#[ring_impl]
impl Page {
    #[ring] //~
    const NUMBER: u32 = 1;

    #[ring] //~
    #[ring(expire = 3)]
    fn twice(&self) -> u32 {
        1
    }

    #[ring = 3] //~
    fn value(&self) -> u32 {
        1
    }
}

fn main() {}
