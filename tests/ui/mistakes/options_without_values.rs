use ring_cache::ring;

#[ring(capacity)] //~
fn f1(n: u32) -> u32 { n }
#[ring(capacity())] //~
fn f2(n: u32) -> u32 { n }
#[ring(storage)] //~
fn f3(n: u32) -> u32 { n }
#[ring(storage(X))] //~
fn f4(n: u32) -> u32 { n }
#[ring(lru)] //~
fn f5(n: u32) -> u32 { n }
#[ring(map)] //~
fn f6(n: u32) -> u32 { n }
#[ring(redis)] //~
fn f7(n: u32) -> u32 { n }
#[ring(redis_hash)] //~
fn f8(n: u32) -> u32 { n }
#[ring(redis_cluster)] //~
fn f9(n: u32) -> u32 { n }
#[ring(memcached)] //~
fn f10(n: u32) -> u32 { n }
#[ring(disk)] //~
fn f11(n: u32) -> u32 { n }
#[ring(lru(X))] //~
fn f12(n: u32) -> u32 { n }
#[ring(map(X))] //~
fn f13(n: u32) -> u32 { n }
#[ring(redis(X))] //~
fn f14(n: u32) -> u32 { n }
#[ring(policy)] //~
fn f15(n: u32) -> u32 { n }
#[ring(policy(lru))] //~
fn f16(n: u32) -> u32 { n }
#[ring(coder)] //~
fn f17(n: u32) -> u32 { n }
#[ring(coder(Json))] //~
fn f18(n: u32) -> u32 { n }
#[ring(expire)] //~
fn f19(n: u32) -> u32 { n }
#[ring(expire(60))] //~
fn f20(n: u32) -> u32 { n }
#[ring(unless)] //~
fn f21(n: u32) -> u32 { n }
#[ring(unless(f))] //~
fn f22(n: u32) -> u32 { n }
#[ring(key)] //~
fn f23(n: u32) -> u32 { n }
#[ring(key(n))] //~
fn f24(n: u32) -> u32 { n }
#[ring(key_prefix)] //~
fn f25(n: u32) -> u32 { n }
#[ring(key_prefix("p"))] //~
fn f26(n: u32) -> u32 { n }
#[ring(accessor)] //~
fn f27(n: u32) -> u32 { n }
#[ring(accessor(name))] //~
fn f28(n: u32) -> u32 { n }
#[ring(action)] //~
fn f29(n: u32) -> u32 { n }
#[ring(action(update))] //~
fn f30(n: u32) -> u32 { n }
#[ring(coalesce)] //~
fn f31(n: u32) -> u32 { n }
#[ring(coalesce(false))] //~
fn f32(n: u32) -> u32 { n }
#[ring(flight_timeout)] //~
fn f33(n: u32) -> u32 { n }
#[ring(flight_timeout(1))] //~
fn f34(n: u32) -> u32 { n }
#[ring(crate)] //~
fn f35(n: u32) -> u32 { n }
#[ring(crate(x))] //~
fn f36(n: u32) -> u32 { n }
#[ring(ignore)] //~
fn f37(n: u32) -> u32 { n }
#[ring(ignore = n)] //~
fn f38(n: u32) -> u32 { n }
#[ring(class = true)] //~
fn f39(n: u32) -> u32 { n }
#[ring(class())] //~
fn f40(n: u32) -> u32 { n }
#[ring(property = true)] //~
fn f41(n: u32) -> u32 { n }
#[ring(property())] //~
fn f42(n: u32) -> u32 { n }
#[ring(fallible())] //~
fn f43(n: u32) -> u32 { n }
#[ring(fallible(true))] //~
fn f44(n: u32) -> u32 { n }

fn main() {}
