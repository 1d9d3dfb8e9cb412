//! `&mut` anywhere in the type of an argument, also by another name.

use ring_cache::{ring, ring_impl, RingKey};
#[ring]
fn a(x: (u32, &mut u32)) -> u32 { x.0 } //~
#[ring]
fn b(x: [&mut u32; 2]) -> u32 { *x[0] } //~
#[ring]
fn c(x: &[&mut u32]) -> u32 { *x[0] } //~
#[ring]
fn d(x: Vec<Option<&mut str>>) -> usize { x.len() } //~
#[ring]
fn e(x: Box<&mut u32>) -> u32 { **x } //~
#[ring]
fn f<'a>(x: &'a mut u32) -> u32 { *x } //~
#[ring]
fn g(x: &&mut u32) -> u32 { **x } //~
#[ring]
fn h(x: std::pin::Pin<&mut u32>) -> u32 { *x } //~
#[ring]
fn i(mut x: &mut [u8]) -> usize { x = &mut []; x.len() } //~
#[ring]
async fn j(x: Option<&mut Vec<u8>>) -> usize { x.map_or(0, |x| x.len()) } //~
#[derive(RingKey)]
struct S;
trait T { fn t(&self, x: Result<&mut u8, ()>) -> u8; }
#[ring_impl]
impl T for S { #[ring] fn t(&self, x: Result<&mut u8, ()>) -> u8 { *x.unwrap() } } //~
#[ring_impl]
impl S {
    #[ring]
    fn k(&self, (a, b): (u8, &mut u8)) -> u8 { a + *b } //~
    #[ring]
    fn l(x: std::slice::IterMut<'_, u8>) -> usize { x.len() } //~
    #[ring]
    fn m(x: std::cell::RefMut<'_, u8>) -> u8 { *x } //~
    #[ring]
    fn n(x: &std::cell::Cell<u8>) -> u8 { x.get() } //~
}
macro_rules! m { ($t:ty) => { #[ring] fn made(x: $t) -> usize { let _ = x; 1 } } }
m!(Option<&mut u8>); //~
type M<'a> = &'a mut u32;
#[ring]
fn alias(x: M<'_>) -> u32 { *x } //~
#[ring(key = "{x}")] //~
fn by_template(x: &mut u32) -> u32 { *x }
fn main() {}
