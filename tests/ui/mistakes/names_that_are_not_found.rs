//! Names in what a writer names that are not found: the compiler's own single error.

use ring_cache::{RingKey, ring, ring_impl};
#[derive(RingKey, Clone)] struct S { id: u32 }
#[ring] fn free(x: u32) -> u32 { x }
#[ring] async fn afree(x: u32) -> u32 { x }
fn plain(x: u32) -> u32 { x }
#[ring_impl] impl S {
 #[ring] fn user(&self, id: u32) -> u32 { id }
 #[ring(invalidates(self.usr(1)))] fn w4(&self) -> u32 { 1 } //~
 #[ring(invalidates(user(1)))] fn w7(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user(id)))] fn w14(&self, other: u32) -> u32 { 1 } //~
 #[ring(invalidates(Self::al()))] fn w31(&self) -> u32 { 1 } //~
}
#[ring(invalidates(fre(1)))] fn f1(x: u32) -> u32 { 1 } //~
#[ring(invalidates(plain(1)))] fn f4(x: u32) -> u32 { 1 } //~
#[ring(invalidates(free(x)))] fn f7(y: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = 1, wait = never)] fn g1(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, early = xfech)] fn g2(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, jitter = ratio)] fn g3(x: u32) -> u32 { 1 } //~
#[ring(expire = ttl)] fn g4(x: u32) -> u32 { 1 } //~
fn main() {}
