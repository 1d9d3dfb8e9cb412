//! The verbs of one async call, and of its cache.

use std::time::Duration;

use ring_cache_core::clock::ManualClock;
use ring_cache_core::storage::AsyncStorage;
use ring_cache_core::{Action, ActionResult, AsyncCache, Lru, Map, Ring};

use crate::support::{
    AsyncRemote, Count, assert_quiet, async_call, async_fallible, keep, never_async, ring, run,
};

#[test]
fn each_verb_has_its_documented_effect() {
    run(async {
        let (ring, remote, runs) = (ring(), AsyncRemote::new(), Count::default());
        let one = || async_call(ring, &remote, 1, || async { runs.next() });
        assert_eq!(one().get().await.unwrap(), None);
        assert!(!one().has().await.unwrap() && !one().touch().await.unwrap());
        assert_eq!(one().execute().await, 1);
        assert_eq!(one().get().await.unwrap(), None, "`execute` stores nothing");
        assert_eq!(one().get_or_update().await, 2);
        assert_eq!(one().get_or_update().await, 2);
        assert_eq!(one().update().await, 3);
        assert_eq!(one().get().await.unwrap(), Some(3));
        one().set(7).await.unwrap();
        assert_eq!(one().get_or_update().await, 7);
        assert!(one().has().await.unwrap() && one().touch().await.unwrap());
        assert!(one().delete().await.unwrap());
        assert!(!one().delete().await.unwrap());
        assert_eq!((one().key().as_str(), one().name().as_str()), ("p:1", "p"));
        assert!(std::ptr::eq(one().storage(), &remote));
        assert_eq!(runs.get(), 3);
        let stats = AsyncCache::new(ring, &remote).stats::<usize>();
        assert_eq!(
            (stats.hits, stats.misses, stats.stores, stats.errors),
            (3, 3, 3, 0)
        );
        assert_quiet(&remote);
    });
}

#[test]
fn one_call_has_any_number_of_verbs_that_need_no_body() {
    run(async {
        let (ring, lru) = (ring(), Lru::new(10));
        let one = async_call(ring, &lru, 1, || async { 9 });
        // Their futures keep no part of the call.
        let (set, get) = (one.set(5), one.get());
        set.await;
        assert_eq!(get.await, Some(5));
        let (has, touch, delete) = (one.has(), one.touch(), one.delete());
        assert_eq!(one.get_or_update().await, 5);
        assert!(has.await && touch.await && delete.await);
        assert!(lru.is_empty());
    });
}

#[test]
fn actions_run_the_verbs_that_they_name() {
    run(async {
        let (ring, remote) = (ring(), AsyncRemote::new());
        let run = async |action: Action| {
            let one = async_call(ring, &remote, 1, || async { 7 });
            one.run(action).await.unwrap()
        };
        assert_eq!(run(Action::Get).await, ActionResult::Cached(None));
        assert_eq!(run(Action::Has).await, ActionResult::Existed(false));
        assert_eq!(run(Action::Execute).await, ActionResult::Returned(7));
        assert_eq!(run(Action::Get).await, ActionResult::Cached(None));
        assert_eq!(run(Action::Update).await, ActionResult::Returned(7));
        assert_eq!(run(Action::Get).await, ActionResult::Cached(Some(7)));
        assert_eq!(run(Action::GetOrUpdate).await, ActionResult::Returned(7));
        assert_eq!(run(Action::Touch).await, ActionResult::Existed(true));
        assert_eq!(run(Action::Delete).await, ActionResult::Existed(true));
        assert_eq!(run(Action::Delete).await, ActionResult::Existed(false));
        assert_eq!(run(Action::GetOrUpdate).await, ActionResult::Returned(7));
        assert_eq!(
            run(Action::Key).await,
            ActionResult::Key(async_call(ring, &remote, 1, never_async::<i32>).key())
        );
        let lru = Lru::<u32>::new(1);
        let failing = async_fallible(ring, &lru, 1, || async { Err("no") }).run(Action::Update);
        assert_eq!(failing.await, ActionResult::Returned(Err("no")));
        assert_quiet(&remote);
    });
}

