//! A type of another crate that is no key is one error, at the type, which says the remedies.

use ring_cache::{RingKey, ring, ring_impl};
use std::net::TcpStream;
use std::time::Instant;
struct Own { at: Instant }
#[ring] fn a(x: Instant) -> u32 { 1 } //~
#[ring] fn b(x: &TcpStream) -> u32 { 1 } //~
#[ring] fn c(x: Option<Instant>) -> u32 { 1 } //~
#[ring] fn d(x: &[Instant]) -> u32 { 1 } //~
#[ring] fn e(x: u32, (a, b): (Instant, u32)) -> u32 { 1 } //~
#[ring] async fn f(x: std::time::Instant) -> u32 { 1 } //~
#[ring(key = "{x}")] fn h(x: Instant) -> u32 { 1 } //~
#[ring(key = x)] fn i(x: Instant) -> u32 { 1 } //~
#[ring(key = "{x.at}")] fn j(x: Own) -> u32 { 1 } //~
#[ring(key = (x.at, 1))] fn k(x: Own) -> u32 { 1 } //~
#[ring] fn l(x: Result<u32, Instant>) -> u32 { 1 } //~
#[ring] fn m(x: std::collections::HashMap<u32, Instant>) -> u32 { 1 } //~
#[ring] fn n(x: f32, y: fn(u32) -> u32) -> u32 { 1 } //~
#[ring] fn o(x: Box<dyn Fn()>) -> u32 { 1 } //~
#[ring] fn p(x: &dyn Fn()) -> u32 { 1 } //~
#[ring] fn q(x: std::sync::Arc<std::sync::Mutex<u32>>) -> u32 { 1 } //~
#[derive(RingKey)] struct S;
#[ring_impl] impl S {
    #[ring] fn a(&self, x: Instant) -> u32 { 1 } //~
    #[ring(class)] fn b(x: Instant) -> u32 { 1 } //~
    #[ring] async fn c(&self, x: &Instant) -> u32 { 1 } //~
}
trait T { fn t(&self, x: Instant) -> u32; }
#[ring_impl] impl T for S {
    #[ring] fn t(&self, x: Instant) -> u32 { 1 } //~
}
#[derive(RingKey)] struct D { x: Instant } //~
#[derive(RingKey)] struct E(Option<Instant>); //~
#[derive(RingKey)] enum F { A, B { x: Instant } } //~
fn main() {}
