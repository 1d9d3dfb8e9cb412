use ring_cache::ring;

#[ring(capcity = 1)] //~
fn f1(n: u32) -> u32 { n }
#[ring(storge = 1)] //~
fn f2(n: u32) -> u32 { n }
#[ring(lruu = 1)] //~
fn f3(n: u32) -> u32 { n }
#[ring(mapp = 1)] //~
fn f4(n: u32) -> u32 { n }
#[ring(rediss = 1)] //~
fn f5(n: u32) -> u32 { n }
#[ring(redis_hsh = 1)] //~
fn f6(n: u32) -> u32 { n }
#[ring(memcache = 1)] //~
fn f7(n: u32) -> u32 { n }
#[ring(dsk = 1)] //~
fn f8(n: u32) -> u32 { n }
#[ring(polcy = 1)] //~
fn f9(n: u32) -> u32 { n }
#[ring(codr = 1)] //~
fn f10(n: u32) -> u32 { n }
#[ring(expir = 1)] //~
fn f11(n: u32) -> u32 { n }
#[ring(unles = 1)] //~
fn f12(n: u32) -> u32 { n }
#[ring(ignor = 1)] //~
fn f13(n: u32) -> u32 { n }
#[ring(keyy = 1)] //~
fn f14(n: u32) -> u32 { n }
#[ring(key_prefx = 1)] //~
fn f15(n: u32) -> u32 { n }
#[ring(clas = 1)] //~
fn f16(n: u32) -> u32 { n }
#[ring(proprty = 1)] //~
fn f17(n: u32) -> u32 { n }
#[ring(acessor = 1)] //~
fn f18(n: u32) -> u32 { n }
#[ring(falible = 1)] //~
fn f19(n: u32) -> u32 { n }
#[ring(acton = 1)] //~
fn f20(n: u32) -> u32 { n }
#[ring(coalesc = 1)] //~
fn f21(n: u32) -> u32 { n }
#[ring(flight_timout = 1)] //~
fn f22(n: u32) -> u32 { n }
#[ring(EXPIRE = 1)] //~
fn f23(n: u32) -> u32 { n }
#[ring(Capacity = 1)] //~
fn f24(n: u32) -> u32 { n }
#[ring(xyzzy)] //~
fn f25(n: u32) -> u32 { n }
#[ring(a::b = 1)] //~
fn f26(n: u32) -> u32 { n }
#[ring(ring_cache::expire = 1)] //~
fn f27(n: u32) -> u32 { n }

fn main() {}
