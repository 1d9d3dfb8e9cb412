//! Bulk calls: one round trip for the look-up, one for the store.

use ring_cache::{Calls, ring_impl};
use ring_cache_backends::Redis;
use ring_cache_core::Key;
use ring_cache_core::storage::Storage;

use super::proxy::Proxy;
use super::{On, PATIENCE, at, open, own, shared};

#[ring_impl]
impl On<Redis> {
    #[ring(storage = self.storage as Redis, key_prefix = "square")]
    fn square(&self, number: u64) -> Vec<u8> {
        (number * number).to_string().into_bytes()
    }
}

/// A connected storage, and the proxy that counts.
fn connected(what: &str) -> Option<(On<Redis>, Proxy)> {
    let proxy = Proxy::before(shared(what)?);
    let redis = at(&proxy.url()).deadline(PATIENCE).namespace(what);
    redis.get(&Key::of(&"a connection")).unwrap();
    Some((redis, proxy))
}

#[test]
fn a_thousand_calls_ask_once_and_store_once() {
    let Some((redis, proxy)) = connected("bulk calls to Redis") else {
        return;
    };
    let calls = || (0..1_000).map(|number| redis.square_ring(number));
    let before = proxy.round_trips();
    let first = calls().get_or_update_many();
    proxy.assert_round_trips(before, 2);
    assert_eq!(calls().get_or_update_many(), first);
    proxy.assert_round_trips(before, 3);
    assert_eq!(calls().has_many().unwrap(), [true; 1_000]);
    assert_eq!(calls().delete_many().unwrap(), [true; 1_000]);
    proxy.assert_round_trips(before, 5);
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn a_look_up_of_many_is_one_command() {
    let Some(server) = own("commands of bulk calls to Redis") else {
        return;
    };
    let redis = open(&server);
    (0..1_000)
        .map(|number| redis.square_ring(number))
        .get_many()
        .unwrap();
    let commands = server.info("commandstats");
    assert!(commands["cmdstat_mget"].starts_with("calls=1,"), "{commands:?}");
    assert!(!commands.contains_key("cmdstat_get"), "{commands:?}");
}

#[test]
fn the_remaining_life_takes_no_further_round_trip() {
    let Some((redis, proxy)) = connected("expiries read with values") else {
        return;
    };
    let keys: Vec<Key> = (0..100_u32).map(|number| Key::of(&number)).collect();
    let before = proxy.round_trips();
    assert_eq!(redis.read_many_expiring(&keys, None).unwrap(), vec![None; 100]);
    assert_eq!(redis.read_expiring(&keys[0], None).unwrap(), None);
    proxy.assert_round_trips(before, 2);
}

#[test]
fn no_keys_need_no_request() {
    let Some((redis, proxy)) = connected("empty bulk calls to Redis") else {
        return;
    };
    let before = proxy.round_trips();
    assert_eq!(
        redis.read_many::<Key>(&[], None).unwrap(),
        Vec::<Option<Vec<u8>>>::new()
    );
    assert_eq!(redis.remove_many::<Key>(&[], None).unwrap(), Vec::<bool>::new());
    redis.write_many(Vec::<(Key, Vec<u8>, _)>::new(), None).unwrap();
    assert_eq!(proxy.round_trips(), before);
}

#[test]
fn values_may_be_large() {
    let Some((redis, _proxy)) = connected("large values in Redis") else {
        return;
    };
    let entries = (0..20_u32).map(|number| (Key::of(&number), vec![7; 1 << 20], None));
    redis.write_many(entries.collect(), None).unwrap();
    let keys: Vec<Key> = (0..20_u32).map(|number| Key::of(&number)).collect();
    let found = redis.read_many(&keys, None).unwrap();
    assert!(
        found
            .iter()
            .all(|value| value.as_ref().is_some_and(|value| value.len() == 1 << 20))
    );
}
