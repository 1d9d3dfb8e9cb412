use ring_cache::{RingKey, ring_impl};

#[derive(RingKey)]
struct Phone(u32);

#[ring_impl]
impl Phone {
    #[ring]
    fn tone(&self) -> u32 { self.0 }
    fn tone_ring(&self) -> u32 { 2 } //~
    #[ring]
    fn call(&self) -> u32 { self.0 }
    fn call_cache() -> u32 { 2 } //~
    #[ring]
    fn text(&self) -> u32 { self.0 }
    #[ring]
    fn text_entry(&self) -> u32 { 2 } //~
    #[ring(accessor = data)]
    fn one(&self) -> u32 { self.0 }
    #[ring(accessor = data)] //~
    fn two(&self) -> u32 { 2 }
}

fn main() {}
