//! Futures that were polled and then not polled again: no other call waits for them forever.

use std::task::Poll;
use std::time::{Duration, Instant};

use futures_executor::block_on;
use futures_timer::Delay;
use futures_util::future::join_all;
use ring_cache_core::{AsyncCache, AsyncCalls, Lru, Ring};

use crate::support::{
    AsyncRemote, Count, Held, assert_quiet, async_call, call, drive, finish, hold, keep, leak, misses_reach,
    never_async, on_a_thread, pause, poll_once, run, run_on_one_thread,
};

/// Long enough for one computation to end on a busy machine.
const TIMEOUT: Duration = Duration::from_millis(900);

fn ring() -> &'static Ring {
    keep(
        Ring::with_prefix("p")
            .flight_timeout(TIMEOUT)
            .write_timeout(TIMEOUT),
    )
}

/// A leader of key 1 in the middle of its body, which returns 1.
fn held_leader(ring: &'static Ring, lru: &'static Lru<usize>, runs: &'static Count) -> Held<'static, usize> {
    let body = || async {
        let run = runs.next();
        pause().await;
        run
    };
    let mut leader = hold(async_call(ring, lru, 1, body).get_or_update());
    assert!(poll_once(&mut leader).is_pending());
    assert_eq!(runs.get(), 1);
    leader
}

#[test]
fn one_waiter_of_a_held_leader_computes_for_all() {
    run(async {
        let (ring, lru, runs) = (ring(), leak(Lru::new(10)), Count::leaked());
        let leader = held_leader(ring, lru, runs);
        let began = Instant::now();
        let body = move || async move {
            let run = runs.next();
            assert!(
                began.elapsed() >= TIMEOUT,
                "the waiters did not wait for the leader"
            );
            // Meanwhile the others time out as well.
            Delay::new(TIMEOUT / 4).await;
            run
        };
        let tasks = (0..50).map(|_| tokio::spawn(async_call(ring, lru, 1, body).get_or_update()));
        let tasks: Vec<_> = tasks.collect();
        let awaiting =
            (0..8).map(|_| on_a_thread(move || block_on(async_call(ring, lru, 1, body).get_or_update())));
        let awaiting: Vec<_> = awaiting.collect();
        let body = move || {
            let run = runs.next();
            std::thread::sleep(TIMEOUT / 4);
            run
        };
        let blocking = (0..8).map(|_| on_a_thread(move || call(ring, lru, 1, body).get_or_update()));
        let blocking: Vec<_> = blocking.collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), 2);
        }
        assert!(join_all(awaiting).await.iter().all(|value| *value == 2));
        assert!(join_all(blocking).await.iter().all(|value| *value == 2));
        assert_eq!(runs.get(), 2, "one took over");
        let newcomer = hold(async_call(ring, lru, 1, never_async).get_or_update());
        assert_eq!(finish(newcomer), 2);
        // The held leader ends at last.
        assert_eq!(finish(leader), 1);
        let cached = async_call(ring, lru, 1, never_async).get().await;
        assert_eq!(cached, Some(2), "the later-started wins");
        assert_quiet(lru);
    });
}

#[test]
fn a_held_leader_that_ends_in_time_serves_its_waiters() {
    let (lru, runs) = (leak(Lru::new(10)), Count::leaked());
    let patient = crate::support::patient();
    let leader = held_leader(patient, lru, runs);
    let mut waiter = hold(async_call(patient, lru, 1, never_async).get_or_update());
    assert!(drive(&mut waiter).is_pending());
    assert_eq!(finish(leader), 1);
    assert_eq!(drive(&mut waiter), Poll::Ready(1));
    drop(waiter);
    assert_quiet(lru);
}

