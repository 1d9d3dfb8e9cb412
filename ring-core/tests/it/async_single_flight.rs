//! One computation per key at a time, among tasks and threads that await it.

use std::future::pending;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};

use futures_executor::block_on;
use futures_util::future::{abortable, join_all};
use ring_cache_core::{AsyncCache, AsyncCalls, Lru, Ring};
use tokio::sync::{Barrier as TaskBarrier, mpsc};

use crate::support::{
    Count, Gate, Random, assert_quiet, async_call, async_fallible, call, drive, drive_all, finish, hold,
    leak, misses_reach, never, never_async, on_a_thread, patient, pause, run,
};

const TASKS: usize = 10_000;
const THREADS: usize = 64;

/// A method whose concurrent calls meet: its body ends when all have called it.
async fn count_once(ring: &'static Ring, lru: &'static Lru<usize>, came: &Count, runs: &Count) -> usize {
    came.next();
    let body = || async {
        came.reaches(TASKS + THREADS).await;
        for _ in 0..10 {
            pause().await;
        }
        runs.next()
    };
    async_call(ring, lru, 1, body).get_or_update().await
}

#[test]
fn ten_thousand_tasks_and_sixty_four_threads_on_a_cold_key_cost_one_execution() {
    run(async {
        let (ring, lru) = (patient(), leak(Lru::new(10)));
        let (came, runs) = (Count::leaked(), Count::leaked());
        let tasks = (0..TASKS).map(|_| tokio::spawn(count_once(ring, lru, came, runs)));
        let tasks: Vec<_> = tasks.collect();
        let threads = (0..THREADS).map(|_| on_a_thread(move || block_on(count_once(ring, lru, came, runs))));
        let threads: Vec<_> = threads.collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), 1);
        }
        assert!(join_all(threads).await.iter().all(|value| *value == 1));
        assert_eq!(runs.get(), 1);
        let stats = AsyncCache::new(ring, lru).stats::<usize>();
        assert_eq!((stats.stores, stats.errors), (1, 0));
        assert_eq!(stats.hits + stats.coalesced, (TASKS + THREADS - 1) as u64);
        assert_quiet(lru);
    });
}

const LOST: usize = 100;
const POINTS: u64 = 6;

/// A method whose first runs stop and report it; only a later one ends.
struct Unlucky {
    ring: &'static Ring,
    lru: &'static Lru<usize>,
    runs: Count,
    ends: Count,
    came: Count,
    stopped: mpsc::UnboundedSender<usize>,
}

impl Unlucky {
    async fn call(&self, caller: usize) -> usize {
        self.came.next();
        let body = || async {
            let run = self.runs.next();
            self.came.reaches(TASKS + THREADS).await;
            let last = Random::seeded(run as u64).below(POINTS);
            for point in 0..POINTS {
                if run <= LOST && point == last {
                    self.stopped.send(caller).unwrap();
                    pending::<()>().await;
                }
                pause().await;
            }
            self.ends.next();
            run
        };
        async_call(self.ring, self.lru, 1, body).get_or_update().await
    }
}

#[test]
fn after_a_hundred_aborted_leaders_all_other_calls_get_the_value() {
    run(async {
        let (stopped, mut stops) = mpsc::unbounded_channel();
        let unlucky = leak(Unlucky {
            ring: patient(),
            lru: leak(Lru::new(10)),
            runs: Count::default(),
            ends: Count::default(),
            came: Count::default(),
            stopped,
        });
        // Every ninetieth call or so is a thread.
        let (mut callers, mut aborts): (Vec<_>, Vec<Box<dyn Fn() + Send>>) = (Vec::new(), Vec::new());
        for caller in 0..TASKS + THREADS {
            let (call, abort) = abortable(unlucky.call(caller));
            if caller % (TASKS / THREADS) == 0 && caller / (TASKS / THREADS) < THREADS {
                aborts.push(Box::new(move || abort.abort()));
                callers.push(tokio::spawn(on_a_thread(move || block_on(call).ok())));
            } else {
                let task = tokio::spawn(call);
                let handle = task.abort_handle();
                aborts.push(Box::new(move || handle.abort()));
                callers.push(tokio::spawn(async { task.await.ok().map(Result::unwrap) }));
            }
        }
        for _ in 0..LOST {
            aborts[stops.recv().await.unwrap()]();
        }
        let mut lost = 0;
        for caller in callers {
            match caller.await.unwrap() {
                Some(value) => assert_eq!(value, LOST + 1),
                None => lost += 1,
            }
        }
        assert_eq!(
            (lost, unlucky.runs.get(), unlucky.ends.get()),
            (LOST, LOST + 1, 1)
        );
        assert_quiet(unlucky.lru);
    });
}

