use ring_cache::ring;

#[ring(ttl = 1)] //~
fn f1(n: u32) -> u32 { n }
#[ring(time = 1)] //~
fn f2(n: u32) -> u32 { n }
#[ring(expiry = 1)] //~
fn f3(n: u32) -> u32 { n }
#[ring(expires = 1)] //~
fn f4(n: u32) -> u32 { n }
#[ring(expires_in = 1)] //~
fn f5(n: u32) -> u32 { n }
#[ring(expiration = 1)] //~
fn f6(n: u32) -> u32 { n }
#[ring(time_to_live = 1)] //~
fn f7(n: u32) -> u32 { n }
#[ring(time_to_idle = 1)] //~
fn f8(n: u32) -> u32 { n }
#[ring(timeout = 1)] //~
fn f9(n: u32) -> u32 { n }
#[ring(lifespan = 1)] //~
fn f10(n: u32) -> u32 { n }
#[ring(max_age = 1)] //~
fn f11(n: u32) -> u32 { n }
#[ring(max_size = 1)] //~
fn f12(n: u32) -> u32 { n }
#[ring(maxsize = 1)] //~
fn f13(n: u32) -> u32 { n }
#[ring(size = 1)] //~
fn f14(n: u32) -> u32 { n }
#[ring(max_capacity = 1)] //~
fn f15(n: u32) -> u32 { n }
#[ring(max_entries = 1)] //~
fn f16(n: u32) -> u32 { n }
#[ring(limit = 1)] //~
fn f17(n: u32) -> u32 { n }
#[ring(eviction = 1)] //~
fn f18(n: u32) -> u32 { n }
#[ring(eviction_policy = 1)] //~
fn f19(n: u32) -> u32 { n }
#[ring(result = 1)] //~
fn f20(n: u32) -> u32 { n }
#[ring(option = 1)] //~
fn f21(n: u32) -> u32 { n }
#[ring(skip_if = 1)] //~
fn f22(n: u32) -> u32 { n }
#[ring(cache_if = 1)] //~
fn f23(n: u32) -> u32 { n }
#[ring(condition = 1)] //~
fn f24(n: u32) -> u32 { n }
#[ring(convert = 1)] //~
fn f25(n: u32) -> u32 { n }
#[ring(key_expr = 1)] //~
fn f26(n: u32) -> u32 { n }
#[ring(key_fn = 1)] //~
fn f27(n: u32) -> u32 { n }
#[ring(prefix = 1)] //~
fn f28(n: u32) -> u32 { n }
#[ring(name = 1)] //~
fn f29(n: u32) -> u32 { n }
#[ring(namespace = 1)] //~
fn f30(n: u32) -> u32 { n }
#[ring(skip = 1)] //~
fn f31(n: u32) -> u32 { n }
#[ring(skip_all = 1)] //~
fn f32(n: u32) -> u32 { n }
#[ring(exclude = 1)] //~
fn f33(n: u32) -> u32 { n }
#[ring(without = 1)] //~
fn f34(n: u32) -> u32 { n }
#[ring(ignore_args = 1)] //~
fn f35(n: u32) -> u32 { n }
#[ring(serializer = 1)] //~
fn f36(n: u32) -> u32 { n }
#[ring(serialize = 1)] //~
fn f37(n: u32) -> u32 { n }
#[ring(codec = 1)] //~
fn f38(n: u32) -> u32 { n }
#[ring(format = 1)] //~
fn f39(n: u32) -> u32 { n }
#[ring(sync_writes = 1)] //~
fn f40(n: u32) -> u32 { n }
#[ring(single_flight = 1)] //~
fn f41(n: u32) -> u32 { n }
#[ring(backend = 1)] //~
fn f42(n: u32) -> u32 { n }
#[ring(cache = 1)] //~
fn f43(n: u32) -> u32 { n }
#[ring(store = 1)] //~
fn f44(n: u32) -> u32 { n }
#[ring(create = 1)] //~
fn f45(n: u32) -> u32 { n }
#[ring(ty = 1)] //~
fn f46(n: u32) -> u32 { n }
#[ring(weigher = 1)] //~
fn f47(n: u32) -> u32 { n }
#[ring(weight = 1)] //~
fn f48(n: u32) -> u32 { n }
#[ring(tags = 1)] //~
fn f49(n: u32) -> u32 { n }
#[ring(invalidate = 1)] //~
fn f50(n: u32) -> u32 { n }
#[ring(refresh = 1)] //~
fn f51(n: u32) -> u32 { n }
#[ring(unbound = 1)] //~
fn f52(n: u32) -> u32 { n }

fn main() {}
