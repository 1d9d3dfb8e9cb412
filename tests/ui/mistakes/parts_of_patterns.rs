//! A key that names a part of an argument, by the pattern of the argument.

use ring_cache::ring;
struct Path<T>(T);
#[ring(key = id)] fn a(Path(id): Path<u32>) -> u32 { id } //~
#[ring(key = "{id}")] fn b(Path(id): Path<u32>) -> u32 { id } //~
#[ring(key = (a, b))] fn c((a, b): (u32, u32)) -> u32 { a } //~
#[ring(key = "x:{n}")] fn d(x @ (n, m): (u32, u32)) -> u32 { n } //~
fn main() {}
