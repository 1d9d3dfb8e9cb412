use ring_cache::{RingKey, ring, ring_impl};

#[ring(expire = 1, stale = 1, coalesce = false)] //~
fn without_coalescing(n: u32) -> u32 { n }
#[ring(expire = 1, stale = 1, action = update)] //~
fn always_computed(n: u32) -> u32 { n }
#[ring(expire = 1, stale = 1, action = execute)] //~
async fn never_stored(n: u32) -> u32 { n }
#[ring(expire = 1, early = 0.5, coalesce = false)] //~
fn early(n: u32) -> u32 { n }

#[derive(Clone, RingKey)]
struct Service;

#[ring_impl(expire = 1, stale = 1)] //~
impl Service {
    #[ring(coalesce = false)]
    fn of_a_block(&self, n: u32) -> u32 { n }
}

fn main() {}
