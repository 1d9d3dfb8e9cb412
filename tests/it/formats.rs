//! `#[ring_key(format = "{tenant}/{id}")]`: a type defines its text in keys.

use std::collections::HashSet;
use std::sync::Arc;

use ring_cache::key::EncodedKey;
use ring_cache::{Key, KeyWriter, RingKey, ring, ring_impl};

#[derive(Clone, RingKey)]
#[ring_key(format = "{tenant}/{number}")]
struct Invoice {
    tenant: String,
    number: u32,
    #[ring_key(skip)]
    total: u32,
}

fn invoice(tenant: &str, number: u32) -> Invoice {
    Invoice {
        tenant: tenant.into(),
        number,
        total: 5,
    }
}

#[ring_impl]
impl Invoice {
    #[ring(key_prefix = "pdf")]
    fn pdf(&self, pages: u32) -> String {
        format!("{} on {pages}", self.total)
    }

    #[ring(key_prefix = "mail", key = "to-{self}:{address}")]
    fn mail(&self, address: &str) -> String {
        format!("{address}: {}", self.total)
    }
}

fn text<K: RingKey + ?Sized>(key: &K) -> String {
    let text = Key::of(key).to_string();
    let recorded = EncodedKey::of(key);
    assert_eq!(
        Key::of(&recorded).to_string(),
        text,
        "a recorded key reads as it did"
    );
    text
}

#[test]
fn a_type_reads_as_it_says() {
    let key = invoice("acme", 7).pdf_ring(2).key();
    assert_eq!(key.as_str(), "pdf:acme/7:2");
    assert_eq!(invoice("acme", 7).pdf(2), "5 on 2");
    let other = Invoice {
        total: 6,
        ..invoice("acme", 7)
    };
    assert_eq!(other.pdf(2), "5 on 2", "skipped fields are not in the key");
    assert_eq!(
        Invoice {
            tenant: "acm".into(),
            ..other
        }
        .pdf(2),
        "6 on 2"
    );
}

#[test]
fn it_reads_as_a_string_beside_others() {
    let one = invoice("it's", 7);
    assert_eq!(text(&one), "it's/7");
    assert_eq!(text(&(&one, 1)), "(\"it's/7\",1)");
    assert_eq!(text(&[&one]), "[\"it's/7\"]");
    assert_eq!(text(&Some(Arc::new(one.clone()))), "Some(\"it's/7\")");
    assert_eq!(one.mail_ring("a@b").key().as_str(), "mail:to-it's/7:a@b");
}

#[test]
fn a_field_cannot_reach_into_its_neighbour() {
    let strings = [
        "", "/", "a", "a/", "/a", "%2F", "%", "%25", "%252F", "a/%2Fb", "2F", ":", "'", "ö",
    ];
    let all = strings
        .iter()
        .flat_map(|first| strings.map(|second| Pair(first, second)));
    let (mut texts, mut bytes, mut nested) = (HashSet::new(), HashSet::new(), HashSet::new());
    for pair in all {
        assert!(texts.insert(text(&pair)), "{} twice", text(&pair));
        assert!(nested.insert(text(&(
            &pair,
            Outer {
                pair: &pair,
                number: 1
            }
        ))));
        assert!(bytes.insert(EncodedKey::of(&pair)));
    }
    assert_eq!(text(&Pair("a/b", "c/d")), "a%2Fb/c/d");
    assert_eq!(text(&Pair("%2F", "%2F")), "%25252F/%252F");
}

#[derive(RingKey)]
#[ring_key(format = "{0}/{1}")]
struct Pair<'a>(&'a str, &'a str);

#[derive(RingKey)]
#[ring_key(format = "{pair}:{number}")]
struct Outer<'a> {
    pair: &'a Pair<'a>,
    number: i32,
}

#[test]
fn formats_stand_in_formats() {
    let pair = &Pair("a", "b:c");
    assert_eq!(text(&Outer { pair, number: -1 }), "a/b%253Ac:-1");
    assert_eq!(
        text(&Pairs {
            first: Pair("a", "b"),
            second: Pair("c", "d")
        }),
        "<a%2Fb/c/d>"
    );
}

#[derive(RingKey)]
#[ring_key(format = "<{first}/{second}>")]
struct Pairs<'a> {
    first: Pair<'a>,
    second: Pair<'a>,
}

/// Not a key.
struct Position {
    x: f64,
    y: f64,
    _seen: bool,
}

#[derive(RingKey)]
#[ring_key(format = "{at.x},{at.y}@{zoom}")]
struct Tile<T> {
    at: Position,
    zoom: T,
}

#[derive(RingKey)]
#[ring_key(format = "{{{r#type}}}-{number}", name = "shop.Ticket")]
struct Ticket {
    r#type: Option<u8>,
    #[ring_key(with = hundreds)]
    number: u32,
}

fn hundreds(number: &u32, key: &mut impl KeyWriter) {
    (number / 100).ring_key(key);
}

#[derive(Clone, Copy, RingKey)]
#[ring_key(format = "{low}.{high}")]
#[repr(C, packed)]
struct Packed {
    low: u8,
    high: u32,
}

#[test]
fn fields_of_all_kinds() {
    let at = || Position {
        x: 1.5,
        y: -2.0,
        _seen: false,
    };
    assert_eq!(text(&Tile { at: at(), zoom: 3 }), "1.5,-2.0@3");
    let lists = Tile {
        at: at(),
        zoom: vec!["a", "b"],
    };
    assert_eq!(text(&lists), "1.5,-2.0@['a','b']");
    let ticket = |r#type, number| Ticket { r#type, number };
    assert_eq!(text(&ticket(Some(1), 700)), "{Some(1)}-7");
    assert_eq!(text(&ticket(None, 701)), text(&ticket(None, 799)));
    assert_eq!(text(&Packed { low: 1, high: 2 }), "1.2");
}

#[ring]
fn counted(keys: &HashSet<u32>, at: &Invoice) -> usize {
    keys.len() + at.number as usize
}

#[test]
fn calls_share_an_entry_only_if_all_fields_are_equal() {
    let keys = HashSet::from([1, 2]);
    assert_eq!(counted(&keys, &invoice("a", 1)), 3);
    assert!(counted_ring(&keys, &invoice("a", 1)).has());
    assert!(!counted_ring(&keys, &invoice("a", 2)).has());
    assert!(!counted_ring(&keys, &invoice("a/1", 1)).has());
}

#[derive(RingKey)]
#[ring_key(format = "user-{id}")]
struct UserId {
    id: u32,
}

#[ring(key_prefix = "near")]
fn of_user(user: UserId) -> u32 {
    user.id
}

#[ring(key_prefix = "near:posts")]
fn posts(n: u32) -> u32 {
    n
}

/// The beginning of its text distinguishes the keys of two rings.
#[test]
fn a_prefix_may_go_on_where_no_value_of_the_type_does() {
    assert_eq!((of_user(UserId { id: 1 }), posts(2)), (1, 2));
    assert!(of_user_ring(UserId { id: 1 }).has() && posts_ring(2).has());
    assert!(of_user_cache().conflict().is_none());
}
