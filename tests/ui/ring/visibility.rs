mod shop {
    use ring_cache::{RingKey, ring_impl};

    #[derive(RingKey)]
    pub struct Shop(pub u32);

    #[ring_impl]
    impl Shop {
        #[ring(accessor = pub(self) prices_call)]
        pub fn prices(&self) -> u32 {
            self.0
        }

        #[ring(accessor = pub(in crate::shop))]
        pub fn cities(&self) -> u32 {
            self.0
        }

        #[ring]
        fn private(&self) -> u32 {
            self.0
        }
    }
}

fn main() {
    let shop = shop::Shop(1);
    shop.prices();
    shop.prices_call().get(); //~
    shop.cities_ring().get(); //~
    shop.cities_entry().get(); //~
    shop::Shop::cities_cache().stats(); //~
    shop.private_ring().get(); //~
}
