//! Keys that are texts or constants, and name nothing or something unknown.

use ring_cache::{ring, ring_impl, RingKey};
#[ring(key = "user")] //~
fn a(id: u32) -> u32 { id }
#[ring(key = "user:{}")] //~
fn b(id: u32) -> u32 { id }
#[ring(key = "user:{idd}")] //~
fn c(id: u32) -> u32 { id }
#[ring(key = "user:{0}")] //~
fn d(id: u32) -> u32 { id }
#[ring(key = "user:{id:?}")] //~
fn e(id: u32) -> u32 { id }
#[ring(key = "user:{id.x}")] //~
fn f(id: u32) -> u32 { id }
#[ring(key = "{self.id}")] //~
fn g(id: u32) -> u32 { id }
#[ring(key = "{a}")] //~
fn h((a, b): (u32, u32)) -> u32 { a + b }
struct NoKey;
#[ring(key = "{a}")] //~
fn i(a: NoKey) -> u32 { let _ = a; 1 }
#[ring(key = concat!("a", "b"))] //~
fn j(id: u32) -> u32 { id }
const K: &str = "user:{id}";
#[ring(key = K)] //~
fn k(id: u32) -> u32 { id }
#[ring(key = ("user", 1))] //~
fn l(id: u32) -> u32 { id }
#[ring(key = 7)] //~
fn m(id: u32) -> u32 { id }
#[ring(key = "x".to_string())] //~
fn n(id: u32) -> u32 { id }
#[ring(key = format!("user:{{id}}"))] //~
fn o(id: u32) -> u32 { id }
#[ring(key = r#"user"#)] //~
fn p(id: u32) -> u32 { id }
#[ring(key = b"user")] //~
fn q(id: u32) -> u32 { id }
#[ring(key = "user", ignore(id))] //~
fn r(id: u32, other: u32) -> u32 { id + other }
#[derive(RingKey)]
struct S { id: u32 }
#[ring_impl]
impl S {
    #[ring(key = "all")] //~
    fn a(&self) -> u32 { self.id }
    #[ring(key = "{self.idd}")] //~
    fn b(&self) -> u32 { self.id }
    #[ring(key = "{self}:{other}")] //~
    fn c(&self, id: u32) -> u32 { self.id + id }
    #[ring(key = "{Self}:{id}")] //~
    fn d(&self, id: u32) -> u32 { self.id + id }
    #[ring(key = "{S::X}:{id}")] //~
    fn e(&self, id: u32) -> u32 { self.id + id }
    #[ring(key = "{id.to_string()}")] //~
    fn f(&self, id: u32) -> u32 { self.id + id }
    #[ring(key = "{id")] //~
    fn g(&self, id: u32) -> u32 { self.id + id }
}
#[ring(key = "{id}")] //~
fn gene<T>(id: T) -> u32 { let _ = id; 1 }
fn main() {}
