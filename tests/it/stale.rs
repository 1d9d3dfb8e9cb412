//! Stale values: returned while one call recomputes them, and if that fails.

mod background;
mod gated;
mod origin;
mod outages;
mod waiting;

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Barrier, LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use ring_cache::storage::StorageBase;
use ring_cache::testing::{self, assert_computed};
use ring_cache::{AsyncCalls, Calls, Lookup, Lru, Map, ring, ring_impl};

use origin::{Origin, SECOND, TILL_DEAD, TILL_STALE};

/// Entries live for 10 seconds, and are stale for 60 more.
#[ring_impl(lru = self.values, expire = "10s", stale = "60s", refresh = caller, retry = "50ms")]
impl Origin {
    #[ring]
    fn get(&self, id: u32) -> Result<u32, String> {
        let _ = id;
        self.answer()
    }
    #[ring]
    async fn get_async(&self, id: u32) -> Result<u32, String> {
        let _ = id;
        self.answer()
    }
    #[ring(unless = |value| *value == 2)]
    fn refused(&self) -> Result<u32, String> {
        self.answer()
    }
}

#[test]
fn f1_explicit_verbs_treat_a_stale_entry_as_absent_and_lookup_finds_it() {
    let origin = Origin::new();
    let call = || origin.get_ring(1);
    assert_eq!(call().lookup(), Lookup::Absent);
    assert_eq!(origin.get(1), Ok(1));
    assert_eq!(
        (call().lookup(), call().get(), call().has()),
        (Lookup::Fresh(1), Some(1), true)
    );
    origin.wait(TILL_STALE);
    assert_eq!(
        (call().lookup(), call().get(), call().has()),
        (Lookup::Stale(1), None, false)
    );
    let calls = || [1, 2].map(|id| origin.get_ring(id));
    assert_eq!(calls().lookup_many(), [Lookup::Stale(1), Lookup::Absent]);
    assert_eq!(
        (calls().get_many(), calls().has_many()),
        (vec![None, None], vec![false, false])
    );
    assert!(!call().delete(), "it was as good as absent");
    assert_eq!(call().lookup(), Lookup::Absent);
    assert_eq!(calls().delete_many(), [false, false]);
    assert_eq!(origin.get_entry(1).lookup(), Lookup::Absent);
}

#[test]
fn f2_an_entry_is_stale_exactly_when_its_remaining_life_is_at_most_stale() {
    let origin = Origin::new();
    origin.get(1).unwrap();
    origin.wait(TILL_STALE - Duration::from_nanos(1));
    assert_eq!(origin.get_ring(1).lookup(), Lookup::Fresh(1));
    origin.wait(Duration::from_nanos(1));
    assert_eq!(origin.get_ring(1).lookup(), Lookup::Stale(1));
    origin.wait(TILL_DEAD - TILL_STALE - Duration::from_nanos(1));
    assert_eq!(origin.get_ring(1).lookup(), Lookup::Stale(1));
    origin.wait(Duration::from_nanos(1));
    assert_eq!(origin.get_ring(1).lookup(), Lookup::Absent);
    origin.get_ring(1).expire_in(SECOND).set(7);
    origin.wait(SECOND);
    assert_eq!(
        origin.get_ring(1).lookup(),
        Lookup::Stale(7),
        "its own expiry, and stale"
    );
}

#[test]
fn f3_without_an_expiry_an_entry_is_fresh_and_one_of_another_program_is_stale_sooner() {
    let origin = Origin::new();
    let key = origin.get_ring(1).key();
    origin.values.set(&key, 5);
    origin.wait(TILL_DEAD);
    assert_eq!(origin.get(1), Ok(5));
    origin.values.set_with_expiry(&key, 6, Duration::from_secs(30));
    assert_eq!(origin.get_ring(1).lookup(), Lookup::Stale(6));
}

mod longest {
    use super::*;

    #[ring_impl(lru = self.values, expire = "10s", refresh = caller)]
    impl Origin {
        #[ring(stale = "1000000 years")]
        fn for_ever(&self) -> Result<u32, String> {
            self.answer()
        }
        #[ring(stale = Duration::MAX)]
        fn longer(&self) -> Result<u32, String> {
            self.answer()
        }
    }

