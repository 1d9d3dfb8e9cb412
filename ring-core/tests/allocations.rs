//! Allocations of calls: a hit allocates nothing beyond the value's own `Clone`.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use ring_cache_core::key::Template;
use ring_cache_core::{AsyncCache, KeyWriter, Lru, Plain, Ring, RingKey};

/// The handle of a blocking method.
type Cache<S> = ring_cache_core::Cache<S>;

fn keep<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

struct Page {
    url: String,
}

impl RingKey for Page {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        self.url.ring_key(key);
    }
}

/// Makes the call once, so that the next one is a hit, and returns the allocations of that one.
fn allocations_of_a_hit<V: PartialEq + std::fmt::Debug>(method: impl Fn() -> V) -> u64 {
    let value = method();
    let mut found = None;
    let allocations = measure(|| found = Some(method())).count_total;
    assert_eq!(found, Some(value));
    allocations
}

macro_rules! hits_allocate_nothing {
    ($($name:ident: $value:ty = $expression:expr, $parts:expr;)*) => {$(
        #[test]
        fn $name() {
            let ring = keep(Ring::with_prefix("p"));
            let storage = keep(Lru::<$value>::new(1000));
            let page = Page { url: "http://example.com/a/rather/long/path".repeat(3) };
            let url = page.url.clone();
            let _ = (&page, &url);
            let parts = $parts;
            let allocations = allocations_of_a_hit(|| {
                Cache::new(ring, storage)
                    .bind::<Plain<$value>, _, _>(parts(&page, &url), |_| $expression)
                    .get_or_update()
            });
            assert_eq!(allocations, 0);
            assert_eq!(Cache::new(ring, storage).stats::<$value>().hits, 1);
        }
    )*};
}

fn number(_: &Page, _: &str) -> (u64,) {
    (7,)
}

fn url_and_number<'u>(_: &'u Page, url: &'u str) -> (&'u str, u64) {
    (url, 7)
}

fn page_and_number<'p>(page: &'p Page, _: &'p str) -> (&'p Page, u64) {
    (page, 7)
}

hits_allocate_nothing! {
    a_hit_by_number_allocates_nothing: u64 = 42, number;
    a_hit_by_string_and_number_allocates_nothing: u64 = 42, url_and_number;
    a_hit_of_a_method_allocates_nothing: u64 = 42, page_and_number;
    a_hit_by_number_shares_its_arc: Arc<str> = "forty-two".into(), number;
    a_hit_by_string_and_number_shares_its_arc: Arc<str> = "forty-two".into(), url_and_number;
    a_hit_of_a_method_shares_its_arc: Arc<str> = "forty-two".into(), page_and_number;
}

/// The output of a call that waits for no other call.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

macro_rules! async_hits_allocate_nothing {
    ($($name:ident: $value:ty = $expression:expr, $parts:expr;)*) => {$(
        #[test]
        fn $name() {
            let ring = keep(Ring::with_prefix("p"));
            let storage = keep(Lru::<$value>::new(1000));
            let parts = $parts;
            let allocations = allocations_of_a_hit(|| {
                let code = |_| async { $expression };
                let call = AsyncCache::new(ring, storage).bind::<Plain<$value>, _, _, _>(parts, code);
                at_once(call.get_or_update())
            });
            assert_eq!(allocations, 0);
            assert_eq!(AsyncCache::new(ring, storage).stats::<$value>().hits, 1);
        }
    )*};
}

/// 32 bytes, which an entry does not store inline.
const URL: &str = "http://example.com/user/00000042";

async_hits_allocate_nothing! {
    an_async_hit_by_number_allocates_nothing: u64 = 42, (7_u64,);
    an_async_hit_by_string_and_number_allocates_nothing: u64 = 42, (URL, 7_u64);
    an_async_hit_by_string_and_number_shares_its_arc: Arc<str> = "forty-two".into(), (URL, 7_u64);
}

/// As `key = "user:{page.url}:{number}.html"` reads.
#[test]
fn a_hit_by_a_template_allocates_nothing() {
    let ring = keep(Ring::with_prefix("p"));
    let storage = keep(Lru::<u64>::new(1000));
    let page = Page {
        url: "http://example.com/a/rather/long/path".repeat(3),
    };
    let allocations = allocations_of_a_hit(|| {
        let key = Template::new((&page, 7_u64));
        let key = key.literal("user").place("", |values| &values.0.url, "");
        let key = key.place("", |values| &values.1, ".html");
        Cache::new(ring, storage)
            .bind::<Plain<u64>, _, _>(key, |_| 42)
            .get_or_update()
    });
    assert_eq!(allocations, 0);
    assert_eq!(Cache::new(ring, storage).stats::<u64>().hits, 1);
}

/// As `#[ring_key(format = "{url}/{number}.html")]` reads.
struct Formatted<'p>(&'p Page, u64);

impl RingKey for Formatted<'_> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.open_format("");
        self.0.ring_key(key);
        key.next_field("/");
        self.1.ring_key(key);
        key.close_format(".html");
    }
}

#[test]
fn a_hit_by_a_format_allocates_nothing() {
    let ring = keep(Ring::with_prefix("p"));
    let storage = keep(Lru::<u64>::new(1000));
    let page = Page {
        url: "http://example.com/a/rather/long/path".repeat(3),
    };
    let allocations = allocations_of_a_hit(|| {
        Cache::new(ring, storage)
            .bind::<Plain<u64>, _, _>((Formatted(&page, 7),), |_| 42)
            .get_or_update()
    });
    assert_eq!(allocations, 0);
    assert_eq!(Cache::new(ring, storage).stats::<u64>().hits, 1);
}

#[test]
fn has_touch_and_a_failed_look_up_allocate_nothing() {
    let ring = keep(Ring::with_prefix("p"));
    let storage = keep(Lru::<u64>::new(1000));
    let bind = |id: u64| Cache::new(ring, storage).bind::<Plain<u64>, _, _>((id,), |(id,)| id);
    bind(1).get_or_update();
    let allocations = measure(|| {
        assert_eq!(bind(1).get(), Some(1));
        assert_eq!(bind(2).get(), None);
        assert!(bind(1).has() && !bind(2).has());
        assert!(bind(1).touch());
    });
    assert_eq!(allocations.count_total, 0);
}

#[test]
fn the_storage_alone_allocates_nothing_on_a_hit() {
    let users = Lru::<Arc<str>>::new(10);
    users.set(&("users", 7_u32), "Ada".into());
    let allocations = measure(|| {
        assert!(users.get(&("users", 7_u32)).is_some());
        assert!(users.get(&("users", 8_u32)).is_none());
    });
    assert_eq!(allocations.count_total, 0);
}

#[test]
fn a_computation_without_waiters_allocates_nothing_after_the_first() {
    let ring = keep(Ring::with_prefix("p"));
    let storage = keep(Lru::<u64>::new(1000));
    let bind = |id: u64| Cache::new(ring, storage).bind::<Plain<u64>, _, _>((id,), |(id,)| id);
    let miss = || {
        bind(1).delete();
        assert_eq!(bind(1).get_or_update(), 1);
    };
    miss();
    assert_eq!(measure(miss).count_total, 0);
}
