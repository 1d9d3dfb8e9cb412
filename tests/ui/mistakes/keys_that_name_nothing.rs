use ring_cache::ring;

const ALL: &str = "all";

#[ring(key = 1)] //~
fn f1(n: u32) -> u32 { n }
#[ring(key = ALL)] //~
fn f2(n: u32) -> u32 { n }
#[ring(key = "all".to_owned())] //~
fn f3(n: u32) -> u32 { n }
#[ring(key = String::new())] //~
fn f4(n: u32) -> u32 { n }
#[ring(key = format!("all"))] //~
fn f5(n: u32) -> u32 { n }
#[ring(key = format!("{}", ALL))] //~
fn f6(n: u32) -> u32 { n }
#[ring(key = format!("{{n}}"))] //~
fn f7(n: u32) -> u32 { n }
#[ring(key = concat!("a", "b"))] //~
fn f8(n: u32) -> u32 { n }
#[ring(key = CONFIG.n)] //~
fn f9(n: u32) -> u32 { n }
#[ring(key = "user:{n}".to_owned())] //~
fn f10(n: u32) -> u32 { n }
#[ring(key = (1, "a"))] //~
fn f11(n: u32) -> u32 { n }
#[ring(key = std::process::id())] //~
fn f12(n: u32) -> u32 { n }
#[ring(key = ALL)] //~
fn f13(n: u32) -> u32 { n }
#[ring(key = "all", ignore(a))] //~
fn f14(a: u32, b: u32) -> u32 { a + b }
#[ring(key = ALL)] //~
fn f15((a, b): (u32, u32)) -> u32 { a + b }
#[ring(key = "{a}")] //~
fn f16((a, b): (u32, u32)) -> u32 { a + b }
#[ring(key = "{a}:{c}")] //~
fn f17(a: u32, b: u32) -> u32 { a + b }
#[ring(key = "{b}")] //~
fn f18(a: u32) -> u32 { a }
#[ring(key = "{a}")] //~
fn f19() -> u32 { 1 }
#[ring(key = a, ignore(b))] //~
fn f20(a: u32, b: u32) -> u32 { a + b }
#[ring(key = "{a}", ignore(b))] //~
fn f21(a: u32, b: u32) -> u32 { a + b }

fn main() {}
