use std::pin::Pin;

use ring_cache::ring_impl;

struct Shop;

trait Price { fn price<'life0, 'async_trait>(&'life0 self, id: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'async_trait>> where 'life0: 'async_trait, Self: 'async_trait; }

// What `#[async_trait]` makes, if it stands above.
#[ring_impl]
impl Price for Shop {
    #[ring]
    fn price<'life0, 'async_trait>(&'life0 self, id: u32) -> Pin<Box<dyn Future<Output = u32> + Send + 'async_trait>> where 'life0: 'async_trait, Self: 'async_trait { //~
        Box::pin(async move { id })
    }
}

fn main() {}
