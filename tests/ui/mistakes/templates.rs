use ring_cache::ring;

#[ring(key = "{")] //~
fn f1(n: u32) -> u32 { n }
#[ring(key = "}")] //~
fn f2(n: u32) -> u32 { n }
#[ring(key = "n}")] //~
fn f3(n: u32) -> u32 { n }
#[ring(key = "{n")] //~
fn f4(n: u32) -> u32 { n }
#[ring(key = "{}")] //~
fn f5(n: u32) -> u32 { n }
#[ring(key = "{ }")] //~
fn f6(n: u32) -> u32 { n }
#[ring(key = "user:{}")] //~
fn f7(n: u32) -> u32 { n }
#[ring(key = "{m}")] //~
fn f8(n: u32) -> u32 { n }
#[ring(key = "user:{id}")] //~
fn f9(n: u32) -> u32 { n }
#[ring(key = "{n:?}")] //~
fn f10(n: u32) -> u32 { n }
#[ring(key = "{n:>3}")] //~
fn f11(n: u32) -> u32 { n }
#[ring(key = "{n}{n}")] //~
fn f12(n: u32) -> u32 { n }
#[ring(key = "{n}-{n}")] //~
fn f13(n: u32) -> u32 { n }
#[ring(key = "{0}")] //~
fn f14(n: u32) -> u32 { n }
#[ring(key = "{n()}")] //~
fn f15(n: u32) -> u32 { n }
#[ring(key = "{n.}")] //~
fn f16(n: u32) -> u32 { n }
#[ring(key = "{n.a()}")] //~
fn f17(n: u32) -> u32 { n }
#[ring(key = "{n[0]}")] //~
fn f18(n: u32) -> u32 { n }
#[ring(key = "{n + 1}")] //~
fn f19(n: u32) -> u32 { n }
#[ring(key = "{&n}")] //~
fn f20(n: u32) -> u32 { n }
#[ring(key = "{*n}")] //~
fn f21(n: u32) -> u32 { n }
#[ring(key = "{crate}")] //~
fn f22(n: u32) -> u32 { n }
#[ring(key = "{self}")] //~
fn f23(n: u32) -> u32 { n }
#[ring(key = "{self.id}")] //~
fn f24(n: u32) -> u32 { n }
#[ring(key = "{N}")] //~
fn f25(n: u32) -> u32 { n }
#[ring(key = "{r#fn}")] //~
fn f26(n: u32) -> u32 { n }
#[ring(key = "{{n}}")] //~
fn f27(n: u32) -> u32 { n }
#[ring(key = "n")] //~
fn f28(n: u32) -> u32 { n }
#[ring(key = "")] //~
fn f29(n: u32) -> u32 { n }
#[ring(key = "all")] //~
fn f30(n: u32) -> u32 { n }

fn main() {}
