//! Storages in Redis keep the contract of storages, in both colours.

use std::thread::sleep;
use std::time::Duration;

use ring_cache::testing::contract;
use ring_cache_backends::{Redis, RedisCluster, RedisHash};
use tokio::runtime::{Builder, Runtime};

use super::{PATIENCE, cluster, hash, open, shared};

/// Longer than an operation takes on a busy machine.
const UNIT: Duration = Duration::from_millis(20);

fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

fn redis(namespace: &str) -> Option<impl Fn() -> Redis> {
    let server = shared("the contract of Redis")?;
    Some(move || open(server).namespace(namespace).storage)
}

fn redis_hash(namespace: &str) -> Option<impl Fn() -> RedisHash> {
    let server = shared("the contract of RedisHash")?;
    // A hash has the name of its ring, which is the key of a `Redis` whose ring has no arguments.
    let namespace = format!("{namespace}-hash");
    Some(move || hash::hash(server).namespace(&namespace).storage)
}

fn redis_cluster(namespace: &str) -> Option<impl Fn() -> RedisCluster> {
    let servers = cluster::shared("the contract of RedisCluster")?;
    Some(move || {
        let storage = RedisCluster::open(servers.urls()).unwrap();
        storage.namespace(namespace).deadline(PATIENCE)
    })
}

macro_rules! contracts {
    ($($blocking:ident, $awaited:ident: $storage:ident $(.$expiring:ident($sleep:ident).expiry_unit($unit:ident))?;)*) => {$(
        #[test]
        fn $blocking() {
            let Some(make) = $storage("contract-blocking") else { return };
            let contract = contract::blocking(make).bytes().clears().clones().shared();
            contract$(.$expiring($sleep).expiry_unit($unit))?.run();
        }

        #[test]
        fn $awaited() {
            let (Some(make), runtime) = ($storage("contract-awaited"), runtime()) else { return };
            let contract = contract::awaited(make, |future| runtime.block_on(future));
            let contract = contract.bytes().clears().clones().shared();
            contract$(.$expiring($sleep).expiry_unit($unit))?.run();
        }
    )*};
}

contracts! {
    blocking, awaited: redis.expires(sleep).expiry_unit(UNIT);
    blocking_hash, awaited_hash: redis_hash;
    blocking_cluster, awaited_cluster: redis_cluster.expires(sleep).expiry_unit(UNIT);
}
