//! One computation per key at a time: results of leaders and their waiters.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use ring_cache_core::{Calls, Lru, Map, Ring};

use crate::support::{Cache, assert_quiet, call, eventually, fallible, keep, never, ring};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Counts the runs of a body.
#[derive(Default)]
struct Runs(AtomicUsize);

impl Runs {
    /// The number of this run, from 1.
    fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn sixty_four_threads_on_a_cold_key_cost_one_execution() {
    for round in 0..20 {
        let (ring, lru, runs, start) = (ring(), Lru::new(10), Runs::default(), Barrier::new(64));
        scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    start.wait();
                    let value = call(ring, &lru, round, || {
                        sleep(ms(2));
                        runs.next()
                    });
                    assert_eq!(value.get_or_update(), 1);
                });
            }
        });
        assert_eq!(runs.count(), 1);
        let stats = Cache::new(ring, &lru).stats::<usize>();
        assert_eq!((stats.stores, stats.hits + stats.coalesced), (1, 63));
        assert_quiet(&lru);
    }
}

#[test]
fn calls_between_look_up_and_flight_find_the_value_and_do_not_compute() {
    // Without a pause in the body, flights come and go between other threads' look-ups and joins.
    for round in 0..300 {
        let (ring, map, runs, start) = (ring(), Map::new(), Runs::default(), Barrier::new(8));
        scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    let one = || call(ring, &map, round, || runs.next());
                    assert_eq!(one().get_or_update(), 1);
                    assert_eq!([one()].get_or_update_many(), [1]);
                });
            }
        });
        assert_eq!(runs.count(), 1);
        assert_quiet(&map);
    }
}

#[test]
fn bulk_calls_on_a_cold_key_cost_one_execution() {
    for round in 0..300 {
        let (ring, lru, runs, start) = (ring(), Lru::new(10), Runs::default(), Barrier::new(8));
        scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    assert_eq!(
                        [call(ring, &lru, round, || runs.next())].get_or_update_many(),
                        [1]
                    );
                });
            }
        });
        assert_eq!(runs.count(), 1);
        assert_quiet(&lru);
    }
}

#[test]
fn when_a_leader_panics_one_waiter_takes_over_and_serves_the_others() {
    let (ring, lru, runs) = (ring(), Lru::new(10), Runs::default());
    let waiting = AtomicUsize::new(0);
    let (panics, values) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    scope(|scope| {
        let one = || {
            waiting.fetch_add(1, Ordering::SeqCst);
            let value = catch_unwind(AssertUnwindSafe(|| {
                let cached = call(ring, &lru, 1, || {
                    let run = runs.next();
                    eventually(|| waiting.load(Ordering::SeqCst) == 16);
                    sleep(ms(30)); // until they are waiting
                    assert!(run != 1, "the first one fails");
                    run
                });
                cached.get_or_update()
            }));
            match value {
                Ok(value) => values.lock().unwrap().push(value),
                Err(_) => drop(panics.fetch_add(1, Ordering::SeqCst)),
            }
        };
        for _ in 0..16 {
            scope.spawn(one);
        }
    });
    assert_eq!((panics.into_inner(), runs.count()), (1, 2));
    assert_eq!(values.into_inner().unwrap(), [2; 15]);
    assert_eq!(call(ring, &lru, 1, never).get(), Some(2));
    assert_quiet(&lru);
}

#[test]
fn waiters_of_leaders_that_panic_one_after_another_end() {
    let (ring, lru, runs, start) = (ring(), Lru::new(10), Runs::default(), Barrier::new(8));
    let panics = AtomicUsize::new(0);
    scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                let cached = call(ring, &lru, 1, || {
                    sleep(ms(5));
                    assert!(runs.next() > 7, "only the last one succeeds");
                    7
                });
                if catch_unwind(AssertUnwindSafe(|| cached.get_or_update())).is_err() {
                    panics.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!((panics.into_inner(), runs.count()), (7, 8));
    assert_quiet(&lru);
}

#[test]
fn after_an_error_all_waiters_compute_for_themselves() {
    let (ring, lru, runs, start) = (ring(), Lru::<u32>::new(10), Runs::default(), Barrier::new(8));
    let began = Instant::now();
    scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                let cached = fallible(ring, &lru, 1, || {
                    runs.next();
                    sleep(ms(300));
                    Err("no")
                });
                assert_eq!(cached.get_or_update(), Err("no"));
            });
        }
    });
    assert!(began.elapsed() < ms(1500), "{:?} is a convoy", began.elapsed());
    assert_eq!(runs.count(), 8);
    assert!(lru.is_empty());
    assert_quiet(&lru);
}

