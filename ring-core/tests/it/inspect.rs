//! The inspector's view of memory storages.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread::scope;
use std::time::Duration;

use ring_cache_core::clock::ManualClock;
use ring_cache_core::inspect::Inspected;
use ring_cache_core::storage::Storage;
use ring_cache_core::{Lru, Map, Ring};

use crate::support::{call, keep, never};

/// A ring of this name, which no other test has.
fn named(name: &str) -> &'static Ring {
    keep(Ring::with_prefix(name))
}

/// The storages of a ring.
fn inspected(name: &str) -> Vec<Inspected> {
    let rings = ring_cache_core::rings();
    let ring = rings.iter().find(|ring| ring.name() == name);
    ring.expect("the ring was used").inspected()
}

/// The texts of all keys, page by page.
fn all_keys(storage: &Inspected, at_most: usize) -> Vec<String> {
    let (mut keys, mut from) = (Vec::new(), String::new());
    loop {
        let page = storage.keys(&from, at_most).expect("memory does not fail");
        assert!(page.keys.len() <= at_most);
        keys.extend(page.keys.into_iter().map(|key| key.text));
        match page.next {
            Some(next) => from = next,
            None => return keys,
        }
    }
}

fn fill<S: Storage<u32>>(ring: &'static Ring, storage: &S, ids: std::ops::Range<u32>) {
    for id in ids {
        call(ring, storage, id, || id).get_or_update();
    }
}

fn texts(name: &str, ids: impl IntoIterator<Item = u32>) -> BTreeSet<String> {
    ids.into_iter().map(|id| format!("{name}:{id}")).collect()
}

#[test]
fn pages_have_each_key_of_the_ring_once_and_no_others() {
    let (own, other) = (named("inspect-pages"), named("inspect-pages-other"));
    let lru = Lru::builder().capacity(10_000).shards(8).build().inspectable();
    let map = Map::new().inspectable();
    fill(own, &lru, 0..2000);
    fill(other, &lru, 0..500);
    fill(own, &map, 0..300);
    fill(other, &map, 0..300);
    for (storage, count) in inspected("inspect-pages").iter().zip([2000, 300]) {
        for at_most in [1, 7, 100, 10_000] {
            let keys = all_keys(storage, at_most);
            assert_eq!(keys.len(), count as usize, "{at_most} at a time");
            assert_eq!(BTreeSet::from_iter(keys), texts("inspect-pages", 0..count));
        }
    }
}

#[test]
fn one_page_looks_at_a_bounded_number_of_entries() {
    let (own, other) = (named("inspect-bounded"), named("inspect-bounded-other"));
    let lru = Lru::builder().capacity(100_000).shards(1).build().inspectable();
    fill(own, &lru, 0..1);
    fill(other, &lru, 0..60_000);
    let storage = &inspected("inspect-bounded")[0];
    let page = storage.keys("", 100).unwrap();
    assert!(page.keys.is_empty() && page.next.is_some(), "{page:?}");
    assert_eq!(all_keys(storage, 100), ["inspect-bounded:0"]);
}

#[test]
fn keys_that_stay_are_listed_although_others_come_and_go() {
    let ring = named("inspect-changes");
    let lru = Lru::builder().capacity(10_000).shards(1).build().inspectable();
    fill(ring, &lru, 0..1000);
    let storage = &inspected("inspect-changes")[0];
    let (mut seen, mut from, mut gone) = (BTreeSet::new(), String::new(), 0);
    loop {
        let page = storage.keys(&from, 50).unwrap();
        seen.extend(page.keys.into_iter().map(|key| key.text));
        // Whose places others take.
        call(ring, &lru, gone * 7, never::<u32>).delete();
        call(ring, &lru, gone * 11, never::<u32>).delete();
        call(ring, &lru, 5000 + gone, || 0).get_or_update();
        gone += 1;
        let Some(next) = page.next else { break };
        from = next;
    }
    let stayed = (0..1000).filter(|id| call(ring, &lru, *id, never::<u32>).has());
    let stayed = texts("inspect-changes", stayed);
    assert!(stayed.is_subset(&seen), "{:?}", stayed.difference(&seen));
}

#[test]
fn a_key_is_deleted_by_its_text_and_no_other() {
    let (own, other) = (named("inspect-delete"), named("inspect-delete-other"));
    let (lru, map) = (Lru::new(100).inspectable(), Map::new().inspectable());
    for ring in [own, other] {
        fill(ring, &lru, 0..20);
        fill(ring, &map, 0..20);
    }
    for storage in inspected("inspect-delete") {
        assert!(storage.delete("inspect-delete:7").unwrap());
        assert!(!storage.delete("inspect-delete:7").unwrap());
        for foreign in [
            "inspect-delete-other:8",
            "inspect-delete",
            "",
            "inspect-delete:999",
            "\0",
            "8",
        ] {
            assert!(!storage.delete(foreign).unwrap(), "{foreign}");
        }
        assert_eq!(all_keys(&storage, 100).len(), 19);
    }
    assert_eq!((lru.len(), map.len()), (39, 39));
    assert!(!call(own, &lru, 7, never::<u32>).has() && call(other, &lru, 7, never::<u32>).has());
}

