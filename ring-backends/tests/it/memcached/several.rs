//! Several servers.

use std::time::{Duration, Instant};

use ring_cache::coder::Raw;
use ring_cache::{AsyncCalls, Calls, ErrorKind, RingKey, ring_impl};
use ring_cache_backends::{Breaker, Memcached};
use ring_cache_core::storage::{AsyncStorage, Storage};
use ring_cache_test_servers as servers;

use super::{eventually, patient, read, read_async, run, write};

struct Three {
    servers: [servers::Memcached; 3],
    keys: Vec<String>,
}

impl Three {
    fn start() -> Option<Three> {
        let start = || servers::or_leave_out("several memcached", servers::Memcached::start());
        Some(Three {
            servers: [start()?, start()?, start()?],
            keys: (0..60).map(|key| format!("key:{key}")).collect(),
        })
    }

    fn addresses(&self) -> [String; 3] {
        [0, 1, 2].map(|number| self.servers[number].address())
    }

    /// The number of the server with a key.
    fn of(&self, key: &str) -> usize {
        let there = self.servers.iter().map(|server| server.value(key).is_some());
        let there: Vec<_> = there.collect();
        assert_eq!(
            there.iter().filter(|there| **there).count(),
            1,
            "{key} lies on {there:?}"
        );
        there.iter().position(|there| *there).unwrap()
    }
}

#[test]
fn keys_are_spread_whatever_the_order_of_the_servers() {
    let Some(three) = Three::start() else { return };
    let [a, b, c] = three.addresses();
    let storage = patient(format!("{a},memcache://{b}, {c}"));
    let mut shares = [0; 3];
    for key in &three.keys {
        write(&storage, key, key).unwrap();
        shares[three.of(key)] += 1;
    }
    assert!(shares.iter().all(|share| *share > 5), "{shares:?}");
    let other = patient([c, a, b]);
    let found = Storage::read_many(&other, &three.keys, None).unwrap();
    let expected: Vec<_> = three
        .keys
        .iter()
        .map(|key| Some(key.clone().into_bytes()))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(
        run(AsyncStorage::read_many(&other, &three.keys, None)).unwrap(),
        expected
    );
    assert_eq!(
        Storage::remove_many(&other, &three.keys, None).unwrap(),
        vec![true; 60]
    );
    let entries = three.keys.iter().map(|key| (key, b"x".to_vec(), None));
    run(AsyncStorage::write_many(
        &storage,
        entries.clone().collect(),
        None,
    ))
    .unwrap();
    Storage::write_many(&storage, entries.collect(), None).unwrap();
    let renewals: Vec<_> = three
        .keys
        .iter()
        .map(|key| (key, Duration::from_secs(60)))
        .collect();
    assert_eq!(
        Storage::renew_many(&storage, &renewals, None).unwrap(),
        vec![true; 60]
    );
    assert_eq!(
        run(AsyncStorage::renew_many(&storage, &renewals, None)).unwrap(),
        vec![true; 60]
    );
    assert_eq!(
        run(AsyncStorage::contains_many(&storage, &three.keys, None)).unwrap(),
        vec![true; 60]
    );
    assert_eq!(
        run(AsyncStorage::remove_many(&storage, &three.keys, None)).unwrap(),
        vec![true; 60]
    );
}

/// Stopped or dead: keys of other servers are not affected, singly and in bulk.
#[test]
fn a_server_that_is_down_affects_its_own_keys_only() {
    let Some(three) = Three::start() else { return };
    let breaker = Breaker::after(2).pause(Duration::from_secs(3600));
    let open = || {
        let storage = Memcached::open(three.addresses()).unwrap().breaker(breaker);
        storage.deadline(Duration::from_secs(2))
    };
    for key in &three.keys {
        write(&open(), key, key).unwrap();
    }
    let (own, others): (Vec<_>, Vec<_>) = three.keys.iter().partition(|key| three.of(key) == 1);
    three.servers[1].stop();
    let storage = open();
    let begun = Instant::now();
    let found = Storage::read_many(&storage, &three.keys, None).unwrap();
    for (key, found) in three.keys.iter().zip(found) {
        assert_eq!(found.is_some(), others.contains(&key), "{key}");
    }
    let found = run(AsyncStorage::read_many(&storage, &three.keys, None)).unwrap();
    assert_eq!(found.iter().flatten().count(), others.len());
    // Only that server's breaker is open.
    assert_eq!(read(&storage, own[0]).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(
        run(read_async(&storage, own[0])).unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    for key in &others {
        assert_eq!(read(&storage, key).unwrap().unwrap(), key.as_bytes());
        assert_eq!(run(read_async(&storage, key)).unwrap().unwrap(), key.as_bytes());
    }
    assert!(begun.elapsed() < Duration::from_secs(15));
    // Verbs report it: a delete that was not executed is an error.
    Storage::remove_many(&storage, &three.keys, None).unwrap_err();
    assert_eq!(storage.health().repairs, own.len() as u64);
    for key in &others {
        assert_eq!(read(&storage, key).unwrap(), None);
    }
    three.servers[1].kill();
    assert_eq!(
        Storage::read_many(&open(), &others, None).unwrap(),
        vec![None; others.len()]
    );
    Storage::read_many(&open(), &own, None).unwrap_err();
}

#[derive(RingKey)]
struct Texts {
    #[ring_key(skip)]
    storage: Memcached,
}

#[ring_impl(storage = self.storage as Memcached, coder = Raw)]
impl Texts {
    #[ring(key_prefix = "text")]
    fn text(&self, n: u32) -> String {
        format!("text {n}")
    }

    #[ring(key_prefix = "text")]
    async fn text_async(&self, n: u32) -> String {
        format!("text {n}")
    }
}

#[test]
fn plain_calls_compute_what_the_lost_server_had() {
    let Some(three) = Three::start() else { return };
    let texts = Texts {
        storage: patient(three.addresses()),
    };
    let expected: Vec<_> = (0..60).map(|n| format!("text {n}")).collect();
    assert_eq!((0..60).map(|n| texts.text_ring(n)).get_or_update_many(), expected);
    three.servers[0].kill();
    assert_eq!((0..60).map(|n| texts.text_ring(n)).get_or_update_many(), expected);
    let calls = || (0..60).map(|n| texts.text_async_ring(n));
    assert_eq!(run(calls().get_or_update_many()), expected);
    three.servers[0].restart();
    eventually(|| run(calls().get_or_update_many()) == expected && texts.storage.health().repairs == 0);
    eventually(|| {
        calls()
            .map(|call| run(call.get()))
            .all(|found| matches!(found, Ok(Some(_))))
    });
}