#[test]
fn one_write_may_have_its_own_expiry() {
    run(async {
        let clock = ManualClock::default();
        let (ring, minute) = (ring(), Duration::from_secs(60));
        let lru = Lru::builder().capacity(10).clock(clock.clone()).build();
        let one = || async_call(ring, &lru, 1, || async { 1 });
        assert_eq!(one().expire_in(minute).get_or_update().await, 1);
        assert_eq!(one().expire_in(minute).expiry(), Some(minute));
        clock.advance(minute / 2);
        assert!(one().expire_in(minute).touch().await);
        clock.advance(minute / 2);
        assert!(one().has().await, "its expiry was restarted");
        clock.advance(minute / 2);
        assert!(!one().has().await && one().get().await.is_none());
        one().expire_in(minute).set(5).await;
        assert_eq!(one().get().await, Some(5));
        clock.advance(minute);
        assert_eq!(one().get().await, None);
        assert_eq!(one().expire_in(Duration::ZERO).update().await, 1);
        assert!(!one().has().await, "zero stores nothing");
        one().set(5).await;
        one().expire_in(Duration::ZERO).set(6).await;
        assert!(!one().has().await);
    });
}

#[test]
fn a_refused_value_is_returned_and_an_update_removes_the_older_one() {
    run(async {
        let (ring, remote) = (ring(), AsyncRemote::new());
        let one = |value| async_call(ring, &remote, 1, move || async move { value }).unless(Option::is_none);
        assert_eq!(one(None).get_or_update().await, None);
        assert!(!one(None).has().await.unwrap());
        assert_eq!(one(Some(1)).get_or_update().await, Some(1));
        assert_eq!(one(None).get_or_update().await, Some(1));
        assert_eq!(one(None).update().await, None);
        assert!(!one(None).has().await.unwrap());
        assert_quiet(&remote);
    });
}

#[test]
fn clear_removes_the_entries_of_its_ring_only() {
    run(async {
        let (one, other) = (ring(), keep(Ring::with_prefix("other")));
        let (lru, map, remote) = (Lru::new(100), Map::new(), AsyncRemote::new());
        for id in 0..10 {
            for ring in [one, other] {
                async_call(ring, &lru, id, || async { id }).update().await;
                async_call(ring, &map, id, || async { id }).update().await;
                async_call(ring, &remote, id, || async { id }).update().await;
            }
        }
        AsyncCache::new(one, &lru).clear::<u32>().await;
        AsyncCache::new(one, &map).clear::<u32>().await;
        AsyncCache::new(one, &remote).clear::<u32>().await.unwrap();
        for id in 0..10 {
            for (ring, expected) in [(one, None), (other, Some(id))] {
                assert_eq!(async_call(ring, &lru, id, never_async).get().await, expected);
                assert_eq!(async_call(ring, &map, id, never_async).get().await, expected);
                assert_eq!(
                    async_call(ring, &remote, id, never_async).get().await.unwrap(),
                    expected
                );
            }
        }
        let cache = AsyncCache::new(one, &lru);
        assert_eq!((cache.name().as_str(), cache.stats::<u32>().stores), ("p", 10));
        assert!(cache.total_stats().stores >= 30, "on all storages");
        assert!(std::ptr::eq(cache.storage::<u32>(), &lru));
    });
}

#[test]
fn the_verbs_of_the_storage_find_the_entry_by_the_key_of_the_call() {
    run(async {
        let (ring, remote) = (ring(), AsyncRemote::new());
        let key = async_call(ring, &remote, 1, never_async::<u32>).key();
        async_call(ring, &remote, 1, || async { 7_u32 }).update().await;
        assert_eq!(AsyncStorage::get(&remote, &key).await.unwrap(), Some(7));
        AsyncStorage::set(&remote, &key, 8, None).await.unwrap();
        assert!(AsyncStorage::has(&remote, &key).await.unwrap());
        assert!(AsyncStorage::touch(&remote, &key, None).await.unwrap());
        assert_eq!(
            async_call(ring, &remote, 1, never_async).get().await.unwrap(),
            Some(8)
        );
        assert!(AsyncStorage::delete(&remote, &key).await.unwrap());
        assert!(
            !async_call(ring, &remote, 1, never_async::<u32>)
                .has()
                .await
                .unwrap()
        );
    });
}