    #[test]
    fn f2_a_time_to_idle_makes_no_entry_stale() {
        let origin = Origin::new();
        let values = Lru::builder().capacity(100).clock(origin.state.clock.clone());
        let origin = Origin {
            values: Arc::new(values.time_to_idle(5 * SECOND).build()),
            ..origin
        };
        for time in 0..3 {
            assert_eq!(origin.get(1), Ok(1), "after {} seconds", 4 * time);
            assert!(origin.get_ring(1).has());
            origin.wait(4 * SECOND);
        }
        assert_eq!(origin.get_ring(1).lookup(), Lookup::Stale(1));
        origin.wait(5 * SECOND);
        assert_eq!(origin.get_ring(1).lookup(), Lookup::Absent, "it was not used");
    }

    #[test]
    fn f2_an_entry_that_stays_for_ever_is_stale_all_the_same() {
        let origin = Origin::new();
        origin.for_ever().unwrap();
        origin.longer().unwrap();
        assert_eq!(origin.for_ever_ring().lookup(), Lookup::Fresh(1));
        origin.wait(TILL_STALE);
        assert_eq!(origin.for_ever_ring().lookup(), Lookup::Stale(1));
        assert_eq!(origin.longer_ring().lookup(), Lookup::Stale(2));
    }
}

mod shared_prefix {
    use super::*;

    static SHARED: LazyLock<Map<u32>> = LazyLock::new(Map::new);

    #[ring(map = SHARED, key_prefix = "f3", expire = 60, stale = 60, refresh = caller)]
    fn keeps(id: u32) -> u32 {
        id
    }
    #[ring(map = SHARED, key_prefix = "f3", expire = 60)]
    fn keeps_not(id: u32) -> u32 {
        id + 1
    }

    #[test]
    fn f3_rings_of_one_prefix_must_agree_on_stale() {
        assert_eq!(
            (keeps(1), keeps_not(1), keeps(1)),
            (1, 2, 1),
            "neither reads the other's"
        );
        let conflict = keeps_cache().conflict().unwrap();
        assert!(
            conflict.contains("`stale`") && conflict.contains("60s"),
            "{conflict}"
        );
    }
}

#[test]
fn f4_touch_does_not_revive_what_is_stale() {
    let origin = Origin::new();
    origin.get(1).unwrap();
    origin.wait(TILL_STALE - SECOND);
    assert!(origin.get_ring(1).touch());
    origin.wait(TILL_STALE - SECOND);
    assert_eq!(origin.get_ring(1).lookup(), Lookup::Fresh(1), "it was touched");
    origin.wait(SECOND);
    assert!(!origin.get_ring(1).touch());
    assert_eq!([1, 2].map(|id| origin.get_ring(id)).touch_many(), [false, false]);
    assert_eq!(origin.get_ring(1).lookup(), Lookup::Stale(1));
}

#[test]
fn f6_one_call_refreshes_and_newcomers_get_the_stale_value_without_waiting() {
    let origin = Origin::new();
    origin.get(1).unwrap();
    origin.wait(TILL_STALE);
    let slow = origin.state.slow.lock().unwrap();
    thread::scope(|scope| {
        let refresher = scope.spawn(|| origin.get(1));
        while origin.values.flights().under_way() == 0 {
            thread::yield_now();
        }
        for _ in 0..3 {
            assert_eq!(origin.get(1), Ok(1), "stale");
        }
        drop(slow);
        assert_eq!(refresher.join().unwrap(), Ok(2));
    });
    assert_eq!(origin.get(1), Ok(2));
    assert!(origin.get_cache().stats().stale_hits >= 3);
}

#[test]
fn f6_after_its_life_calls_join_the_refresh() {
    let origin = Origin::new();
    origin.get(1).unwrap();
    origin.wait(TILL_STALE);
    let slow = origin.state.slow.lock().unwrap();
    thread::scope(|scope| {
        let refresher = scope.spawn(|| origin.get(1));
        while origin.values.flights().under_way() == 0 {
            thread::yield_now();
        }
        origin.wait(TILL_DEAD);
        let joined = scope.spawn(|| origin.get(1));
        thread::sleep(Duration::from_millis(20));
        drop(slow);
        assert_eq!(
            (refresher.join().unwrap(), joined.join().unwrap()),
            (Ok(2), Ok(2))
        );
    });
}

