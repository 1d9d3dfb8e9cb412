//! Attributes that do not reach the body, also within `cfg_attr`.

use ring_cache::{ring, ring_impl, RingKey};
#[ring]
#[track_caller] //~
fn a(n: u32) -> u32 { n }
#[track_caller] //~
#[ring]
fn b(n: u32) -> u32 { n }
#[derive(RingKey)] struct S;
#[ring_impl]
impl S {
    #[ring]
    #[cfg_attr(all(), track_caller)] //~
    fn a(&self) -> u32 { 1 }
    #[ring]
    #[target_feature(enable = "sse2")] //~
    fn b(&self) -> u32 { 1 }
    #[ring]
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "sse2"))] //~
    fn c(&self) -> u32 { 1 }
}
trait T { fn t(&self) -> u32; }
#[ring_impl]
impl T for S {
    #[track_caller] //~
    #[ring] fn t(&self) -> u32 { 1 }
}
fn main() {}
