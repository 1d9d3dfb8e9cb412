//! The original's quickstart and tests, example by example. A `Map` of bytes replaces its Memcached.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use ring_cache::clock::ManualClock;
use ring_cache::coder::Json;
use ring_cache::{Action, ActionResult, Calls, Key, KeyWriter, Lru, Map, RingKey, ring, ring_impl};
use serde::{Deserialize, Serialize};

/// Replaces the network: counts requests.
#[derive(Default)]
struct Http(AtomicU32);

impl Http {
    const fn new() -> Self {
        Http(AtomicU32::new(0))
    }

    fn get(&self, url: &str) -> Vec<u8> {
        let request = self.0.fetch_add(1, SeqCst) + 1;
        format!("{url} #{request}").into_bytes()
    }
}

#[test]
fn first_example() {
    static HTTP: Http = Http::new();

    #[ring]
    fn get_url(url: &str) -> Vec<u8> {
        HTTP.get(url)
    }

    let data = get_url("http://example.com");
    assert_eq!(get_url("http://example.com"), data);
    assert_eq!(HTTP.0.load(SeqCst), 1);

    let call = || get_url_ring("http://example.com");
    assert_eq!(call().get(), Some(data.clone()));
    assert!(call().delete());
    assert_eq!(call().get(), None);

    get_url("http://example.com");
    let key: Key = call().key();
    assert!(key.to_string().ends_with("get_url:http://example.com"), "{key}");
    assert_eq!(call().storage().backend().get(&key), call().get());
}

struct Page {
    url: String,
}

impl RingKey for Page {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.label("page");
        self.url.ring_key(key);
    }
}

#[ring_impl]
impl Page {
    const BASE_CONTENT: &str = "<html></html>";

    #[ring]
    fn content(&self) -> Vec<u8> {
        self.url.as_bytes().to_vec()
    }

    #[ring(class)]
    fn class_content() -> &'static str {
        Self::BASE_CONTENT
    }

    #[ring]
    fn example_dot_com() -> Vec<u8> {
        b"example".to_vec()
    }

    #[ring(property)]
    fn url_property(&self) -> String {
        self.url.clone()
    }
}

#[test]
fn methods() {
    assert_eq!(Page::example_dot_com(), b"example");
    let key = Page::example_dot_com_ring().key().to_string();
    assert!(key.ends_with("Page.example_dot_com"), "{key}");

    assert_eq!(Page::class_content(), "<html></html>");
    let key = Page::class_content_ring().key().to_string();
    assert!(key.ends_with("Page.class_content:Page"), "{key}");

    let page = Page {
        url: "http://example.com".into(),
    };
    assert_eq!(page.content(), b"http://example.com");
    let key = page.content_ring().key().to_string();
    assert!(key.ends_with("Page.content:page=http://example.com"), "{key}");
    assert_eq!(page.url_property(), page.url);
}

