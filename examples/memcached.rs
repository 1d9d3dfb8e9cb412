//! Entries on a memcached server, shared with all its clients: `cargo run --example memcached --features memcached,json`. It
//! starts a server, unless `MEMCACHED_URL` names one.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ring_cache::coder::Json;
use ring_cache::{Calls, Error, Memcached, ring};
use ring_cache_test_servers as servers;

/// The storage, opened at its first use. Entries of other programs have other namespaces.
static CACHE: LazyLock<Memcached> = LazyLock::new(|| {
    let storage =
        Memcached::open(url()).expect("MEMCACHED_URL is an address such as memcache://127.0.0.1:11211");
    storage.namespace("shop").deadline(Duration::from_secs(2))
});

/// The number in stock: stored as JSON, for five minutes.
#[ring(memcached = CACHE, coder = Json, expire = "5m", key_prefix = "stock")]
fn stock(article: &str) -> u32 {
    QUERIES.fetch_add(1, Ordering::Relaxed);
    article.len() as u32
}

fn main() -> Result<(), Error> {
    ["apple", "pear", "plum"].map(stock_ring).delete_many()?;

    println!("The first call asks the database, the second does not.");
    assert_eq!(stock("apple"), 5);
    assert_eq!(stock("apple"), 5);
    expect_queries(1);

    println!("The entry lies there as any other program would put it.");
    let key = stock_ring("apple").key();
    assert_eq!(key, "shop:stock:apple");
    let client = CACHE.backend()?;
    let entry = client.get(key.as_str()).send().expect("the server is there");
    let bytes = entry.value.expect("the entry is there");
    println!("    {key}: {}", String::from_utf8_lossy(&bytes));
    assert_eq!(bytes, b"5");

    println!("And what another program puts there is found.");
    client
        .set(key.as_str(), "12")
        .send()
        .expect("the server is there");
    assert_eq!(stock("apple"), 12);
    assert_eq!(stock_ring("apple").get()?, Some(12));
    expect_queries(1);

    println!("Explicit verbs say whether they worked, and whether something was there.");
    stock_ring("pear").set(3)?;
    assert_eq!(stock("pear"), 3);
    assert!(stock_ring("pear").expire_in(Duration::from_secs(3600)).touch()?);
    assert!(stock_ring("pear").delete()?);
    assert!(!stock_ring("pear").delete()?);
    expect_queries(1);

    println!("Many at once are one round trip; only what is missing is computed.");
    let stocks = ["apple", "pear", "plum"].map(stock_ring).get_or_update_many();
    println!("    {stocks:?}");
    assert_eq!(stocks, [12, 4, 4]);
    expect_queries(3);

    println!("A key that is too long for memcached ends with its hash.");
    let long = "a very long name ".repeat(20);
    stock(&long);
    println!("    {}", stock_ring(&long).stored_key());
    assert!(stock_ring(&long).stored_key().len() <= 250);
    assert!(stock_ring(&long).delete()?);

    println!("Without a server, calls compute what they need, and verbs say what is wrong.");
    assert_eq!(everything(), "all of it");
    let error = everything_ring().get().unwrap_err();
    println!("    {error}");
    Ok(())
}

/// An address that refuses connections.
static NOWHERE: LazyLock<Memcached> =
    LazyLock::new(|| Memcached::open("127.0.0.1:1").expect("it is an address"));

#[ring(memcached = NOWHERE, coder = Json, key_prefix = "everything")]
fn everything() -> String {
    "all of it".to_owned()
}

/// Replaces a database that counts its queries.
static QUERIES: AtomicU32 = AtomicU32::new(0);

fn expect_queries(expected: u32) {
    assert_eq!(QUERIES.load(Ordering::Relaxed), expected);
    println!("    queries so far: {expected}");
}

/// `MEMCACHED_URL`, or a server that ends with this program.
fn url() -> String {
    static SERVER: LazyLock<servers::Memcached> = LazyLock::new(|| {
        servers::Memcached::start().expect("memcached is installed, or MEMCACHED_URL is set")
    });
    std::env::var("MEMCACHED_URL").unwrap_or_else(|_| SERVER.url())
}