#[test]
fn f7_delete_set_and_clear_end_the_fallback_and_keep_the_refresh_from_storing() {
    for change in [
        |origin: &Origin| _ = origin.get_ring(1).delete(),
        |origin: &Origin| origin.get_ring(1).set(9),
        |origin: &Origin| origin.get_cache().clear(),
        |origin: &Origin| drop([origin.get_ring(1)].delete_many()),
    ] {
        for fails in [false, true] {
            let origin = Origin::new();
            origin.get(1).unwrap();
            origin.wait(TILL_STALE);
            let slow = origin.state.slow.lock().unwrap();
            let out = thread::scope(|scope| {
                let refresher = scope.spawn(|| origin.get(1));
                while origin.values.flights().under_way() == 0 {
                    thread::yield_now();
                }
                change(&origin);
                origin.state.is_down.store(fails, SeqCst);
                drop(slow);
                refresher.join().unwrap()
            });
            let left = origin.get_ring(1).get();
            match (fails, left) {
                (false, left) => assert_eq!((out, left != Some(2)), (Ok(2), true)),
                (true, Some(set)) => assert_eq!((out, set), (Ok(9), 9)),
                (true, None) => assert_eq!(out, Err("down".into()), "the old value is gone"),
            }
        }
    }
}

#[test]
fn f7_expire_keeps_the_fallback() {
    let origin = Origin::new();
    assert!(!origin.get_ring(1).expire());
    origin.get(1).unwrap();
    assert!(origin.get_ring(1).expire());
    assert_eq!(origin.get_ring(1).lookup(), Lookup::Stale(1));
    assert!(!origin.get_ring(1).expire(), "it was stale before");
    origin.wait(TILL_DEAD - TILL_STALE - SECOND);
    assert!(!origin.get_ring(1).expire());
    origin.wait(SECOND);
    assert_eq!(
        origin.get_ring(1).lookup(),
        Lookup::Absent,
        "its life was not lengthened"
    );
    origin.get(2).unwrap();
    let calls = || [1, 2].map(|id| origin.get_ring(id));
    assert_eq!(calls().expire_many(), [false, true]);
    assert_eq!(calls().lookup_many(), [Lookup::Absent, Lookup::Stale(2)]);
}

#[test]
fn f8_a_failed_refresh_leaves_the_entry_and_never_lengthens_its_life() {
    let origin = Origin::new();
    origin.get(1).unwrap();
    origin.go_down();
    origin.wait(TILL_STALE);
    assert_eq!(origin.get(1), Ok(1));
    origin.wait(TILL_DEAD - TILL_STALE - SECOND);
    thread::sleep(Duration::from_millis(60));
    assert_eq!(origin.get(1), Ok(1), "after `retry` it is tried again");
    origin.wait(SECOND);
    assert_eq!(origin.get(1), Err("down".into()));
}

#[test]
fn f8_after_a_failure_no_refresh_begins_for_a_while() {
    let origin = Origin::new();
    origin.get(1).unwrap();
    origin.go_down();
    origin.wait(TILL_STALE);
    assert_eq!(assert_computed!(1, origin.get(1)), Ok(1));
    assert_eq!(assert_computed!(0, origin.get(1)), Ok(1));
    thread::sleep(Duration::from_millis(60));
    assert_eq!(assert_computed!(1, origin.get(1)), Ok(1));
    let many = assert_computed!(0, [1, 1].map(|id| origin.get_ring(id)).get_or_update_many());
    assert_eq!(many, [Ok(1), Ok(1)]);
}

#[test]
fn f9_a_refreshed_value_that_unless_refuses_removes_the_old_one() {
    let origin = Origin::new();
    assert_eq!(origin.refused(), Ok(1));
    origin.wait(TILL_STALE);
    assert_eq!(origin.refused(), Ok(2));
    assert_eq!(origin.refused_ring().lookup(), Lookup::Absent);
}

#[test]
fn f10_update_and_execute_never_return_stale_values() {
    let origin = Origin::new();
    origin.get(1).unwrap();
    origin.wait(TILL_STALE);
    origin.go_down();
    assert_eq!(origin.get_ring(1).update(), Err("down".into()));
    assert_eq!(origin.get_ring(1).execute(), Err("down".into()));
    assert_eq!(origin.get_ring(1).lookup(), Lookup::Stale(1), "it is still there");
}

