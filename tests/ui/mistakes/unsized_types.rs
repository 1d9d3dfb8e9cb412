//! Types without a fixed size, also in an `Option`, and those without a name.

use ring_cache::{ring, ring_impl, RingKey};
#[ring] fn a(x: u32) -> str { todo!() } //~
#[ring] fn b(x: u32) -> dyn Fn() { todo!() } //~
#[ring] fn c(x: str) -> u32 { 1 } //~
#[ring] fn d(x: dyn ToString) -> u32 { 1 } //~
#[ring] fn e(x: u32) -> Option<[u8]> { todo!() } //~
#[ring] fn f(x: u32) -> Result<str, ()> { todo!() } //~
#[ring] fn g(x: Option<str>) -> u32 { 1 } //~
#[ring] fn h(x: u32) -> std::path::Path { todo!() } //~
#[ring] fn i(x: u32) -> Vec<impl ToString> { vec![1] } //~
#[ring] fn j(x: u32) -> (impl ToString, u8) { (1, 1) } //~
#[ring] fn k(x: u32) -> Result<impl Iterator<Item = u8>, ()> { Ok([1u8].into_iter()) } //~
#[ring] fn m(x: u32) -> std::ffi::OsStr { todo!() } //~
#[ring] fn n(x: std::path::Path) -> u32 { 1 } //~
#[ring] async fn o(x: u32) -> [u8] { todo!() } //~
#[ring] async fn p(x: [u8]) -> u32 { 1 } //~
#[derive(RingKey)] struct S;
#[ring_impl] impl S {
    #[ring] fn a(&self) -> [u8] { todo!() } //~
    #[ring] fn b(&self, x: dyn ToString) -> u32 { 1 } //~
    #[ring] fn c(&self, x: [u8]) -> u32 { 1 } //~
}
fn main() {}
