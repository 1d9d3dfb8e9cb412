//! Methods, and the original's handling of `self` and `cls`.

use std::sync::LazyLock;

use ring_cache::coder::Json;
use ring_cache::{Redis, RingKey, ring, ring_impl};
use serde_json::json;

use super::call::{SharedCall, shared_call};
use super::servers::{REDIS, original};
use super::value::{Answer, Shared, computed};

/// The counterpart of a class with `def __ring_key__(self): return "page=" + self.url`.
#[derive(RingKey)]
#[ring_key(prefix = "page")]
struct Page {
    url: &'static str,
}

#[ring_impl(redis = REDIS, coder = Json, expire = "60s")]
impl Page {
    #[ring(key_prefix = "Page.content")]
    fn content(&self) -> Answer {
        Shared::compute()
    }
    #[ring(key_prefix = "Page.section")]
    fn section(&self, _number: u32) -> Answer {
        Shared::compute()
    }
    /// With `class`, the key would contain the type's module, which Python does not know.
    #[ring(key_prefix = "Page.class_content:Page")]
    fn class_content() -> Answer {
        Shared::compute()
    }
    #[ring(key_prefix = "Page.example_dot_com")]
    fn example_dot_com() -> Answer {
        Shared::compute()
    }
    #[ring(property, key_prefix = "Page.title")]
    fn title(&self) -> Answer {
        Shared::compute()
    }
}

/// The counterpart of a class with `def __ring_key__(self): return self.number`.
#[derive(RingKey)]
struct User {
    number: i64,
}

#[ring_impl(redis = REDIS, coder = Json, expire = "60s")]
impl User {
    #[ring(key_prefix = "User.name")]
    fn name(&self) -> Answer {
        Shared::compute()
    }
}

static SHOP: LazyLock<Redis> = LazyLock::new(|| REDIS.clone().namespace("shop"));

#[ring(redis = SHOP, coder = Json, expire = "60s", key_prefix = "price")]
fn price(_article: u32) -> Answer {
    Shared::compute()
}

const PAGE: Page = Page {
    url: "http://example.com",
};

macro_rules! method {
    ($method:literal of $class:literal $owner:expr, $arguments:expr, $($call:tt)*) => {{
        let method = Some(($method, $owner));
        let arguments = Vec::<String>::from($arguments);
        shared_call!("redis", $class, method, arguments, $($call)*)
    }};
}

#[test]
fn all_forms_share_their_entries() {
    let Some(mut original) = original() else { return };
    let page = || vec![json!(PAGE.url)];
    let mut of_class = method!("class_content" of "Page" vec![], [], Page::class_content_ring());
    // Python adds the name of the class itself.
    of_class.twin.key_prefix = "Page.class_content";
    let calls: [(SharedCall<Answer>, &str); 5] = [
        (
            method!("content" of "Page" page(), [], PAGE.content_ring()),
            "Page.content:page=http://example.com",
        ),
        (
            method!("section" of "Page" vec![json!("a")], ["3".into()], Page { url: "a" }.section_ring(3)),
            "Page.section:page=a:3",
        ),
        (of_class, "Page.class_content:Page"),
        (
            method!("example_dot_com" of "Page" vec![], [], Page::example_dot_com_ring()),
            "Page.example_dot_com",
        ),
        (
            method!("name" of "User" vec![json!(42)], [], User { number: 42 }.name_ring()),
            "User.name:42",
        ),
    ];
    for (call, key) in calls {
        assert_eq!((call.key)(), key);
        assert_eq!(call.in_python(&mut original, "key"), (key.into(), false));
        call.in_python(&mut original, "update");
        assert_eq!((call.get_or_update)(), Answer::of_python(), "{key}");
        (call.update)();
        assert_eq!(
            call.in_python(&mut original, "get"),
            (Answer::of_rust().in_python(), false)
        );
        computed();
    }
}

/// A namespace of the storage replaces the common beginning of each `key_prefix` in the original.
#[test]
fn a_namespace_begins_the_key_prefix() {
    let Some(mut original) = original() else { return };
    let mut call: SharedCall<Answer> = shared_call!("redis": price_ring(7));
    call.twin.key_prefix = "shop:price";
    assert_eq!(call.in_python(&mut original, "key"), ((call.key)().into(), false));
    call.in_python(&mut original, "update");
    assert_eq!((call.get)(), Some(Answer::of_python()));
}

/// In Python a property has no verbs, only its value.
#[test]
fn properties_share_their_entries() {
    let Some(mut original) = original() else { return };
    let url = vec![json!(PAGE.url)];
    let title: SharedCall<Answer> = method!("title" of "Page" url, [], PAGE.title_ring());
    (title.delete)();
    assert_eq!(
        title.in_python(&mut original, ""),
        (Answer::of_python().in_python(), true)
    );
    assert_eq!((title.get)(), Some(Answer::of_python()));
    (title.update)();
    assert_eq!(
        title.in_python(&mut original, ""),
        (Answer::of_rust().in_python(), false)
    );
}

/// A key of `self` with a `:` is shared if no argument follows: see `outside.rs`.
#[test]
fn a_colon_in_self_before_an_argument_is_not_shared() {
    let Some(mut original) = original() else { return };
    let url = vec![json!(PAGE.url)];
    let section: SharedCall<Answer> = method!("section" of "Page" url, ["3".into()], PAGE.section_ring(3));
    assert_eq!((section.key)(), "Page.section:page=http%3A//example.com:3");
    let original = section.in_python(&mut original, "key");
    assert_eq!(original.0, "Page.section:page=http://example.com:3");
}