#[test]
fn bulk_calls_return_stale_values_and_refresh_them() {
    let origin = Origin::new();
    let get = |ids: [u32; 3]| ids.map(|id| origin.get_ring(id)).get_or_update_many();
    assert_eq!(get([1, 2, 1]), [Ok(1), Ok(2), Ok(1)]);
    origin.wait(TILL_STALE);
    assert_eq!(get([1, 3, 1]), [Ok(3), Ok(4), Ok(3)], "by the caller");
    origin.wait(TILL_STALE);
    origin.go_down();
    assert_eq!(get([1, 4, 2]), [Ok(3), Err("down".into()), Ok(2)]);
}

#[tokio::test]
async fn awaited_calls_do_the_same() {
    let origin = Origin::new();
    let call = || origin.get_async_ring(1);
    assert_eq!(origin.get_async(1).await, Ok(1));
    origin.wait(TILL_STALE);
    assert_eq!(
        (call().lookup().await, call().get().await),
        (Lookup::Stale(1), None)
    );
    assert!(!call().has().await && !call().touch().await);
    assert_eq!(origin.get_async(1).await, Ok(2), "by the caller");
    assert!(call().expire().await);
    origin.go_down();
    assert_eq!(origin.get_async(1).await, Ok(2));
    assert_eq!(call().update().await, Err("down".into()));
    let calls = || [1, 2].map(|id| origin.get_async_ring(id));
    assert_eq!(calls().lookup_many().await, [Lookup::Stale(2), Lookup::Absent]);
    assert_eq!(calls().get_or_update_many().await, [Ok(2), Err("down".into())]);
    assert_eq!(calls().touch_many().await, [false, false]);
    assert_eq!(calls().expire_many().await, [false, false]);
    assert!(!call().delete().await);
    assert_eq!(origin.get_async(1).await, Err("down".into()));
}

/// Expiries that depend on values, and jitter.
mod expiry {
    use super::*;

    fn ttl(value: &Option<u32>) -> Option<Duration> {
        value
            .filter(|value| *value > 100)
            .map(|value| Duration::from_secs(value.into()))
    }

    #[ring(expire = 60, expire_of = ttl, none = "5s")]
    fn decided(value: Option<u32>) -> Option<u32> {
        value
    }
    #[ring(expire = 60, expire_of = |value| value.map(|value| Duration::from_secs(value.into())), none = "5s")]
    fn by_closure(value: Option<u32>) -> Option<u32> {
        value
    }
    #[ring(none = "5s")]
    fn lasting(value: Option<u32>) -> Option<u32> {
        value
    }
    #[ring(expire = 1000, jitter = 0.5, capacity = 1000)]
    fn shaken(value: u32) -> u32 {
        value
    }

    fn lives(clock: &testing::TestClock, has: impl Fn() -> bool) -> u64 {
        let lived = (0..200).take_while(|_| {
            let there = has();
            clock.advance(SECOND);
            there
        });
        lived.count() as u64
    }

    #[test]
    fn f19_a_call_decides_before_the_value_the_value_before_none_and_none_before_the_ring() {
        let (_isolated, clock) = (testing::isolated(), testing::clock());
        for (value, life) in [(Some(120), 120), (Some(1), 60), (None, 5)] {
            decided(value);
            assert_eq!(lives(&clock, || decided_ring(value).has()), life, "{value:?}");
            decided_ring(value).set(value);
            assert_eq!(lives(&clock, || decided_ring(value).has()), life, "{value:?}");
            decided_ring(value).expire_in(3 * SECOND).update();
            assert_eq!(lives(&clock, || decided_ring(value).has()), 3, "{value:?}");
            decided_ring(value).expire_in(Duration::ZERO).update();
            assert!(!decided_ring(value).has(), "zero is not stored");
        }
        for (value, life) in [(Some(20), 20), (None, 5)] {
            by_closure(value);
            assert_eq!(lives(&clock, || by_closure_ring(value).has()), life, "{value:?}");
        }
        lasting(None);
        lasting(Some(1));
        assert_eq!(lives(&clock, || lasting_ring(None).has()), 5);
        assert!(lasting_ring(Some(1)).has());
    }

