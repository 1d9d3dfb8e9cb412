use ring_cache::RingKey;

#[derive(RingKey)]
#[ring_key(prefix)] //~
struct T0(u32);
#[derive(RingKey)]
#[ring_key(prefix = 1)] //~
struct T1(u32);
#[derive(RingKey)]
#[ring_key(prefix("a"))] //~
struct T2(u32);
#[derive(RingKey)]
#[ring_key(name)] //~
struct T3(u32);
#[derive(RingKey)]
#[ring_key(name = true)] //~
struct T4(u32);
#[derive(RingKey)]
#[ring_key(name(a))] //~
struct T5(u32);
#[derive(RingKey)]
#[ring_key(rename = "a")] //~
struct T6(u32);
#[derive(RingKey)]
#[ring_key(skip)] //~
struct T7(u32);
#[derive(RingKey)]
#[ring_key(with = f)] //~
struct T8(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a", prefix = "b")] //~
struct T9(u32);
#[derive(RingKey)]
#[ring_key(name = "a", name = "b")] //~
struct T10(u32);
#[derive(RingKey)]
#[ring_key(xyzzy)] //~
struct T11(u32);
#[derive(RingKey)]
#[ring_key(prefx = "a")] //~
struct T12(u32);
#[derive(RingKey)]
#[ring_key(crate)] //~
struct T13(u32);
#[derive(RingKey)]
#[ring_key(crate = "a")] //~
struct T14(u32);
#[derive(RingKey)]
#[ring_key(1)] //~
struct T15(u32);
#[derive(RingKey)]
#[ring_key(prefix: "a")] //~
struct T16(u32);
#[derive(RingKey)]
struct F0 {
    #[ring_key(skip = true)] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F1 {
    #[ring_key(skip())] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F2 {
    #[ring_key(rename)] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F3 {
    #[ring_key(rename = 1)] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F4 {
    #[ring_key(rename(a))] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F5 {
    #[ring_key(with)] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F6 {
    #[ring_key(with = 1)] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F7 {
    #[ring_key(with = "f")] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F8 {
    #[ring_key(with(f))] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F9 {
    #[ring_key(prefix = "a")] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F10 {
    #[ring_key(name = "a")] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F11 {
    #[ring_key(skip, skip)] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F12 {
    #[ring_key(rename = "a", rename = "b")] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F13 {
    #[ring_key(with = f, with = g)] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F14 {
    #[ring_key(skip, rename = "a")] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F15 {
    #[ring_key(skip, with = f)] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F16 {
    #[ring_key(xyzzy)] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F17 {
    #[ring_key(renam = "a")] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F18 {
    #[ring_key(crate = a)] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
struct F19 {
    #[ring_key(1)] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
enum E0 {
    #[ring_key(skip)] //~
    A,
    B,
}
#[derive(RingKey)]
enum E1 {
    #[ring_key(with = f)] //~
    A,
    B,
}
#[derive(RingKey)]
enum E2 {
    #[ring_key(prefix = "a")] //~
    A,
    B,
}
#[derive(RingKey)]
enum E3 {
    #[ring_key(name = "a")] //~
    A,
    B,
}
#[derive(RingKey)]
enum E4 {
    #[ring_key(rename)] //~
    A,
    B,
}
#[derive(RingKey)]
enum E5 {
    #[ring_key(rename = 1)] //~
    A,
    B,
}
#[derive(RingKey)]
enum E6 {
    #[ring_key(rename = "B")] //~
    A,
    B,
}
#[derive(RingKey)]
enum E7 {
    #[ring_key(xyzzy)] //~
    A,
    B,
}
#[derive(RingKey)]
enum E8 {
    #[ring_key(rename = "a", rename = "b")] //~
    A,
    B,
}
#[derive(RingKey)]
union U { //~
    a: u32,
    b: f32,
}
#[derive(RingKey)]
struct Shared {
    #[ring_key(rename = "b")] //~
    a: u32,
    b: u32,
}
#[derive(RingKey)]
#[ring_key] //~
struct N;
#[derive(RingKey)]
#[ring_key = "a"] //~
struct M;

fn main() {}
