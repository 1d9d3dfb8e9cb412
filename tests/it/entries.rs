//! `{method}_entry(..)` names an entry where the ignored arguments are not available.

use std::sync::LazyLock;
use std::time::Duration;

use ring_cache::{AsyncCalls, Calls, Lru, Map, RingKey, ring, ring_impl};

static MAP: LazyLock<Map<u32>> = LazyLock::new(Map::new);

/// Only the calling framework can make it.
struct Next(());

#[ring(map = MAP, key_prefix = "page", ignore(next), expire = "1h")]
fn page(path: &str, next: Next) -> u32 {
    let Next(()) = next;
    path.len() as u32
}

#[test]
fn an_entry_is_controlled_without_what_is_ignored() {
    assert_eq!(page("/a", Next(())), 2);
    let entry = || page_entry("/a");
    assert_eq!(
        (entry().get(), entry().has(), entry().touch()),
        (Some(2), true, true)
    );
    assert_eq!(entry().key().as_str(), "page:/a");
    assert_eq!(entry().stored_key(), "page:/a");
    assert_eq!(entry().expiry(), Some(Duration::from_secs(3600)));
    entry().set(7);
    assert_eq!(page("/a", Next(())), 7);
    assert!(entry().delete() && !entry().delete());
    assert_eq!(page("/a", Next(())), 2);
}

#[test]
fn many_entries_at_once() {
    let entries = || ["/x", "/xy"].map(page_entry);
    entries().set_many([1, 2]).unwrap();
    assert_eq!(entries().get_many(), [Some(1), Some(2)]);
    assert_eq!(
        (entries().has_many(), entries().touch_many()),
        (vec![true; 2], vec![true; 2])
    );
    assert_eq!(entries().key_many()[1].as_str(), "page:/xy");
    assert_eq!(entries().delete_many(), [true; 2]);
}

#[derive(RingKey)]
struct Shop {
    tenant: u32,
    #[ring_key(skip)]
    cache: Lru<u32>,
}

trait Price {
    fn price(&self, id: u32, discount: impl Fn(u32) -> u32) -> u32;
}

#[ring_impl(lru = self.cache)]
impl Shop {
    #[ring(ignore(self))]
    fn shared(&self, id: u32) -> u32 {
        self.tenant + id
    }

    #[ring(ignore(connection))]
    async fn awaited(&self, id: u32, connection: &mut Vec<u32>) -> Result<u32, String> {
        connection.push(id);
        Ok(id)
    }
}

#[ring_impl]
impl Price for Shop {
    #[ring(ignore(discount))]
    fn price(&self, id: u32, discount: impl Fn(u32) -> u32) -> u32 {
        discount(id)
    }
}

#[test]
fn methods_and_methods_of_traits() {
    let shop = Shop {
        tenant: 1,
        cache: Lru::new(10),
    };
    assert_eq!(shop.shared(2), 3);
    // `self` is ignored, but still reaches the storage.
    assert_eq!(shop.shared_entry(2).get(), Some(3));
    assert_eq!(shop.price(4, |id| id * 2), 8);
    assert!(shop.price_entry(4).delete());
    assert_eq!(shop.price(4, |id| id * 3), 12);
    block_on(async {
        assert_eq!(shop.awaited(5, &mut vec![]).await, Ok(5));
        assert_eq!(shop.awaited_entry(5).get().await, Some(5));
        assert_eq!([shop.awaited_entry(5)].delete_many().await, [true]);
        assert!(!shop.awaited_entry(5).has().await);
    });
}

#[ring(ignore(life), expire = life)]
fn living(id: u32, life: Duration) -> u32 {
    let _ = life;
    id
}

#[test]
fn a_time_to_live_that_is_ignored_is_not_known_to_the_entry() {
    assert_eq!(living(1, Duration::from_secs(1)), 1);
    assert_eq!(living_entry(1).expiry(), None);
    living_entry(2).expire_in(Duration::from_secs(5)).set(3);
    assert_eq!(living(2, Duration::from_secs(1)), 3);
}

struct State<T>(T);

struct Service<R>(R);

/// `self` is in no key, so it need not be one.
#[ring_impl(ignore(self))]
impl<R: AsRef<str>> Service<R> {
    #[ring(ignore(app), key_prefix = "service")]
    fn handle(&self, State(app): State<&str>, id: u32) -> String {
        format!("{} {app} {id}", self.0.as_ref())
    }

    #[ring(key_prefix = "name")]
    fn name(&self) -> String {
        self.0.as_ref().to_owned()
    }
}

#[test]
fn a_block_may_ignore_self_and_a_pattern_is_ignored_by_the_name_that_it_binds() {
    let service = Service("a");
    assert_eq!(service.handle(State("x"), 1), "a x 1");
    assert_eq!(service.handle(State("y"), 1), "a x 1");
    assert_eq!(service.name(), "a");
    assert_eq!(Service::<&str>::name_entry().get().as_deref(), Some("a"));
}

#[ring(ignore(log))]
fn logged<L: Fn(&str), K: RingKey>(id: K, log: L) -> u32 {
    log("computing");
    let _ = id;
    std::sync::atomic::AtomicU32::fetch_add(&RUNS, 1, std::sync::atomic::Ordering::SeqCst)
}

static RUNS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

/// Otherwise each closure would have its own cache.
#[test]
fn the_type_of_an_ignored_argument_is_ignored_as_well() {
    let first = logged(1_u8, |_| ());
    assert_eq!(logged(1_u8, |text| assert!(!text.is_empty())), first);
    assert_ne!(logged("1", |_| ()), first);
    assert!(logged_entry(1_u8).has());
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}
