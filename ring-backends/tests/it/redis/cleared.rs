//! `clear` of one ring: its keys, and no others.

use ring_cache::{Calls, ring_impl};
use ring_cache_backends::Redis;
use ring_cache_test_servers::Reply;

use super::{On, open, own};

#[ring_impl]
impl On<Redis> {
    #[ring(storage = self.storage as Redis, key_prefix = "p*[x]?\\a")]
    fn odd(&self, number: u32) -> Vec<u8> {
        vec![number as u8]
    }
    #[ring(storage = self.storage as Redis, key_prefix = "p")]
    fn plain(&self, number: u32) -> Vec<u8> {
        vec![number as u8]
    }
    #[ring(storage = self.storage as Redis, key_prefix = "alone")]
    fn alone(&self) -> Vec<u8> {
        vec![1]
    }
}

#[test]
fn it_takes_exactly_the_keys_of_the_ring() {
    let Some(server) = own("clear in Redis") else {
        return;
    };
    let redis = open(&server);
    let neighbours = [
        "pp:1",
        "p",
        "p:",
        "P:1",
        "ns:p:1",
        "xp:1",
        "pAxy\\a:1",
        "p*[x]?\\ab:1",
        "pq",
        "alonely",
        "alone1",
    ];
    let kept = [
        "pp:1",
        "P:1",
        "ns:p:1",
        "xp:1",
        "pAxy\\a:1",
        "pq",
        "alonely",
        "alone1",
    ];
    for key in neighbours {
        server.command(&["SET", key, "x"]);
    }
    (0..10)
        .map(|number| redis.plain_ring(number))
        .get_or_update_many();
    redis.odd(1);
    redis.plain_cache().clear().unwrap();
    assert!(
        redis.odd_ring(1).has().unwrap(),
        "its name begins as the other's does"
    );
    assert!(!redis.plain_ring(1).has().unwrap());
    redis.odd_cache().clear().unwrap();
    assert!(!redis.odd_ring(1).has().unwrap());
    redis.alone();
    redis.alone_cache().clear().unwrap();
    assert!(!redis.alone_ring().has().unwrap());
    for key in kept {
        assert_eq!(server.command(&["EXISTS", key]), Reply::Integer(1), "{key}");
    }
    assert_eq!(
        server.command(&["EXISTS", "p", "p:"]),
        Reply::Integer(0),
        "keys of the ring `p` as well"
    );
}

#[test]
fn namespaces_are_closed() {
    let Some(server) = own("clear in a namespace of Redis") else {
        return;
    };
    let (bare, shop) = (open(&server), open(&server).namespace("shop"));
    let wild = open(&server).namespace("*");
    for redis in [&bare, &shop, &wild] {
        redis.plain(1);
    }
    wild.plain_cache().clear().unwrap();
    assert!(shop.plain_ring(1).has().unwrap() && bare.plain_ring(1).has().unwrap());
    bare.plain_cache().clear().unwrap();
    assert!(shop.plain_ring(1).has().unwrap() && !bare.plain_ring(1).has().unwrap());
    bare.plain(1);
    shop.plain_cache().clear().unwrap();
    assert!(!shop.plain_ring(1).has().unwrap() && bare.plain_ring(1).has().unwrap());
}

#[test]
fn many_keys_take_many_pages() {
    let Some(server) = own("clear of many keys in Redis") else {
        return;
    };
    let redis = open(&server);
    let entries = (0..5_000).map(|number| redis.plain_ring(number));
    entries.get_or_update_many();
    server.command(&["SET", "other", "x"]);
    redis.plain_cache().clear().unwrap();
    assert_eq!(server.command(&["DBSIZE"]), Reply::Integer(1));
}