#[test]
fn calls_between_look_up_and_flight_find_the_value_and_do_not_compute() {
    for round in 0..200 {
        let (ring, lru, runs) = (patient(), leak(Lru::new(10)), Count::leaked());
        let start = Arc::new(Barrier::new(6));
        let threads = (0..6).map(|_| {
            let start = Arc::clone(&start);
            std::thread::spawn(move || {
                start.wait();
                let one = || async_call(ring, lru, round, || async { runs.next() });
                assert_eq!(block_on(one().get_or_update()), 1);
                assert_eq!(block_on([one()].get_or_update_many()), [1]);
            })
        });
        for thread in threads.collect::<Vec<_>>() {
            thread.join().unwrap();
        }
        assert_eq!(runs.get(), 1);
        assert_quiet(lru);
    }
}

#[test]
fn blocking_and_async_calls_of_one_key_wait_for_each_other() {
    // The task leads, and the thread waits; then the other way round.
    run(async {
        let (ring, lru, gate) = (patient(), leak(Lru::new(10)), Gate::leaked());
        let body = || async {
            gate.pass().await;
            1
        };
        let task = tokio::spawn(async_call(ring, lru, 1, body).get_or_update());
        gate.reached().await;
        let thread = on_a_thread(|| call(ring, lru, 1, never).get_or_update());
        misses_reach(ring, lru, 2).await;
        gate.open(1);
        assert_eq!((task.await.unwrap(), thread.await), (1, 1));

        let (begin, (end, ended)) = (Count::leaked(), channel());
        let thread = on_a_thread(move || {
            let body = || {
                begin.next();
                ended.recv().unwrap();
                2
            };
            call(ring, lru, 2, body).get_or_update()
        });
        begin.reaches(1).await;
        let task = tokio::spawn(async_call(ring, lru, 2, never_async).get_or_update());
        misses_reach(ring, lru, 4).await;
        end.send(()).unwrap();
        assert_eq!((task.await.unwrap(), thread.await), (2, 2));
        assert_quiet(lru);
    });
}

#[test]
fn after_an_error_all_waiters_compute_at_once() {
    let (ring, lru) = (patient(), Lru::<u32>::new(10));
    let (runs, gate) = (Count::default(), Gate::default());
    let caller = || {
        let body = || async {
            runs.next();
            gate.pass().await;
            Err("no")
        };
        let mut caller = hold(async_fallible(ring, &lru, 1, body).get_or_update());
        assert!(drive(&mut caller).is_pending());
        caller
    };
    let (leader, mut waiters) = (caller(), [(); 7].map(|()| caller()));
    assert_eq!(runs.get(), 1);
    gate.open(1);
    assert_eq!(finish(leader), Err("no"));
    for waiter in &mut waiters {
        assert!(drive(waiter).is_pending());
    }
    assert_eq!(runs.get(), 8, "they all compute at a time");
    gate.open(7);
    assert_eq!(drive_all(waiters.into()), [Err("no"); 7]);
    assert!(lru.is_empty());
    assert_quiet(&lru);
}

#[test]
fn after_an_error_the_next_call_computes_again() {
    run(async {
        let (ring, lru) = (patient(), leak(Lru::new(10)));
        let no = || async_fallible(ring, lru, 1, || async { Err("no") });
        assert_eq!(no().get_or_update().await, Err("no"));
        let yes = async_fallible(ring, lru, 1, || async { Ok(3) });
        assert_eq!(yes.get_or_update().await, Ok(3));
        assert_eq!(no().get_or_update().await, Ok(3));
        // A failed refresh keeps the stored value.
        assert_eq!(no().update().await, Err("no"));
        assert_eq!(no().get().await, Some(3));
        assert_quiet(lru);
    });
}

#[test]
fn without_coalescing_no_call_waits_for_another() {
    run(async {
        let ring = leak(Ring::with_prefix("p").coalesce(false));
        let (lru, both) = (leak(Lru::new(10)), leak(TaskBarrier::new(2)));
        let callers = [1, 2].map(|value| {
            let body = move || async move {
                both.wait().await; // is passed only if both run at a time
                value
            };
            (
                value,
                tokio::spawn(async_call(ring, lru, 1, body).get_or_update()),
            )
        });
        for (value, caller) in callers {
            assert_eq!(caller.await.unwrap(), value);
        }
        assert_eq!(AsyncCache::new(ring, lru).stats::<i32>().coalesced, 0);
        assert_quiet(lru);
    });
}

#[test]
fn update_never_joins_a_computation() {
    run(async {
        let (ring, lru, gate) = (patient(), leak(Lru::new(10)), Gate::leaked());
        let body = || async {
            gate.pass().await;
            1
        };
        let leader = tokio::spawn(async_call(ring, lru, 1, body).get_or_update());
        gate.reached().await;
        assert_eq!(async_call(ring, lru, 1, || async { 2 }).update().await, 2);
        gate.open(1);
        assert_eq!(leader.await.unwrap(), 1);
        let cached = async_call(ring, lru, 1, never_async).get().await;
        assert_eq!(cached, Some(2), "the later-started wins");
        assert_quiet(lru);
    });
}
