use ring_cache::ring;

#[ring]
fn f1<'a>(a: &'a u32) -> &str { panic!() } //~
#[ring]
fn f2<'a>(a: &'a u32) -> &'a str { panic!() } //~
#[ring]
fn f3<'a>(a: &'a u32) -> &u32 { panic!() } //~
#[ring]
fn f4<'a>(a: &'a u32) -> Option<&str> { panic!() } //~
#[ring]
fn f5<'a>(a: &'a u32) -> Vec<&u32> { panic!() } //~
#[ring]
fn f6<'a>(a: &'a u32) -> (u32, &u32) { panic!() } //~
#[ring]
fn f7<'a>(a: &'a u32) -> [&u32; 2] { panic!() } //~
#[ring]
fn f8<'a>(a: &'a u32) -> std::borrow::Cow<'a, str> { panic!() } //~
#[ring]
fn f9<'a>(a: &'a u32) -> &[u8] { panic!() } //~
#[ring]
fn f10<'a>(a: &'a u32) -> Box<&u32> { panic!() } //~
#[ring]
fn f11<'a>(a: &'a u32) -> &&str { panic!() } //~
#[ring]
fn f12<'a>(a: &'a u32) -> Option<&'a u32> { panic!() } //~
#[ring]
fn f13<'a>(a: &'a u32) -> impl Clone { 1 } //~
#[ring]
fn f14<'a>(a: &'a u32) -> Option<impl Clone> { Some(1) } //~
#[ring]
fn f15<'a>(a: &'a u32) -> Vec<impl Clone> { vec![1] } //~
#[ring]
fn f16<'a>(a: &'a u32) -> Box<impl Clone> { Box::new(1) } //~
#[ring]
fn f17<'a>(a: &'a u32) -> (u32, impl Clone) { (1, 1) } //~
#[ring]
fn f18<'a>(a: &'a u32) -> impl Iterator<Item = u32> { 0..1 } //~
#[ring]
fn f19<'a>(a: &'a u32) -> impl Future<Output = u32> { async { 1 } } //~
#[ring]
fn f20<'a>(a: &'a u32) -> std::pin::Pin<Box<dyn Future<Output = u32>>> { panic!() } //~
#[ring]
fn f21<'a>(a: &'a u32) -> [u8] { panic!() } //~
#[ring]
fn f22<'a>(a: &'a u32) -> str { panic!() } //~
#[ring]
fn f23<'a>(a: &'a u32) -> dyn std::fmt::Debug { panic!() } //~
#[ring]
fn f24<'a>(a: &'a u32) -> (dyn std::fmt::Debug) { panic!() } //~
#[ring]
fn f25<'a>(a: &'a u32) -> [String] { panic!() } //~

fn main() {}
