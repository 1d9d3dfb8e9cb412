//! The bounds that a type parameter lacks are one error, at the user's type.

use ring_cache::{RingKey, ring, ring_impl};
#[derive(RingKey, Clone)]
struct Keyed<T>(T);
#[ring] fn a1<T>(x: Keyed<T>) -> u32 { 1 } //~
#[ring] fn a2<T>(x: &Keyed<T>) -> u32 { 1 } //~
#[ring] fn a3<T>(x: Vec<T>) -> u32 { 1 } //~
#[ring] fn a4<T>(x: &[T]) -> u32 { 1 } //~
#[ring] async fn a5<T>(x: Keyed<T>) -> u32 { loop {} } //~
#[ring] fn b1<T>(x: u32) -> T { loop {} } //~
#[ring] fn b2<T>(x: u32) -> Vec<T> { loop {} } //~
#[ring] fn b3<T>(x: u32) -> Option<T> { loop {} } //~
#[ring] fn b4<T>(x: u32) -> Result<T, ()> { loop {} } //~
#[ring] fn b5<T: Clone>(x: u32) -> T { loop {} } //~
#[ring] fn b6<T>(x: u32) -> T where T: Copy + Send { loop {} } //~
#[ring] fn b7<T: Send + Sync + 'static>(x: u32) -> Option<T> { loop {} } //~
#[ring] fn b8<T: Send + Sync + 'static>(x: u32) -> Result<T, ()> { loop {} } //~
#[ring] async fn b9<T: Send + Sync + 'static>(x: u32) -> T { loop {} } //~
#[ring] fn b10<K, V>(x: u32) -> (K, V) { loop {} } //~ 2
#[ring(expire = 1, stale = 5)] fn c1<T: RingKey>(x: T) -> u32 { 1 } //~
#[ring(expire = 1, stale = 5, ignore(x))] fn c2<T>(x: T) -> u32 { 1 } //~
#[ring(expire = 1, stale = 5)] async fn c3<T: RingKey>(x: T) -> u32 { 1 } //~
#[ring(expire = 1, stale = 5)] fn c4(x: std::time::Instant) -> u32 { 1 } //~
#[derive(RingKey)]
struct S<T>(T);
#[ring_impl]
impl<T: RingKey> S<T> {
    #[ring] fn c(&self) -> T { loop {} } //~
}
#[ring_impl]
impl<T> S<Option<T>> {
    #[ring] fn d(&self, x: u32) -> u32 { 1 } //~
}
fn main() {}