#[test]
fn another_backend() {
    static CLIENT: LazyLock<Map<Vec<u8>>> = LazyLock::new(Map::new);
    static HTTP: Http = Http::new();

    #[ring(map = CLIENT, expire = 60)]
    fn get_url(url: &str) -> Vec<u8> {
        HTTP.get(url)
    }

    let data = get_url("http://example.com");
    assert_eq!(get_url("http://example.com"), data);
    assert_eq!(CLIENT.len(), 1);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Data {
    key: String,
    number: u32,
}

#[test]
fn structured_data() {
    static CLIENT: LazyLock<Map<Vec<u8>>> = LazyLock::new(Map::new);

    #[ring(map = CLIENT, expire = 60, coder = Json)]
    fn f() -> Data {
        Data {
            key: "data".into(),
            number: 42,
        }
    }

    f();
    let loaded = f_ring().get();
    assert_eq!(loaded, Some(f()));
    let raw_data = f_ring().storage().backend().get(&f_ring().key()).unwrap();
    assert_eq!(raw_data, serde_json_of(&f()));
    assert_eq!(f_ring().encode(&f()).unwrap(), raw_data);
    assert_eq!(f_ring().decode(&raw_data).unwrap(), f());
}

fn serde_json_of(data: &Data) -> Vec<u8> {
    format!(r#"{{"key":"{}","number":{}}}"#, data.key, data.number).into_bytes()
}

#[test]
fn low_level_access() {
    static STORAGE: LazyLock<Map<u32>> = LazyLock::new(Map::new);

    #[ring(map = STORAGE)]
    fn f() -> u32 {
        7
    }

    let key = f_ring().key();
    assert_eq!(f_ring().storage().backend().get(&key), None);
    f();
    assert_eq!(f_ring().storage().backend().get(&key), Some(7));
    assert_eq!(STORAGE.keys(), [key.to_string()]);
    assert_eq!(STORAGE.peek(key.as_ref()), Some(7));
}

#[test]
fn bulk_access() {
    #[ring]
    fn f(a: u32, b: u32) -> u32 {
        a * 100 + b
    }

    f(1, 3);
    let calls = || [(1, 2), (1, 3), (2, 2)].map(|(a, b)| f_ring(a, b));
    assert_eq!(calls().get_many(), [None, Some(103), None]);
    assert_eq!(calls().get_or_update_many(), [102, 103, 202]);
    assert_eq!(calls().execute_many(), [102, 103, 202]);
}

/// The original's `test_workflow`.
mod workflow {
    use super::*;

    type Fields = BTreeMap<&'static str, String>;
    static CACHE: LazyLock<Map<Fields>> = LazyLock::new(Map::new);

    #[derive(RingKey)]
    #[ring_key(prefix = "User")]
    struct User {
        user_id: u64,
        #[ring_key(skip)]
        name: Mutex<String>,
    }

    #[ring_impl(map = CACHE)]
    impl User {
        #[ring]
        fn data(&self) -> Fields {
            let name = self.name.lock().unwrap().clone();
            Fields::from([("user_id", self.user_id.to_string()), ("name", name)])
        }

        #[ring]
        fn child(&self, n: u64) -> Fields {
            Fields::from([("child_id", (self.user_id * 10_000 + n).to_string())])
        }
    }

    fn user(name: &str) -> User {
        User {
            user_id: 42,
            name: Mutex::new(name.into()),
        }
    }

    #[test]
    fn workflow() {
        let u1 = user("User 1");
        assert_eq!(u1.data_ring().get(), None);
        assert_eq!(u1.data()["name"], "User 1");

        let key = u1.data_ring().key();
        assert_eq!(CACHE.get(&key), Some(u1.data()));

        *u1.name.lock().unwrap() = "User renamed".into();
        assert_eq!(u1.data()["name"], "User 1");
        assert_eq!(u1.data_ring().update()["name"], "User renamed");

        let u2 = user("");
        assert_ne!(u1.data_ring().execute(), u2.data_ring().execute());
        assert_eq!(u1.data(), u2.data());

        assert!(u1.data_ring().get().is_some());
        u1.data_ring().delete();
        assert_eq!(u1.data_ring().get(), None);

        assert_eq!(u1.child(7)["child_id"], "420007");
        assert_eq!(u1.child_ring(7).key(), u2.child_ring(7).key());
        assert_ne!(u1.child_ring(1).key(), u1.child_ring(2).key());
    }
}

/// The original's `test_common`: a function, two objects, class and static form, on one storage.
mod common {
    use super::*;

    macro_rules! common {
        ($name:ident, $storage:ident: $type:ident = $new:expr, |$a:ident, $b:ident| $call:expr) => {
            #[test]
            fn $name() {
                static BASE: AtomicU32 = AtomicU32::new(0);
                static CACHE: LazyLock<$type<u32>> = LazyLock::new($new);

                struct A;
                impl RingKey for A {
                    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
                        key.word("a");
                    }
                }

                #[ring_impl($storage = CACHE, expire = 10)]
                #[allow(dead_code)]
                impl A {
                    #[ring]
                    fn method(&self, a: u32, b: u32) -> u32 {
                        BASE.load(SeqCst) + a * 100 + b
                    }
                    #[ring(class)]
                    fn cmethod(a: u32, b: u32) -> u32 {
                        BASE.load(SeqCst) + a * 200 + b
                    }
                    #[ring]
                    fn smethod(a: u32, b: u32) -> u32 {
                        BASE.load(SeqCst) + a * 200 + b
                    }
                }

                #[ring($storage = CACHE, expire = 10)]
                #[allow(dead_code)]
                fn function(a: u32, b: u32) -> u32 {
                    BASE.load(SeqCst) + a * 100 + b
                }

                macro_rules! call {
                    ($left:expr, $right:expr) => {{
                        let ($a, $b) = ($left, $right);
                        $call
                    }};
                }
                assert!(std::ptr::eq(call!(0, 0).storage().backend(), &*CACHE));
                assert_ne!(call!(1, 2).execute(), call!(1, 3).execute());
                assert_ne!(call!(2, 2).execute(), call!(1, 2).execute());
                assert_eq!(call!(1, 2).key(), call!(1, 2).key());
                assert_ne!(call!(1, 2).key(), call!(1, 3).key());

                BASE.store(10_000, SeqCst);
                assert_eq!(call!(1, 2).get(), None);
                let first = call!(1, 2).execute();
                assert_eq!(call!(1, 2).get_or_update(), first);
                assert_eq!(call!(1, 2).get(), Some(first));
                assert!(call!(1, 2).delete());
                assert_eq!(call!(1, 2).get(), None);
                assert_eq!(call!(1, 2).get_or_update(), first);

                BASE.store(20_000, SeqCst);
                let second = call!(1, 2).execute();
                assert_ne!(first, second);
                assert_eq!(call!(1, 2).get_or_update(), first);
                assert_eq!(call!(1, 2).update(), second);
                assert!(call!(1, 2).has());
                assert!(!call!(5, 9).has());
                assert!(call!(1, 2).touch());
                assert!(!call!(0, 0).touch());

                call!(1, 2).set(7);
                assert_eq!(call!(1, 2).get(), Some(7));
                call!(1, 2).delete();
                assert_eq!(call!(1, 2).run(Action::Get), ActionResult::Cached(None));
            }
        };
    }

    common!(function_in_a_map, map: Map = Map::new, |a, b| function_ring(a, b));
    common!(method_in_a_map, map: Map = Map::new, |a, b| A.method_ring(a, b));
    common!(class_in_a_map, map: Map = Map::new, |a, b| A::cmethod_ring(a, b));
    common!(static_in_a_map, map: Map = Map::new, |a, b| A::smethod_ring(a, b));
    common!(function_in_an_lru, lru: Lru = || Lru::new(100), |a, b| function_ring(a, b));
    common!(method_in_an_lru, lru: Lru = || Lru::new(100), |a, b| A.method_ring(a, b));
    common!(class_in_an_lru, lru: Lru = || Lru::new(100), |a, b| A::cmethod_ring(a, b));
    common!(static_in_an_lru, lru: Lru = || Lru::new(100), |a, b| A::smethod_ring(a, b));
}

/// The original's `test_func_dict`.
#[test]
fn dict() {
    static BASE: AtomicU32 = AtomicU32::new(10_000);
    static CLOCK: LazyLock<ManualClock> = LazyLock::new(ManualClock::default);
    static CACHE: LazyLock<Map<u32>> = LazyLock::new(|| Map::with_clock(CLOCK.clone()));

    #[ring(map = CACHE, key_prefix = "dict", expire = 10)]
    fn f(a: u32, b: u32) -> u32 {
        BASE.load(SeqCst) + a * 100 + b
    }

    assert_eq!(f_ring(1, 2).key().to_string(), "dict:1:2");
    assert!(!f_ring(1, 2).has());
    assert_eq!(f(1, 2), 10_102);
    assert!(f_ring(1, 2).has());
    assert_eq!(CACHE.get(&f_ring(1, 2).key()), Some(10_102));
    assert_eq!(f(1, 3), 10_103);

    BASE.store(20_000, SeqCst);
    assert_eq!([f(1, 2), f(1, 3), f(2, 4)], [10_102, 10_103, 20_204]);
    CACHE.clear();
    assert_eq!([f(1, 2), f(1, 3), f(2, 4)], [20_102, 20_103, 20_204]);

    BASE.store(30_000, SeqCst);
    assert_eq!(f_ring(1, 2).update(), 30_102);
    f_ring(1, 2).touch();
    CLOCK.advance(Duration::from_secs(100));
    assert_eq!(f_ring(1, 2).get(), None);
}

/// The original's `test_lru`.
#[test]
fn lru_of_two() {
    #[ring(capacity = 2)]
    fn f(a: u32, b: u32) -> u32 {
        a * 100 + b
    }

    assert_eq!([f(1, 2), f(2, 5)], [102, 205]);
    assert_eq!([f_ring(1, 2).get(), f_ring(2, 5).get()], [Some(102), Some(205)]);
    assert_eq!(f(5, 3), 503);
    assert_eq!(f_ring(1, 2).get(), None);
}

/// The original's `test_common_value`: any number of arguments; here they are a slice and a map.
#[test]
fn many_arguments() {
    #[ring]
    fn complicated(a: u32, rest: &[u32], named: &BTreeMap<&str, u32>) -> &'static [u8] {
        let _ = (a, rest, named);
        b"42"
    }

    let named = BTreeMap::from([("b", 4), ("c", 5)]);
    let value = complicated(0, &[1, 2, 3], &named);
    assert_eq!(complicated_ring(0, &[1, 2, 3], &named).get(), Some(value));
    assert_eq!(complicated_ring(0, &[1, 2], &named).get(), None);
}

