//! The texts of keys, for people and remote storages, byte for byte.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{OsStr, OsString};
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::{NonZero, NonZeroU8, Wrapping};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ring_cache::key::{CallKey, EncodedKey, Ignored, KeyParts};
use ring_cache::{Bracket, Key, KeyWriter, Name, RingKey};

fn text<K: RingKey + ?Sized>(key: &K) -> String {
    Key::of(key).to_string()
}

/// The key of a call of the ring `p`.
fn call<P: KeyParts>(parts: &P) -> String {
    text(&CallKey::new(Name::chosen("p"), parts))
}

/// `value => "its text";`
macro_rules! texts {
    ($($value:expr => $text:expr;)*) => {$(
        assert_eq!(text(&$value), $text, "the key of {}", stringify!($value));
    )*};
}

/// `(self and arguments) => "the key of the call";`
macro_rules! calls {
    ($($parts:expr => $text:expr;)*) => {$(
        assert_eq!(call(&$parts), $text, "the key of the call with {}", stringify!($parts));
    )*};
}

#[test]
fn calls_as_in_the_original() {
    calls! {
        () => "p";
        (1, 2) => "p:1:2";
        (&[1, 2, 3],) => "p:[1,2,3]";
        (vec!["a", "b"],) => "p:['a','b']";
        (vec![vec![1], vec![]],) => "p:[[1],[]]";
        ("a", "b") => "p:a:b";
        (true, false) => "p:true:false";
        ("http://example.com",) => "p:http://example.com";
        (-1, "x") => "p:-1:x";
    }
}

#[test]
fn only_segments_that_another_follows_escape_colons() {
    calls! {
        ("a:b", "c") => "p:a%3Ab:c";
        ("a", "b:c") => "p:a:b:c";
        ("a:b", "c:d") => "p:a%3Ab:c:d";
        (vec!["a:b"], 1) => "p:['a%3Ab']:1";
        (1, vec!["a:b"]) => "p:1:['a:b']";
        ("%3A", "%3A") => "p:%253A:%253A";
        ("", "") => "p::";
        ("", "", "") => "p:::";
        (":", ":") => "p:%3A::";
    }
}

#[test]
fn ignored_arguments_leave_no_segment() {
    struct Trace;
    calls! {
        (Ignored(Trace), 1, Ignored(Trace)) => "p:1";
        (1, "a:b", Ignored(Trace)) => "p:1:a:b";
        (Ignored(Trace),) => "p";
    }
}

#[test]
fn names_of_rings_keep_their_colons() {
    let key = |prefix: &str| text(&CallKey::new(Name::chosen(prefix), &(1,)));
    assert_eq!(key("shop:users"), "shop:users:1");
    assert_eq!(key("größe in %"), "gr%C3%B6%C3%9Fe%20in%20%25:1");
}

#[test]
fn whole_numbers() {
    texts! {
        u8::MAX => "255";
        u16::MAX => "65535";
        u32::MAX => "4294967295";
        u64::MAX => "18446744073709551615";
        u128::MAX => "340282366920938463463374607431768211455";
        usize::MIN => "0";
        i8::MIN => "-128";
        i16::MIN => "-32768";
        i32::MIN => "-2147483648";
        i64::MIN => "-9223372036854775808";
        i128::MIN => "-170141183460469231731687303715884105728";
        isize::from(-1_i8) => "-1";
        NonZeroU8::MAX => "255";
        NonZero::<i128>::MIN => "-170141183460469231731687303715884105728";
        Wrapping(3_u16) => "3";
    }
}

#[test]
fn whole_numbers_are_equal_by_value_whatever_their_width() {
    macro_rules! same {
        ($value:literal: $($type:ty)*) => {
            let expected = EncodedKey::of(&($value as i128));
            $(
                assert_eq!(EncodedKey::of(&($value as $type)), expected, stringify!($value as $type));
                assert_eq!(text(&($value as $type)), $value.to_string());
            )*
        };
    }
    same!(100: u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);
    same!(-100: i8 i16 i32 i64 i128 isize);
    same!(9223372036854775808_u64: u64 u128 i128);
    same!(18446744073709551616_u128: u128 i128);
    same!(-9223372036854775808_i64: i64 i128);
}

