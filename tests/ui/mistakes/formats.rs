use ring_cache::RingKey;

#[derive(RingKey)]
#[ring_key(format)] //~
struct T0(u32);
#[derive(RingKey)]
#[ring_key(format = 1)] //~
struct T1(u32);
#[derive(RingKey)]
#[ring_key(format("{0}"))] //~
struct T2(u32);
#[derive(RingKey)]
#[ring_key(format = "{0}", format = "{0}")] //~
struct T3(u32);
#[derive(RingKey)]
#[ring_key(format = "{")] //~
struct T4(u32);
#[derive(RingKey)]
#[ring_key(format = "0}")] //~
struct T5(u32);
#[derive(RingKey)]
#[ring_key(format = "{}")] //~
struct T6(u32);
#[derive(RingKey)]
#[ring_key(format = "")] //~
struct T7(u32);
#[derive(RingKey)]
#[ring_key(format = "{{0}}")] //~
struct T8(u32);
#[derive(RingKey)]
#[ring_key(format = "{1}")] //~
struct T9(u32);
#[derive(RingKey)]
#[ring_key(format = "{0}{1}")] //~
struct T10(u32, u32);
#[derive(RingKey)]
#[ring_key(format = "{0}x{1}")] //~
struct T11(u32, u32);
#[derive(RingKey)]
#[ring_key(format = "{0} {1}")] //~
struct T12(u32, u32);
#[derive(RingKey)]
#[ring_key(format = "{0}%{1}")] //~
struct T13(u32, u32);
#[derive(RingKey)]
#[ring_key(format = "{0}/{1}")]
struct T14(u32, u32, u32); //~
#[derive(RingKey)]
#[ring_key(format = "all")] //~
struct T15;
#[derive(RingKey)]
#[ring_key(format = "{0:?}")] //~
struct T16(u32);
#[derive(RingKey)]
#[ring_key(format = "{0()}")] //~
struct T17(u32);
#[derive(RingKey)]
#[ring_key(format = "{self.0}")] //~
struct T18(u32);
#[derive(RingKey)]
#[ring_key(format = "{self}")] //~
struct T19(u32);
#[derive(RingKey)]
#[ring_key(format = "{id}")] //~
struct F0 {
    ident: u32,
}
#[derive(RingKey)]
#[ring_key(format = "{id}")]
struct F1 {
    id: u32,
    age: u32, //~
    name: u32, //~
}
#[derive(RingKey)]
#[ring_key(format = "{id}")] //~
struct F2 {
    #[ring_key(skip)]
    id: u32,
    age: u32,
}
#[derive(RingKey)]
#[ring_key(format = "all")] //~
struct F3 {
    #[ring_key(skip)]
    id: u32,
}
#[derive(RingKey)]
#[ring_key(format = "{id}")]
struct F4 {
    #[ring_key(rename = "number")] //~
    id: u32,
}
#[derive(RingKey)]
#[ring_key(prefix = "user", format = "{id}")] //~
struct F5 {
    id: u32,
}
#[derive(RingKey)]
#[ring_key(format = "{at.0}")] //~
struct F6 {
    #[ring_key(with = whole)]
    at: (u32, u32),
}
#[derive(RingKey)]
#[ring_key(format = "{at.2}")] //~
struct F7 {
    at: (u32, u32),
}
struct Client;
#[derive(RingKey)]
#[ring_key(format = "{client}")]
struct F8 {
    client: Client, //~
}
#[derive(RingKey)]
#[ring_key(format = "{both.0}")] //~
struct F9 {
    both: (Client, u32),
}
#[derive(RingKey)]
struct F10 {
    #[ring_key(format = "{id}")] //~
    id: u32,
}
#[derive(RingKey)]
#[ring_key(formt = "{id}")] //~
struct F11 {
    id: u32,
}
#[derive(RingKey)]
#[ring_key(format = "{0}")] //~
enum E0 {
    A(u32),
    B,
}
#[derive(RingKey)]
enum E1 {
    #[ring_key(format = "{0}")] //~
    A(u32),
    B,
}

fn whole<W: ring_cache::KeyWriter>(at: &(u32, u32), key: &mut W) {
    at.ring_key(key);
}

fn main() {}
