//! `RedisHash`: one hash for each ring.

use ring_cache::coder::Json;
use ring_cache::{Calls, ring_impl};
use ring_cache_backends::RedisHash;
use ring_cache_core::Key;
use ring_cache_core::storage::{Storage, StorageBase};
use ring_cache_test_servers::{Redis as Server, Reply};
use std::time::Duration;

use super::proxy::Proxy;
use super::{On, PATIENCE, own, shared};

#[ring_impl]
impl On<RedisHash> {
    #[ring(storage = self.storage as RedisHash, coder = Json, key_prefix = "doubled")]
    fn doubled(&self, number: u32) -> u32 {
        number * 2
    }
    #[ring(storage = self.storage as RedisHash, coder = Json, key_prefix = "doubled-again")]
    fn again(&self, number: u32) -> u32 {
        number * 4
    }
    #[cfg(feature = "tokio")]
    #[ring(storage = self.storage as RedisHash, coder = Json, key_prefix = "doubled")]
    async fn doubled_async(&self, number: u32) -> u32 {
        number * 2
    }
}

pub(super) fn hash(server: &Server) -> On<RedisHash> {
    hash_at(&server.url())
}

fn hash_at(url: &str) -> On<RedisHash> {
    let storage = RedisHash::open(url).unwrap();
    On { storage }.deadline(PATIENCE)
}

#[test]
fn every_verb() -> Result<(), ring_cache::Error> {
    let Some(server) = shared("the verbs of RedisHash") else {
        return Ok(());
    };
    let redis = hash(server).namespace("verbs of hashes");
    let call = || redis.doubled_ring(1);
    assert_eq!(call().get()?, None);
    assert_eq!(redis.doubled(1), 2);
    assert_eq!(call().get()?, Some(2));
    call().set(3)?;
    assert_eq!(redis.doubled(1), 3);
    assert_eq!(call().update(), 2);
    assert!(call().has()? && call().touch()?);
    assert!(call().delete()?);
    assert!(!call().delete()? && !call().has()?);
    #[cfg(feature = "tokio")]
    super::awaited::runtime().block_on(async {
        let call = || redis.doubled_async_ring(1);
        assert_eq!(redis.doubled_async(1).await, 2);
        assert_eq!(call().get().await?, Some(2));
        assert!(call().has().await? && call().delete().await?);
        redis.doubled_async(1).await;
        redis.doubled_async_cache().clear().await?;
        assert!(!call().has().await?);
        Ok::<_, ring_cache::Error>(())
    })?;
    Ok(())
}

#[test]
fn the_hash_has_the_name_of_the_ring_and_its_fields_those_of_the_keys() {
    let Some(server) = own("what lies in a RedisHash") else {
        return;
    };
    let (bare, shop) = (hash(&server), hash(&server).namespace("shop"));
    bare.doubled(1);
    shop.doubled(1);
    assert_eq!(server.command(&["HGET", "doubled", "doubled:On:1"]).text(), "2");
    assert_eq!(
        server
            .command(&["HGET", "shop:doubled", "shop:doubled:On:1"])
            .text(),
        "2"
    );
    assert_eq!(shop.doubled_ring(1).key().to_string(), "shop:doubled:On:1");
    assert_eq!(shop.doubled_ring(1).stored_key(), "shop:doubled:On:1");
    shop.set(&Key::of(&"outside"), b"x".to_vec(), None).unwrap();
    assert_eq!(
        server.command(&["HGET", "shop:%keys", "shop:outside"]).text(),
        "x"
    );
    assert_eq!(shop.stored_key(&Key::of(&"outside")), "shop:outside");
    server.command(&["HSET", "doubled", "doubled:On:2", "99"]);
    assert_eq!(bare.doubled(2), 99, "as a program in Python would share it");
}

#[test]
fn the_key_of_a_call_finds_its_entry() {
    let Some(server) = shared("keys of RedisHash") else {
        return;
    };
    let redis = hash(server).namespace("keys of hashes");
    redis.doubled(5);
    let key = redis.doubled_ring(5).key();
    assert_eq!(redis.get(&key).unwrap().as_deref(), Some(&b"10"[..]));
}

#[test]
fn clear_takes_the_hash_and_no_other() {
    let Some(server) = own("clear of a RedisHash") else {
        return;
    };
    let (bare, shop) = (hash(&server), hash(&server).namespace("shop"));
    for redis in [&bare, &shop] {
        (0..2_000)
            .map(|number| redis.doubled_ring(number))
            .get_or_update_many();
        redis.again(1);
    }
    bare.doubled_cache().clear().unwrap();
    assert_eq!(server.command(&["EXISTS", "doubled"]), Reply::Integer(0));
    assert!(bare.again_ring(1).has().unwrap() && shop.doubled_ring(1_999).has().unwrap());
}

#[test]
fn bulk_takes_one_round_trip_also_for_several_rings() {
    let Some(server) = own("bulk calls to RedisHash") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let redis = hash_at(&proxy.url());
    redis.get(&Key::of(&"a connection")).unwrap();
    let before = proxy.round_trips();
    let calls = || (0..1_000).map(|number| redis.doubled_ring(number));
    let first = calls().get_or_update_many();
    assert_eq!(first[999], 1_998);
    proxy.assert_round_trips(before, 2);
    assert_eq!(calls().get_many().unwrap()[7], Some(14));
    let keys = [
        redis.again_ring(1).key(),
        redis.doubled_ring(1).key(),
        redis.again_ring(2).key(),
        Key::of(&1_u8),
    ];
    redis
        .write_many(
            keys.iter()
                .zip(1_u8..)
                .map(|(key, number)| (key, vec![number], None))
                .collect(),
            None,
        )
        .unwrap();
    let found = redis.read_many(&keys, None).unwrap();
    assert_eq!(found, [1, 2, 3, 4].map(|number| Some(vec![number])));
    proxy.assert_round_trips(before, 5);
    assert_eq!(redis.remove_many(&keys, None).unwrap(), [true; 4]);
}

#[test]
fn an_expiry_is_refused_rather_than_forgotten() {
    let Some(server) = shared("expiries in RedisHash") else {
        return;
    };
    let (redis, key) = (hash(server), Key::of(&"expiry of a hash"));
    redis
        .set(&key, vec![1], Some(Duration::from_secs(1)))
        .unwrap_err();
    assert_eq!(redis.get(&key).unwrap(), None);
    redis.set(&key, vec![1], None).unwrap();
    let found = redis.read_expiring(&key, None).unwrap().unwrap();
    assert_eq!((found.value, found.remaining), (vec![1], None));
    redis.set(&key, vec![1], Some(Duration::ZERO)).unwrap();
    assert!(!redis.has(&key).unwrap());
}

#[test]
fn a_key_of_another_type_is_an_error_and_recomputed() {
    let Some(server) = own("a RedisHash that is a list") else {
        return;
    };
    let redis = hash(&server);
    server.command(&["LPUSH", "doubled", "x"]);
    assert!(
        redis
            .doubled_ring(1)
            .get()
            .unwrap_err()
            .to_string()
            .contains("WRONGTYPE")
    );
    assert_eq!(redis.doubled(1), 2);
    redis.doubled_cache().clear().unwrap();
    assert_eq!(redis.doubled(1), 2);
    assert!(redis.doubled_ring(1).has().unwrap());
}