#[test]
fn floats_read_as_rust_prints_them() {
    texts! {
        1.0 => "1.0";
        0.1 => "0.1";
        -0.0 => "-0.0";
        0.0 => "0.0";
        1e21 => "1e21";
        1e-7 => "1e-7";
        f64::NAN => "NaN";
        -f64::NAN => "NaN";
        f64::INFINITY => "inf";
        f64::NEG_INFINITY => "-inf";
        0.1_f32 => "0.1";
        f32::NAN => "NaN";
        f64::MIN_POSITIVE => "2.2250738585072014e-308";
    }
    assert_eq!(EncodedKey::of(&f64::NAN), EncodedKey::of(&-f64::NAN));
    assert_ne!(EncodedKey::of(&0.0), EncodedKey::of(&-0.0));
}

#[test]
fn strings() {
    texts! {
        "a" => "a";
        *"a" => "a";
        String::from("a b") => "a%20b";
        Cow::Borrowed("a") => "a";
        Box::<str>::from("a") => "a";
        Rc::<str>::from("a") => "a";
        Arc::new(String::from("a")) => "a";
        &&&"a" => "a";
        'a' => "a";
        'ö' => "%C3%B6";
        "" => "";
        "'\"\\()[]+,=" => "'\"\\()[]+,=";
        "100%" => "100%25";
        "tab\tnul\0del\x7f" => "tab%09nul%00del%7F";
        "日" => "%E6%97%A5";
    }
}

#[test]
fn nested_strings_are_quoted_as_python_does() {
    texts! {
        ["a", ""] => "['a','']";
        ["it's"] => "[\"it's\"]";
        ["say \"hi\""] => "['say%20\"hi\"']";
        ["it's \"it\""] => "['it\\'s%20\"it\"']";
        ["a\\b"] => "['a\\\\b']";
        ["a,b", "c"] => "['a,b','c']";
        ['x'] => "['x']";
        ("a",) => "('a')";
    }
}

#[test]
fn words() {
    texts! {
        true => "true";
        [false, true] => "[false,true]";
        None::<u8> => "None";
        Some(1) => "Some(1)";
        Some("a") => "Some('a')";
        Some(None::<u8>) => "Some(None)";
        Ok::<u8, ()>(1) => "Ok(1)";
        Err::<u8, _>("a") => "Err('a')";
        () => "()";
    }
}

#[test]
fn bytes_and_paths() {
    texts! {
        *b"ab\xff" => "ab%FF";
        b"ab".as_slice() => "ab";
        vec![0_u8, 9] => "%00%09";
        Vec::<u8>::new() => "";
        (b"a'",) => "(b\"a'\")";
        vec![vec![1_u8], vec![]] => "[b'%01',b'']";
        VecDeque::from([1_u8, 2]) => "[1,2]";
        Path::new("/tmp/a b") => "/tmp/a%20b";
        [PathBuf::from("a")] => "[b'a']";
        OsStr::new("a") => "a";
        OsString::from("a") => "a";
    }
}

#[test]
fn tuples_up_to_twelve() {
    texts! {
        (1,) => "(1)";
        (1, 2) => "(1,2)";
        (1, 2, 3) => "(1,2,3)";
        (1, 2, 3, 4) => "(1,2,3,4)";
        (1, 2, 3, 4, 5) => "(1,2,3,4,5)";
        (1, 2, 3, 4, 5, 6) => "(1,2,3,4,5,6)";
        (1, 2, 3, 4, 5, 6, 7) => "(1,2,3,4,5,6,7)";
        (1, 2, 3, 4, 5, 6, 7, 8) => "(1,2,3,4,5,6,7,8)";
        (1, 2, 3, 4, 5, 6, 7, 8, 9) => "(1,2,3,4,5,6,7,8,9)";
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 10) => "(1,2,3,4,5,6,7,8,9,10)";
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) => "(1,2,3,4,5,6,7,8,9,10,11)";
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "12") => "(1,2,3,4,5,6,7,8,9,10,11,'12')";
        ((1, 2), (3,), ()) => "((1,2),(3),())";
    }
}

