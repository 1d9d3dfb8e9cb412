//! A storage chosen at run time, such as by a setting.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use ring_cache::clock::ManualClock;
use ring_cache::coder::Json;
use ring_cache::storage::Storage;
use ring_cache::{
    AnyAsyncStorage, AnyStorage, AsyncCalls, Blocking, Calls, Disk, Error, Fails, Lru, Map, Memcached, Redis,
    RingKey, Tiered, ring_impl, tag,
};
use ring_cache_test_servers::{Redis as Server, or_leave_out};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, RingKey)]
struct Prices {
    shop: &'static str,
    #[ring_key(skip)]
    store: AnyStorage<Vec<u8>>,
    #[ring_key(skip)]
    computed: Arc<AtomicU32>,
}

#[ring_impl(storage = self.store as AnyStorage<Vec<u8>>, coder = Json, expire = "10s")]
impl Prices {
    #[ring]
    fn price(&self, article: u32) -> (u32, String) {
        self.computed.fetch_add(1, SeqCst);
        (article, "EUR".into())
    }
    #[ring(tags("prices"))]
    fn lowest(&self) -> u32 {
        self.computed.fetch_add(1, SeqCst)
    }
    #[ring(stale = "60s", refresh = caller)]
    fn rate(&self) -> u32 {
        self.computed.fetch_add(1, SeqCst) + 1
    }
}

fn prices(store: AnyStorage<Vec<u8>>) -> Prices {
    Prices {
        shop: "a",
        store,
        computed: Arc::default(),
    }
}

/// As a program reads it from its settings.
fn storage_of(setting: &str, url: &str, file: &Path) -> Result<AnyStorage<Vec<u8>>, Error> {
    Ok(match setting {
        "redis" => AnyStorage::new(Redis::open(url)?.deadline(PATIENCE).namespace("shop")),
        "disk" => AnyStorage::new(Disk::open(file)?.deadline(PATIENCE)),
        _ => AnyStorage::new(Lru::new(1000)),
    })
}

fn serves(setting: &str, store: AnyStorage<Vec<u8>>) -> Result<(), Error> {
    let prices = prices(store);
    let price = (1, "EUR".to_owned());
    assert_eq!((prices.price(1), prices.price(1)), (price.clone(), price.clone()));
    assert_eq!(prices.computed.load(SeqCst), 1, "{setting}");
    assert_eq!(prices.price_ring(1).get()?, Some(price), "{setting}");
    prices.price_ring(1).set((9, "USD".into()))?;
    assert_eq!(prices.price(1).0, 9, "{setting}");
    assert!(prices.price_ring(1).has()? && prices.price_ring(1).touch()?);
    assert!(prices.price_ring(1).delete()? && !prices.price_ring(1).delete()?);

    let calls = || (1..=3).map(|article| prices.price_ring(article));
    assert_eq!(calls().get_or_update_many().len(), 3);
    assert_eq!(calls().touch_many()?, [true; 3], "{setting}");
    assert_eq!(calls().take(1).delete_many()?, [true]);
    assert_eq!(calls().has_many()?, [false, true, true], "{setting}");
    let found: Vec<_> = calls()
        .get_many()?
        .into_iter()
        .flatten()
        .map(|price| price.0)
        .collect();
    assert_eq!(found, [2, 3], "{setting}");

    assert_eq!((prices.rate(), prices.rate()), (5, 5), "{setting}");
    assert_eq!((prices.lowest(), prices.lowest()), (5, 5), "{setting}");
    tag("prices").forget_in(&prices.store)?;
    assert_eq!(prices.lowest(), 6, "{setting}");
    prices.price_cache().clear()?;
    assert_eq!(calls().has_many()?, [false; 3], "{setting}");
    assert!(prices.rate_ring().has()?, "another method is left as it is");
    let stats = prices.price_cache().stats();
    assert!(stats.hits >= 2 && stats.errors == 0, "{setting}: {stats:?}");
    Ok(())
}

