//! Lints see the code that the user wrote, once.

#![deny(unused_variables, unused_mut, unused_must_use, deprecated, unreachable_code, non_snake_case)]
use ring_cache::{RingKey, ring_impl, ring};
#[derive(RingKey)]
struct A;
#[deprecated] fn old() -> u32 { 1 }
#[must_use] fn mu() -> u32 { 1 }
trait T { fn t(&self) -> u32; }
#[ring_impl]
impl A {
    #[ring] fn a(&self) -> u32 { let x = 1; 2 } //~
    #[ring] fn b(&self) -> u32 { old() } //~
    #[ring] fn c(&self) -> u32 { mu(); 2 } //~
    #[ring] fn d(&self) -> u32 { return 1; 2 } //~
    #[ring] fn Ee(&self) -> u32 { 2 } //~
    #[ring] fn f(&self) -> u32 { let mut x = 1; x } //~
    #[ring] fn g(&self, n: u32) -> u32 { 2 } //~
    #[ring] fn h(&self, mut n: u32) -> u32 { n } //~
    #[ring] fn i(&self, Nn: u32) -> u32 { Nn } //~
    #[ring] async fn j(&self, n: u32) -> u32 { 2 } //~
    #[ring(ignore(n))] fn k(&self, n: u32) -> u32 { 2 } //~
}
#[ring_impl]
impl T for A { #[ring] fn t(&self) -> u32 { let x = 1; 2 } } //~
#[ring] fn free(n: u32) -> u32 { 1 } //~
fn main() { A.a(); free(1); }
