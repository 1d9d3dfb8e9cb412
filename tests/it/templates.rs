//! `key = "user:{id}"`: a key written as a text.

use std::sync::Arc;

use ring_cache::{Calls, Map, RingKey, ring, ring_impl};
use std::sync::LazyLock;

static MAP: LazyLock<Map<String>> = LazyLock::new(Map::new);

struct User {
    id: u32,
    name: Name,
}

struct Name(String);

#[ring(key = "user:{id}")]
fn by_id(id: u32, trace: &str) -> String {
    format!("{id} for {trace}")
}

#[test]
fn calls_are_told_apart_by_what_the_text_names() {
    assert_eq!(by_id(1, "a"), "1 for a");
    assert_eq!(by_id(2, "b"), "2 for b");
    assert_eq!(by_id(1, "c"), "1 for a");
    assert!(by_id_ring(1, "d").key().as_str().ends_with(".by_id:user:1"));
}

#[ring(map = MAP, key_prefix = "t", key = "{user.name.0}:{user.id}:{more}")]
fn by_fields(user: User, more: Vec<u32>) -> String {
    format!("{} {} {more:?}", user.id, user.name.0)
}

#[test]
fn fields_and_owned_arguments() {
    let user = |id, name: &str| User {
        id,
        name: Name(name.into()),
    };
    assert_eq!(by_fields(user(1, "a b"), vec![1, 2]), "1 a b [1, 2]");
    assert_eq!(by_fields(user(1, "a b"), vec![2]), "1 a b [2]");
    assert_eq!(MAP.keys(), ["t:a%20b:1:[1,2]", "t:a%20b:1:[2]"]);
    // Values cannot reach into their neighbours.
    assert_ne!(
        by_fields_ring(user(1, "a:1"), vec![]).key(),
        by_fields_ring(user(1, "a"), vec![]).key()
    );
    assert_eq!(
        by_fields_ring(user(7, "a:1"), vec![]).key().as_str(),
        "t:a%3A1:7:[]"
    );
}

#[ring(key_prefix = "f", key = "pages-{number}.html:{{{tenant}}}")]
fn around(tenant: &str, number: u32) -> u32 {
    let _ = tenant;
    number
}

/// Bytes and text of a whole key, distinguished and read back.
#[test]
fn texts_around_values_are_a_part_of_the_key() {
    use ring_cache::Name;
    use ring_cache::key::{CallKey, EncodedKey, Template};

    let text = |before, value: &str, after| {
        let parts = Template::new((value.to_owned(),)).place(before, |values| &values.0, after);
        let key = CallKey::new(Name::chosen("p"), &parts);
        let encoded = EncodedKey::of(&key);
        let read_back = ring_cache::Key::of(&encoded).to_string();
        assert_eq!(read_back, ring_cache::Key::of(&key).to_string());
        (read_back, encoded)
    };
    let all = [
        ("a-", "b", ""),
        ("a", "-b", ""),
        ("", "a-b", ""),
        ("a-", "", "b"),
        ("", "a-", "b"),
    ];
    let keys = all.map(|(before, value, after)| text(before, value, after));
    for (place, (written, encoded)) in keys.iter().enumerate() {
        assert_eq!(written, "p:a-b", "the texts belong to the ring");
        assert!(keys[..place].iter().all(|(_, other)| other != encoded));
    }
    assert_eq!(text("%", "a b", "ä").0, "p:%25a%20b%C3%A4");
    assert_eq!(text("", "", "x").0, "p:x");
}

#[test]
fn texts_around_values() {
    assert_eq!(around_ring("a:b", 7).key().as_str(), "f:pages-7.html:{a:b}");
    assert_eq!(around("a", 7), 7);
    assert_ne!(around_ring("a", 7).key(), around_ring("a", 8).key());
    assert!(around_ring("a", 7).has() && !around_ring("b", 7).has());
}

#[derive(RingKey)]
struct Shop {
    tenant: String,
    #[ring_key(skip)]
    currency: String,
}

#[ring_impl]
impl Shop {
    #[ring(key = "{self.tenant}:{r#type}")]
    fn prices(&self, r#type: &str, page: usize) -> String {
        format!("{} {type} {page} {}", self.tenant, self.currency)
    }

    #[ring(key = "{self}:{id}")]
    async fn price(&self, id: u64, _trace: &str) -> u64 {
        id
    }

    #[ring(key = "{first}")]
    fn generic<T: RingKey, U>(first: T, second: U) -> usize
    where
        U: AsRef<str>,
    {
        let _ = first;
        second.as_ref().len()
    }
}

#[test]
fn methods() {
    let shop = |tenant: &str| Shop {
        tenant: tenant.into(),
        currency: "EUR".into(),
    };
    assert_eq!(shop("a").prices("x", 1), "a x 1 EUR");
    assert_eq!(shop("a").prices("x", 2), "a x 1 EUR");
    assert_eq!(shop("b").prices("x", 3), "b x 3 EUR");
    assert!(shop("a").prices_entry("x").has());
    assert!(!shop("a").prices_entry("y").has());
    assert!(
        shop("a")
            .prices_ring("x", 1)
            .key()
            .as_str()
            .ends_with(".Shop.prices:a:x")
    );
    assert_eq!(Shop::generic(1, "abc"), 3);
    assert_eq!(Shop::generic(1, String::from("abcd")), 3);
    let shop = Arc::new(shop("c"));
    assert_eq!(block_on(shop.price(1, "t")), 1);
    assert!(
        shop.price_ring(1, "t")
            .key()
            .as_str()
            .ends_with(".Shop.price:c:1")
    );
}

