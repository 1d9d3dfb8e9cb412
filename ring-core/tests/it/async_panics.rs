//! A panic reaches its own caller only.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use ring_cache_core::{AsyncCalls, Lru};
use tokio::task::JoinHandle;

use crate::support::{
    AsyncRemote, Count, Held, assert_quiet, async_call, drive, drive_all, hold, leak, misses_reach, patient,
    pause, run,
};

/// Panics without output.
fn panic_quietly() -> ! {
    std::panic::resume_unwind(Box::new("intended"))
}

/// The number of panics, and the values of the other calls.
async fn ends<T>(tasks: Vec<JoinHandle<T>>) -> (usize, Vec<T>) {
    let (mut panics, mut values) = (0, Vec::new());
    for task in tasks {
        match task.await {
            Ok(value) => values.push(value),
            Err(error) => {
                assert!(error.is_panic());
                panics += 1;
            }
        }
    }
    (panics, values)
}

#[test]
fn when_leaders_panic_one_after_another_each_panic_reaches_its_own_caller() {
    run(async {
        let (ring, lru, runs) = (patient(), leak(Lru::new(10)), Count::leaked());
        let body = move || async move {
            let run = runs.next();
            misses_reach(ring, lru, 16).await;
            if run <= 5 {
                panic_quietly();
            }
            run
        };
        let tasks = (0..16).map(|_| tokio::spawn(async_call(ring, lru, 1, body).get_or_update()));
        let (panics, values) = ends(tasks.collect()).await;
        assert_eq!((panics, values, runs.get()), (5, vec![6; 11], 6));
        assert_quiet(lru);
    });
}

#[test]
fn a_panic_in_unless_reaches_its_own_caller() {
    run(async {
        for many in [false, true] {
            let (ring, lru, runs) = (patient(), leak(Lru::new(10)), Count::leaked());
            let body = move || async move {
                misses_reach(ring, lru, 4).await;
                runs.next()
            };
            let tasks = (0..4).map(|_| {
                let one = async_call(ring, lru, 1, body).unless(|run| match run {
                    1 => panic_quietly(),
                    _ => false,
                });
                tokio::spawn(async move {
                    match many {
                        false => one.get_or_update().await,
                        true => [one].get_or_update_many().await[0],
                    }
                })
            });
            let (panics, values) = ends(tasks.collect()).await;
            assert_eq!((panics, values, runs.get()), (1, vec![2; 3], 2));
            assert_quiet(lru);
        }
    });
}

/// A value whose clones count down to a panic.
struct Fragile(Arc<AtomicUsize>);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        if self.0.fetch_sub(1, SeqCst) == 1 {
            panic_quietly();
        }
        Fragile(Arc::clone(&self.0))
    }
}

#[test]
fn a_panic_in_the_clone_of_a_value_reaches_one_caller() {
    run(async {
        for (many, nth) in [false, true]
            .into_iter()
            .flat_map(|many| (1..=8).map(move |nth| (many, nth)))
        {
            let (ring, remote) = (patient(), leak(AsyncRemote::new()));
            let clones = leak(Arc::new(AtomicUsize::new(nth)));
            let body = move || async move {
                misses_reach(ring, remote, 5).await;
                Fragile(Arc::clone(clones))
            };
            let tasks = (0..5).map(|_| {
                let one = async_call(ring, remote, 1, body);
                tokio::spawn(async move {
                    match many {
                        false => drop(one.get_or_update().await),
                        true => drop([one].get_or_update_many().await),
                    }
                })
            });
            let (panics, values) = ends(tasks.collect()).await;
            // There are enough clones to reach the panic; if not, the test would miss it.
            let counted_down = clones.load(SeqCst) > nth || clones.load(SeqCst) == 0;
            assert_eq!(
                (panics, values.len()),
                if counted_down { (1, 4) } else { (0, 5) },
                "clone {nth}"
            );
            assert!(nth > 5 || counted_down, "clone {nth} was not made");
            assert_quiet(remote);
        }
    });
}

#[test]
fn a_panic_of_the_storage_reaches_its_own_caller() {
    run(async {
        for (operation, many) in [
            ("read", false),
            ("write", false),
            ("read_many", true),
            ("write_many", true),
        ] {
            let (ring, remote) = (patient(), leak(AsyncRemote::new()));
            remote.panic_once(operation);
            let body = move || async move {
                pause().await;
                7
            };
            let tasks = (0..6).map(|_| {
                let one = async_call(ring, remote, 1, body);
                tokio::spawn(async move {
                    match many {
                        false => one.get_or_update().await,
                        true => [one].get_or_update_many().await[0],
                    }
                })
            });
            let (panics, values) = ends(tasks.collect()).await;
            assert_eq!((panics, values), (1, vec![7; 5]), "{operation}");
            assert_quiet(remote);
            // Waiters that took the value of a leader that could not store it do not store it either.
            assert_eq!(async_call(ring, remote, 1, body).get_or_update().await, 7);
        }
    });
}

#[test]
fn a_panic_of_the_storage_in_a_second_look_up_hands_over_too() {
    let (ring, remote) = (patient(), AsyncRemote::new());
    let caller = |body: Held<'static, u32>| {
        let mut caller = hold(async_call(ring, &remote, 1, || body).get_or_update());
        assert!(drive(&mut caller).is_pending());
        caller
    };
    let leader = caller(hold(std::future::pending()));
    let mut waiters = [
        caller(hold(async { 1 })),
        caller(hold(async { 2 })),
        caller(hold(async { 3 })),
    ];
    remote.panic_once("read");
    drop(leader);
    let panicked = catch_unwind(AssertUnwindSafe(|| drive(&mut waiters[0])));
    assert!(panicked.is_err(), "it took over and looked again");
    let [panicked, others @ ..] = waiters;
    drop(panicked);
    assert_eq!(drive_all(others.into()), [2, 2]);
    assert_quiet(&remote);
}

#[test]
fn waiters_of_a_bulk_call_in_which_a_body_panics_end() {
    run(async {
        let (ring, lru) = (patient(), leak(Lru::new(10)));
        let (begun, others) = (Count::leaked(), Count::leaked());
        let calls = [1_u32, 2, 3].map(|id| {
            async_call(ring, lru, id, move || async move {
                if id == 2 {
                    begun.next();
                    others.reaches(1).await;
                    misses_reach(ring, lru, 6).await;
                    panic_quietly();
                }
                id
            })
        });
        let bulk = tokio::spawn(calls.get_or_update_many());
        begun.reaches(1).await;
        let tasks = [1, 2, 3].map(|id| {
            tokio::spawn(async_call(ring, lru, id, move || async move { 10 * id }).get_or_update())
        });
        others.next();
        misses_reach(ring, lru, 6).await;
        assert!(bulk.await.unwrap_err().is_panic());
        let (panics, values) = ends(tasks.into()).await;
        assert_eq!(panics, 0);
        assert!(
            values
                .iter()
                .zip(1..)
                .all(|(value, id)| [id, 10 * id].contains(value)),
            "{values:?}"
        );
        assert_quiet(lru);
    });
}
