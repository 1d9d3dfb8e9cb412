use ring_cache::{ring, ring_impl};

trait Other { fn other(&self) -> u32; }
trait Another { fn another(&self) -> u32; }

#[ring_impl]
struct A; //~
#[ring_impl]
fn f() {} //~
#[ring_impl]
trait T { #[ring] fn f(&self) -> u32; } //~
#[ring_impl]
impl A { fn g(&self) -> u32 { 1 } } //~
#[ring_impl]
impl Other for Vec<u32> { //~
    #[ring]
    fn other(&self) -> u32 { 1 }
}
#[ring_impl]
impl Other for &A { //~
    #[ring]
    fn other(&self) -> u32 { 1 }
}
#[ring_impl]
impl<T> Another for T { //~
    #[ring]
    fn another(&self) -> u32 { 1 }
}

fn main() {}