/// Texts that are neither keys nor cursors of the storage.
#[test]
fn nonsense_is_no_key_and_no_page() {
    let ring = named("inspect-nonsense");
    let lru = Lru::new(100).inspectable();
    fill(ring, &lru, 0..3);
    let storage = &inspected("inspect-nonsense")[0];
    for from in [
        "x",
        "1.",
        ".1",
        "-1.0",
        "0",
        "99999999999999999999.0",
        "0.99999999999999999999",
    ] {
        assert_eq!(storage.keys(from, 10).unwrap().keys.len(), 3, "{from}");
    }
    assert_eq!(storage.keys("70.0", 10).unwrap(), Default::default());
    assert_eq!(storage.keys("0.2", 10).unwrap().keys.len(), 2);
    assert!(storage.keys("", 0).unwrap().keys.is_empty());
}

#[test]
fn what_was_being_computed_when_its_key_was_deleted_is_not_stored() {
    let ring = named("inspect-computing");
    let (lru, map) = (Lru::new(100).inspectable(), Map::new().inspectable());
    fill(ring, &lru, 0..1);
    fill(ring, &map, 0..1);
    let storages = inspected("inspect-computing");
    assert_not_stored(ring, &lru, &storages[0]);
    assert_not_stored(ring, &map, &storages[1]);
}

fn assert_not_stored<S: Storage<u32> + Sync>(ring: &'static Ring, storage: &S, inspected: &Inspected) {
    let (computing, deleted) = (Barrier::new(2), Barrier::new(2));
    scope(|scope| {
        let computed = scope.spawn(|| {
            let body = || {
                computing.wait();
                deleted.wait();
                1
            };
            call(ring, storage, 7, body).get_or_update()
        });
        computing.wait();
        assert!(!inspected.delete("inspect-computing:7").unwrap());
        deleted.wait();
        assert_eq!(computed.join().unwrap(), 1);
    });
    assert_eq!(all_keys(inspected, 10), ["inspect-computing:0"]);
}

#[test]
fn a_ring_that_keeps_stale_values_keeps_what_is_expired_by_its_text() {
    let ring = keep(Ring::with_prefix("inspect-stale").stale(Duration::from_secs(60)));
    let clock = ManualClock::default();
    let lru = Lru::builder()
        .capacity(9)
        .clock(clock.clone())
        .build()
        .inspectable();
    let map = Map::with_clock(clock.clone()).inspectable();
    call(ring, &lru, 7, || 1)
        .expire_in(Duration::from_secs(600))
        .get_or_update();
    call(ring, &map, 7, || 1)
        .expire_in(Duration::from_secs(600))
        .get_or_update();
    for storage in inspected("inspect-stale") {
        assert!(storage.expire("inspect-stale:7").unwrap());
        assert!(!storage.expire("inspect-stale:7").unwrap(), "it is stale already");
        let page = storage.keys("", 10).unwrap();
        assert_eq!(page.keys[0].remaining, Some(Duration::from_secs(60)));
    }
    clock.advance(Duration::from_secs(60));
    for storage in inspected("inspect-stale") {
        assert!(storage.keys("", 10).unwrap().keys.is_empty(), "expired");
    }
}

#[test]
fn a_ring_without_stale_values_loses_what_is_expired_by_its_text() {
    let ring = named("inspect-expire");
    let lru = Lru::new(9).inspectable();
    fill(ring, &lru, 0..2);
    let storage = &inspected("inspect-expire")[0];
    assert!(storage.expire("inspect-expire:0").unwrap());
    assert_eq!(all_keys(storage, 9), ["inspect-expire:1"]);
}

#[test]
fn clearing_removes_one_ring() {
    let (own, other) = (named("inspect-clear"), named("inspect-clear-other"));
    let (lru, map) = (Lru::new(100).inspectable(), Map::new().inspectable());
    for ring in [own, other] {
        fill(ring, &lru, 0..9);
        fill(ring, &map, 0..9);
    }
    for storage in inspected("inspect-clear") {
        storage.clear().unwrap();
        assert!(all_keys(&storage, 100).is_empty());
    }
    assert_eq!((lru.len(), map.len()), (9, 9));
}

#[test]
fn a_storage_is_not_kept_and_one_that_was_not_lent_says_so() {
    let ring = named("inspect-gone");
    let lru = Lru::new(100).inspectable();
    fill(ring, &lru, 0..1);
    let gone = inspected("inspect-gone").remove(0);
    assert_eq!(gone.refusal(), None);
    drop(lru);
    assert_eq!(gone.refusal(), Some("the storage is gone"));
    assert!(gone.keys("", 10).is_err() && gone.delete("inspect-gone:0").is_err() && gone.clear().is_err());

    let lru = Lru::new(100);
    fill(ring, &lru, 0..1);
    let closed = inspected("inspect-gone").remove(0);
    assert!(
        closed
            .refusal()
            .is_some_and(|refusal| refusal.contains(".inspectable()"))
    );
    assert!(
        closed
            .keys("", 10)
            .unwrap_err()
            .to_string()
            .contains(".inspectable()")
    );
    assert_ne!(gone.number(), closed.number());
}
