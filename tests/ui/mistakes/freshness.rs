use ring_cache::ring;

#[ring(stale = "1m")] //~
fn f1(n: u32) -> u32 { n }
#[ring(early = 0.5)] //~
fn f2(n: u32) -> u32 { n }
#[ring(expire = 1, stale = 0)] //~
fn f3(n: u32) -> u32 { n }
#[ring(expire = 1, stale = "soon")] //~
fn f4(n: u32) -> u32 { n }
#[ring(expire = 1, stale = 1, refresh = later)] //~
fn f5(n: u32) -> u32 { n }
#[ring(expire = 1, refresh = caller)] //~
fn f6(n: u32) -> u32 { n }
#[ring(expire = 1, retry = 1)] //~
fn f7(n: u32) -> u32 { n }
#[ring(expire = 1, wait = forever)] //~
fn f8(n: u32) -> u32 { n }
#[ring(expire = 1, stale = 1, refresh = caller, wait = "1s")] //~
fn f11(n: u32) -> u32 { n }
#[ring(jitter = 0.1)] //~
fn f13(n: u32) -> u32 { n }
#[ring(expire = 1, jitter = 2)] //~
fn f14(n: u32) -> u32 { n }
#[ring(expire = 1, jitter = "10 %")] //~
fn f15(n: u32) -> u32 { n }
#[ring(expire = 1, early = 1.5)] //~
fn f16(n: u32) -> u32 { n }
#[ring(none = 1)] //~
fn f17(n: u32) -> u32 { n }
#[ring(none = 0)] //~
fn f18(n: u32) -> Option<u32> { Some(n) }
#[ring(errors(1))] //~
fn f19(n: u32) -> u32 { n }
#[ring(share_errors)] //~
fn f20(n: u32) -> Option<u32> { Some(n) }
#[ring(errors = 1)] //~
fn f21(n: u32) -> Result<u32, String> { Ok(n) }
#[ring(errors)] //~
fn f22(n: u32) -> Result<u32, String> { Ok(n) }
#[ring(errors(1, if = String::is_empty))] //~
fn f23(n: u32) -> Result<u32, String> { Ok(n) }
#[ring(share_errors, coalesce = false)] //~
fn f24(n: u32) -> Result<u32, String> { Ok(n) }
#[ring(expire = 1, stale = 1, ignore(log))]
fn f25(n: u32, log: &dyn Fn(u32)) -> u32 { log(n); n } //~
#[ring(expire = 1, stale = 1)]
fn f26(n: Option<&str>) -> usize { n.map_or(0, str::len) } //~
#[ring(expire = 1, stale = 1, ignore(log))]
fn f27(n: u32, log: impl Fn(u32)) -> u32 { log(n); n } //~
#[ring(expire = 1, early = 0.8, coalesce = false)] //~
fn f28(n: u32) -> u32 { n }
#[ring(expire = 1, early = xfetch, action = execute)] //~
fn f29(n: u32) -> u32 { n }

fn main() {}
