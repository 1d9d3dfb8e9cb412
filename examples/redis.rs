//! Entries in Redis, shared with all its clients, by blocking and async functions: `cargo run --example redis --features
//! redis,tokio,json`. It starts a server, unless `REDIS_URL` names one.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ring_cache::coder::Json;
use ring_cache::{AsyncCalls, Error, Redis, RingKey, ring, ring_impl};
use ring_cache_test_servers as servers;

/// A service that owns its storage. Calls wait for it no longer than the deadline.
#[derive(RingKey)]
struct Shop {
    name: String,
    #[ring_key(skip)]
    redis: Redis,
}

#[ring_impl(redis = self.redis, coder = Json, expire = "5m")]
impl Shop {
    /// The price in cents.
    #[ring(key_prefix = "price")]
    fn price(&self, article: &str) -> u32 {
        QUERIES.fetch_add(1, Ordering::Relaxed);
        100 * article.len() as u32
    }

    /// An async function on the same storage.
    #[ring(key_prefix = "stock")]
    async fn stock(&self, article: &str) -> u32 {
        QUERIES.fetch_add(1, Ordering::Relaxed);
        article.len() as u32
    }
}

fn main() -> Result<(), Error> {
    let redis = Redis::open(url())?
        .namespace("example")
        .deadline(Duration::from_secs(2));
    let shop = Shop {
        name: "north".into(),
        redis,
    };
    shop.price_cache().clear()?;
    blocking(&shop)?;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(awaited(&shop))?;
    println!("Without a server, calls compute what they need, and verbs say what is wrong.");
    assert_eq!(everything(), "all of it");
    println!("    {}", everything_ring().get().unwrap_err());
    Ok(())
}

fn blocking(shop: &Shop) -> Result<(), Error> {
    println!("The first call asks the database, the second does not.");
    assert_eq!((shop.price("apple"), shop.price("apple")), (500, 500));
    expect_queries(1);

    println!("The entry lies there as any other program would put it.");
    let key = shop.price_ring("apple").key();
    let mut connection = shop
        .redis
        .backend()
        .get_connection()
        .expect("the server is there");
    let bytes: String = redis::cmd("GET")
        .arg(key.as_str())
        .query(&mut connection)
        .expect("a text");
    println!("    {key}: {bytes}");
    assert_eq!(
        (key.as_str(), bytes.as_str()),
        ("example:price:north:apple", "500")
    );

    println!("And what another program puts there is found.");
    let set = redis::cmd("SET")
        .arg(key.as_str())
        .arg("475")
        .exec(&mut connection);
    set.expect("the server is there");
    assert_eq!(shop.price("apple"), 475);
    expect_queries(1);

    println!("Explicit verbs say whether they worked, and whether something was there.");
    shop.price_ring("pear")
        .expire_in(Duration::from_secs(60))
        .set(320)?;
    assert!(shop.price_ring("pear").has()? && shop.price_ring("pear").delete()?);
    assert!(!shop.price_ring("pear").delete()?);

    println!("The prices are forgotten, and nothing else is.");
    shop.price_cache().clear()?;
    assert_eq!(shop.price_ring("apple").get()?, None);
    Ok(())
}

async fn awaited(shop: &Shop) -> Result<(), Error> {
    let articles = ["apple", "pear", "plum"];
    let calls = || articles.map(|article| shop.stock_ring(article));
    calls().delete_many().await?;
    println!("Many at once are one round trip there and one back; only what is missing is computed.");
    shop.stock_ring("pear").set(17).await?;
    let stocks = calls().get_or_update_many().await;
    println!("    {stocks:?}");
    assert_eq!(stocks, [5, 17, 4]);
    expect_queries(3);
    Ok(())
}

/// An address that refuses connections.
static NOWHERE: LazyLock<Redis> =
    LazyLock::new(|| Redis::open("redis://user:secret@127.0.0.1:1").expect("it is an address"));

#[ring(redis = NOWHERE, key_prefix = "everything")]
fn everything() -> String {
    "all of it".to_owned()
}

/// Replaces a database that counts its queries.
static QUERIES: AtomicU32 = AtomicU32::new(0);

fn expect_queries(expected: u32) {
    assert_eq!(QUERIES.load(Ordering::Relaxed), expected);
    println!("    queries so far: {expected}");
}

/// `REDIS_URL`, or a server that ends with this program.
fn url() -> String {
    static SERVER: LazyLock<servers::Redis> =
        LazyLock::new(|| servers::Redis::start().expect("redis-server is installed, or REDIS_URL is set"));
    std::env::var("REDIS_URL").unwrap_or_else(|_| SERVER.url())
}
