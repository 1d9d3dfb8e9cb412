//! Futures that are dropped at any point leave no state behind, and no call waiting.

use std::task::Poll;
use std::time::{Duration, Instant};

use futures_executor::block_on;
use ring_cache_core::body::AsyncBody;
use ring_cache_core::{Action, AsyncCache, AsyncCall, AsyncCalls, Lru, Plain, Ring};
use tokio::sync::Semaphore;

use crate::support::{
    AsyncRemote, Held, assert_quiet, async_call, call, drive, drive_all, finish, hold, keep, leak,
    never_async, patient, pause, poll_once,
};

type Remote = AsyncRemote<u32>;
type Verb = (
    &'static str,
    fn(&'static Ring, &'static Remote) -> Held<'static, ()>,
);

async fn one() -> u32 {
    pause().await;
    pause().await;
    1
}

fn calls(
    ring: &'static Ring,
    remote: &'static Remote,
) -> [AsyncCall<Plain<u32>, &'static Remote, impl AsyncBody<Out = u32>>; 3] {
    [1, 2, 1].map(|id| async_call(ring, remote, id, one))
}

/// Every verb, of keys 1 and 2.
fn verbs() -> [Verb; 17] {
    macro_rules! verb {
        ($name:literal, |$ring:ident, $remote:ident| $future:expr) => {
            ($name, |$ring, $remote| {
                hold(async move {
                    let _ = $future.await;
                })
            })
        };
    }
    [
        verb!("get", |ring, remote| async_call(ring, remote, 1, one).get()),
        verb!("get_or_update", |ring, remote| async_call(ring, remote, 1, one)
            .get_or_update()),
        verb!("update", |ring, remote| async_call(ring, remote, 1, one).update()),
        verb!("unless", |ring, remote| async_call(ring, remote, 1, one)
            .unless(|_| true)
            .update()),
        verb!("execute", |ring, remote| async_call(ring, remote, 1, one)
            .execute()),
        verb!("set", |ring, remote| async_call(ring, remote, 1, one).set(1)),
        verb!("delete", |ring, remote| async_call(ring, remote, 1, one).delete()),
        verb!("has", |ring, remote| async_call(ring, remote, 1, one).has()),
        verb!("touch", |ring, remote| async_call(ring, remote, 1, one).touch()),
        verb!("run", |ring, remote| async_call(ring, remote, 1, one)
            .run(Action::GetOrUpdate)),
        verb!("clear", |ring, remote| AsyncCache::new(ring, remote)
            .clear::<u32>()),
        verb!("get_many", |ring, remote| calls(ring, remote).get_many()),
        verb!("get_or_update_many", |ring, remote| calls(ring, remote)
            .get_or_update_many()),
        verb!("at_most", |ring, remote| calls(ring, remote)
            .at_most(1)
            .get_or_update_many()),
        verb!("update_many", |ring, remote| calls(ring, remote).update_many()),
        verb!("set_many", |ring, remote| calls(ring, remote).set_many([1, 1, 1])),
        verb!("delete_many", |ring, remote| calls(ring, remote).delete_many()),
    ]
}

/// Polls this many times. Returns whether the future is still pending.
fn goes_on_after<T>(future: &mut Held<'_, T>, polls: usize) -> bool {
    !(0..polls).any(|_| poll_once(future).is_ready())
}

#[test]
fn a_verb_that_is_dropped_at_any_point_leaves_nothing() {
    for (name, verb) in verbs() {
        let mut points = 0;
        for polls in 0.. {
            let (ring, remote) = (patient(), leak(Remote::new()));
            let mut dropped = verb(ring, remote);
            let goes_on = goes_on_after(&mut dropped, polls);
            drop(dropped);
            assert_quiet(remote);
            for id in [1, 2] {
                let next = hold(async_call(ring, remote, id, one).get_or_update());
                assert_eq!(finish(next), 1, "{name} after {polls}");
            }
            if !goes_on {
                break;
            }
            points = polls;
        }
        assert!(points >= 2, "{name} yields {points} times");
    }
}

#[test]
fn a_verb_that_is_dropped_at_any_point_leaves_no_call_waiting() {
    for (name, verb) in verbs() {
        for polls in 0.. {
            let (ring, remote) = (patient(), leak(Remote::new()));
            let mut dropped = verb(ring, remote);
            let goes_on = goes_on_after(&mut dropped, polls);
            // They come in the middle of it, and some of them wait for it.
            let mut waiters = Vec::new();
            for id in [1, 2, 1, 2] {
                let mut waiter = hold(async_call(ring, remote, id, one).get_or_update());
                match drive(&mut waiter) {
                    Poll::Ready(value) => assert_eq!(value, 1),
                    Poll::Pending => waiters.push(waiter),
                }
            }
            drop(dropped);
            let count = waiters.len();
            assert_eq!(drive_all(waiters), vec![1; count], "{name} after {polls}");
            assert_quiet(remote);
            if !goes_on {
                break;
            }
        }
    }
}

