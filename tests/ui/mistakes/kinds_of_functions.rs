use ring_cache::ring;

#[ring]
const fn f1(n: u32) -> u32 { n } //~
#[ring]
unsafe fn f2(n: u32) -> u32 { n } //~
#[ring]
extern "C" fn f3(n: u32) -> u32 { n } //~
#[ring]
fn f4(n: u32) -> ! { panic!("{n}") } //~
#[ring]
fn f5(n: u32, #[cfg(any())] m: u32) -> u32 { n } //~
#[ring]
#[track_caller] //~
fn f6(n: u32) -> u32 { n }
#[ring]
#[target_feature(enable = "avx2")] //~
fn f7(n: u32) -> u32 { n }
#[ring]
fn f8(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8, m: u8, n: u8, o: u8, p: u8) -> u8 { a } //~
#[ring]
#[ring] //~
fn f9(n: u32) -> u32 { n }
#[ring]
struct F10; //~
#[ring]
const F11: u32 = 1; //~
#[ring]
use std::fmt; //~
#[ring]
enum F13 {} //~
#[ring]
mod f14 {} //~
#[ring]
static F15: u32 = 1; //~
#[ring]
type F16 = u32; //~

fn main() {}
