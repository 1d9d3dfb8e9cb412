use ring_cache::ring;

#[ring(fallible)]
fn f1(n: u32) -> u32 { panic!() } //~
#[ring(fallible)]
fn f2(n: u32) -> String { panic!() } //~
#[ring(fallible)]
fn f3(n: u32) -> Vec<u32> { panic!() } //~
#[ring(fallible)]
fn f4(n: u32) -> Option<u32> { panic!() } //~
#[ring(fallible)]
fn f5(n: u32) -> (u32, u32) { panic!() } //~
#[ring(fallible)]
fn f6(n: u32) -> [u32; 2] { panic!() } //~
#[ring(fallible)]
fn f7(n: u32) -> bool { panic!() } //~
#[ring(fallible)]
fn f8(n: u32) -> f64 { panic!() } //~
#[ring(fallible)]
fn f9(n: u32) -> Box<u32> { panic!() } //~
#[ring(fallible)]
fn f10(n: u32) -> Arc<u32> { panic!() } //~
#[ring(fallible)]
fn f11(n: u32) -> i64 { panic!() } //~
#[ring(fallible)]
fn f12(n: u32) -> char { panic!() } //~
#[ring(fallible)]
fn f13(n: u32) -> usize { panic!() } //~

fn main() {}
