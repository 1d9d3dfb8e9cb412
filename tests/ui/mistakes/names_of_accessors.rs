//! Names that the accessors of a block have.

use ring_cache::{RingKey, ring_impl, ring};
#[derive(RingKey)] struct A(u32);
#[ring_impl]
impl A {
    #[ring] fn a(&self) -> u32 { self.0 }
    fn a_entry(&self) -> u32 { 2 } //~
    #[ring] fn b(&self) -> u32 { self.0 }
    fn b_cache() -> u32 { 2 } //~
    #[ring(accessor = x)] fn c(&self) -> u32 { self.0 }
    fn x(&self) -> u32 { 2 } //~
    #[ring(accessor = y)] fn d(&self) -> u32 { self.0 }
    #[ring(accessor = y)] fn e(&self) -> u32 { self.0 } //~
    #[ring(accessor = f)] fn f(&self) -> u32 { self.0 } //~
    #[ring] fn g(&self) -> u32 { self.0 }
    #[ring] fn g_ring(&self) -> u32 { self.0 } //~
    #[ring] fn r#type(&self) -> u32 { self.0 }
    const fn type_ring(&self) -> u32 { 2 } //~
}
fn main() { A(1).a(); }
