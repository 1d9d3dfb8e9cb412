//! What a writer names: one error a mistake.

use ring_cache::{RingKey, ring, ring_impl, Lru};
#[derive(Clone, Debug)] pub struct User { id: u32 }
#[derive(RingKey, Clone)] struct S { id: u32 }
#[ring] fn free(x: u32) -> u32 { x }
#[ring] async fn afree(x: u32) -> u32 { x }
fn plain(x: u32) -> u32 { x }
#[ring_impl] impl S {
 #[ring] fn user(&self, id: u32) -> u32 { id }
 #[ring] async fn auser(&self, id: u32) -> u32 { id }
 #[ring] fn pair(&self, a: u32, b: &str) -> u32 { a }
 #[ring(class)] fn all() -> u32 { 1 }
 #[ring(ignore(t))] fn ign(&self, x: u32, t: &str) -> u32 { 1 }
 fn not_cached(&self, x: u32) -> u32 { 1 }
 #[ring(invalidates(self.user()))] fn w1(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user(1, 2)))] fn w2(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user("a")))] fn w3(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.usr(1)))] fn w4(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.not_cached(1)))] fn w5(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user))] fn w6(&self) -> u32 { 1 } //~
 #[ring(invalidates())] fn w8(&self) -> u32 { 1 } //~
 #[ring(invalidates)] fn w9(&self) -> u32 { 1 } //~
 #[ring(invalidates = self.user(1))] fn w10(&self) -> u32 { 1 } //~
 #[ring(invalidates("self.user(1)"))] fn w11(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.auser(1)))] fn w12(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.auser(..)))] fn w13(&self) -> u32 { 1 } //~
 #[ring(invalidates(|u| self.user(u.idd)))] fn w15(&self) -> User { User { id: 1 } } //~
 #[ring(invalidates(|u| u.id))] fn w16(&self) -> User { User { id: 1 } } //~
 #[ring(invalidates(|| self.user(1)))] fn w17(&self) -> User { User { id: 1 } } //~
 #[ring(invalidates(|a, b| self.user(1)))] fn w18(&self) -> User { User { id: 1 } } //~
 #[ring(invalidates(self.user(1)), on = ok)] fn w19(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user(1)), on = err)] fn w20(&self) -> Result<u32, ()> { Ok(1) } //~
 #[ring(invalidates(self.user(1)), on)] fn w21(&self) -> Result<u32, ()> { Ok(1) } //~
 #[ring(on = ok)] fn w22(&self) -> Result<u32, ()> { Ok(1) } //~
 #[ring(invalidates(self.user(1)), expire = 1)] fn w23(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user(1)), stale = 1)] fn w24(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user(1)), invalidates(self.user(2)))] fn w25(&self) -> u32 { 1 } //~
 #[ring(invalidate(self.user(1)))] fn w26(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.pair(1)))] fn w27(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.pair(.., "a")))] fn w28(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.ign(1, "t")))] fn w29(&self) -> u32 { 1 } //~
 #[ring(invalidates(Self::all(1)))] fn w30(&self) -> u32 { 1 } //~
 #[ring(invalidates(Self::al()))] fn w31(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user(1)))] fn w32(x: u32) -> u32 { 1 } //~
 #[ring(invalidates(self.user(1); self.user(2)))] fn w33(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user_entry(1)))] fn w34(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user_ring(1)))] fn w35(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user(1).user(2)))] fn w36(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user(&1)))] fn w37(&self) -> u32 { 1 } //~
 #[ring(invalidates(if true { self.user(1) } else { self.user(2) }))] fn w38(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.w1()))] fn w39(&self) -> u32 { 1 } //~
 #[ring(invalidates(self.user(1)))] const fn w40(&self) -> u32 { 1 } //~
 #[ring(invalidates(|u: u32| self.user(u)))] fn w41(&self) -> User { User { id: 1 } } //~
}
#[ring(invalidates(free("x")))] fn f2(x: u32) -> u32 { 1 } //~
#[ring(invalidates(free()))] fn f3(x: u32) -> u32 { 1 } //~
#[ring(invalidates(afree(1)))] fn f5(x: u32) -> u32 { 1 } //~
#[ring(invalidates(free(1), nope))] async fn f6(x: u32) -> u32 { 1 } //~
#[ring(invalidates(s.usr(1)))] fn f8(s: &S) -> u32 { 1 } //~
fn main() {}
