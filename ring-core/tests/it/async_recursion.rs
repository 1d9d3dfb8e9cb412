//! Async methods that call themselves.

use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use ring_cache_core::{AsyncCache, AsyncCalls, Lru, Plain, Ring};

use crate::support::{
    AsyncRemote, Count, assert_quiet, async_call, finish, hold, keep, leak, never_async, patient, pause, run,
};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Calls itself with the same key this many times.
fn descend(ring: &'static Ring, lru: &'static Lru<u32>, depth: u32) -> Boxed<u32> {
    let cached = AsyncCache::new(ring, lru).bind::<Plain<u32>, _, _, _>(("same",), move |_| async move {
        pause().await;
        match depth {
            0 => 0,
            _ => descend(ring, lru, depth - 1).await + 1,
        }
    });
    Box::pin(cached.get_or_update())
}

#[test]
fn a_method_that_calls_itself_with_the_same_key_computes_uncached() {
    for coalesce in [true, false] {
        let ring = keep(
            Ring::with_prefix("p")
                .flight_timeout(Duration::MAX)
                .coalesce(coalesce),
        );
        let lru = leak(Lru::new(10));
        assert_eq!(finish(hold(descend(ring, lru, 5))), 5);
        assert_eq!(
            finish(hold(descend(ring, lru, 9))),
            5,
            "the outermost call was stored"
        );
        assert_eq!(AsyncCache::new(ring, lru).stats::<u32>().stores, 1);
        assert_quiet(lru);
    }
}

