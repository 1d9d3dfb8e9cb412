use ring_cache::{RingKey, ring_impl};

#[derive(RingKey)]
struct A;

#[ring_impl]
impl A {
    #[ring]
    fn f1(&mut self) -> u32 { 1 } //~
    #[ring]
    fn f2(self) -> u32 { 1 } //~
    #[ring]
    fn f3(mut self) -> u32 { 1 } //~
    #[ring]
    fn f4(self: Box<Self>) -> u32 { 1 } //~
    #[ring]
    fn f5(self: &mut Self) -> u32 { 1 } //~
    #[ring]
    fn f6(self: std::pin::Pin<&Self>) -> u32 { 1 } //~
    #[ring]
    fn f7(self: std::pin::Pin<&mut Self>) -> u32 { 1 } //~
    #[ring]
    fn f8(self: &mut std::sync::Arc<Self>) -> u32 { 1 } //~
    #[ring]
    fn f9<'a>(&'a mut self) -> u32 { 1 } //~
    #[ring]
    fn f10(self: Self) -> u32 { 1 } //~
    #[ring(lru = self.cache)] //~
    fn moved(self: std::sync::Arc<Self>) -> u32 { 1 }
    #[ring(class)] //~
    fn class(&self) -> u32 { 1 }
    #[ring(property)]
    fn property(&self, n: u32) -> u32 { n } //~
    #[ring(property)] //~
    fn associated() -> u32 { 1 }
    #[ring(ignore(n))] //~
    fn unknown(&self) -> u32 { 1 }
    #[ring(key = "{this.id}")] //~
    fn template(&self) -> u32 { 1 }
    #[ring(key = "all")] //~
    fn constant(&self) -> u32 { 1 }
    #[ring(key_prefix = "p:{self.id}")] //~
    fn prefix(&self) -> u32 { 1 }
    #[ring] //~
    const N: u32 = 1;
    #[ring] #[ring] //~
    fn twice(&self) -> u32 { 1 }
    #[cfg_attr(all(), ring)] //~
    fn conditional(&self) -> u32 { 1 }
}

fn main() {}
