//! Expressions that name an argument or `self` where there is none: what is the same for all calls, and what sees a value or an
//! error alone.

use ring_cache::{RingKey, TimedOut, ring, ring_impl};
use std::time::Duration;
#[derive(Clone, Debug)] pub struct Fail;
#[derive(Clone)] pub struct User { id: u32 } impl User { fn ttl(&self) -> Option<Duration> { None } }
#[ring(errors("5s", when = |e| x == 1))] fn a1(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(unless = |v| *v == x)] fn a2(x: u32) -> u32 { 1 } //~
#[ring(none = Duration::from_secs(x))] fn a3(x: u64) -> Option<u32> { None } //~
#[ring(expire_of = |u| if x == 1 { u.ttl() } else { None })] fn a4(x: u64) -> User { User { id: 1 } } //~
#[ring(capacity = x)] fn a5(x: usize) -> u32 { 1 } //~
#[ring(key_prefix = x)] fn a6(x: &str) -> u32 { 1 } //~
#[ring(flight_timeout = Duration::from_secs(x))] fn a7(x: u64) -> u32 { 1 } //~
#[ring(timeout = Duration::from_secs(x))] fn a11(x: u64) -> Result<u32, ring_cache::TimedOut> { Ok(1) } //~
#[ring(expire = 1, stale = x)] fn b1(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = Duration::from_secs(x.into()))] fn b2(x: u32) -> u32 { 1 } //~
#[ring(key = self.id)] fn b3(x: u32) -> u32 { 1 } //~
#[derive(RingKey, Clone)] struct S { ttl: u64 }
impl S { fn ttl(&self) -> Duration { Duration::from_secs(self.ttl) } }
#[ring_impl] impl S {
 #[ring(expire = 1, stale = self.ttl())] fn b1(&self) -> u32 { 1 } //~
 #[ring(expire = 1, early = self.part)] fn b2(&self) -> u32 { 1 } //~
 #[ring(expire = 1, jitter = self.part)] fn b3(&self) -> u32 { 1 } //~
 #[ring(none = self.ttl())] fn b4(&self) -> Option<u32> { None } //~
 #[ring(expire_of = |v| Some(self.ttl()))] fn b5(&self) -> u32 { 1 } //~
 #[ring(unless = |v| *v == self.ttl)] fn b6(&self) -> u64 { 1 } //~
 #[ring(errors("5s", when = |e| self.ttl == 1))] fn b7(&self) -> Result<u32, Fail> { Ok(1) } //~
 #[ring(capacity = self.cap)] fn b8(&self) -> u32 { 1 } //~
 #[ring(expire = 1, stale = 1, wait = self.ttl())] fn b9(&self) -> u32 { 1 } //~
 #[ring(expire = 1, stale = 1, retry = self.ttl())] async fn b10(&self) -> u32 { 1 } //~
 #[ring(class, expire = self.ttl())] fn b11() -> u32 { 1 } //~
 #[ring(key_prefix = self.name)] fn b14(&self) -> u32 { 1 } //~
 #[ring(flight_timeout = self.ttl())] fn b19(&self) -> u32 { 1 } //~
}
fn main() {}