#[test]
fn a_setting_chooses_the_storage() -> Result<(), Error> {
    let file = std::env::temp_dir().join(format!("ring-cache-chosen-{}.db", std::process::id()));
    let server = or_leave_out("Redis chosen at run time", Server::start());
    for setting in ["lru", "disk", "redis"] {
        let url = server.as_ref().map(Server::url);
        if setting == "redis" && url.is_none() {
            continue;
        }
        serves(
            setting,
            storage_of(setting, url.as_deref().unwrap_or_default(), &file)?,
        )?;
    }
    std::fs::remove_file(&file).expect("the file of the disk");
    let Some(server) = server else { return Ok(()) };
    let prices = prices(storage_of("redis", &server.url(), &file)?);
    prices.price(7);
    let key = prices.price_ring(7).key().to_string();
    assert!(
        key.starts_with("shop:"),
        "the namespace of the storage inside: {key}"
    );
    assert_eq!(server.command(&["GET", &key]).text(), "[7,\"EUR\"]");
    Ok(())
}

#[test]
fn values_that_are_not_encoded_and_other_handles_of_the_storage() -> Result<(), Error> {
    let lru = Lru::<String>::new(10);
    let any = AnyStorage::new(lru.clone());
    any.clone().set(&1, "Ada".into(), None)?;
    assert_eq!(lru.get(&1).as_deref(), Some("Ada"));
    lru.delete(&1);
    assert!(!any.has(&1)?);
    Ok(())
}

#[test]
fn stale_values() {
    let clock = ManualClock::default();
    let prices = prices(AnyStorage::new(Map::with_clock(clock.clone())));
    assert_eq!(prices.rate(), 1);
    clock.advance(Duration::from_secs(15));
    assert!(!prices.rate_ring().has().unwrap());
    assert_eq!(prices.rate(), 2, "the caller refreshes it");
    assert_eq!(prices.rate_cache().stats().computed, 2);
}

#[test]
fn failures_of_the_storage_inside() {
    let inside = Fails::new(Map::new());
    let prices = prices(AnyStorage::new(inside.clone()));
    inside.set_down(true);
    assert_eq!(prices.price(1).0, 1);
    let error = prices.price_ring(1).get().unwrap_err();
    assert_eq!(error.storage_name(), Some("fails"));
    assert!(prices.price_cache().clear().is_err());
    assert!(prices.price_cache().stats().errors > 0);
}

#[test]
fn a_storage_that_cannot_clear() {
    let memcached = Memcached::open(["127.0.0.1:1"]).unwrap();
    let prices = prices(AnyStorage::without_clear(memcached));
    let error = prices.price_cache().clear().unwrap_err();
    assert!(error.to_string().contains("without_clear"), "{error}");
    assert_eq!(prices.price(1).0, 1, "a server that is down costs a computation");
}

struct Shop {
    tier: Tiered<Lru<String>, AnyStorage<Vec<u8>>>,
}

#[ring_impl(storage = self.tier as Tiered<Lru<String>, AnyStorage<Vec<u8>>>, ignore(self))]
impl Shop {
    #[ring]
    fn label(&self, article: u32) -> String {
        format!("label of {article}")
    }
}

#[test]
fn a_far_tier_that_is_chosen() {
    let far = Map::new();
    let shop = Shop {
        tier: Tiered::new(Lru::new(10), AnyStorage::new(far.clone())).near_expiry(Duration::from_secs(60)),
    };
    assert_eq!(
        (shop.label(1), shop.label(1)),
        ("label of 1".into(), "label of 1".into())
    );
    assert_eq!(far.len(), 1);
    assert_eq!(shop.label_cache().stats().computed, 1);
}

#[derive(RingKey)]
struct Stock {
    #[ring_key(skip)]
    store: AnyAsyncStorage<Vec<u8>>,
    #[ring_key(skip)]
    computed: AtomicU32,
}

#[ring_impl(storage = self.store as AnyAsyncStorage<Vec<u8>>, coder = Json, expire = "10s")]
impl Stock {
    #[ring]
    async fn pieces(&self, article: u32) -> (u32, String) {
        tokio::task::yield_now().await;
        self.computed.fetch_add(1, SeqCst);
        (article, "pieces".into())
    }
    #[ring(stale = "60s", refresh = caller)]
    async fn total(&self) -> u32 {
        self.computed.fetch_add(1, SeqCst) + 1
    }
}

