//! Many entries at once.

use ring_cache::coder::Raw;
use ring_cache::{AsyncCalls, Calls, RingKey, ring_impl};
use ring_cache_backends::Memcached;
use ring_cache_core::storage::{AsyncStorage, Storage};

use super::tap::Tap;
use super::{patient, run, start};

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

    #[ring(key_prefix = "text_async")]
    async fn text_async(&self, n: u32) -> String {
        format!("text {n}")
    }
}

/// A server may start to answer before it has received everything, which counts as a turn.
const FEW: usize = 8;

/// The number of each of these commands.
fn counts(asked: &str) -> (usize, usize) {
    let count = |command| asked.lines().filter(|line| line.starts_with(command)).count();
    (count("mg "), count("ms "))
}

#[test]
fn a_thousand_calls_are_one_round_trip_each_way() {
    let Some((server, _)) = start("bulk verbs on memcached") else {
        return;
    };
    let tap = Tap::on(server.port());
    let texts = Texts {
        storage: patient(tap.address()),
    };
    let expected: Vec<_> = (0..1_000).map(|n| format!("text {n}")).collect();
    let calls = || (0..1_000).map(|n| texts.text_ring(n));
    texts.text(0);
    tap.asked();
    assert_eq!(calls().get_or_update_many(), expected);
    let (asked, turns) = tap.asked();
    assert_eq!(counts(&asked), (1_000, 999));
    assert!((2..=FEW).contains(&turns), "{turns}");
    assert_eq!(calls().get_or_update_many(), expected);
    let (asked, turns) = tap.asked();
    assert_eq!(counts(&asked), (1_000, 0));
    assert!((1..=FEW).contains(&turns), "{turns}");

    let calls = || (0..1_000).map(|n| texts.text_async_ring(n));
    run(async {
        texts.text_async(0).await;
        tap.asked();
        assert_eq!(calls().get_or_update_many().await, expected);
        let (asked, turns) = tap.asked();
        assert_eq!(counts(&asked), (1_000, 999));
        assert!((2..=FEW).contains(&turns), "{turns}");
    });
}

/// The server stops reading while its replies are not read: more than all buffers hold, both ways.
#[test]
fn more_than_fits_into_any_buffer() {
    let Some((server, storage)) = start("large bulks on memcached") else {
        return;
    };
    let value = vec![b'x'; 500_000];
    let keys: Vec<_> = (0..20).map(|n| format!("large:{n}")).collect();
    let entries = || keys.iter().map(|key| (key.as_str(), value.clone(), None));
    Storage::write_many(&storage, entries().collect(), None).unwrap();
    // Long keys, so that the requests alone are megabytes.
    let wanted: Vec<_> = (0..60_000).map(|n| format!("{}:{n}", "k".repeat(230))).collect();
    let wanted: Vec<_> = keys
        .iter()
        .cycle()
        .take(60)
        .chain(&wanted)
        .map(String::as_str)
        .collect();
    let found = Storage::read_many(&storage, &wanted, None).unwrap();
    assert_eq!(
        found.iter().flatten().filter(|found| **found == value).count(),
        60
    );
    assert!(found[60..].iter().all(Option::is_none));
    run(async {
        let found = AsyncStorage::read_many(&storage, &wanted, None).await.unwrap();
        assert_eq!(
            found.iter().flatten().filter(|found| **found == value).count(),
            60
        );
        AsyncStorage::write_many(&storage, entries().collect(), None)
            .await
            .unwrap();
        let removed = AsyncStorage::remove_many(&storage, &wanted, None).await.unwrap();
        assert_eq!(removed.iter().filter(|was_there| **was_there).count(), 20);
    });
    assert_eq!(server.value("large:0"), None);
}

#[test]
fn no_keys_cause_no_request() {
    let storage = Memcached::open("127.0.0.1:1").unwrap();
    assert!(Storage::read_many::<u32>(&storage, &[], None).unwrap().is_empty());
    assert!(
        Storage::remove_many::<u32>(&storage, &[], None)
            .unwrap()
            .is_empty()
    );
    Storage::write_many::<u32>(&storage, Vec::new(), None).unwrap();
    run(async {
        let there = AsyncStorage::contains_many::<u32>(&storage, &[], None).await;
        assert!(there.unwrap().is_empty());
        AsyncStorage::write_many::<u32>(&storage, vec![], None)
            .await
            .unwrap();
    });
}
