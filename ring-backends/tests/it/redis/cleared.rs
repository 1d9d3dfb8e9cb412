//! `clear` of one ring: its keys, and no others.

use ring_cache::{Calls, ring};
use ring_cache_backends::Redis;
use ring_cache_test_servers::Reply;

use super::{open, own};

#[ring(storage = redis as Redis, key_prefix = "p*[x]?\\a", ignore(redis))]
fn odd(redis: &Redis, number: u32) -> Vec<u8> {
    vec![number as u8]
}

#[ring(storage = redis as Redis, key_prefix = "p", ignore(redis))]
fn plain(redis: &Redis, number: u32) -> Vec<u8> {
    vec![number as u8]
}

#[ring(storage = redis as Redis, key_prefix = "alone", ignore(redis))]
fn alone(redis: &Redis) -> Vec<u8> {
    vec![1]
}

#[test]
fn it_takes_exactly_the_keys_of_the_ring() {
    let Some(server) = own("clear in Redis") else { return };
    let redis = open(&server);
    let neighbours = ["pp:1", "p", "p:", "P:1", "ns:p:1", "xp:1", "pAxy\\a:1", "p*[x]?\\ab:1", "pq", "alonely", "alone1"];
    let kept = ["pp:1", "P:1", "ns:p:1", "xp:1", "pAxy\\a:1", "pq", "alonely", "alone1"];
    for key in neighbours {
        server.command(&["SET", key, "x"]);
    }
    (0..10).map(|number| plain_ring(&redis, number)).get_or_update_many();
    odd(&redis, 1);
    plain_cache(&redis).clear().unwrap();
    assert!(odd_ring(&redis, 1).has().unwrap(), "its name begins as the other's does");
    assert!(!plain_ring(&redis, 1).has().unwrap());
    odd_cache(&redis).clear().unwrap();
    assert!(!odd_ring(&redis, 1).has().unwrap());
    alone(&redis);
    alone_cache(&redis).clear().unwrap();
    assert!(!alone_ring(&redis).has().unwrap());
    for key in kept {
        assert_eq!(server.command(&["EXISTS", key]), Reply::Integer(1), "{key}");
    }
    assert_eq!(server.command(&["EXISTS", "p", "p:"]), Reply::Integer(0), "keys of the ring `p` as well");
}

#[test]
fn namespaces_are_closed() {
    let Some(server) = own("clear in a namespace of Redis") else { return };
    let (bare, shop) = (open(&server), open(&server).namespace("shop"));
    let wild = open(&server).namespace("*");
    for redis in [&bare, &shop, &wild] {
        plain(redis, 1);
    }
    plain_cache(&wild).clear().unwrap();
    assert!(plain_ring(&shop, 1).has().unwrap() && plain_ring(&bare, 1).has().unwrap());
    plain_cache(&bare).clear().unwrap();
    assert!(plain_ring(&shop, 1).has().unwrap() && !plain_ring(&bare, 1).has().unwrap());
    plain(&bare, 1);
    plain_cache(&shop).clear().unwrap();
    assert!(!plain_ring(&shop, 1).has().unwrap() && plain_ring(&bare, 1).has().unwrap());
}

#[test]
fn many_keys_take_many_pages() {
    let Some(server) = own("clear of many keys in Redis") else { return };
    let redis = open(&server);
    let entries = (0..5_000).map(|number| plain_ring(&redis, number));
    entries.get_or_update_many();
    server.command(&["SET", "other", "x"]);
    plain_cache(&redis).clear().unwrap();
    assert_eq!(server.command(&["DBSIZE"]), Reply::Integer(1));
}
