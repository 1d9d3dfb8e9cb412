//! What a refresh in the background copies, and receivers that are no object: one error a mistake.

use ring_cache::{RingKey, ring_impl};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
#[derive(RingKey, Clone)]
struct S;
#[ring_impl]
impl S {
    #[ring] fn a(self: Arc<u32>) -> u32 { 1 } //~
    #[ring] fn b(self: Pin<&Self>) -> u32 { 1 } //~
    #[ring] fn c(self: Pin<Arc<Self>>) -> u32 { 1 } //~
    #[ring] fn d(self: &mut Arc<Self>) -> u32 { 1 } //~
    #[ring(expire = 1, stale = 2)] fn e(self: Rc<Self>) -> u32 { 1 } //~
    #[ring(expire = 1, stale = 2)] fn f(&self, x: &Rc<u32>) -> u32 { 1 } //~
    #[ring(expire = 1, stale = 2)] fn g(&self, x: impl RingKey) -> u32 { 1 } //~
    #[ring(expire = 1, stale = 2, ignore(x))] fn h(&self, x: &dyn Fn()) -> u32 { 1 } //~
    #[ring(expire = 1, stale = 2)] fn i(&self, x: Option<&str>) -> u32 { 1 } //~
    #[ring(expire = 1, stale = 2)] fn j(&self, x: std::borrow::Cow<'_, str>) -> u32 { 1 } //~
    #[ring(expire = 1, stale = 2)] fn k(&self, #[cfg(any())] x: u32) -> u32 { 1 } //~
    #[ring(expire = 1, stale = 2, ignore(x))] async fn l(&self, x: &Rc<u32>) -> u32 { 1 } //~
    #[ring(expire = 1, stale = 2)] fn m<T: RingKey>(&self, x: &T) -> u32 { 1 } //~
}
fn main() {}