#[test]
fn a_held_leader_that_is_dropped_hands_over_at_once() {
    let (lru, runs) = (leak(Lru::new(10)), Count::leaked());
    let patient = crate::support::patient();
    let leader = held_leader(patient, lru, runs);
    let waiter = || {
        let mut waiter = hold(async_call(patient, lru, 1, || async { runs.next() }).get_or_update());
        assert!(drive(&mut waiter).is_pending());
        waiter
    };
    let waiters = [waiter(), waiter(), waiter()];
    drop(leader);
    assert_eq!(block_on(join_all(waiters)), [2, 2, 2]);
    assert_quiet(lru);
}

#[test]
fn a_waiter_that_was_woken_and_is_held_keeps_the_others_no_longer_than_the_timeout() {
    run(async {
        let (ring, lru, runs) = (ring(), leak(Lru::new(10)), Count::leaked());
        let leader = held_leader(ring, lru, runs);
        // The first in line, so that the leader hands over to it.
        let mut held = hold(async_call(ring, lru, 1, || async { runs.next() }).get_or_update());
        assert!(poll_once(&mut held).is_pending());
        let others =
            (0..20).map(|_| tokio::spawn(async_call(ring, lru, 1, || async { runs.next() }).get_or_update()));
        let others: Vec<_> = others.collect();
        misses_reach(ring, lru, 22).await;
        drop(leader);
        // One takes the vacant lead; another may take over at the same moment.
        for other in others {
            assert!([2, 3].contains(&other.await.unwrap()));
        }
        assert!(runs.get() <= 3);
        assert!([2, 3].contains(&finish(held)));
        assert_quiet(lru);
    });
}

#[test]
fn a_waiter_that_was_woken_and_is_held_does_not_keep_the_others_waiting() {
    let (ring, lru, runs) = (crate::support::patient(), leak(Lru::new(10)), Count::leaked());
    let leader = held_leader(ring, lru, runs);
    let waiter = || hold(async_call(ring, lru, 1, || async { runs.next() }).get_or_update());
    let (mut held, mut other) = (waiter(), waiter());
    assert!(poll_once(&mut held).is_pending());
    assert!(drive(&mut other).is_pending());
    let woken =
        on_a_thread(move || block_on(async_call(ring, lru, 1, || async { runs.next() }).get_or_update()));
    run(misses_reach(ring, lru, 4));
    drop(leader);
    assert_eq!(run(woken), 2);
    assert_eq!((finish(other), finish(held)), (2, 2));
    assert_quiet(lru);
}

#[test]
fn a_leader_held_in_a_look_up_or_a_store_does_not_stall_newcomers() {
    for point in 1.. {
        let (ring, remote) = (
            keep(
                Ring::with_prefix("p")
                    .flight_timeout(TIMEOUT / 9)
                    .write_timeout(TIMEOUT / 9),
            ),
            leak(AsyncRemote::new()),
        );
        let body = || async {
            pause().await;
            1
        };
        let mut leader = hold(async_call(ring, remote, 1, body).get_or_update());
        let ended = (0..point).any(|_| poll_once(&mut leader).is_ready());
        if ended {
            assert!(
                point > 5,
                "it yields in the look-up, in the body and in the store"
            );
            break;
        }
        let newcomer = async_call(ring, remote, 1, || async { 2 });
        let value = run(newcomer.get_or_update());
        assert!([1, 2].contains(&value), "{point}: {value}");
        // A leader that was held in its look-up finds the newcomer's value.
        assert!([1, value].contains(&finish(leader)));
        // No value, or one as new as the newcomer's.
        let cached = run(async_call(ring, remote, 1, never_async).get()).unwrap();
        assert!(cached.is_none_or(|cached| cached >= value), "{point}: {cached:?}");
        assert_quiet(remote);
    }
}

/// An operation during a held write of 1, and the values that may be stored at the end.
type Interference = (
    &'static str,
    fn(&'static Ring, &'static AsyncRemote<u32>) -> Held<'static, ()>,
    Option<u32>,
);

