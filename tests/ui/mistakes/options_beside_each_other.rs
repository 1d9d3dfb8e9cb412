use ring_cache::ring;

#[ring(capacity = 1, capacity = 2)] //~
fn f1(n: u32) -> u32 { n }
#[ring(policy = scan_resistant, policy = scan_resistant)] //~
fn f2(n: u32) -> u32 { n }
#[ring(coder = A, coder = B)] //~
fn f3(n: u32) -> u32 { n }
#[ring(expire = 1, expire = 2)] //~
fn f4(n: u32) -> u32 { n }
#[ring(unless = f, unless = g)] //~
fn f5(n: u32) -> u32 { n }
#[ring(ignore(n), ignore(n))] //~
fn f6(n: u32) -> u32 { n }
#[ring(key = n, key = n)] //~
fn f7(n: u32) -> u32 { n }
#[ring(key_prefix = "a", key_prefix = "b")] //~
fn f8(n: u32) -> u32 { n }
#[ring(property, property)] //~
fn f9(n: u32) -> u32 { n }
#[ring(accessor = a, accessor = b)] //~
fn f10(n: u32) -> u32 { n }
#[ring(fallible, fallible)] //~
fn f11(n: u32) -> u32 { n }
#[ring(action = update, action = update)] //~
fn f12(n: u32) -> u32 { n }
#[ring(coalesce = true, coalesce = true)] //~
fn f13(n: u32) -> u32 { n }
#[ring(flight_timeout = 1, flight_timeout = 2)] //~
fn f14(n: u32) -> u32 { n }
#[ring(crate = a, crate = a)] //~
fn f15(n: u32) -> u32 { n }
#[ring(lru = A, lru = B)] //~
fn f16(n: u32) -> u32 { n }
#[ring(storage = A as B, storage = A as B)] //~
fn f17(n: u32) -> u32 { n }
#[ring(capacity = 1, lru = A)] //~
fn f18(n: u32) -> u32 { n }
#[ring(lru = A, map = B)] //~
fn f19(n: u32) -> u32 { n }
#[ring(redis = A, disk = B)] //~
fn f20(n: u32) -> u32 { n }
#[ring(map = A, storage = B as C)] //~
fn f21(n: u32) -> u32 { n }
#[ring(memcached = A, redis_hash = B)] //~
fn f22(n: u32) -> u32 { n }
#[ring(redis_cluster = A, capacity = 1)] //~
fn f23(n: u32) -> u32 { n }
#[ring(policy = scan_resistant, lru = A)] //~
fn f24(n: u32) -> u32 { n }
#[ring(policy = scan_resistant, map = A)] //~
fn f25(n: u32) -> u32 { n }
#[ring(coalesce = false, flight_timeout = 1)] //~
fn f26(n: u32) -> u32 { n }
#[ring(class)] //~
fn f27(n: u32) -> u32 { n }
#[ring(property)] //~
fn f28(n: u32) -> u32 { n }
#[ring(lru = self.cache)] //~
fn f29(n: u32) -> u32 { n }
#[ring(storage = self.cache as Lru<u32>)] //~
fn f30(n: u32) -> u32 { n }
#[ring(ignore(m))] //~
fn f31(n: u32) -> u32 { n }
#[ring(ignore(self))] //~
fn f32(n: u32) -> u32 { n }
#[ring(ignore(n, n))] //~
fn f33(n: u32) -> u32 { n }
#[ring(accessors = A)] //~
fn f34(n: u32) -> u32 { n }

fn main() {}
