//! Mistakes in bodies are the compiler's own.

use ring_cache::{RingKey, ring_impl, ring};
#[derive(RingKey)]
struct Page(u32);
#[ring_impl]
impl Page {
    #[ring] fn a(&self) -> u32 { missing } //~
    #[ring] fn b(&self) -> u32 { "text" } //~
    #[ring] fn c(&self) -> Result<u32, String> { let n: u32 = "1".parse()?; Ok(n) } //~
    #[ring] async fn d(&self) -> u32 { self.nope().await } //~
    #[ring] async fn e(&self) -> Option<u32> { Ok(1) } //~
    #[ring] fn f(&self, n: u32) -> u32 { n = 2; n } //~
    #[ring] fn g(&self, s: String) -> String { drop(s); s } //~
    #[ring] fn whole(&self) -> u32 { 2 }
    #[ring] fn h(&self) -> u32 { } //~
    #[ring] fn i(&self) -> u32 { return; } //~
    #[ring] fn j(&self) -> u32 { 1; } //~
}
#[ring] fn free(n: u32) -> u32 { n.foo } //~
#[ring] fn free2(n: u32) -> String { n } //~
#[ring] fn free3<T: RingKey>(n: T) -> String { n.to_string() } //~
fn main() {
    Page(1).whole_ring().has();
    let _ = Page(1).a_ring().get(); Page(1).a_entry().delete(); Page::a_cache().clear();
    free_ring(1).has();
}
