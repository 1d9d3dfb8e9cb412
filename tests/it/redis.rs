//! The options `redis`, `redis_hash` and `redis_cluster`, as a service that owns its storages uses them.

use ring_cache::coder::Json;
use ring_cache::{Calls, Redis, RedisCluster, RedisHash, RingKey, ring, ring_impl};
use ring_cache_test_servers::{Redis as Server, RedisCluster as Servers, or_leave_out};
use std::sync::LazyLock;
use std::time::Duration;

/// Longer than anything takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(RingKey)]
struct Shop {
    name: &'static str,
    #[ring_key(skip)]
    redis: Redis,
    #[ring_key(skip)]
    hash: RedisHash,
}

#[ring_impl(redis = self.redis, expire = "5m")]
impl Shop {
    #[ring(key_prefix = "page")]
    fn page(&self, number: u32) -> String {
        format!("page {number} of {}", self.name)
    }
    #[ring(coder = Json, key_prefix = "price")]
    fn price(&self, article: u32) -> Vec<u32> {
        vec![article, 99]
    }
}

#[ring_impl(redis_hash = self.hash)]
impl Shop {
    #[ring(key_prefix = "stock")]
    fn stock(&self, article: u32) -> String {
        article.to_string()
    }
}

#[test]
fn a_service_owns_its_storages() -> Result<(), ring_cache::Error> {
    let Some(server) = or_leave_out("a service on Redis", Server::start()) else {
        return Ok(());
    };
    let shop = Shop {
        name: "a",
        redis: Redis::open(server.url())?.deadline(PATIENCE).namespace("shop"),
        hash: RedisHash::open(server.url())?
            .deadline(PATIENCE)
            .namespace("shop"),
    };
    assert_eq!(shop.page(1), "page 1 of a");
    assert_eq!(shop.price(1), [1, 99]);
    assert_eq!(shop.stock(1), "1");
    assert_eq!(server.command(&["GET", "shop:page:a:1"]).text(), "page 1 of a");
    assert_eq!(server.command(&["GET", "shop:price:a:1"]).text(), "[1,99]");
    assert_eq!(
        server.command(&["HGET", "shop:stock", "shop:stock:a:1"]).text(),
        "1"
    );
    assert_eq!(
        (1..=2).map(|number| shop.page_ring(number)).has_many()?,
        [true, false]
    );
    shop.page_cache().clear()?;
    assert!(!shop.page_ring(1).has()? && shop.price_ring(1).has()?);
    Ok(())
}

static SERVERS: LazyLock<Option<Servers>> =
    LazyLock::new(|| or_leave_out("a function on a cluster", Servers::start()));
static CLUSTER: LazyLock<RedisCluster> = LazyLock::new(|| {
    let urls = SERVERS.as_ref().map(Servers::urls).unwrap_or_default();
    RedisCluster::open(urls).unwrap().deadline(PATIENCE)
});

#[ring(redis_cluster = CLUSTER, key_prefix = "square")]
fn square(number: u64) -> String {
    (number * number).to_string()
}

#[test]
fn a_function_on_a_cluster() -> Result<(), ring_cache::Error> {
    if SERVERS.is_none() {
        return Ok(());
    }
    assert_eq!(square(12), "144");
    assert_eq!(square_ring(12).get()?, Some("144".into()));
    assert!(square_ring(12).delete()?);
    Ok(())
}
