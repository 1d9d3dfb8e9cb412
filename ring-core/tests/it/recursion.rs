//! Methods that call themselves, and writes that lead to other writes.

use std::cell::Cell;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use ring_cache_core::clock::Clock;
use ring_cache_core::{Calls, Lru, Plain, Ring};

use crate::support::{Cache, Remote, assert_quiet, call, eventually, keep, leak, never, ring};

/// Calls itself with the same key this many times.
fn descend(ring: &'static Ring, lru: &Lru<u32>, depth: u32) -> u32 {
    let below = move || {
        if depth == 0 {
            0
        } else {
            descend(ring, lru, depth - 1) + 1
        }
    };
    let cached = Cache::new(ring, lru).bind::<Plain<u32>, _, _>(("same",), move |_| below());
    cached.get_or_update()
}

#[test]
fn a_method_that_calls_itself_with_the_same_key_computes_uncached() {
    for coalesce in [true, false] {
        let (ring, lru) = (keep(Ring::with_prefix("p").coalesce(coalesce)), Lru::new(10));
        assert_eq!(descend(ring, &lru, 5), 5);
        assert_eq!(descend(ring, &lru, 9), 5, "the outermost call was stored");
        assert_eq!(Cache::new(ring, &lru).stats::<u32>().stores, 1);
        assert_quiet(&lru);
    }
}

#[test]
fn an_update_that_meets_itself_stores_the_outer_value() {
    let (ring, lru) = (ring(), Lru::new(10));
    let inner = || call(ring, &lru, 1, || 1).get_or_update();
    assert_eq!(call(ring, &lru, 1, || inner() + 1).update(), 2);
    assert_eq!(call(ring, &lru, 1, never).get(), Some(2));
    assert_quiet(&lru);
}

#[test]
fn a_method_that_calls_itself_with_other_keys_is_cached_throughout() {
    fn fibonacci(ring: &'static Ring, lru: &Lru<u64>, n: u32) -> u64 {
        let body = move || match n {
            0 | 1 => u64::from(n),
            _ => fibonacci(ring, lru, n - 1) + fibonacci(ring, lru, n - 2),
        };
        Cache::new(ring, lru)
            .bind::<Plain<u64>, _, _>((n,), move |_| body())
            .get_or_update()
    }
    let (ring, lru) = (ring(), Lru::new(100));
    assert_eq!(fibonacci(ring, &lru, 80), 23_416_728_348_467_685);
    assert_eq!(Cache::new(ring, &lru).stats::<u64>().stores, 81);
    assert_quiet(&lru);
}

#[test]
fn a_bulk_call_whose_bodies_call_each_other_does_not_wait_for_itself() {
    let (ring, lru) = (ring(), Lru::new(10));
    let calls = [1_u32, 2].map(|id| {
        let lru = &lru;
        call(ring, lru, id, move || {
            10 * id + call(ring, lru, 3 - id, move || 3 - id).get_or_update()
        })
    });
    let began = Instant::now();
    // The value that the first body computes for the second key is kept, and taken by the second call.
    assert_eq!(calls.get_or_update_many(), [12, 2]);
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_quiet(&lru);
}

#[test]
fn a_bulk_call_whose_bodies_call_its_other_keys_computes_each_once() {
    fn fibonacci(ring: &'static Ring, lru: &Lru<u32>, bodies: &AtomicUsize, n: u32) -> u32 {
        bodies.fetch_add(1, SeqCst);
        let of = |n| call(ring, lru, n, move || fibonacci(ring, lru, bodies, n)).get_or_update();
        if n < 2 { n } else { of(n - 1) + of(n - 2) }
    }

    for descending in [false, true] {
        let (ring, lru, bodies) = (ring(), Lru::new(100), AtomicUsize::new(0));
        let mut numbers: Vec<u32> = (0..=20).collect();
        if descending {
            numbers.reverse();
        }
        let calls = numbers.iter().map(|&n| {
            let (lru, bodies) = (&lru, &bodies);
            call(ring, lru, n, move || fibonacci(ring, lru, bodies, n))
        });
        assert!(calls.get_or_update_many().contains(&6765));
        assert_eq!(bodies.load(SeqCst), 21);
    }
}

