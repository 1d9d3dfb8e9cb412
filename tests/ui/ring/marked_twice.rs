use ring_cache::{RingKey, ring, ring_impl};

#[ring]
#[ring(expire = 3)] //~
fn free() -> u32 {
    1
}

#[derive(RingKey)]
struct Page;

#[ring_impl]
impl Page {
    #[ring] //~
    #[ring(expire = 3)]
    fn method(&self) -> u32 {
        1
    }

    #[cfg_attr(unix, ring)] //~
    fn conditional(&self) -> u32 {
        1
    }
}

fn main() {
    free_ring().delete();
}