/// The original's `test_coerce`, as far as it applies to Rust.
#[test]
fn keys_of_values() {
    fn segment(key: impl RingKey) -> String {
        Key::of(&key).to_string()
    }

    #[derive(RingKey)]
    #[ring_key(prefix = "User")]
    struct User {
        user_id: u64,
    }
    assert_eq!(segment("test"), "test");
    assert_eq!(segment(1), "1");
    assert_eq!(segment(User { user_id: 42 }), "User=42");
    assert_eq!(segment([1, 2, 3, 4]), "[1,2,3,4]");
    assert_eq!(segment(["1", "2", "3", "4"]), "['1','2','3','4']");
    assert_eq!(segment(("1", "2", "3", "4")), "('1','2','3','4')");
}

/// The original joins without escapes, so these two share an entry there.
#[test]
fn a_separator_in_an_argument_is_no_separator() {
    static CACHE: LazyLock<Map<String>> = LazyLock::new(Map::new);

    #[ring(map = CACHE, key_prefix = "separators")]
    fn f(a: &str, b: &str) -> String {
        format!("{a} and {b}")
    }

    assert_eq!(f("a:b", "c"), "a:b and c");
    assert_eq!(f("a", "b:c"), "a and b:c");
    assert_eq!(CACHE.len(), 2);
    assert_ne!(f_ring("a:b", "c").key(), f_ring("a", "b:c").key());
    assert_eq!(f_ring("a", "b:c").key().to_string(), "separators:a:b:c");
}
