use ring_cache::{RingShape, ring, ring_impl};

#[ring(version)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(version = "2")] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(version = -1)] //~
fn f3(n: u32) -> u32 {
    n
}

#[ring(version = shapes)] //~
fn f4(n: u32) -> u32 {
    n
}

#[derive(Clone)]
struct Unknown;

#[ring(version = shape)]
fn f5(_n: u32) -> Unknown { //~
    Unknown
}

struct Service;

#[ring_impl(version = 1.5)] //~
impl Service {
    #[ring]
    fn f6() -> u32 {
        1
    }
}

#[derive(RingShape)]
struct Outer {
    _known: u8,
    _unknown: Vec<Unknown>, //~
}

#[derive(RingShape)]
struct Misspelled {
    #[ring_shape(opaqe)] //~
    _field: u8,
}

#[derive(RingShape)]
#[ring_shape(name = "x")] //~
struct Named;

#[derive(RingShape)]
union Either { //~
    _a: u8,
    _b: u8,
}

fn main() {}
