//! The options of freshness, errors, versions and values, each with wrong values: one error a mistake.

use ring_cache::ring;
use std::time::Duration;
#[derive(Clone, Debug)] pub struct Fail; impl Fail { fn is_x(&self) -> bool { true } fn own(self) -> bool { true } fn two(&self, x: u32) -> bool { true } }
#[derive(Clone)] pub struct User { id: u32 } impl User { fn ttl(&self) -> Option<Duration> { None } fn plain(&self) -> Duration { Duration::ZERO } fn own(self) -> Option<Duration> { None } }

#[ring(expire = 1, stale = true)] fn a1(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = 1.5)] fn a2(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = "1q")] fn a3(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = -5)] fn a4(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = 0)] fn a5(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale)] fn a6(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale("1s"))] fn a7(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = 1, stale = 2)] fn a8(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stal = 1)] fn a9(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = x)] fn a10(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = Duration::from_secs(x.into()))] fn a11(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = "")] fn a12(x: u32) -> u32 { 1 } //~
#[ring(stale = 1)] fn a13(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = 1, refresh = caler)] fn b1(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = 1, refresh = "caller")] fn b2(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = 1, refresh)] fn b3(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, refresh = caller)] fn b4(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = 1, wait = "forever")] fn b5(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = 1, wait = 0)] fn b6(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = 1, refresh = caller, wait = 1)] fn b8(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = 1, retry = 'c')] fn b9(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, stale = 1, retry = "30")] fn b10(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, early = 1.5)] fn c1(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, early = "0.8")] fn c2(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, early = 0)] fn c3(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, early = -0.5)] fn c4(x: u32) -> u32 { 1 } //~
#[ring(early = 0.8)] fn c6(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, early)] fn c7(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, jitter = "10%")] fn c8(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, jitter = 2)] fn c9(x: u32) -> u32 { 1 } //~
#[ring(jitter = 0.1)] fn c10(x: u32) -> u32 { 1 } //~
#[ring(expire = 1, jitter = 0.1, jitter = 0.2)] fn c11(x: u32) -> u32 { 1 } //~
#[ring(none = 1)] fn d1(x: u32) -> u32 { 1 } //~
#[ring(none = 1)] fn d2(x: u32) -> User { User { id: 1 } } //~
#[ring(none)] fn d3(x: u32) -> Option<u32> { None } //~
#[ring(none = "soon")] fn d4(x: u32) -> Option<u32> { None } //~
#[ring(none = 1)] fn d5(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(none = 1)] fn d6(x: u32) {} //~
#[ring(expire_of = User::tll)] fn e1(x: u32) -> User { User { id: 1 } } //~
#[ring(expire_of = User::plain)] fn e2(x: u32) -> User { User { id: 1 } } //~
#[ring(expire_of = User::own)] fn e3(x: u32) -> User { User { id: 1 } } //~
#[ring(expire_of = "User::ttl")] fn e4(x: u32) -> User { User { id: 1 } } //~
#[ring(expire_of = User::ttl)] fn e5(x: u32) -> u32 { 1 } //~
#[ring(expire_of = |u| u.id)] fn e6(x: u32) -> User { User { id: 1 } } //~
#[ring(expire_of = |a, b| None)] fn e7(x: u32) -> User { User { id: 1 } } //~
#[ring(expire_of)] fn e8(x: u32) -> User { User { id: 1 } } //~
#[ring(expire_of = 5)] fn e9(x: u32) -> User { User { id: 1 } } //~
#[ring(expire_of = |u: &User| { let y = x; None })] fn e10(x: u32) -> User { User { id: 1 } } //~
#[ring(expire_of = |u: u32| None)] fn e11(x: u32) -> User { User { id: 1 } } //~
#[ring(expire_of = |u| u.tll())] fn e12(x: u32) -> Option<User> { None } //~
#[ring(errors("5s", when = Fail::is_y))] fn f1(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors("5s", when = Fail::own))] fn f2(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors("5s", when = Fail::two))] fn f3(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors("5s", when = |e| e.is_y()))] fn f4(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors("5s", when = |e| 1))] fn f5(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors("5s", if = Fail::is_x))] fn f6(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors(when = Fail::is_x))] fn f7(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors = "5s")] fn f8(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors)] fn f9(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors())] fn f10(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors("5x"))] fn f11(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors("5s"))] fn f12(x: u32) -> u32 { 1 } //~
#[ring(errors("5s", when = true))] fn f13(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors("5s"), errors("6s"))] fn f14(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(errors("5s", "6s"))] fn f15(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(share_errors)] fn g1(x: u32) -> u32 { 1 } //~
#[ring(share_errors = true)] fn g2(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(share_errors, coalesce = false)] fn g3(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(share_errors)] fn g4(x: u32) -> Result<u32, std::io::Error> { Ok(1) } //~
#[ring(share_error)] fn g5(x: u32) -> Result<u32, Fail> { Ok(1) } //~
#[ring(version = "2")] fn h1(x: u32) -> u32 { 1 } //~
#[ring(version = -2)] fn h2(x: u32) -> u32 { 1 } //~
#[ring(version = 2u8)] fn h3(x: u32) -> u32 { 1 } //~
#[ring(version = V)] fn h4(x: u32) -> u32 { 1 } //~
#[ring(version = shape)] fn h5(x: u32) -> User { User { id: 1 } } //~
#[ring(version = shap)] fn h6(x: u32) -> u32 { 1 } //~
#[ring(version)] fn h7(x: u32) -> u32 { 1 } //~
#[ring(version = 1.5)] fn h8(x: u32) -> u32 { 1 } //~
#[ring(unless = |x: &u32| 1)] fn i1(x: u32) -> u32 { 1 } //~
#[ring(unless = Option::is_none)] fn i2(x: u32) -> u32 { 1 } //~
#[ring(unless = Vec::is_empty)] fn i3(x: u32) -> Result<Option<u32>, ()> { Ok(None) } //~
#[ring(unless = |x| x.is_nothing())] fn i4(x: u32) -> Option<u32> { None } //~
#[ring(unless = true)] fn i5(x: u32) -> u32 { 1 } //~
#[ring(unless = |a, b| true)] fn i6(x: u32) -> u32 { 1 } //~
fn main() {}
