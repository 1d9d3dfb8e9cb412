//! The stable names of types, which distinguish the rings of generic functions.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::{NonZeroU8, Wrapping};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ring_cache_core::{KeyWriter, RingKey, TypeName};

fn name<K: RingKey + ?Sized>() -> String {
    let mut name = TypeName::default();
    K::ring_name(&mut name);
    name.to_string()
}

#[test]
fn of_numbers_words_and_pointers() {
    assert_eq!(name::<u8>(), "u8");
    assert_eq!(name::<i64>(), "i64");
    assert_eq!(name::<f32>(), "f32");
    assert_eq!(name::<bool>(), "bool");
    assert_eq!(name::<char>(), "char");
    assert_eq!(name::<NonZeroU8>(), "NonZeroU8");
    assert_eq!(name::<Wrapping<i32>>(), "Wrapping<i32>");
    assert_eq!(name::<str>(), "str");
    assert_eq!(name::<String>(), "String");
    assert_eq!(name::<Path>(), "Path");
    assert_eq!(name::<PathBuf>(), "PathBuf");
    assert_eq!(name::<Cow<'_, str>>(), "Cow<str>");
    assert_eq!(name::<&str>(), "&str");
    assert_eq!(name::<Box<str>>(), "Box<str>");
    assert_eq!(name::<Rc<Arc<u8>>>(), "Rc<Arc<u8>>");
}

#[test]
fn of_types_that_contain_others() {
    assert_eq!(name::<()>(), "()");
    assert_eq!(name::<(u8,)>(), "(u8)");
    assert_eq!(name::<(u8, (String, u8))>(), "(u8,(String,u8))");
    assert_eq!(name::<[u8]>(), "[u8]");
    assert_eq!(name::<[u8; 3]>(), "[u8;3]");
    assert_eq!(name::<Vec<u8>>(), "Vec<u8>");
    assert_eq!(name::<VecDeque<u8>>(), "VecDeque<u8>");
    assert_eq!(name::<LinkedList<u8>>(), "LinkedList<u8>");
    assert_eq!(name::<BTreeSet<u8>>(), "BTreeSet<u8>");
    assert_eq!(name::<BTreeMap<u8, bool>>(), "BTreeMap<u8,bool>");
    assert_eq!(name::<HashSet<u8>>(), "HashSet<u8>");
    assert_eq!(name::<HashMap<u8, bool>>(), "HashMap<u8,bool>");
    assert_eq!(name::<Option<u8>>(), "Option<u8>");
    assert_eq!(name::<Result<u8, bool>>(), "Result<u8,bool>");
}

#[test]
fn of_addresses_and_times() {
    assert_eq!(name::<IpAddr>(), "IpAddr");
    assert_eq!(name::<Ipv4Addr>(), "Ipv4Addr");
    assert_eq!(name::<Ipv6Addr>(), "Ipv6Addr");
    assert_eq!(name::<SocketAddr>(), "SocketAddr");
    assert_eq!(name::<SocketAddrV4>(), "SocketAddrV4");
    assert_eq!(name::<SocketAddrV6>(), "SocketAddrV6");
    assert_eq!(name::<Duration>(), "Duration");
    assert_eq!(name::<SystemTime>(), "SystemTime");
}

#[test]
#[cfg(all(
    feature = "bytes",
    feature = "chrono",
    feature = "jiff",
    feature = "url",
    feature = "uuid"
))]
fn of_the_types_of_other_crates() {
    assert_eq!(name::<bytes::Bytes>(), "Bytes");
    assert_eq!(name::<url::Url>(), "Url");
    assert_eq!(name::<uuid::Uuid>(), "Uuid");
    assert_eq!(name::<chrono::NaiveDate>(), "NaiveDate");
    assert_eq!(name::<chrono::NaiveDateTime>(), "NaiveDateTime");
    assert_eq!(name::<jiff::Timestamp>(), "Timestamp");
    assert_eq!(name::<jiff::Zoned>(), "Zoned");
    assert_eq!(name::<jiff::civil::DateTime>(), "DateTime");
}

/// The result of a function of an instant, such as its date, can depend on the zone.
#[test]
#[cfg(feature = "chrono")]
fn of_instants_in_different_time_zones() {
    assert_eq!(
        name::<chrono::DateTime<chrono::Utc>>(),
        "DateTime<chrono.offset.utc.Utc>"
    );
    assert_ne!(
        name::<chrono::DateTime<chrono::Utc>>(),
        name::<chrono::DateTime<chrono::FixedOffset>>()
    );
}

#[test]
fn of_a_type_without_a_name() {
    struct Unnamed;

    impl RingKey for Unnamed {
        fn ring_key<W: KeyWriter>(&self, key: &mut W) {
            key.word("unnamed");
        }
    }

    assert_eq!(name::<Option<Unnamed>>(), "Option<_>");
}

#[test]
fn of_texts_that_are_escaped_in_keys() {
    let mut name = TypeName::default();
    name.text("a:b%c d\u{f6}");
    assert_eq!(name.to_string(), "a%3Ab%25c%20d%C3%B6");
    let mut name = TypeName::default();
    name.path("krate::r#type");
    assert_eq!(name.to_string(), "krate.type");
}
