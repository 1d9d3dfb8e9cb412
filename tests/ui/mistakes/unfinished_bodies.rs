//! Bodies that do not parse: the accessors are there.

use ring_cache::{RingKey, ring_impl, ring};
#[derive(RingKey)]
struct Page(u32);
#[ring_impl]
impl Page {
    #[ring] fn a(&self) -> u32 { let x = } //~
    #[ring] async fn b(&self) -> u32 { foo(,) } //~
    #[ring] fn whole(&self) -> u32 { 2 }
}
#[ring] fn free(n: u32) -> u32 { if n { } else } //~
#[ring] fn free2(n: u32) -> u32 { match n { 1 => } } //~
trait T { fn t(&self) -> u32; fn u(&self) -> u32; }
#[ring_impl]
impl T for Page {
    #[ring] fn t(&self) -> u32 { let = 5; 3 } //~
    #[ring] fn u(&self) -> u32 { 2 }
}
fn main() {
    Page(1).whole_ring().has();
    let _ = Page(1).a_ring().get(); Page(1).a_entry().delete(); Page::a_cache().clear();
    let _ = Page(1).b_ring();
    free_ring(1).has(); free2_entry(1).has(); Page(1).t_ring().has(); Page(1).u_ring().has();
}
