//! I8: clearing all rings in statics, or those of a type or of a namespace. In a separate process, since other tests expect
//! their entries.

use std::sync::{LazyLock, Mutex, MutexGuard};

use ring_cache::{Lru, Map, RingKey, clear_all, ring, ring_impl};

static LRU: LazyLock<Lru<u32>> = LazyLock::new(|| Lru::new(10));
static MAP: LazyLock<Map<u32>> = LazyLock::new(Map::new);

/// Runs a future on the thread of the test.
fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(future)
}

/// The tests of this file share statics.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[ring]
fn plain(id: u32) -> u32 {
    id
}

#[ring(lru = LRU)]
async fn awaited(id: u32) -> u32 {
    id
}

#[ring]
fn generic<K: RingKey>(id: K) -> String {
    ring_cache::Key::of(&id).to_string()
}

#[derive(RingKey)]
struct Users<T>(T);

#[ring_impl]
impl<T: RingKey> Users<T> {
    #[ring(class)]
    fn count() -> u32 {
        1
    }

    #[ring(map = MAP)]
    fn name(&self) -> u32 {
        2
    }
}

#[derive(RingKey)]
struct Pages<'a> {
    url: &'a str,
    #[ring_key(skip)]
    cache: Lru<u32>,
}

#[ring_impl]
impl<'a> Pages<'a> {
    #[ring]
    fn length(&self) -> u32 {
        self.url.len() as u32
    }

    #[ring(lru = self.cache)]
    fn own(&self) -> u32 {
        3
    }
}

trait Fetch {
    fn fetch(&self) -> u32;
}

#[ring_impl]
impl Fetch for Pages<'_> {
    #[ring]
    fn fetch(&self) -> u32 {
        4
    }
}

fn pages() -> Pages<'static> {
    Pages {
        url: "http://example.com",
        cache: Lru::new(10),
    }
}

/// Fills all, and returns which exist.
fn fill(pages: &Pages<'_>) {
    plain(1);
    run(awaited(1));
    generic(1);
    generic("a");
    Users::<u32>::count();
    Users::<String>::count();
    Users(7_u32).name();
    pages.length();
    pages.own();
    pages.fetch();
}

fn there(pages: &Pages<'_>) -> [bool; 10] {
    [
        plain_entry(1).has(),
        run(awaited_entry(1).has()),
        generic_entry(1).has(),
        generic_entry("a").has(),
        Users::<u32>::count_entry().has(),
        Users::<String>::count_entry().has(),
        Users(7_u32).name_entry().has(),
        pages.length_entry().has(),
        pages.own_entry().has(),
        pages.fetch_entry().has(),
    ]
}

#[test]
fn i8_clear_all_reaches_every_ring_over_a_static() {
    let _alone = alone();
    let pages = pages();
    fill(&pages);
    assert_eq!(there(&pages), [true; 10]);
    let cleared = clear_all();
    assert!(cleared.rings() >= 9, "{cleared:?}");
    let mut expected = [false; 10];
    expected[8] = true; // An object owns it.
    assert_eq!(there(&pages), expected);
    fill(&pages);
    assert!(
        clear_all().rings() >= cleared.rings(),
        "a ring is kept once, and for ever"
    );
}

#[test]
fn i8_rings_are_cleared_by_type() {
    let _alone = alone();
    let pages = pages();
    fill(&pages);
    assert_eq!(Pages::clear_rings().rings(), 2);
    let mut expected = [true; 10];
    (expected[7], expected[9]) = (false, false);
    assert_eq!(there(&pages), expected);
    assert_eq!(Users::<u32>::clear_rings().rings(), 2);
    (expected[4], expected[6]) = (false, false);
    assert_eq!(there(&pages), expected);
    let cleared = <str as ring_cache::ClearRings>::clear_rings();
    assert_eq!(
        (cleared.rings(), cleared.left(), cleared.errors().len()),
        (0, 0, 0)
    );
}

#[cfg(all(
    feature = "redis",
    feature = "memcached",
    feature = "disk",
    feature = "tokio",
    feature = "tiered"
))]
mod servers {
    use super::*;
    use ring_cache::{Memcached, Redis, Tiered, clear_namespace};
    use ring_cache_test_servers::{Redis as Server, or_leave_out};
    use std::time::Duration;

    /// Longer than anything takes on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(20);

    static SERVER: LazyLock<Option<Server>> =
        LazyLock::new(|| or_leave_out("rings on a static Redis", Server::start()));

    fn open(namespace: &str) -> Redis {
        let url = SERVER.as_ref().map(Server::url).unwrap_or_default();
        Redis::open(url).unwrap().deadline(PATIENCE).namespace(namespace)
    }

    static SHOP: LazyLock<Redis> = LazyLock::new(|| open("shop"));
    static BLOG: LazyLock<Tiered<Lru<u32>, Redis>> =
        LazyLock::new(|| Tiered::new(Lru::new(10), open("blog")));
    static MEMCACHED: LazyLock<Memcached> =
        LazyLock::new(|| Memcached::open("memcache://127.0.0.1:1").unwrap());

    #[ring(redis = SHOP, key_prefix = "price")]
    async fn price(id: u32) -> u32 {
        id
    }

    #[ring(storage = BLOG as Tiered<Lru<u32>, Redis>, key_prefix = "post", expire = "1h")]
    fn post(id: u32) -> u32 {
        id
    }

    #[ring(memcached = MEMCACHED, key_prefix = "other")]
    fn other(id: u32) -> u32 {
        id
    }

    #[test]
    fn i8_rings_are_cleared_by_namespace() {
        let _alone = alone();
        if SERVER.is_none() {
            return;
        }
        let fill = || (plain(1), run(price(1)), post(1), other(1));
        let there = || {
            let post = post_entry(1).has().unwrap();
            (plain_entry(1).has(), run(price_entry(1).has()).unwrap(), post)
        };
        assert_eq!(fill(), (1, 1, 1, 1));
        assert_eq!(there(), (true, true, true));
        assert_eq!(clear_namespace("blog").rings(), 1);
        assert_eq!(there(), (true, true, false));
        assert_eq!(clear_namespace("shop:").rings(), 1);
        assert_eq!(there(), (true, false, false));
        assert_eq!(clear_namespace("none").rings(), 0);
        fill();
        let cleared = clear_all();
        assert_eq!(there(), (false, false, false));
        assert!(
            cleared.left() >= 1,
            "Memcached cannot remove the entries of one ring"
        );
        assert!(cleared.errors().is_empty(), "{cleared:?}");
    }
}