#[test]
fn recursion_is_detected_on_any_thread_of_the_task() {
    run(async {
        let (ring, runs) = (patient(), Count::leaked());
        let tasks = (0..50).map(|_| {
            let lru = leak(Lru::new(10));
            tokio::spawn(async move {
                let inner = || async_call(ring, lru, 1, || async { runs.next() }).get_or_update();
                let body = || async {
                    for _ in 0..20 {
                        tokio::task::yield_now().await;
                        inner().await;
                    }
                    0
                };
                assert_eq!(async_call(ring, lru, 1, body).get_or_update().await, 0);
                assert_quiet(lru);
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert_eq!(runs.get(), 50 * 20);
    });
}

#[test]
fn recursion_through_join_is_detected() {
    let (ring, lru) = (patient(), leak(Lru::new(10)));
    let inner = |value| async_call(ring, lru, 1, move || async move { value }).get_or_update();
    let body = || async {
        let (one, many) = join(inner(1), join_all([inner(2), inner(3)])).await;
        let bulk = [1, 2].map(|id| async_call(ring, lru, id, move || async move { id + 3 }));
        let updated = async_call(ring, lru, 1, || async { 6 }).update().await;
        [vec![one], many, bulk.get_or_update_many().await, vec![updated]]
            .concat()
            .iter()
            .sum()
    };
    // The bulk call finds the value that the inner update stored.
    assert_eq!(finish(hold(async_call(ring, lru, 1, body).get_or_update())), 23);
    assert_eq!(
        finish(hold(async_call(ring, lru, 1, never_async).get())),
        Some(6),
        "the later-started wins"
    );
    assert_eq!(finish(hold(async_call(ring, lru, 2, never_async).get())), Some(5));
    assert_quiet(lru);
}

#[test]
fn a_sibling_in_one_task_is_not_taken_for_recursion() {
    // Both are polled by one task, on one thread; the second waits for the first.
    let (ring, remote, runs) = (patient(), AsyncRemote::new(), Count::default());
    let body = || async {
        pause().await;
        runs.next()
    };
    let both = join(
        async_call(ring, &remote, 1, body).get_or_update(),
        async_call(ring, &remote, 1, body).get_or_update(),
    );
    assert_eq!(finish(hold(both)), (1, 1));
    assert_eq!(AsyncCache::new(ring, &remote).stats::<usize>().coalesced, 1);
    assert_quiet(&remote);
}

#[test]
fn recursion_through_another_task_ends_after_the_timeout() {
    run(async {
        let timeout = Duration::from_millis(100);
        let (ring, lru) = (
            keep(Ring::with_prefix("p").flight_timeout(timeout)),
            leak(Lru::new(10)),
        );
        let began = Instant::now();
        let body = || async {
            let inner = async_call(ring, lru, 1, || async { 1 });
            tokio::spawn(inner.get_or_update()).await.unwrap() + 1
        };
        assert_eq!(async_call(ring, lru, 1, body).get_or_update().await, 2);
        assert!(began.elapsed() >= timeout);
        assert_quiet(lru);
    });
}

#[test]
fn two_keys_that_call_each_other_end_after_the_timeout() {
    run(async {
        let timeout = Duration::from_millis(100);
        let (ring, lru) = (
            keep(Ring::with_prefix("p").flight_timeout(timeout)),
            leak(Lru::new(10)),
        );
        let began = Instant::now();
        let calls = || {
            [1_u32, 2].map(|id| {
                async_call(ring, lru, id, move || async move {
                    pause().await;
                    10 * id
                        + async_call(ring, lru, 3 - id, move || async move { 3 - id })
                            .get_or_update()
                            .await
                })
            })
        };
        // In one task, and in two.
        assert_eq!(calls().get_or_update_many().await.len(), 2);
        lru.clear();
        let tasks = calls().map(|one| tokio::spawn(one.get_or_update()));
        for task in tasks {
            task.await.unwrap();
        }
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "that is less than the usual timeout"
        );
        assert_quiet(lru);
    });
}

#[test]
fn a_method_that_calls_itself_with_other_keys_is_cached_throughout() {
    fn fibonacci(ring: &'static Ring, lru: &'static Lru<u64>, n: u32) -> Boxed<u64> {
        let cached = AsyncCache::new(ring, lru).bind::<Plain<u64>, _, _, _>((n,), move |_| async move {
            match n {
                0 | 1 => u64::from(n),
                _ => {
                    let (one, two) = join(fibonacci(ring, lru, n - 1), fibonacci(ring, lru, n - 2)).await;
                    one + two
                }
            }
        });
        Box::pin(cached.get_or_update())
    }
    let (ring, lru) = (patient(), leak(Lru::new(100)));
    assert_eq!(finish(hold(fibonacci(ring, lru, 40))), 102_334_155);
    assert_eq!(AsyncCache::new(ring, lru).stats::<u64>().stores, 41);
    assert_quiet(lru);
}

#[test]
fn a_bulk_call_whose_bodies_call_its_other_keys_computes_each_once() {
    fn fibonacci(ring: &'static Ring, lru: &'static Lru<u32>, bodies: &'static Count, n: u32) -> Boxed<u32> {
        Box::pin(async move {
            bodies.next();
            pause().await;
            let of = |n| async_call(ring, lru, n, move || fibonacci(ring, lru, bodies, n)).get_or_update();
            if n < 2 {
                n
            } else {
                of(n - 1).await + of(n - 2).await
            }
        })
    }

    for (descending, limit) in [
        (false, 64),
        (true, 64),
        (false, 1),
        (true, 1),
        (false, 3),
        (true, 3),
    ] {
        let (ring, lru, bodies) = (patient(), leak(Lru::new(100)), Count::leaked());
        let mut numbers: Vec<u32> = (0..=20).collect();
        if descending {
            numbers.reverse();
        }
        let calls = numbers
            .iter()
            .map(|&n| async_call(ring, lru, n, move || fibonacci(ring, lru, bodies, n)));
        let values = finish(hold(calls.at_most(limit).get_or_update_many()));
        assert!(values.contains(&6765));
        assert_eq!(bodies.get(), 21, "at most {limit}, descending: {descending}");
        assert_quiet(lru);
    }
}