#[test]
fn after_an_error_the_next_call_computes_again() {
    let (ring, lru) = (ring(), Lru::new(10));
    assert_eq!(fallible(ring, &lru, 1, || Err("no")).get_or_update(), Err("no"));
    assert_eq!(fallible(ring, &lru, 1, || Ok(3)).get_or_update(), Ok(3));
    assert_eq!(fallible(ring, &lru, 1, never).get_or_update(), Ok(3));
    // A failed refresh keeps the stored value.
    assert_eq!(fallible(ring, &lru, 1, || Err("no")).update(), Err("no"));
    assert_eq!(fallible(ring, &lru, 1, never).get(), Some(3));
    assert_quiet(&lru);
}

#[test]
fn waiters_of_a_stuck_leader_compute_for_themselves_after_the_timeout() {
    let ring = keep(Ring::with_prefix("p").flight_timeout(ms(60)));
    let (lru, stuck, runs) = (Lru::new(10), AtomicBool::new(true), Runs::default());
    scope(|scope| {
        let leader = scope.spawn(|| {
            let cached = call(ring, &lru, 1, || {
                runs.next();
                eventually(|| !stuck.load(Ordering::SeqCst));
                1
            });
            cached.get_or_update()
        });
        eventually(|| runs.count() == 1);
        let began = Instant::now();
        assert_eq!(call(ring, &lru, 1, || 2).get_or_update(), 2);
        assert!(began.elapsed() >= ms(60) && began.elapsed() < ms(2000));
        assert_eq!(call(ring, &lru, 1, never).get_or_update(), 2);
        stuck.store(false, Ordering::SeqCst);
        assert_eq!(leader.join().unwrap(), 1);
    });
    assert_eq!(
        call(ring, &lru, 1, never).get(),
        Some(2),
        "the later-started wins"
    );
    assert_quiet(&lru);
}

#[test]
fn a_bulk_call_waits_no_longer_in_all_than_one_call() {
    let ring = keep(Ring::with_prefix("p").flight_timeout(ms(100)));
    let (lru, stuck, runs) = (Lru::new(100), AtomicBool::new(true), Runs::default());
    scope(|scope| {
        for id in 0..10 {
            let (lru, stuck, runs) = (&lru, &stuck, &runs);
            scope.spawn(move || {
                let cached = call(ring, lru, id, || {
                    runs.next();
                    eventually(|| !stuck.load(Ordering::SeqCst));
                    id
                });
                cached.get_or_update()
            });
        }
        eventually(|| runs.count() == 10);
        let began = Instant::now();
        let values = (0..10).map(|id| call(ring, &lru, id, move || id + 100));
        assert_eq!(values.get_or_update_many(), (100..110).collect::<Vec<_>>());
        let took = began.elapsed();
        stuck.store(false, Ordering::SeqCst);
        assert!(took >= ms(100) && took < ms(500), "{took:?}");
    });
    assert_quiet(&lru);
}

#[test]
fn without_coalescing_no_call_waits_for_another() {
    let ring = keep(Ring::with_prefix("p").coalesce(false));
    let (lru, both) = (Lru::new(10), Barrier::new(2));
    scope(|scope| {
        for value in [1, 2] {
            let (lru, both) = (&lru, &both);
            scope.spawn(move || {
                let cached = call(ring, lru, 1, || {
                    both.wait(); // is passed only if both run at a time
                    value
                });
                assert_eq!(cached.get_or_update(), value);
            });
        }
    });
    assert_eq!(Cache::new(ring, &lru).stats::<i32>().coalesced, 0);
    assert_quiet(&lru);
}