fn interferences() -> [Interference; 7] {
    [
        (
            "delete",
            |ring, remote| {
                hold(async move {
                    async_call(ring, remote, 1, never_async).delete().await.unwrap();
                })
            },
            None,
        ),
        (
            "delete_many",
            |ring, remote| {
                hold(async move {
                    [async_call(ring, remote, 1, never_async)]
                        .delete_many()
                        .await
                        .unwrap();
                })
            },
            None,
        ),
        (
            "clear",
            |ring, remote| {
                hold(async move {
                    AsyncCache::new(ring, remote).clear::<u32>().await.unwrap();
                })
            },
            None,
        ),
        (
            "set",
            |ring, remote| {
                hold(async move {
                    async_call(ring, remote, 1, never_async).set(5).await.unwrap();
                })
            },
            Some(5),
        ),
        (
            "set_many",
            |ring, remote| {
                hold(async move {
                    [async_call(ring, remote, 1, never_async)]
                        .set_many([5])
                        .await
                        .unwrap();
                })
            },
            Some(5),
        ),
        (
            "update",
            |ring, remote| {
                hold(async move {
                    assert_eq!(async_call(ring, remote, 1, || async { 5 }).update().await, 5);
                })
            },
            Some(5),
        ),
        (
            "update_many",
            |ring, remote| {
                hold(async move {
                    assert_eq!(
                        [async_call(ring, remote, 1, || async { 5 })].update_many().await,
                        [5]
                    );
                })
            },
            Some(5),
        ),
    ]
}

/// A writer that stopped in the middle of its write.
fn held_writer(
    ring: &'static Ring,
    remote: &'static AsyncRemote<u32>,
    many: bool,
    done: bool,
) -> Held<'static, u32> {
    let operation = if many { "write_many" } else { "write" };
    let one = async_call(ring, remote, 1, || async { 1 });
    let mut writer = match many {
        false => hold(one.get_or_update()),
        true => hold(async { [one].get_or_update_many().await[0] }),
    };
    while !remote.operations().contains(&operation) {
        assert!(poll_once(&mut writer).is_pending());
    }
    // It pauses before the effect.
    if done {
        assert!(poll_once(&mut writer).is_pending());
    }
    writer
}

#[test]
fn a_held_write_stalls_no_call_forever_and_its_entry_does_not_stay() {
    for (what, interfere, expected) in interferences() {
        for (many, done) in [(false, false), (false, true), (true, false), (true, true)] {
            let ring = keep(
                Ring::with_prefix("p")
                    .flight_timeout(TIMEOUT / 9)
                    .write_timeout(TIMEOUT / 9),
            );
            let remote = leak(AsyncRemote::new());
            let writer = held_writer(ring, remote, many, done);
            run_on_one_thread(interfere(ring, remote));
            let now = run_on_one_thread(async_call(ring, remote, 1, never_async).get()).unwrap();
            assert!(
                now.is_none() || now == expected,
                "{what} during the write: {now:?}"
            );
            assert_eq!(finish(writer), 1);
            let after = run_on_one_thread(async_call(ring, remote, 1, never_async).get()).unwrap();
            assert!(after.is_none() || after == expected, "{what}: {after:?}");
            assert_quiet(remote);
        }
    }
}

#[test]
fn a_held_write_that_is_dropped_keeps_newer_entries() {
    for (what, interfere, expected) in interferences() {
        for (many, done) in [(false, false), (false, true), (true, false), (true, true)] {
            let ring = keep(
                Ring::with_prefix("p")
                    .flight_timeout(TIMEOUT / 9)
                    .write_timeout(TIMEOUT / 9),
            );
            let remote = leak(AsyncRemote::new());
            let writer = held_writer(ring, remote, many, done);
            let mut interference = interfere(ring, remote);
            assert!(
                drive(&mut interference).is_pending(),
                "{what} waits for the write"
            );
            drop(writer);
            run_on_one_thread(interference);
            let after = run_on_one_thread(async_call(ring, remote, 1, never_async).get()).unwrap();
            assert_eq!(after, expected, "{what}");
            assert_quiet(remote);
        }
    }
}