#[test]
fn lists_maps_and_sets() {
    texts! {
        [1, 2] => "[1,2]";
        [0_u16; 0] => "[]";
        [1, 2].as_slice() => "[1,2]";
        vec![1, 2] => "[1,2]";
        Arc::<[u16]>::from([1, 2]) => "[1,2]";
        VecDeque::from([1, 2]) => "[1,2]";
        LinkedList::from([1, 2]) => "[1,2]";
        BTreeSet::from([2, 1]) => "[1,2]";
        BTreeMap::from([("b", 2), ("a", 1)]) => "[('a',1),('b',2)]";
        HashSet::<u8>::new() => "[]";
        HashSet::from(["b", "a", "c"]) => "['a','b','c']";
        HashMap::from([("b", 2), ("a", 1)]) => "[('a',1),('b',2)]";
        HashSet::from([vec![2, 1], vec![1]]) => "[[1],[2,1]]";
    }
}

#[test]
fn sets_with_the_same_elements_are_one_key() {
    let numbers: Vec<u32> = (0..1_000).collect();
    let forward: HashSet<_> = numbers.iter().copied().collect();
    let backward: HashSet<_> = numbers.iter().rev().copied().collect();
    assert_eq!(text(&forward), text(&backward));
    assert_eq!(EncodedKey::of(&forward), EncodedKey::of(&backward));
}

#[test]
fn durations_and_points_in_time() {
    let epoch = SystemTime::UNIX_EPOCH;
    texts! {
        Duration::ZERO => "0s";
        Duration::from_secs(60) => "60s";
        Duration::from_millis(1_500) => "1.5s";
        Duration::MAX => "18446744073709551615.999999999s";
        epoch => "0s";
        epoch + Duration::from_nanos(1) => "0.000000001s";
        epoch - Duration::from_millis(500) => "-0.5s";
    }
}

#[test]
fn addresses() {
    let v6 = Ipv6Addr::LOCALHOST;
    texts! {
        Ipv4Addr::LOCALHOST => "127.0.0.1";
        v6 => "::1";
        IpAddr::from(v6) => "::1";
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80) => "127.0.0.1:80";
        SocketAddrV6::new(v6, 80, 0, 0) => "[::1]:80";
        SocketAddrV6::new(v6, 80, 0, 3) => "[::1%253]:80";
        SocketAddrV6::new(v6, 80, 7, 0) => "[::1]:80/7";
        SocketAddr::from((v6, 80)) => "[::1]:80";
        SocketAddr::from(SocketAddrV6::new(v6, 80, 7, 0)) => "[::1]:80/7";
    }
}

#[test]
fn what_feeds_nothing() {
    texts! {
        PhantomData::<u8> => "";
        (PhantomData::<u8>, 1) => "((),1)";
    }
    calls! {
        (PhantomData::<u8>, 1) => "p:():1";
    }
}

/// A manual impl that feeds its parts one after another.
struct Parts<A, B>(A, B);

impl<A: RingKey, B: RingKey> RingKey for Parts<A, B> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        self.0.ring_key(key);
        self.1.ring_key(key);
    }
}

#[test]
fn parts_of_impls_by_hand_are_joined() {
    texts! {
        Parts(2, 3) => "2+3";
        Parts("a", "b") => "'a'+'b'";
        Parts(b"a", "b") => "b'a'+'b'";
        Parts("a+b", 1) => "'a+b'+1";
        (Parts(2, 3), 4) => "(2+3,4)";
        Parts(Parts(1, 2), [3]) => "1+2+[3]";
    }
    calls! {
        (Parts("a:b", 1), 2) => "p:'a%3Ab'+1:2";
        ("a", Parts("a:b", 1)) => "p:a:'a:b'+1";
    }
}