#[test]
fn update_never_joins_a_computation() {
    let (ring, lru, both) = (ring(), Lru::new(10), Barrier::new(2));
    scope(|scope| {
        let leader = scope.spawn(|| {
            let cached = call(ring, &lru, 1, || {
                both.wait();
                both.wait();
                1
            });
            cached.get_or_update()
        });
        both.wait();
        assert_eq!(call(ring, &lru, 1, || 2).update(), 2);
        both.wait();
        assert_eq!(leader.join().unwrap(), 1);
    });
    assert_eq!(
        call(ring, &lru, 1, never).get(),
        Some(2),
        "the later-started wins"
    );
    assert_quiet(&lru);
}

#[test]
fn bulk_calls_that_overlap_in_opposite_order_do_not_deadlock() {
    for _ in 0..30 {
        let (ring, lru, runs, start) = (ring(), Lru::new(100), Runs::default(), Barrier::new(2));
        let began = Instant::now();
        scope(|scope| {
            for forth in [true, false] {
                let (lru, runs, start) = (&lru, &runs, &start);
                scope.spawn(move || {
                    let mut ids: Vec<u32> = (0..20).collect();
                    if !forth {
                        ids.reverse();
                    }
                    start.wait();
                    let calls = ids.iter().map(|&id| {
                        call(ring, lru, id, move || {
                            runs.next();
                            std::thread::yield_now();
                            id
                        })
                    });
                    assert_eq!(calls.get_or_update_many(), ids);
                });
            }
        });
        assert!(began.elapsed() < ms(2000));
        assert_eq!(runs.count(), 20);
        assert_quiet(&lru);
    }
}

#[test]
fn a_waiter_for_one_value_of_a_bulk_call_does_not_wait_for_the_others() {
    let (ring, lru, step) = (ring(), Lru::new(10), Barrier::new(2));
    scope(|scope| {
        let (lru, step) = (&lru, &step);
        let bulk = scope.spawn(move || {
            let calls = [1_u32, 2].map(|id| {
                call(ring, lru, id, move || {
                    step.wait();
                    step.wait();
                    id
                })
            });
            calls.get_or_update_many()
        });
        step.wait();
        let waiter = scope.spawn(move || call(ring, lru, 1, never).get_or_update());
        sleep(ms(30)); // it waits for the first one
        step.wait();
        step.wait(); // the second one begins
        eventually(|| waiter.is_finished());
        step.wait();
        assert_eq!((waiter.join().unwrap(), bulk.join().unwrap()), (1, vec![1, 2]));
    });
    assert_quiet(&lru);
}

#[test]
fn waiters_of_a_bulk_call_in_which_a_body_panics_end() {
    let (ring, lru, both) = (ring(), Lru::new(10), Barrier::new(2));
    scope(|scope| {
        let bulk = scope.spawn(|| {
            let calls = [1_u32, 2, 3].map(|id| {
                let both = &both;
                call(ring, &lru, id, move || {
                    if id == 2 {
                        both.wait();
                        sleep(ms(30));
                        panic!("the second one fails");
                    }
                    id
                })
            });
            calls.get_or_update_many()
        });
        both.wait();
        let began = Instant::now();
        for id in [1, 2, 3] {
            assert!([id, 10 * id].contains(&call(ring, &lru, id, || 10 * id).get_or_update()));
        }
        assert!(began.elapsed() < ms(2000));
        assert!(bulk.join().is_err());
    });
    assert_quiet(&lru);
}

#[test]
fn a_value_that_unless_refuses_still_serves_the_waiters() {
    let (ring, lru, runs, start) = (ring(), Lru::new(10), Runs::default(), Barrier::new(8));
    scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                let cached = call(ring, &lru, 1, || {
                    runs.next();
                    sleep(ms(50));
                    None::<u32>
                });
                assert_eq!(cached.unless(Option::is_none).get_or_update(), None);
            });
        }
    });
    assert!(lru.is_empty() && runs.count() < 8);
    assert_quiet(&lru);
}
