//! Waiting times of calls: many keys take no longer than one.

use std::sync::mpsc::channel;
use std::thread::scope;
use std::time::{Duration, Instant};

use futures_executor::block_on;
use ring_cache_core::{AsyncCache, AsyncCalls, Lru, Ring};

use crate::support::{
    AsyncRemote, Held, assert_quiet, async_call, call, drive, finish, hold, keep, leak, misses_reach, never,
    never_async, on_a_thread, run, run_on_one_thread,
};

type Far = &'static AsyncRemote<u32>;

const TIMEOUT: Duration = Duration::from_millis(400);

/// So many that waiting for them in sequence, or in groups, takes far longer than [`TIMEOUT`].
const KEYS: u32 = 40;

fn ring() -> &'static Ring {
    keep(
        Ring::with_prefix("p")
            .flight_timeout(TIMEOUT)
            .write_timeout(TIMEOUT),
    )
}

/// A bulk call that stopped in the middle of its write of all keys.
fn held_writer(ring: &'static Ring, far: Far) -> Held<'static, Vec<u32>> {
    far.stop_before("write_many");
    let calls = (0..KEYS).map(move |id| async_call(ring, far, id, move || async move { id }));
    let mut writer = hold(calls.update_many());
    assert!(drive(&mut writer).is_pending());
    writer
}

/// Checks that `what` takes one timeout, not one per key, while a write of all keys is held.
fn takes_one_timeout(name: &str, what: fn(&'static Ring, Far) -> Held<'static, ()>) {
    let (ring, far) = (ring(), leak(AsyncRemote::new()));
    let held = held_writer(ring, far);
    let began = Instant::now();
    run_on_one_thread(what(ring, far));
    let took = began.elapsed();
    assert!(took < 6 * TIMEOUT, "{name} took {took:?}");
    drop(held);
    assert_quiet(far);
}

#[test]
fn a_bulk_call_waits_for_the_writers_of_all_its_keys_together() {
    takes_one_timeout("delete_many", |ring, far| {
        hold(async move {
            let calls = (0..KEYS).map(|id| async_call(ring, far, id, never_async));
            calls.delete_many().await.unwrap();
        })
    });
    takes_one_timeout("set_many", |ring, far| {
        hold(async move {
            let calls = (0..KEYS).map(|id| async_call(ring, far, id, never_async));
            calls.set_many(0..KEYS).await.unwrap();
        })
    });
    takes_one_timeout("get_or_update_many", |ring, far| {
        hold(async move {
            let calls = (0..KEYS).map(|id| async_call(ring, far, id, move || async move { id }));
            assert_eq!(calls.get_or_update_many().await, Vec::from_iter(0..KEYS));
        })
    });
    takes_one_timeout("update_many", |ring, far| {
        hold(async move {
            let calls = (0..KEYS).map(|id| async_call(ring, far, id, move || async move { id + 1 }));
            assert_eq!(calls.update_many().await, Vec::from_iter(1..=KEYS));
        })
    });
}

#[test]
fn a_clear_waits_for_all_writers_together() {
    takes_one_timeout("clear", |ring, far| {
        hold(async move { AsyncCache::new(ring, far).clear::<u32>().await.unwrap() })
    });
}

#[test]
fn a_long_computation_may_be_waited_for_while_a_held_write_is_not() {
    let ring = keep(
        Ring::with_prefix("p")
            .flight_timeout(Duration::from_secs(3600))
            .write_timeout(TIMEOUT),
    );
    let far = leak(AsyncRemote::new());
    let held = held_writer(ring, far);
    run_on_one_thread(async_call(ring, far, 1, never_async).delete()).unwrap();
    run_on_one_thread(async_call(ring, far, 2, never_async).set(5)).unwrap();
    assert_eq!(
        run_on_one_thread(async_call(ring, far, 3, || async { 6 }).update()),
        6
    );
    drop(held);
    assert_quiet(far);
}

#[test]
fn a_timeout_may_have_any_length() {
    let longest = u64::MAX;
    for seconds in [longest, longest / 2, longest / 2 - 200_000, longest / 4, 1 << 40] {
        let forever = Duration::from_secs(seconds);
        let ring = keep(
            Ring::with_prefix("p")
                .flight_timeout(forever)
                .write_timeout(forever),
        );
        let lru = leak(Lru::new(8));
        let ((begin, began), (end, ended)) = (channel(), channel());
        scope(|scope| {
            let leader = scope.spawn(move || {
                let body = move || {
                    begin.send(()).unwrap();
                    ended.recv().unwrap();
                    1
                };
                call(ring, lru, 1, body).get_or_update()
            });
            began.recv().unwrap();
            let waiting = on_a_thread(move || call(ring, lru, 1, never).get_or_update());
            let awaiting =
                on_a_thread(move || block_on(async_call(ring, lru, 1, never_async).get_or_update()));
            run(misses_reach(ring, lru, 3));
            let mut polled = hold(async_call(ring, lru, 1, never_async).get_or_update());
            assert!(drive(&mut polled).is_pending());
            end.send(()).unwrap();
            assert_eq!(run(async { (waiting.await, awaiting.await) }), (1, 1));
            assert_eq!((leader.join().unwrap(), finish(polled)), (1, 1));
        });
        assert_quiet(lru);
    }
}
