use ring_cache::{RingKey, ring_impl};

#[derive(RingKey)]
struct A;

#[ring_impl(class)] //~
impl A {
    #[ring]
    fn f1(&self) -> u32 { 1 }
}
#[ring_impl(property)] //~
impl A {
    #[ring]
    fn f2(&self) -> u32 { 1 }
}
#[ring_impl(key = 1)] //~
impl A {
    #[ring]
    fn f3(&self) -> u32 { 1 }
}
#[ring_impl(key_prefix = "p")] //~
impl A {
    #[ring]
    fn f4(&self) -> u32 { 1 }
}
#[ring_impl(accessor = a)] //~
impl A {
    #[ring]
    fn f5(&self) -> u32 { 1 }
}
#[ring_impl(ignore(n))] //~
impl A {
    #[ring]
    fn f6(&self) -> u32 { 1 }
}
#[ring_impl(expire)] //~
impl A {
    #[ring]
    fn f7(&self) -> u32 { 1 }
}
#[ring_impl(expire = 0)] //~
impl A {
    #[ring]
    fn f8(&self) -> u32 { 1 }
}
#[ring_impl(capacity = 1, lru = X)] //~
impl A {
    #[ring]
    fn f9(&self) -> u32 { 1 }
}
#[ring_impl(policy = scan_resistant, map = X)] //~
impl A {
    #[ring]
    fn f10(&self) -> u32 { 1 }
}
#[ring_impl(xyzzy = 1)] //~
impl A {
    #[ring]
    fn f11(&self) -> u32 { 1 }
}
#[ring_impl(ttl = 1)] //~
impl A {
    #[ring]
    fn f12(&self) -> u32 { 1 }
}
#[ring_impl(accessors = A)] //~
impl A {
    #[ring]
    fn f13(&self) -> u32 { 1 }
}
#[ring_impl(accessors)] //~
impl A {
    #[ring]
    fn f14(&self) -> u32 { 1 }
}
#[ring_impl(accessors = "A")] //~
impl A {
    #[ring]
    fn f15(&self) -> u32 { 1 }
}
#[ring_impl(accessors = pub)] //~
impl A {
    #[ring]
    fn f16(&self) -> u32 { 1 }
}
#[ring_impl(coalesce = 1)] //~
impl A {
    #[ring]
    fn f17(&self) -> u32 { 1 }
}
#[ring_impl(action = delete)] //~
impl A {
    #[ring]
    fn f18(&self) -> u32 { 1 }
}
#[ring_impl(crate = 1)] //~
impl A {
    #[ring]
    fn f19(&self) -> u32 { 1 }
}
#[ring_impl(fallible = 1)] //~
impl A {
    #[ring]
    fn f20(&self) -> u32 { 1 }
}
#[ring_impl(1)] //~
impl A {
    #[ring]
    fn f21(&self) -> u32 { 1 }
}

fn main() {}
