//! A type with a typing error, wherever it is written, is one error.

use ring_cache::{ring, ring_impl, RingKey};
#[ring] fn a(x: u32) -> Strng { todo!() } //~
#[ring] fn b(x: u32) -> Option<Strng> { todo!() } //~
#[ring] fn c(x: u32) -> Result<Strng, ()> { todo!() } //~
#[ring] fn d(x: Strng) -> u32 { 1 } //~
#[ring] fn e(x: &Strng) -> u32 { 1 } //~
#[ring(ignore(x))] fn f(x: Option<Strng>) -> u32 { 1 } //~
#[ring] fn g<T: Strng>(x: T) -> u32 { 1 } //~
#[ring] async fn h(x: u32) -> Strng { todo!() } //~
#[ring] fn i(x: u32) -> missing::Strng { todo!() } //~
#[ring] fn j(x: u32) -> Result<u32, Strng> { todo!() } //~
#[ring] async fn k(x: Strng, y: u32) -> u32 { 1 } //~
#[ring(expire = "1s")] fn l(x: u32) -> Vec<Strng> { todo!() } //~
#[ring(key = "{x}")] fn m(x: Strng) -> u32 { 1 } //~
#[derive(RingKey)] struct S;
#[ring_impl]
impl S {
    #[ring] fn a(&self) -> Strng { todo!() } //~
    #[ring] fn b(&self, x: Strng) -> u32 { 1 } //~
    #[ring] async fn c(&self, x: u32) -> Option<Strng> { todo!() } //~
    #[ring] fn d(&self) -> Result<Strng, String> { todo!() } //~
    #[ring(class)] fn e() -> Strng { todo!() } //~
}
trait T { fn t(&self) -> u32; }
#[ring_impl]
impl Strng for S { #[ring] fn t(&self) -> u32 { 1 } } //~
fn main() {}