    #[test]
    fn f18_jitter_only_shortens_and_never_what_expire_in_says() {
        let (_isolated, clock) = (testing::isolated(), testing::clock());
        testing::seed(7);
        for value in 0..400 {
            shaken(value);
        }
        shaken_ring(1000).expire_in(1000 * SECOND).update();
        let there = || (0..400).map(shaken_ring).has_many();
        let count = || there().iter().filter(|there| **there).count();
        clock.advance(500 * SECOND - Duration::from_nanos(1));
        assert_eq!(count(), 400, "half of it remains");
        clock.advance(250 * SECOND);
        assert!((150..250).contains(&count()), "{}", count());
        clock.advance(249 * SECOND);
        assert!(shaken_ring(1000).has());
        clock.advance(SECOND);
        assert_eq!((count(), shaken_ring(1000).has()), (0, false));
    }
}

/// Refreshes before the expiry.
mod early {
    use super::*;

    #[ring_impl(lru = self.values, expire = "10s")]
    impl Origin {
        #[ring(early = 0.8, refresh = caller)]
        fn by_caller_early(&self) -> Result<u32, String> {
            self.answer()
        }
        #[ring(early = 0.8, stale = "60s")]
        fn early_in_background(&self) -> Result<u32, String> {
            self.answer()
        }
        #[ring(early = 0.8)]
        async fn early_async(&self) -> Result<u32, String> {
            self.answer()
        }
        #[ring(early = xfetch, refresh = caller)]
        fn at_random(&self) -> Result<u32, String> {
            thread::sleep(Duration::from_millis(10));
            self.answer()
        }
    }

    #[test]
    fn a_call_refreshes_an_entry_shortly_before_it_expires() {
        let origin = Origin::new();
        origin.by_caller_early().unwrap();
        origin.wait(8 * SECOND - Duration::from_millis(1));
        assert_eq!(assert_computed!(0, origin.by_caller_early()), Ok(1));
        origin.wait(Duration::from_millis(1));
        assert_eq!(
            origin.by_caller_early_ring().get(),
            Some(1),
            "it is fresh for explicit verbs"
        );
        assert_eq!(origin.by_caller_early(), Ok(2));
        origin.wait(8 * SECOND);
        origin.go_down();
        assert_eq!(
            origin.by_caller_early(),
            Ok(2),
            "and if that fails, the entry is there"
        );
        origin.wait(2 * SECOND);
        assert_eq!(origin.by_caller_early(), Err("down".into()));
    }

    #[test]
    fn f17_it_looks_in_the_storage_again_before_it_computes() {
        let _inline = testing::inline();
        let origin = Origin::new();
        origin.early_in_background().unwrap();
        origin.wait(8 * SECOND);
        assert_eq!(
            assert_computed!(1, origin.early_in_background()),
            Ok(1),
            "refreshed"
        );
        assert_eq!(assert_computed!(0, origin.early_in_background()), Ok(2));
        origin.wait(TILL_STALE);
        assert_eq!(origin.early_in_background(), Ok(2), "stale");
        assert_eq!(origin.early_in_background(), Ok(3));
    }

    #[tokio::test]
    async fn tasks_refresh_early_too() {
        let _inline = testing::inline();
        let origin = Origin::new();
        origin.early_async().await.unwrap();
        origin.wait(8 * SECOND);
        assert_eq!(origin.early_async().await, Ok(1));
        assert_eq!(origin.early_async().await, Ok(2));
    }

    #[test]
    fn f17_xfetch_draws_only_when_the_expiry_is_near() {
        testing::seed(1);
        let origin = Origin::new();
        origin.at_random().unwrap();
        for _ in 0..90 {
            assert_eq!(
                assert_computed!(0, origin.at_random()),
                Ok(1),
                "more than 16 times the mean is left"
            );
            origin.wait(SECOND / 10);
        }
        // A millisecond is left, and the body takes ten.
        origin.wait(Duration::from_millis(999));
        assert!((0..100).any(|_| origin.at_random() != Ok(1)));
    }
}

/// Errors that other calls get.
mod errors {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    enum Failure {
        NotFound,
        Down,
    }

    impl Failure {
        fn is_not_found(&self) -> bool {
            *self == Failure::NotFound
        }
    }

    static FAILS: Mutex<Option<Failure>> = Mutex::new(None);

    fn answer() -> Result<u32, Failure> {
        FAILS.lock().unwrap().clone().map_or(Ok(1), Err)
    }

