//! Entries that expire, in whole seconds, also beyond memcached's limits of numbers.

use std::time::{Duration, Instant};

use ring_cache_backends::Memcached;
use ring_cache_core::storage::{AsyncStorage, Expiring, Storage};
use ring_cache_test_servers as servers;

use super::{eventually, read, run, start};

const DAY: u64 = 60 * 60 * 24;

fn write(storage: &Memcached, expiry: Duration) {
    Storage::write(storage, "key", b"value".to_vec(), Some(expiry), None).unwrap();
}

/// The remaining seconds, according to the server.
fn left(server: &servers::Memcached) -> i64 {
    let reply = String::from_utf8(server.command("mg key t")).unwrap();
    let left = reply.strip_prefix("HD t").unwrap_or_else(|| panic!("{reply:?}"));
    left.trim_end().parse().unwrap()
}

#[test]
fn days_and_years() {
    let Some((server, storage)) = start("expiry in memcached") else {
        return;
    };
    for days in [1, 29, 30, 31, 366] {
        let asked = Duration::from_secs(days * DAY);
        write(&storage, asked);
        let seconds = i64::try_from(days * DAY).unwrap();
        let (left, _) = (left(&server), &server);
        assert!(
            (seconds - 20..=seconds + 2).contains(&left),
            "{days} days: {left}"
        );
        let Expiring { remaining, .. } = Storage::read_expiring(&storage, "key", None).unwrap().unwrap();
        assert!(remaining.unwrap() <= asked + Duration::from_secs(2));
        assert!(remaining.unwrap() + Duration::from_secs(30) >= asked);
    }
    for asked in [Duration::from_secs(36_500 * DAY), Duration::MAX] {
        write(&storage, asked);
        assert!(left(&server) > 300 * 24 * 60 * 60, "until 2038");
        assert!(Storage::renew(&storage, "key", asked, None).unwrap());
        assert!(left(&server) > 300 * 24 * 60 * 60, "until 2038");
    }
}

#[test]
fn short_ones_end() {
    let Some((server, storage)) = start("expiry in memcached") else {
        return;
    };
    for asked in [Duration::from_nanos(1), Duration::from_millis(1_500)] {
        write(&storage, asked);
        let begun = Instant::now();
        eventually(|| read(&storage, "key").unwrap().is_none());
        assert!(begun.elapsed() < Duration::from_secs(10), "it never expires");
    }
    write(&storage, Duration::from_millis(59_001));
    assert!((58..=60).contains(&left(&server)));
}

#[test]
fn zero_removes() {
    let Some((_server, storage)) = start("expiry in memcached") else {
        return;
    };
    super::write(&storage, "key", "value").unwrap();
    write(&storage, Duration::ZERO);
    assert_eq!(read(&storage, "key").unwrap(), None);
    super::write(&storage, "key", "value").unwrap();
    assert!(Storage::renew(&storage, "key", Duration::ZERO, None).unwrap());
    assert!(!Storage::renew(&storage, "key", Duration::ZERO, None).unwrap());
    assert_eq!(read(&storage, "key").unwrap(), None);
    let entries = vec![("a", vec![1], Some(Duration::ZERO)), ("b", vec![2], None)];
    super::write(&storage, "a", "old").unwrap();
    run(AsyncStorage::write_many(&storage, entries, None)).unwrap();
    let found = run(AsyncStorage::read_many(&storage, &["a", "b"], None)).unwrap();
    assert_eq!(found, [None, Some(vec![2])]);
}

#[test]
fn what_remains() {
    let Some((_server, storage)) = start("expiry in memcached") else {
        return;
    };
    super::write(&storage, "key", "value").unwrap();
    let found = Storage::read_expiring(&storage, "key", None).unwrap();
    assert_eq!(
        found,
        Some(Expiring {
            value: b"value".to_vec(),
            remaining: None
        })
    );
    write(&storage, Duration::from_secs(100));
    run(async {
        let found = AsyncStorage::read_many_expiring(&storage, &["key", "none"], None)
            .await
            .unwrap();
        let Expiring { value, remaining } = found[0].clone().unwrap();
        assert_eq!(value, b"value");
        assert!((70..=100).contains(&remaining.unwrap().as_secs()));
        assert_eq!(found[1], None);
        assert!(
            AsyncStorage::renew(&storage, "key", Duration::from_secs(1000), None)
                .await
                .unwrap()
        );
        let Expiring { remaining, .. } = AsyncStorage::read_expiring(&storage, "key", None)
            .await
            .unwrap()
            .unwrap();
        assert!((970..=1000).contains(&remaining.unwrap().as_secs()));
    });
}

/// A program that marks an entry stale waits for another one to replace it.
#[test]
fn stale_entries_are_not_there() {
    let Some((server, storage)) = start("stale entries in memcached") else {
        return;
    };
    super::write(&storage, "key", "value").unwrap();
    assert_eq!(server.command("md key I T300"), b"HD\r\n");
    assert_eq!(read(&storage, "key").unwrap(), None);
    assert!(!Storage::contains(&storage, "key", None).unwrap());
    super::write(&storage, "key", "newer").unwrap();
    assert_eq!(read(&storage, "key").unwrap().unwrap(), b"newer");
}
