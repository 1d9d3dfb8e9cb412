//! Redis keeps the contract of storages, in both colours.

use std::thread::sleep;
use std::time::Duration;

use ring_cache::testing::contract;
use ring_cache_backends::Redis;
use ring_cache_test_servers::Redis as Server;
use tokio::runtime::Builder;

use super::shared;

const UNIT: Duration = Duration::from_millis(20);

/// A handle that waits for a busy machine.
fn redis(server: &Server, namespace: &str) -> Redis {
    let redis = Redis::open(&server.url()).expect("an address");
    redis.namespace(namespace).deadline(Duration::from_secs(30))
}

#[test]
fn blocking() {
    let Some(server) = shared("the contract of Redis") else {
        return;
    };
    contract::blocking(|| redis(server, "contract-blocking"))
        .bytes()
        .expires(sleep)
        .expiry_unit(UNIT)
        .clears()
        .clones()
        .shared()
        .run();
}

#[test]
fn awaited() {
    let Some(server) = shared("the contract of Redis") else {
        return;
    };
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    contract::awaited(
        || redis(server, "contract-awaited"),
        |future| runtime.block_on(future),
    )
    .bytes()
    .expires(sleep)
    .expiry_unit(UNIT)
    .clears()
    .clones()
    .shared()
    .run();
}