    fn fail(with: Option<Failure>) {
        *FAILS.lock().unwrap() = with;
    }

    /// One test at a time uses the answers.
    static TURN: Mutex<()> = Mutex::new(());

    #[ring(errors("200ms", when = Failure::is_not_found), expire = "10s", stale = "60s", refresh = caller)]
    fn found(id: u32) -> Result<u32, Failure> {
        let _ = id;
        answer()
    }
    #[ring(errors("1h"))]
    async fn found_async(id: u32) -> Result<u32, Failure> {
        let _ = id;
        answer()
    }
    #[ring(share_errors)]
    fn shared(id: u32, millis: u64) -> Result<u32, Failure> {
        let _ = id;
        thread::sleep(Duration::from_millis(millis));
        answer()
    }
    #[ring(share_errors)]
    async fn shared_async(id: u32) -> Result<u32, Failure> {
        let _ = id;
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer()
    }

    #[test]
    fn f20_errors_are_remembered_for_a_while_and_any_write_forgets_them() {
        let _turn = TURN.lock();
        let _isolated = testing::isolated();
        fail(Some(Failure::NotFound));
        assert_eq!(assert_computed!(1, found(1)), Err(Failure::NotFound));
        fail(None);
        assert_eq!(assert_computed!(0, found(1)), Err(Failure::NotFound));
        assert_eq!(
            assert_computed!(0, [1, 1].map(found_ring).get_or_update_many()).len(),
            2
        );
        assert_eq!(found(2), Ok(1), "another key");
        assert!(!found_ring(1).has(), "it is in no storage");
        for forget in [
            || _ = found_ring(1).delete(),
            || drop([found_ring(1)].delete_many()),
            || _ = found_ring(1).expire(),
            || drop(found_ring(1).update()),
            || found_ring(1).set(1),
            || found_cache().clear(),
        ] {
            found_ring(1).delete();
            fail(Some(Failure::NotFound));
            assert_eq!(found(1), Err(Failure::NotFound));
            fail(None);
            assert_eq!(assert_computed!(0, found(1)), Err(Failure::NotFound));
            forget();
            assert_eq!(found(1), Ok(1));
        }
        found_ring(1).delete();
        fail(Some(Failure::NotFound));
        assert!(found(1).is_err());
        fail(None);
        thread::sleep(Duration::from_millis(210));
        assert_eq!(found(1), Ok(1), "its time is over");
    }

    #[test]
    fn f20_when_says_which_errors_are_remembered() {
        let _turn = TURN.lock();
        let _isolated = testing::isolated();
        fail(Some(Failure::Down));
        assert_eq!(
            assert_computed!(2, (found(3), found(3))),
            (Err(Failure::Down), Err(Failure::Down))
        );
        fail(None);
    }

    #[test]
    fn f10_a_stale_value_beats_a_remembered_error() {
        let _turn = TURN.lock();
        let (_isolated, clock) = (testing::isolated(), testing::clock());
        fail(None);
        assert_eq!(found(4), Ok(1));
        clock.advance(TILL_STALE);
        fail(Some(Failure::NotFound));
        assert_eq!((found(4), found(4)), (Ok(1), Ok(1)));
        fail(None);
    }

    #[test]
    fn f20_at_most_1024_keys_are_remembered() {
        let _turn = TURN.lock();
        let _isolated = testing::isolated();
        fail(Some(Failure::NotFound));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for id in 0..1030 {
            assert!(runtime.block_on(found_async(id)).is_err());
        }
        assert!(assert_computed!(0, runtime.block_on(found_async(1023))).is_err());
        assert!(assert_computed!(1, runtime.block_on(found_async(1029))).is_err());
        fail(None);
    }

    #[test]
    fn share_errors_gives_waiters_the_leaders_error() {
        let _turn = TURN.lock();
        fail(Some(Failure::Down));
        let computed = AtomicU32::new(0);
        let barrier = Barrier::new(20);
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    barrier.wait();
                    let before = testing::computed();
                    assert_eq!(shared(1, 100), Err(Failure::Down));
                    computed.fetch_add((testing::computed() - before) as u32, SeqCst);
                });
            }
        });
        assert_eq!(computed.load(SeqCst), 1);
        assert_eq!(
            assert_computed!(1, shared(1, 0)),
            Err(Failure::Down),
            "a later call computes"
        );
        fail(None);
    }

    #[test]
    fn share_errors_works_for_tasks() {
        let _turn = TURN.lock();
        fail(Some(Failure::Down));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        assert_computed!(
            1,
            runtime.block_on(async {
                let calls = [(); 3].map(|()| shared_async(1));
                let [one, two, three] = calls;
                assert_eq!(
                    tokio::join!(one, two, three),
                    (Err(Failure::Down), Err(Failure::Down), Err(Failure::Down))
                );
            })
        );
        fail(None);
    }
}

