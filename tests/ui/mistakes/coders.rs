//! A coder that is another crate's type, or none, is one error, at the user's token, which names the type that is meant.

use ring_cache::{Map, RingKey, ring, ring_impl};
use std::sync::LazyLock;
mod axum {
    pub struct Json<T>(pub T);
}
use axum::Json;
static MAP: LazyLock<Map<Vec<u8>>> = LazyLock::new(Map::new);
#[ring(coder = Json)] fn a(x: u32) -> u32 { 1 } //~
#[ring(map = MAP, coder = Json)] fn b(x: u32) -> u32 { 1 } //~
#[ring(coder = Json)] fn c(x: u32) -> Result<u32, ()> { Ok(1) } //~
#[ring(coder = Json)] async fn d(x: u32) -> Result<u32, ()> { Ok(1) } //~
#[ring(coder = axum::Json)] fn e(x: u32) -> u32 { 1 } //~
#[ring(coder = Json<u32>)] fn f(x: u32) -> u32 { 1 } //~
#[ring(coder = Misspelt)] fn g(x: u32) -> u32 { 1 } //~
#[ring(coder = absent::Coder)] fn h(x: u32) -> u32 { 1 } //~
#[ring(coder = Json)] fn i<T: RingKey>(x: T) -> u32 { 1 } //~
#[derive(RingKey)] struct S;
#[ring_impl(coder = Json)] impl S { //~
    #[ring] fn a(&self) -> u32 { 1 }
    #[ring] fn b(&self) -> u32 { 1 }
}
trait T { fn t(&self) -> u32; }
#[ring_impl] impl T for S {
    #[ring(coder = Json)] fn t(&self) -> u32 { 1 } //~
}
fn main() {}
