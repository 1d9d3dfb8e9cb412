//! The options `redis`, `redis_hash` and `redis_cluster`, as a service that owns its storages uses them.

use ring_cache::coder::Json;
use ring_cache::{Calls, Redis, RedisCluster, RedisHash, RingKey, ring, ring_impl};
use ring_cache_test_servers::{Redis as Server, RedisCluster as Servers, or_leave_out};
use std::sync::LazyLock;
use std::time::Duration;

/// Longer than anything takes on a busy machine.
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

struct Files {
    redis: Redis,
}

#[ring_impl(redis = self.redis, ignore(self))]
impl Files {
    #[ring(key_prefix = "file")]
    fn file(&self, path: &str) -> String {
        format!("file {path}")
    }
    #[ring(key_prefix = "file:size")]
    fn size(&self, path: &str) -> String {
        format!("size of {path}")
    }
    #[ring(key_prefix = "user")]
    fn user(&self, id: u64) -> String {
        format!("user {id}")
    }
    #[ring(key_prefix = "user:posts")]
    fn posts(&self, id: u64) -> String {
        format!("posts of {id}")
    }
}

#[test]
fn prefixes_of_which_one_goes_on() -> Result<(), ring_cache::Error> {
    let Some(server) = or_leave_out("prefixes on Redis", Server::start()) else {
        return Ok(());
    };
    let files = Files {
        redis: Redis::open(server.url())?.deadline(PATIENCE),
    };
    for _ in 0..2 {
        assert_eq!(files.file("size:a"), "file size:a");
        assert_eq!(files.size("a"), "size of a");
        // Numbers are not `posts`.
        assert_eq!(
            (files.user(1), files.posts(1)),
            ("user 1".into(), "posts of 1".into())
        );
    }
    let error = files.size_ring("a").get().unwrap_err();
    assert_eq!(error.kind(), ring_cache::ErrorKind::Conflict);
    for name in ["Files.file", "Files.size", "`file`", "`file:size`"] {
        assert!(error.to_string().contains(name), "{error}");
    }
    assert!(files.file_ring("a").set("x".into()).is_err());
    assert!(files.size_cache().stats().errors > 0);
    assert_eq!(server.command(&["GET", "user:posts:1"]).text(), "posts of 1");
    assert_eq!(files.posts_cache().stats().errors, 0);
    assert_eq!(files.posts_cache().stats().hits, 1);
    Ok(())
}
