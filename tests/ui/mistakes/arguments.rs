use ring_cache::ring;

#[ring]
fn f1(a: &mut u32) -> u32 { 1 } //~
#[ring]
fn f2(a: &mut [u8]) -> u32 { 1 } //~
#[ring]
fn f3(a: &mut str) -> u32 { 1 } //~
#[ring]
fn f4(a: &mut dyn Fn()) -> u32 { 1 } //~
#[ring]
fn f5(a: Option<&mut u32>) -> u32 { 1 } //~
#[ring]
fn f6(a: Result<&mut u32, u32>) -> u32 { 1 } //~
#[ring]
fn f7(a: (u32, &mut u32)) -> u32 { 1 } //~
#[ring]
fn f8(a: [&mut u32; 2]) -> u32 { 1 } //~
#[ring]
fn f9(a: &[&mut u32]) -> u32 { 1 } //~
#[ring]
fn f10(a: Vec<&mut u32>) -> u32 { 1 } //~
#[ring]
fn f11(a: Box<&mut u32>) -> u32 { 1 } //~
#[ring]
fn f12(a: &&mut u32) -> u32 { 1 } //~
#[ring]
fn f13(a: &mut &u32) -> u32 { 1 } //~
#[ring]
fn f14(a: std::rc::Rc<&mut u32>) -> u32 { 1 } //~
#[ring]
fn f15(a: Option<Option<&mut u32>>) -> u32 { 1 } //~
#[ring]
fn f16(a: Vec<(u32, Option<&mut u32>)>) -> u32 { 1 } //~
#[ring]
fn f17(a: Option<&'static mut u32>) -> u32 { 1 } //~
#[ring]
fn f18(a: std::pin::Pin<&mut u32>) -> u32 { 1 } //~
#[ring]
fn f19(a: (&mut u32,)) -> u32 { 1 } //~
#[ring]
fn f20(a: impl Clone) -> u32 { 1 } //~
#[ring]
fn f21(a: &impl Clone) -> u32 { 1 } //~
#[ring]
fn f22(a: Option<impl Clone>) -> u32 { 1 } //~
#[ring]
fn f23(a: Vec<impl Clone>) -> u32 { 1 } //~
#[ring]
fn f24(a: &[impl Clone]) -> u32 { 1 } //~
#[ring]
fn f25(a: [u8]) -> u32 { 1 } //~
#[ring]
fn f26(a: str) -> u32 { 1 } //~
#[ring]
fn f27(a: dyn Fn()) -> u32 { 1 } //~
#[ring]
fn f28(a: [String]) -> u32 { 1 } //~
#[ring]
fn f29(a: (dyn Fn())) -> u32 { 1 } //~

fn main() {}
