use ring_cache::{RingKey, ring, ring_impl};

#[derive(RingKey)]
struct Page(u32);

#[ring_impl]
impl Page {
    #[ring]
    fn unfinished(&self) -> u32 {
        let found = ; //~
        2
    }

    #[ring]
    fn whole(&self) -> u32 {
        2
    }
}

#[ring]
fn free(n: u32) -> u32 {
    let found = n +; //~
    n
}

// The accessors of all of them are there.
fn main() {
    Page(1).whole_ring().has();
    Page(1).unfinished_ring().has();
    Page(1).unfinished_entry().has();
    free_ring(1).has();
}
