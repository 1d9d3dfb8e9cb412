use ring_cache::RingKey;

#[derive(RingKey)]
#[ring_key(prefix = "a%b")] //~
struct T0(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a:b")] //~
struct T1(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a(b")] //~
struct T2(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a)b")] //~
struct T3(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a[b")] //~
struct T4(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a]b")] //~
struct T5(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a+b")] //~
struct T6(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a,b")] //~
struct T7(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a=b")] //~
struct T8(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a'b")] //~
struct T9(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a\"b")] //~
struct T10(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a\\b")] //~
struct T11(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a b")] //~
struct T12(u32);
#[derive(RingKey)]
#[ring_key(prefix = "aäb")] //~
struct T13(u32);
#[derive(RingKey)]
#[ring_key(prefix = "a\nb")] //~
struct T14(u32);
#[derive(RingKey)]
#[ring_key(prefix = "")] //~
struct T15(u32);
#[derive(RingKey)]
#[ring_key(name = "a%b")] //~
struct T100(u32);
#[derive(RingKey)]
#[ring_key(name = "a:b")] //~
struct T101(u32);
#[derive(RingKey)]
#[ring_key(name = "a(b")] //~
struct T102(u32);
#[derive(RingKey)]
#[ring_key(name = "a)b")] //~
struct T103(u32);
#[derive(RingKey)]
#[ring_key(name = "a[b")] //~
struct T104(u32);
#[derive(RingKey)]
#[ring_key(name = "a]b")] //~
struct T105(u32);
#[derive(RingKey)]
#[ring_key(name = "a+b")] //~
struct T106(u32);
#[derive(RingKey)]
#[ring_key(name = "a,b")] //~
struct T107(u32);
#[derive(RingKey)]
#[ring_key(name = "a=b")] //~
struct T108(u32);
#[derive(RingKey)]
#[ring_key(name = "a'b")] //~
struct T109(u32);
#[derive(RingKey)]
#[ring_key(name = "a\"b")] //~
struct T110(u32);
#[derive(RingKey)]
#[ring_key(name = "a\\b")] //~
struct T111(u32);
#[derive(RingKey)]
#[ring_key(name = "a b")] //~
struct T112(u32);
#[derive(RingKey)]
#[ring_key(name = "aäb")] //~
struct T113(u32);
#[derive(RingKey)]
#[ring_key(name = "a\nb")] //~
struct T114(u32);
#[derive(RingKey)]
#[ring_key(name = "")] //~
struct T115(u32);
#[derive(RingKey)]
struct T200 {
    #[ring_key(rename = "a%b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T201 {
    #[ring_key(rename = "a:b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T202 {
    #[ring_key(rename = "a(b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T203 {
    #[ring_key(rename = "a)b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T204 {
    #[ring_key(rename = "a[b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T205 {
    #[ring_key(rename = "a]b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T206 {
    #[ring_key(rename = "a+b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T207 {
    #[ring_key(rename = "a,b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T208 {
    #[ring_key(rename = "a=b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T209 {
    #[ring_key(rename = "a'b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T210 {
    #[ring_key(rename = "a\"b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T211 {
    #[ring_key(rename = "a\\b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T212 {
    #[ring_key(rename = "a b")] //~
    a: u32,
}
#[derive(RingKey)]
struct T213 {
    #[ring_key(rename = "aäb")] //~
    a: u32,
}
#[derive(RingKey)]
struct T214 {
    #[ring_key(rename = "a\nb")] //~
    a: u32,
}
#[derive(RingKey)]
struct T215 {
    #[ring_key(rename = "")] //~
    a: u32,
}

fn main() {}
