use ring_cache::ring;

#[ring(entry)] //~
fn f1(n: u32) -> u32 { n }
#[ring(entry = "e")] //~
fn f2(n: u32) -> u32 { n }
#[ring(entry = self)] //~
fn f3(n: u32) -> u32 { n }
#[ring(entry = n)] //~
fn f4(n: u32) -> u32 { n }
#[ring(entry = e, action = execute)] //~
fn f5(n: u32) -> u32 { let _ = e; n }
#[ring(entry = e, entry = f)] //~
fn f6(n: u32) -> u32 { let _ = e; n }
#[ring(entry = a::b)] //~
fn f7(n: u32) -> u32 { n }
#[ring(entry(e))] //~
fn f8(n: u32) -> u32 { n }
#[ring(entry = e)]
fn f9(n: u32) -> u32 { e.expire(1); n } //~
#[ring(entry = e)]
fn f10(n: u32) -> u32 { e.expire_in(1); n } //~
#[ring(entry = e)]
fn f11(n: u32) -> u32 { e.unchanged() } //~

fn main() {}