#[test]
fn keys_that_differ_only_in_where_a_list_ends_are_not_taken_for_recursion() {
    fn count(ring: &'static Ring, lru: &Lru<u32>, before: Vec<u32>, after: Vec<u32>) -> u32 {
        let cached =
            Cache::new(ring, lru).bind::<Plain<u32>, _, _>((before, after), move |(before, after)| {
                let Some((first, rest)) = after.split_first() else {
                    return 1;
                };
                count(ring, lru, [before.as_slice(), &[*first]].concat(), rest.to_vec()) + 1
            });
        cached.get_or_update()
    }

    let (ring, lru) = (ring(), Lru::new(100));
    assert_eq!(count(ring, &lru, Vec::new(), (0..16).collect()), 17);
    assert_eq!(lru.len(), 17);
}

#[test]
fn a_call_while_its_thread_ends_computes() {
    struct AtTheEnd;
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            assert_eq!(call(ring(), &Lru::new(1), 7_u32, || 8).get_or_update(), 8);
        }
    }
    thread_local!(static END: AtTheEnd = const { AtTheEnd });

    let thread = std::thread::spawn(|| {
        END.with(|_| ());
        call(ring(), &Lru::new(1), 7_u32, || 8).get_or_update()
    });
    assert_eq!(thread.join().unwrap(), 8);
}

thread_local! {
    /// The key that this thread changes in the middle of a write.
    static RIVAL: Cell<Option<u32>> = const { Cell::new(None) };
}

#[test]
fn two_writes_that_lead_to_each_others_keys_do_not_wait_for_each_other() {
    for delete in [true, false] {
        let (ring, remote, both) = (ring(), &*Box::leak(Box::new(Remote::new())), Barrier::new(2));
        remote.before("write", move || {
            let Some(rival) = RIVAL.take() else { return };
            both.wait();
            match delete {
                true => drop(call(ring, remote, rival, never::<u32>).delete()),
                false => assert_eq!(call(ring, remote, rival, || 7).update(), 7),
            }
            both.wait();
        });
        let threads = [0, 1].map(|id| {
            std::thread::spawn(move || {
                RIVAL.set(Some(1 - id));
                assert_eq!(call(ring, remote, id, || id).get_or_update(), id);
            })
        });
        eventually(|| threads.iter().all(|thread| thread.is_finished()));
        for thread in threads {
            thread.join().unwrap();
        }
        if delete {
            let left = remote.entries.lock().unwrap().len();
            assert_eq!(left, 0, "both were deleted while they were written");
        }
        assert_quiet(remote);
    }
}

/// A clock that stops its caller, if that thread has something to do.
#[derive(Debug)]
struct Stopping;

impl Clock for Stopping {
    fn now(&self) -> Duration {
        if let Some(stop) = STOP.take() {
            stop.wait();
            stop.wait();
        }
        Duration::ZERO
    }
}

thread_local! {
    /// The point where this thread stops in the middle of its next write.
    static STOP: Cell<Option<&'static Barrier>> = const { Cell::new(None) };
}

/// A value that deletes another when it is dropped.
#[derive(Clone)]
struct Forgets(Option<(&'static Ring, &'static Lru<Forgets>, u32)>);

impl Drop for Forgets {
    fn drop(&mut self) {
        if let Some((ring, lru, id)) = self.0.take() {
            call(ring, lru, id, never::<Forgets>).delete();
        }
    }
}

#[test]
fn a_delete_by_a_replaced_value_ends_older_computations() {
    let (ring, stop) = (ring(), leak(Barrier::new(2)));
    let lru = leak(Lru::builder().capacity(8).clock(Stopping).build());
    let writer = std::thread::spawn(move || {
        let one = call(ring, lru, 2, || Forgets(None)).expire_in(Duration::from_secs(60));
        STOP.set(Some(stop));
        drop(one.update());
    });
    stop.wait(); // it writes
    lru.set(
        &call(ring, lru, 1, never::<Forgets>).key(),
        Forgets(Some((ring, lru, 2))),
    );
    drop(call(ring, lru, 1, || Forgets(None)).update());
    stop.wait();
    writer.join().unwrap();
    assert!(!call(ring, lru, 2, never::<Forgets>).has());
    assert_quiet(lru);
}
