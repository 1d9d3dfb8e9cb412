//! A type with a typing error, wherever it is written, is one error.

use ring_cache::{ring, ring_impl, RingKey};
#[ring] fn a(x: u32) -> Absent { todo!() } //~
#[ring] fn b(x: u32) -> Option<Absent> { todo!() } //~
#[ring] fn c(x: u32) -> Result<Absent, ()> { todo!() } //~
#[ring] fn d(x: Absent) -> u32 { 1 } //~
#[ring] fn e(x: &Absent) -> u32 { 1 } //~
#[ring(ignore(x))] fn f(x: Option<Absent>) -> u32 { 1 } //~
#[ring] fn g<T: Absent>(x: T) -> u32 { 1 } //~
#[ring] async fn h(x: u32) -> Absent { todo!() } //~
#[ring] fn i(x: u32) -> missing::Absent { todo!() } //~
#[ring] fn j(x: u32) -> Result<u32, Absent> { todo!() } //~
#[ring] async fn k(x: Absent, y: u32) -> u32 { 1 } //~
#[ring(expire = "1s")] fn l(x: u32) -> Vec<Absent> { todo!() } //~
#[ring(key = "{x}")] fn m(x: Absent) -> u32 { 1 } //~
#[derive(RingKey)] struct S;
#[ring_impl]
impl S {
    #[ring] fn a(&self) -> Absent { todo!() } //~
    #[ring] fn b(&self, x: Absent) -> u32 { 1 } //~
    #[ring] async fn c(&self, x: u32) -> Option<Absent> { todo!() } //~
    #[ring] fn d(&self) -> Result<Absent, String> { todo!() } //~
    #[ring(class)] fn e() -> Absent { todo!() } //~
}
trait T { fn t(&self) -> u32; }
#[ring_impl]
impl Absent for S { #[ring] fn t(&self) -> u32 { 1 } } //~
fn main() {}
