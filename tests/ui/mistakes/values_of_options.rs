use ring_cache::ring;

#[ring(capacity = 0)] //~
fn f1(n: u32) -> u32 { n }
#[ring(capacity = 0x0)] //~
fn f2(n: u32) -> u32 { n }
#[ring(storage = X)] //~
fn f3(n: u32) -> u32 { n }
#[ring(storage = self.x)] //~
fn f4(n: u32) -> u32 { n }
#[ring(storage = "x")] //~
fn f5(n: u32) -> u32 { n }
#[ring(policy = fifo)] //~
fn f6(n: u32) -> u32 { n }
#[ring(policy = "scan_resistant")] //~
fn f7(n: u32) -> u32 { n }
#[ring(policy = a::b)] //~
fn f8(n: u32) -> u32 { n }
#[ring(policy = 1)] //~
fn f9(n: u32) -> u32 { n }
#[ring(coder = "Json")] //~
fn f10(n: u32) -> u32 { n }
#[ring(coder = 1)] //~
fn f11(n: u32) -> u32 { n }
#[ring(expire = -1)] //~
fn f12(n: u32) -> u32 { n }
#[ring(expire = 0)] //~
fn f13(n: u32) -> u32 { n }
#[ring(expire = "0s")] //~
fn f14(n: u32) -> u32 { n }
#[ring(expire = "abc")] //~
fn f15(n: u32) -> u32 { n }
#[ring(expire = "")] //~
fn f16(n: u32) -> u32 { n }
#[ring(expire = "1 parsec")] //~
fn f17(n: u32) -> u32 { n }
#[ring(expire = 1.5)] //~
fn f18(n: u32) -> u32 { n }
#[ring(expire = true)] //~
fn f19(n: u32) -> u32 { n }
#[ring(expire = 'c')] //~
fn f20(n: u32) -> u32 { n }
#[ring(expire = 60u32)] //~
fn f21(n: u32) -> u32 { n }
#[ring(expire = "-5s")] //~
fn f22(n: u32) -> u32 { n }
#[ring(key_prefix = "")] //~
fn f23(n: u32) -> u32 { n }
#[ring(key_prefix = 1)] //~
fn f24(n: u32) -> u32 { n }
#[ring(key_prefix = true)] //~
fn f25(n: u32) -> u32 { n }
#[ring(key_prefix = 'p')] //~
fn f26(n: u32) -> u32 { n }
#[ring(key_prefix = "p:{n}")] //~
fn f27(n: u32) -> u32 { n }
#[ring(accessor = "name")] //~
fn f28(n: u32) -> u32 { n }
#[ring(accessor = 1)] //~
fn f29(n: u32) -> u32 { n }
#[ring(accessor = a.b)] //~
fn f30(n: u32) -> u32 { n }
#[ring(accessor = a::b)] //~
fn f31(n: u32) -> u32 { n }
#[ring(action = delete)] //~
fn f32(n: u32) -> u32 { n }
#[ring(action = "update")] //~
fn f33(n: u32) -> u32 { n }
#[ring(action = get)] //~
fn f34(n: u32) -> u32 { n }
#[ring(action = 1)] //~
fn f35(n: u32) -> u32 { n }
#[ring(coalesce = 1)] //~
fn f36(n: u32) -> u32 { n }
#[ring(coalesce = "false")] //~
fn f37(n: u32) -> u32 { n }
#[ring(coalesce = no)] //~
fn f38(n: u32) -> u32 { n }
#[ring(flight_timeout = 0)] //~
fn f39(n: u32) -> u32 { n }
#[ring(flight_timeout = "0ms")] //~
fn f40(n: u32) -> u32 { n }
#[ring(flight_timeout = -1)] //~
fn f41(n: u32) -> u32 { n }
#[ring(flight_timeout = "abc")] //~
fn f42(n: u32) -> u32 { n }
#[ring(flight_timeout = true)] //~
fn f43(n: u32) -> u32 { n }
#[ring(crate = "ring_cache")] //~
fn f44(n: u32) -> u32 { n }
#[ring(crate = 1)] //~
fn f45(n: u32) -> u32 { n }
#[ring(fallible = 1)] //~
fn f46(n: u32) -> u32 { n }
#[ring(fallible = "no")] //~
fn f47(n: u32) -> u32 { n }
#[ring(ignore())] //~
fn f48(n: u32) -> u32 { n }
#[ring(ignore("n"))] //~
fn f49(n: u32) -> u32 { n }
#[ring(ignore(1))] //~
fn f50(n: u32) -> u32 { n }

fn main() {}