/// A manual impl that feeds a label, and then maybe nothing.
struct Labelled<T>(T);

impl<T: RingKey> RingKey for Labelled<T> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.label("it");
        self.0.ring_key(key);
    }
}

#[test]
fn labels_name_what_follows() {
    texts! {
        Labelled(1) => "it=1";
        Labelled("a b") => "it=a%20b";
        Labelled(Labelled("a")) => "it=it=a";
        [Labelled("a")] => "[it='a']";
        Parts(Labelled("a"), Labelled(2)) => "it='a'+it=2";
        Labelled(Parts("a", 2)) => "it='a'+2";
        Labelled(PhantomData::<u8>) => "it=()";
        [Labelled(PhantomData::<u8>)] => "[it=()]";
        Key::of(&Labelled(PhantomData::<u8>)) => "it=()";
    }
}

/// A manual impl that does not mark the beginnings and ends of elements.
struct Careless;

impl RingKey for Careless {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.open("odd(", Bracket::Round);
        key.unsigned(1);
        key.unsigned(2);
        key.close(Bracket::Round);
    }
}

#[test]
fn parts_without_an_element_are_one() {
    texts! {
        Careless => "odd%28(1+2)";
        Key::of(&Careless) => "odd%28(1+2)";
    }
}

#[test]
fn a_key_is_a_key() {
    let key = Key::of(&CallKey::new(Name::chosen("p"), &(1, "a:b")));
    texts! {
        key => "p:1:a:b";
        [&key] => "['p:1:a:b']";
        HashSet::from([key.clone()]) => "['p:1:a:b']";
    }
    assert_eq!(
        EncodedKey::of(&key),
        EncodedKey::of(&CallKey::new(Name::chosen("p"), &(1, "a:b")))
    );
    assert_eq!(call(&(&key, 1)), "p:p%3A1%3Aa%3Ab:1");
}

#[cfg(feature = "uuid")]
#[test]
fn uuids() {
    texts! {
        uuid::Uuid::from_u128(0xA) => "00000000-0000-0000-0000-00000000000a";
    }
}

#[cfg(feature = "url")]
#[test]
fn urls() {
    texts! {
        url::Url::parse("http://example.com").unwrap() => "http://example.com/";
    }
}

#[cfg(feature = "bytes")]
#[test]
fn shared_bytes() {
    texts! {
        bytes::Bytes::from_static(b"a") => "a";
        [bytes::Bytes::from_static(b"a")] => "[b'a']";
    }
}

#[cfg(feature = "chrono")]
#[test]
fn dates_and_times_of_chrono() {
    use chrono::{DateTime, FixedOffset, NaiveDate};

    let date = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    let time = date.and_hms_milli_opt(1, 2, 3, 40).unwrap();
    let zoned = DateTime::<FixedOffset>::parse_from_rfc3339("2024-02-29T01:02:03+02:00").unwrap();
    texts! {
        date => "2024-02-29";
        time => "2024-02-29T01:02:03.040";
        time.time() => "01:02:03.040";
        time.and_utc() => "2024-02-29T01:02:03.040Z";
        zoned => "2024-02-28T23:02:03Z";
    }
    assert_eq!(EncodedKey::of(&zoned), EncodedKey::of(&zoned.to_utc()));
}

#[cfg(feature = "jiff")]
#[test]
fn dates_and_times_of_jiff() {
    use jiff::SignedDuration;
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    let time = date(2024, 2, 29).at(1, 2, 3, 0);
    let zoned = time.to_zoned(TimeZone::fixed(jiff::tz::offset(2))).unwrap();
    texts! {
        time.date() => "2024-02-29";
        time.time() => "01:02:03";
        time => "2024-02-29T01:02:03";
        zoned.timestamp() => "2024-02-28T23:02:03Z";
        zoned => "2024-02-28T23:02:03Z";
        SignedDuration::from_millis(-1_500) => "-PT1.5S";
    }
}
