//! Options by the names that other libraries give them, and in other forms.

use ring_cache::{RingKey, ring, ring_impl};
#[ring(ttl = "1m")] fn a(n: u32) -> u32 { n } //~
#[ring(time = 60)] fn b(n: u32) -> u32 { n } //~
#[ring(max_size = 60)] fn c(n: u32) -> u32 { n } //~
#[ring(size = 60)] fn d(n: u32) -> u32 { n } //~
#[ring(weigher = f)] fn e(n: u32) -> u32 { n } //~
#[ring(groups("x"))] fn f(n: u32) -> u32 { n } //~
#[ring(time_to_live = 5)] fn g(n: u32) -> u32 { n } //~
#[ring(maxsize = 5)] fn h(n: u32) -> u32 { n } //~
#[ring(result = true)] fn i(n: u32) -> u32 { n } //~
#[ring(convert = r#"{ n }"#)] fn j(n: u32) -> u32 { n } //~
#[ring(sync_writes)] fn k(n: u32) -> u32 { n } //~
#[ring(ttl)] fn l(n: u32) -> u32 { n } //~
#[ring(60)] fn m(n: u32) -> u32 { n } //~
#[ring("60s")] fn o(n: u32) -> u32 { n } //~
#[ring(skip(n))] fn p(n: u32) -> u32 { n } //~
#[ring(prefix = "x")] fn q(n: u32) -> u32 { n } //~
#[ring(ignore = n)] fn r(n: u32) -> u32 { n } //~
#[ring(ignore("n"))] fn s(n: u32) -> u32 { n } //~
#[ring(name = "x")] fn t(n: u32) -> u32 { n } //~
#[ring(expires_in = "x")] fn u(n: u32) -> u32 { n } //~
#[ring(cache = X)] fn v(n: u32) -> u32 { n } //~
#[ring(policy = lfu)] fn w(n: u32) -> u32 { n } //~
#[ring(expire = "1 fortnight")] fn x(n: u32) -> u32 { n } //~
#[ring(expire = "-1s")] fn y(n: u32) -> u32 { n } //~
#[ring(expire = -1)] fn z(n: u32) -> u32 { n } //~
#[ring(capacity = "10")] fn aa(n: u32) -> u32 { n } //~
#[ring(timeToLive = 5)] fn ab(n: u32) -> u32 { n } //~
#[ring(max_capacity = 5)] fn ac(n: u32) -> u32 { n } //~
#[ring(lru)] fn ad(n: u32) -> u32 { n } //~
#[ring(ignore(self))] fn ae(n: u32) -> u32 { n } //~
#[ring(expire = "1m", ttl = "1m")] fn af(n: u32) -> u32 { n } //~
#[ring(expire)] fn ag(n: u32) -> u32 { n } //~
#[ring(expire = )] fn ah(n: u32) -> u32 { n } //~
#[ring(, )] fn ai(n: u32) -> u32 { n } //~
#[ring(expire "1m")] fn aj(n: u32) -> u32 { n } //~
#[ring(expire: "1m")] fn ak(n: u32) -> u32 { n } //~
#[ring(Expire = "1m")] fn al(n: u32) -> u32 { n } //~
#[ring(ring_cache::expire = "1m")] fn am(n: u32) -> u32 { n } //~
#[derive(RingKey)] struct S;
#[ring_impl(ttl = "1m")] //~
impl S { #[ring] fn m(&self) -> u32 { 1 } }
#[ring_impl(ignore(n))] //~
impl S { #[ring] fn m2(&self, n: u32) -> u32 { n } }
#[ring_impl]
impl S { #[ring(max_size = 3)] fn m3(&self, n: u32) -> u32 { n } #[ring] fn fine(&self) -> u32 { 1 } } //~
fn main() { S.fine_ring().has(); }
