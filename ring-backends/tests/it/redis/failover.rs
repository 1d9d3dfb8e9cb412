//! A failover behind one name: new connections lead to another server, and old ones stay.

use std::time::Duration;

use ring_cache_core::Key;
use ring_cache_core::storage::Storage;

use super::proxy::Proxy;
use super::{PATIENCE, at, eventually, own};

#[test]
fn writes_go_on_after_a_failover() {
    let (Some(first), Some(second)) = (own("a failover of Redis"), own("a failover of Redis")) else {
        return;
    };
    let name = Proxy::before(&first);
    let redis = at(&name.url()).deadline(PATIENCE);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let key = |number: u32| Key::of(&number);
    let blocking = |number| Storage::set(&*redis, &key(number), vec![1], None);
    let awaited = |number| {
        runtime.block_on(ring_cache_core::storage::AsyncStorage::set(
            &*redis,
            &key(number),
            vec![1],
            None,
        ))
    };
    blocking(1).unwrap();
    awaited(2).unwrap();
    // Younger connections are not replaced.
    std::thread::sleep(Duration::from_millis(1_100));
    let port = second.port().to_string();
    first.command(&["REPLICAOF", "127.0.0.1", &port]);
    name.lead_to(second.port());
    blocking(3).unwrap();
    awaited(4).unwrap();
    assert_eq!(second.command(&["DBSIZE"]).text(), "2");
    assert_eq!(redis.health().refused, 0);
}

/// A name that leads to a replica for ever: each call reports it, and none takes long.
#[test]
fn a_replica_is_read_only() {
    let (Some(first), Some(replica)) = (own("a replica of Redis"), own("a replica of Redis")) else {
        return;
    };
    replica.command(&["REPLICAOF", "127.0.0.1", &first.port().to_string()]);
    eventually(|| replica.info("replication")["master_link_status"] == "up");
    let redis = at(&replica.url()).deadline(PATIENCE);
    for number in 0..20_u32 {
        let error = Storage::set(&*redis, &Key::of(&number), vec![1], None).unwrap_err();
        assert!(error.to_string().contains("READONLY"), "{error}");
        assert_eq!(Storage::get(&*redis, &Key::of(&number)).unwrap(), None);
    }
}

/// A firewall drops idle connections without notice.
#[test]
fn forgotten_connections_cost_no_call() {
    let Some(server) = own("forgotten connections to Redis") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let redis = at(&proxy.url()).deadline(PATIENCE);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let key = Key::of(&"key");
    Storage::set(&*redis, &key, vec![1], None).unwrap();
    let found = |value: u8| {
        assert_eq!(Storage::get(&*redis, &key).unwrap(), Some(vec![value]));
        let awaited = runtime.block_on(ring_cache_core::storage::AsyncStorage::get(&*redis, &key));
        assert_eq!(awaited.unwrap(), Some(vec![value]));
    };
    found(1);
    for value in 2..4 {
        std::thread::sleep(Duration::from_millis(1_100));
        proxy.forget();
        found(value - 1);
        Storage::set(&*redis, &key, vec![value], None).unwrap();
        found(value);
    }
    assert_eq!(redis.health().silent, 0);
}