/// Hooks for users' own tests.
mod hooks {
    use super::*;

    #[ring]
    fn double(value: u32) -> u32 {
        value * 2
    }

    #[test]
    fn t1_off_caches_nothing() {
        let _isolated = testing::isolated();
        double(1);
        let off = testing::off();
        assert_eq!(assert_computed!(2, double(1) + double(1)), 4);
        assert!(!double_ring(1).has() && double_ring(1).get().is_none());
        double_ring(2).set(5);
        assert_eq!([1, 2].map(double_ring).get_many(), [None, None]);
        assert_eq!(
            assert_computed!(2, [1, 3].map(double_ring).get_or_update_many().len()),
            2
        );
        assert_eq!(double_cache().stats().errors, 0);
        drop(off);
        assert_eq!(assert_computed!(0, double(1)), 2);
        assert!(!double_ring(2).has(), "nothing was stored");
    }

    #[test]
    fn t1_isolated_tests_do_not_meet() {
        double_ring(7).set(1);
        let first = testing::isolated();
        assert_eq!(assert_computed!(1, double(7)), 14);
        let second = testing::isolated();
        assert!(!double_ring(7).has());
        drop(second);
        assert!(double_ring(7).has());
        drop(first);
        assert_eq!(double(7), 1);
    }

    #[ring(expire = "1m", stale = "1h")]
    fn aging(value: u32) -> u32 {
        value
    }

    #[test]
    fn t1_the_clock_moves_statics_for_its_thread_and_until_it_is_dropped() {
        let _isolated = testing::isolated();
        let clock = testing::clock();
        aging(1);
        clock.advance(60 * SECOND);
        assert_eq!(aging_ring(1).lookup(), Lookup::Stale(1));
        clock.advance(3600 * SECOND);
        assert_eq!(aging_ring(1).lookup(), Lookup::Absent);
        drop(clock);
        aging(1);
        assert_eq!(aging_ring(1).lookup(), Lookup::Fresh(1));
        let _clock = testing::clock();
        _clock.advance(60 * SECOND);
        assert_eq!(aging_ring(1).lookup(), Lookup::Stale(1));
        let elsewhere = thread::scope(|scope| scope.spawn(ring_cache::testing::computed).join());
        assert_eq!(elsewhere.unwrap(), 0, "another thread has switches of its own");
    }

    #[ring_impl(lru = self.values, expire = 1000, jitter = 0.5)]
    impl Origin {
        #[ring]
        fn jittery(&self, id: u32) -> Result<u32, String> {
            let _ = id;
            self.answer()
        }
    }

    #[test]
    fn t1_a_seed_makes_jitter_the_same_in_each_run() {
        let there = |seed| {
            let origin = Origin::new();
            testing::seed(seed);
            (0..20).for_each(|id| _ = origin.jittery(id));
            let steps = (0..1_000).map(|_| {
                origin.wait(SECOND);
                (0..20).map(|id| origin.jittery_ring(id)).has_many()
            });
            steps.collect::<Vec<_>>()
        };
        let first = there(42);
        assert!(first == there(42));
        assert!(first != there(43));
    }

    #[test]
    #[should_panic(expected = "`double(8)` computed 0 times, not 1")]
    fn t1_assert_computed_says_what_it_expected() {
        double_ring(8).set(1);
        assert_computed!(1, double(8));
    }
}

#[test]
fn many_threads_get_stale_values_and_one_refreshes() {
    let origin = Origin::new();
    origin.get(1).unwrap();
    origin.wait(TILL_STALE);
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..100 {
                    assert!(origin.get(1).is_ok_and(|value| value <= 2));
                }
            });
        }
    });
    assert_eq!(origin.state.answers.load(SeqCst), 2);
}
