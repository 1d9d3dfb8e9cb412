//! Writers on a real server.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ring_cache::{Lru, Redis, ring, ring_impl};
use ring_cache_test_servers::{Redis as Server, or_leave_out};

use super::run;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct Shop {
    row: AtomicU64,
    redis: Redis,
}

#[ring_impl(redis = self.redis, ignore(self))]
impl Shop {
    #[ring(key_prefix = "price")]
    async fn price(&self, article: u64) -> u64 {
        self.row.load(Ordering::SeqCst) + article
    }

    #[ring(key_prefix = "stock")]
    fn stock(&self, article: u64) -> u64 {
        self.row.load(Ordering::SeqCst) + article
    }

    #[ring(invalidates(self.price(article), self.stock(article), |other| self.price(*other)))]
    async fn write(&mut self, article: u64, row: u64) -> Result<u64, String> {
        tokio::task::yield_now().await;
        *self.row.get_mut() = row;
        Ok(article + 1)
    }

    #[ring(invalidates(self.price(..), self.stock(..)))]
    async fn write_all(&self, row: u64) {
        self.row.store(row, Ordering::SeqCst);
    }

    #[ring(invalidates(self.stock(article)))]
    fn write_blocking(&mut self, article: u64, row: u64) -> &'static str {
        *self.row.get_mut() = row;
        "done"
    }

    #[ring(invalidates(self.price(article)))]
    async fn write_and_wait(&self, article: u64, row: u64) {
        self.row.store(row, Ordering::SeqCst);
        std::future::pending().await
    }
}

fn shop(server: &Server, deadline: Duration) -> Shop {
    Shop {
        row: AtomicU64::new(0),
        redis: Redis::open(server.url())
            .unwrap()
            .deadline(deadline)
            .namespace("shop"),
    }
}

/// Waits until the server has this many keys.
fn wait_for_keys(server: &Server, keys: &str) {
    let until = Instant::now() + PATIENCE;
    while server.command(&["DBSIZE"]).text() != keys {
        assert!(Instant::now() < until, "{:?}", server.command(&["KEYS", "*"]));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn i1_entries_on_a_server_are_deleted_after_the_writer() {
    let Some(server) = or_leave_out("writers on Redis", Server::start()) else {
        return;
    };
    run(async {
        let mut shop = shop(&server, PATIENCE);
        for article in 1..=3 {
            assert_eq!(shop.price(article).await, article);
        }
        assert_eq!(shop.write(1, 10).await, Ok(2));
        assert_eq!(server.command(&["DBSIZE"]).text(), "1");
        assert_eq!(
            (shop.price(1).await, shop.price(2).await, shop.price(3).await),
            (11, 12, 3)
        );
        shop.write_all(20).await;
        assert_eq!(server.command(&["DBSIZE"]).text(), "0");
        assert_eq!(shop.price(3).await, 23);
    });
}

#[test]
fn i1_blocking_writers_on_a_server() {
    let Some(server) = or_leave_out("writers on Redis", Server::start()) else {
        return;
    };
    let mut shop = shop(&server, PATIENCE);
    assert_eq!(shop.stock(1), 1);
    assert_eq!(shop.write_blocking(1, 10), "done");
    assert_eq!(server.command(&["DBSIZE"]).text(), "0");
    assert_eq!(shop.stock(1), 11);
}

#[test]
fn i2_a_dropped_writer_leaves_no_older_value_on_a_server() {
    let Some(server) = or_leave_out("a dropped writer on Redis", Server::start()) else {
        return;
    };
    let shop = shop(&server, PATIENCE);
    run(async {
        assert_eq!((shop.price(1).await, shop.price(2).await), (1, 2));
        let writer = tokio::time::timeout(Duration::from_millis(20), shop.write_and_wait(1, 10));
        assert!(writer.await.is_err(), "it waits forever");
        assert_eq!(shop.price(1).await, 11);
        assert_eq!(shop.price(2).await, 2, "nothing named it");
        let writer = tokio::time::timeout(Duration::from_millis(20), shop.write_and_wait(1, 20));
        assert!(writer.await.is_err(), "it waits forever");
    });
    // Without further calls the entry is removed nevertheless.
    wait_for_keys(&server, "1");
}

#[test]
fn i4_a_server_that_hangs_changes_no_answer_and_no_older_value_comes_back() {
    let Some(server) = or_leave_out("a writer on a hanging Redis", Server::start()) else {
        return;
    };
    let mut shop = shop(&server, Duration::from_millis(100));
    assert_eq!(shop.stock(1), 1);
    let stored = shop.stock_entry(1).has();
    server.stop();
    assert_eq!(shop.write_blocking(1, 10), "done");
    assert_eq!(run(shop.write(1, 10)), Ok(2));
    assert!(shop.stock_cache().stats().errors > 0);
    server.cont();
    for _ in 0..100 {
        assert_eq!(shop.stock(1), 11, "stored before: {stored:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(feature = "tiered")]
mod tiers {
    use super::*;
    use ring_cache::{RingKey, Tiered};

    #[derive(RingKey)]
    struct Pages {
        row: u64,
        #[ring_key(skip)]
        tier: Tiered<Lru<u64>, Redis>,
    }

    #[ring_impl(storage = self.tier as Tiered<Lru<u64>, Redis>, expire = "1h", ignore(self))]
    impl Pages {
        #[ring(key_prefix = "page")]
        fn page(&self, number: u64) -> u64 {
            self.row + number
        }

        #[ring(invalidates(self.page(number)))]
        fn write(&mut self, number: u64) {
            self.row += number;
        }

        #[ring(invalidates(self.page(..)))]
        async fn write_all(&mut self) {
            self.row += 100;
        }
    }

    #[test]
    fn i1_a_writer_reaches_both_tiers() {
        let Some(server) = or_leave_out("writers on tiers", Server::start()) else {
            return;
        };
        let redis = Redis::open(server.url()).unwrap().deadline(PATIENCE);
        let mut pages = Pages {
            row: 0,
            tier: Tiered::new(Lru::new(10), redis),
        };
        assert_eq!((pages.page(1), pages.page(2)), (1, 2));
        pages.write(1);
        assert_eq!(server.command(&["EXISTS", "page:1"]).text(), "0");
        assert_eq!((pages.page(1), pages.page(2)), (2, 2));
        run(pages.write_all());
        assert_eq!(server.command(&["DBSIZE"]).text(), "0");
        assert_eq!((pages.page(1), pages.page(2)), (102, 103));
    }
}

static SERVER: LazyLock<Option<Server>> = LazyLock::new(|| or_leave_out("a static Redis", Server::start()));
static REDIS: LazyLock<Redis> = LazyLock::new(|| {
    let url = SERVER.as_ref().map(Server::url).unwrap_or_default();
    Redis::open(url).unwrap().deadline(PATIENCE)
});
static ROW: AtomicU64 = AtomicU64::new(0);

#[ring(redis = REDIS, key_prefix = "title")]
async fn title(id: u64) -> String {
    format!("{id} {}", ROW.load(Ordering::SeqCst))
}

#[ring(invalidates(title(id)))]
async fn retitle(id: u64) {
    ROW.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn i1_free_functions_on_a_server() {
    if SERVER.is_none() {
        return;
    }
    run(async {
        assert_eq!(title(1).await, "1 0");
        retitle(1).await;
        assert_eq!(title(1).await, "1 1");
    });
}