#[test]
fn many_at_once() {
    let values = (1..4).map(|id| by_id_ring(id + 100, "many")).get_or_update_many();
    assert_eq!(values, ["101 for many", "102 for many", "103 for many"]);
    assert_eq!((1..4).map(|id| by_id_entry(id + 100)).has_many(), [true; 3]);
}

#[ring(key = format!("{id}-{}", name.len()))]
fn by_expression(id: u32, name: String) -> String {
    format!("{id} {name}")
}

#[ring(key = user.name.0.as_str())]
fn borrowed_from_owned(user: User) -> String {
    format!("hi {}", user.name.0)
}

#[ring(key = (user.name.0.as_str(), user.id % 2))]
fn of_two_parts(user: User) -> u32 {
    user.id
}

#[ring(expire = std::time::Duration::from_secs(name.len() as u64))]
fn living(name: String) -> usize {
    name.len()
}

#[test]
fn expressions_may_borrow_owned_arguments() {
    let user = |id| User {
        id,
        name: Name("ann".into()),
    };
    assert_eq!(by_expression(1, "abc".into()), "1 abc");
    assert_eq!(by_expression(1, "xyz".into()), "1 abc");
    assert!(
        by_expression_ring(1, "abc".into())
            .key()
            .as_str()
            .ends_with(":1-3")
    );
    assert_eq!(borrowed_from_owned(user(1)), "hi ann");
    assert!(borrowed_from_owned_ring(user(2)).has());
    assert!(borrowed_from_owned_ring(user(2)).key().as_str().ends_with(":ann"));
    assert_eq!(
        (
            of_two_parts(user(1)),
            of_two_parts(user(3)),
            of_two_parts(user(2))
        ),
        (1, 1, 2)
    );
    assert!(of_two_parts_ring(user(2)).key().as_str().ends_with(":('ann',0)"));
    assert_eq!(living("b".into()), 1);
    assert_eq!(
        living_ring("bcd".into()).expiry(),
        Some(std::time::Duration::from_secs(3))
    );
}

const EVERYTHING: &str = "everything";

#[ring(key = EVERYTHING, ignore(id, trace))]
fn shared_by_all(id: u32, trace: &str) -> u32 {
    let _ = trace;
    id
}

#[test]
fn a_constant_is_the_key_of_all_calls_if_that_is_said() {
    assert_eq!((shared_by_all(1, "a"), shared_by_all(2, "b")), (1, 1));
    assert!(shared_by_all_entry().key().as_str().ends_with(":everything"));
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// As in `format!`: a keyword between braces is the name that code writes with `r#`.
#[test]
fn raw_names_are_written_as_in_format() {
    struct Token {
        r#type: u32,
    }
    #[ring(key_prefix = "raw", key = "{type}:{token.type}:{r#in}")]
    fn raw(r#type: u32, token: &Token, r#in: u32) -> u32 {
        r#type + token.r#type + r#in
    }
    assert_eq!(raw(1, &Token { r#type: 2 }, 3), 6);
    assert_eq!(raw_ring(1, &Token { r#type: 2 }, 3).key().as_str(), "raw:1:2:3");
}

/// A name that an option binds itself is not the argument of that name, and a called function is not an argument.
#[test]
fn options_may_use_names_that_arguments_have() {
    use std::time::Duration;

    fn age() -> Duration {
        Duration::from_secs(9)
    }
    #[ring(expire = 1, stale = age(), unless = |value: &u32| *value == 0, expire_of = |id| match *id {
        0 => None,
        value => Some(Duration::from_secs(value.into())),
    })]
    fn load(id: u32, value: u32, age: u32) -> u32 {
        id + value + age
    }
    assert_eq!(load(1, 2, 3), 6);
    assert!(load_ring(1, 2, 3).has());
}

/// A value used directly in a key is not moved into it.
#[test]
fn keys_may_name_owned_arguments_and_their_fields() {
    struct Page {
        url: String,
        tags: Vec<String>,
    }
    #[ring(key_prefix = "owned", key = name)]
    fn owned(name: String) -> usize {
        name.len()
    }
    #[ring(key_prefix = "fields", key = (page.url, [page.tags[0]], (number)))]
    fn fields(page: Page, number: Option<u32>) -> usize {
        page.url.len() + page.tags.len() + number.iter().len()
    }
    #[ring(key_prefix = "borrowed", key = page.url)]
    fn borrowed(page: &Page) -> usize {
        page.url.len()
    }
    #[ring(key_prefix = "moment", key = (page.copy().url, page.copy().tags[0].len()))]
    fn moment(page: &Page) -> usize {
        page.url.len()
    }
    impl Page {
        fn copy(&self) -> Page {
            let (url, tags) = (self.url.clone(), self.tags.clone());
            Page { url, tags }
        }
    }
    let page = || Page {
        url: "a:b".into(),
        tags: vec!["c".into()],
    };
    assert_eq!(
        (owned("ab".into()), fields(page(), Some(1)), borrowed(&page())),
        (2, 5, 3)
    );
    assert_eq!(owned_ring("ab".into()).key().as_str(), "owned:ab");
    let key = fields_ring(page(), Some(1)).key().to_string();
    assert_eq!(key, "fields:('a:b',['c'],Some(1))");
    assert!(borrowed_ring(&page()).has());
    assert_eq!((moment(&page()), moment_ring(&page()).has()), (3, true));
}
