//! The life of entries.

use std::time::Duration;

use ring_cache_core::Key;
use ring_cache_core::storage::{Expiring, Storage};
use ring_cache_test_servers::Reply;

use super::{open, shared};

fn value() -> Vec<u8> {
    b"value".to_vec()
}

#[test]
fn redis_counts_milliseconds_and_a_part_counts_as_one() {
    let Some(server) = shared("expiries in Redis") else {
        return;
    };
    let (redis, key) = (open(server), Key::of(&"expiry"));
    redis
        .set(&key, value(), Some(Duration::from_millis(60_000)))
        .unwrap();
    let Reply::Integer(left) = server.command(&["PTTL", key.as_str()]) else {
        panic!("no expiry")
    };
    assert!((1..=60_000).contains(&left), "{left}");
    redis.set(&key, value(), Some(Duration::from_nanos(1))).unwrap();
    super::eventually(|| redis.get(&key).unwrap().is_none());
    redis.set(&key, value(), None).unwrap();
    assert_eq!(server.command(&["PTTL", key.as_str()]), Reply::Integer(-1));
}

#[test]
fn expiries_that_redis_would_refuse_are_a_hundred_years() {
    let Some(server) = shared("long expiries in Redis") else {
        return;
    };
    let (redis, key) = (open(server), Key::of(&"for ever"));
    for (store, expiry) in [
        (true, Duration::MAX),
        (false, Duration::from_secs(u64::MAX)),
        (true, Duration::from_secs(1 << 50)),
    ] {
        if store {
            redis.set(&key, value(), Some(expiry)).unwrap();
        } else {
            assert!(redis.touch(&key, Some(expiry)).unwrap());
        }
        let Reply::Integer(left) = server.command(&["PTTL", key.as_str()]) else {
            panic!("no expiry")
        };
        assert!(left > 99 * 365 * 24 * 60 * 60 * 1000, "{left}");
    }
}

#[test]
fn no_time_at_all_removes_what_is_there() {
    let Some(server) = shared("zero expiries in Redis") else {
        return;
    };
    let (redis, key, other) = (open(server), Key::of(&"zero"), Key::of(&"other"));
    redis.set(&key, value(), None).unwrap();
    redis.set(&key, value(), Some(Duration::ZERO)).unwrap();
    assert_eq!(redis.get(&key).unwrap(), None);
    redis.set(&key, value(), None).unwrap();
    assert!(redis.touch(&key, Some(Duration::ZERO)).unwrap());
    assert!(!redis.has(&key).unwrap());
    redis.set(&key, value(), None).unwrap();
    let entries = [(&key, value(), Some(Duration::ZERO)), (&other, value(), None)];
    redis.write_many(entries.to_vec(), None).unwrap();
    assert_eq!(redis.contains_many(&[&key, &other], None).unwrap(), [false, true]);
}

#[test]
fn a_touch_restarts_and_a_look_does_not() {
    let Some(server) = shared("touches in Redis") else {
        return;
    };
    let (redis, key) = (open(server), Key::of(&"touch"));
    redis.set(&key, value(), Some(Duration::from_secs(10))).unwrap();
    assert!(redis.touch(&key, None).unwrap());
    let left = || match server.command(&["PTTL", key.as_str()]) {
        Reply::Integer(left) => left,
        other => panic!("{other:?}"),
    };
    assert!(left() <= 10_000);
    assert!(redis.touch(&key, Some(Duration::from_secs(100))).unwrap());
    assert!(left() > 10_000);
}

#[test]
fn the_remaining_life_is_read_with_the_value() {
    let Some(server) = shared("remaining expiries in Redis") else {
        return;
    };
    let redis = open(server);
    let keys = ["left", "lasting", "absent"].map(|name| Key::of(&name));
    redis
        .set(&keys[0], value(), Some(Duration::from_secs(100)))
        .unwrap();
    redis.set(&keys[1], value(), None).unwrap();
    let found = redis.read_many_expiring(&keys, None).unwrap();
    let left = found[0].as_ref().and_then(|found| found.remaining).unwrap();
    assert!(
        left <= Duration::from_secs(100) && left > Duration::from_secs(50),
        "{left:?}"
    );
    let lasting = Some(Expiring {
        value: value(),
        remaining: None,
    });
    assert_eq!(found[1..], [lasting.clone(), None]);
    assert_eq!(redis.read_expiring(&keys[1], None).unwrap(), lasting);
}