fn stock(store: AnyAsyncStorage<Vec<u8>>) -> Stock {
    Stock {
        store,
        computed: AtomicU32::new(0),
    }
}

async fn serves_awaited(setting: &'static str, store: AnyAsyncStorage<Vec<u8>>) -> Result<(), Error> {
    let stock = stock(store);
    let pieces = (1, "pieces".to_owned());
    assert_eq!(stock.pieces(1).await, pieces, "{setting}");
    assert_eq!(stock.pieces(1).await, pieces, "{setting}");
    assert_eq!(stock.computed.load(SeqCst), 1, "{setting}");
    stock.pieces_ring(1).set((9, "boxes".into())).await?;
    assert_eq!(
        stock.pieces_ring(1).get().await?.map(|found| found.0),
        Some(9),
        "{setting}"
    );
    assert!(stock.pieces_ring(1).touch().await? && stock.pieces_ring(1).delete().await?);
    assert!(!stock.pieces_ring(1).has().await?, "{setting}");

    let calls = || (1..=3).map(|article| stock.pieces_ring(article));
    assert_eq!(calls().get_or_update_many().await.len(), 3);
    assert_eq!(calls().touch_many().await?, [true; 3], "{setting}");
    assert_eq!(calls().take(1).delete_many().await?, [true]);
    assert_eq!(calls().has_many().await?, [false, true, true], "{setting}");
    assert_eq!((stock.total().await, stock.total().await), (5, 5), "{setting}");
    stock.pieces_cache().clear().await?;
    assert_eq!(calls().has_many().await?, [false; 3], "{setting}");
    assert!(stock.total_ring().has().await?, "another method is left as it is");
    assert_eq!(stock.pieces_cache().stats().errors, 0, "{setting}");
    Ok(())
}

fn on_threads<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::spawn(future).await.unwrap() })
}

#[test]
fn a_setting_chooses_the_storage_of_async_fns() -> Result<(), Error> {
    let file = std::env::temp_dir().join(format!("ring-cache-chosen-async-{}.db", std::process::id()));
    let disk = Blocking::new(Disk::open(&file)?.deadline(PATIENCE));
    on_threads(serves_awaited("disk", AnyAsyncStorage::new(disk)))?;
    std::fs::remove_file(&file).expect("the file of the disk");
    on_threads(serves_awaited("lru", AnyAsyncStorage::new(Lru::new(1000))))?;
    let Some(server) = or_leave_out("Redis chosen for async fns", Server::start()) else {
        return Ok(());
    };
    let redis = Redis::open(server.url())?.deadline(PATIENCE);
    on_threads(serves_awaited("redis", AnyAsyncStorage::new(redis)))
}

#[test]
fn stale_values_and_outages_of_async_fns() {
    let clock = ManualClock::default();
    let inside = Fails::new(Map::with_clock(clock.clone()));
    let stock = stock(AnyAsyncStorage::new(inside.clone()));
    on_threads(async move {
        assert_eq!(stock.total().await, 1);
        clock.advance(Duration::from_secs(15));
        assert!(!stock.total_ring().has().await.unwrap());
        assert_eq!(stock.total().await, 2, "the caller refreshes it");
        inside.set_down(true);
        assert_eq!(stock.total().await, 3);
        assert!(stock.total_ring().get().await.is_err());
        assert!(stock.total_cache().clear().await.is_err());
        assert!(stock.total_cache().stats().errors > 0);
    });
}

#[test]
fn an_awaited_storage_that_cannot_clear() {
    let stock = stock(AnyAsyncStorage::without_clear(
        Memcached::open(["127.0.0.1:1"]).unwrap(),
    ));
    on_threads(async move {
        let error = stock.pieces_cache().clear().await.unwrap_err();
        assert!(error.to_string().contains("without_clear"), "{error}");
        assert_eq!(stock.pieces(1).await.0, 1);
    });
}