#[test]
fn a_waiter_that_is_dropped_at_any_point_leaves_nothing() {
    for many in [false, true] {
        for (woken, polls) in [false, true]
            .into_iter()
            .flat_map(|woken| (0..12).map(move |polls| (woken, polls)))
        {
            let (ring, remote) = (patient(), leak(Remote::new()));
            let never_ends = || async { std::future::pending().await };
            let mut leader = hold(async_call(ring, remote, 1, never_ends).get_or_update());
            assert!(drive(&mut leader).is_pending());
            let waiting = async_call(ring, remote, 1, one);
            let mut waiter = match many {
                false => hold(waiting.get_or_update()),
                true => hold(async { [waiting].get_or_update_many().await[0] }),
            };
            if woken {
                // It takes the lead, reads again, and computes; it is dropped at any point there as well.
                assert!(drive(&mut waiter).is_pending());
                drop(leader);
                goes_on_after(&mut waiter, polls);
                drop(waiter);
            } else {
                goes_on_after(&mut waiter, polls);
                drop(waiter);
                drop(leader);
            }
            assert_quiet(remote);
            assert_eq!(finish(hold(async_call(ring, remote, 1, one).get_or_update())), 1);
        }
    }
}

#[test]
fn a_wake_up_that_reaches_a_dropped_waiter_is_passed_on() {
    for _ in 0..20 {
        let (ring, remote) = (patient(), leak(Remote::new()));
        let never_ends = || async { std::future::pending().await };
        let mut leader = hold(async_call(ring, remote, 1, never_ends).get_or_update());
        assert!(drive(&mut leader).is_pending());
        let mut waiters = Vec::from([(); 5].map(|()| {
            let mut waiter = hold(async_call(ring, remote, 1, one).get_or_update());
            assert!(drive(&mut waiter).is_pending());
            waiter
        }));
        drop(leader); // wakes the first one
        drop(waiters.remove(0)); // which is never polled again
        drop(waiters.remove(0));
        assert_eq!(drive_all(waiters), [1, 1, 1]);
        assert_quiet(remote);
    }
}

#[test]
fn a_bulk_call_that_is_dropped_stores_nothing_and_is_gone() {
    let (ring, remote, limit) = (patient(), leak(Remote::new()), leak(Semaphore::new(2)));
    // Two of four are computed, two wait.
    let calls = [1, 2, 3, 4].map(|id| {
        async_call(ring, remote, id, move || async move {
            limit.acquire().await.unwrap().forget();
            id
        })
    });
    let mut bulk = hold(calls.get_or_update_many());
    assert!(drive(&mut bulk).is_pending());
    // Its values serve others before they are stored.
    let taken = hold(async_call(ring, remote, 1, never_async).get_or_update());
    assert_eq!(finish(taken), 1);
    drop(bulk);
    assert_quiet(remote);
    assert!(remote.entries.lock().unwrap().is_empty());
    assert_eq!(
        block_on(async_call(ring, remote, 1, || async { 7 }).get_or_update()),
        7
    );
}

#[test]
fn values_dropped_with_a_body_may_call_the_same_key() {
    struct AtTheEnd(&'static Ring, &'static Lru<u32>);

    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            assert_eq!(call(self.0, self.1, 1, || 7).get_or_update(), 7);
        }
    }

    let limit = Duration::from_secs(10);
    let (ring, lru) = (
        keep(Ring::with_prefix("p").flight_timeout(limit)),
        leak(Lru::new(8)),
    );
    let body = || async {
        let _end = AtTheEnd(ring, lru);
        std::future::pending::<u32>().await
    };
    let mut single = hold(async_call(ring, lru, 1, body).get_or_update());
    assert!(drive(&mut single).is_pending());
    let began = Instant::now();
    drop(single);
    assert!(began.elapsed() < limit / 2, "it waited for itself");
    let mut many = hold([async_call(ring, lru, 1, body)].get_or_update_many());
    assert!(drive(&mut many).is_pending());
    drop(many);
    assert!(began.elapsed() < limit / 2, "it waited for itself");
    assert_quiet(lru);
}
