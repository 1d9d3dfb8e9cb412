//! Concurrent calls of one key: one computes, the others take its value or its place.

use std::collections::BTreeSet;
use std::sync::Arc;

use shuttle::future::batch_semaphore::{BatchSemaphore, Fairness};

use crate::callers::{Failing, Kept, Verb};
use crate::checking::scenario;
use crate::world::{World, pause, work};

scenario!(several_callers_compute_once over memory, slow, awaited);
fn several_callers_compute_once<S: Kept>(world: &Arc<World<S>>) {
    // Two of them threads and one a task, where the storage serves both.
    let callers: Vec<_> = (0..3)
        .map(|nth| world.caller(nth, Verb::GetOrUpdate, 1))
        .collect();
    for caller in callers {
        assert_eq!(caller.join(), Some(Some(1)));
    }
    assert_eq!(world.started(), 1, "one computed for all");
    world.assert_writes(1);
    assert_eq!(world.stored(1), Some(1));
}

scenario!(threads_and_tasks_join_one_flight over memory, slow);
fn threads_and_tasks_join_one_flight<S: Kept>(world: &Arc<World<S>>) {
    let tasks: Vec<_> = (0..2).map(|_| world.caller(1, Verb::GetOrUpdate, 1)).collect();
    let threads: Vec<_> = (0..2).map(|_| world.caller(0, Verb::GetOrUpdate, 1)).collect();
    for caller in tasks.into_iter().chain(threads) {
        assert_eq!(caller.join(), Some(Some(1)));
    }
    assert_eq!(world.started(), 1, "one computed for all");
    world.assert_writes(1);
    assert_eq!(world.stored(1), Some(1));
}

scenario!(other_keys_do_not_disturb over memory, slow, awaited);
fn other_keys_do_not_disturb<S: Kept>(world: &Arc<World<S>>) {
    let callers: Vec<_> = (0..4)
        .map(|nth| world.caller(nth, Verb::GetOrUpdate, nth as u32 / 2))
        .collect();
    for caller in callers {
        assert_eq!(caller.join(), Some(Some(1)));
    }
    assert_eq!(world.started(), 2, "one computed for each key");
    assert_eq!((world.stored(0), world.stored(1)), (Some(1), Some(1)));
}

scenario!(a_panic_reaches_only_its_caller over memory, slow, awaited);
fn a_panic_reaches_only_its_caller<S: Kept>(world: &Arc<World<S>>) {
    let callers = (0..3).map(|nth| {
        let inner = Arc::clone(world);
        let body = work(async move || {
            let first = inner.start() == 0;
            pause().await;
            if first {
                // Like `panic!`, but without output.
                std::panic::resume_unwind(Box::new("the first body panics"));
            }
            7
        });
        world.surviving_caller(nth, 1, body)
    });
    let outs: Vec<_> = callers
        .collect::<Vec<_>>()
        .into_iter()
        .map(|caller| caller.join())
        .collect();
    assert_eq!(
        outs.iter().filter(|out| **out == Some(None)).count(),
        1,
        "one of them panicked"
    );
    assert_eq!(
        outs.iter().filter(|out| **out == Some(Some(7))).count(),
        2,
        "the others did not"
    );
    assert_eq!(world.started(), 2, "one computed in the place of the first");
    world.assert_writes(1);
    assert_eq!(world.stored(1), Some(7));
}

scenario!(an_error_is_for_its_own_caller over memory, slow, awaited);
fn an_error_is_for_its_own_caller<S: Kept>(world: &Arc<World<S>>) {
    let callers: Vec<_> = (0..3)
        .map(|nth| {
            let inner = Arc::clone(world);
            let body = work(async move || {
                inner.start();
                pause().await;
                Err(nth)
            });
            world.caller_with::<Failing>(nth as usize, Verb::GetOrUpdate, 1, body)
        })
        .collect();
    let errors: BTreeSet<_> = callers.into_iter().map(|caller| caller.join()).collect();
    assert_eq!(errors, (0..3).map(|nth| Some(Some(Err(nth)))).collect());
    assert_eq!(world.started(), 3, "each computed for itself");
    world.assert_writes(0);
    assert_eq!(world.stored(1), None, "an error is not stored");
}

scenario!(an_error_releases_all_and_none_waits_for_another over memory, slow, awaited);
fn an_error_releases_all_and_none_waits_for_another<S: Kept>(world: &Arc<World<S>>) {
    const WAITERS: usize = 3;
    // The leader fails when all wait; the waiters fail when all of them compute.
    let (all_wait, all_compute) = (gate(), gate());
    let leader = {
        let (inner, all_wait) = (Arc::clone(world), Arc::clone(&all_wait));
        let body = work(async move || {
            inner.start();
            all_wait.acquire(WAITERS).await.ok();
            Err(0)
        });
        world.caller_with::<Failing>(1, Verb::GetOrUpdate, 1, body)
    };
    while world.started() == 0 {
        shuttle::thread::yield_now();
    }
    let waiters = (1..=WAITERS as u32).map(|nth| {
        let (inner, all_compute) = (Arc::clone(world), Arc::clone(&all_compute));
        let body = work(async move || {
            if inner.start() == WAITERS {
                all_compute.release(WAITERS);
            }
            all_compute.acquire(1).await.ok();
            Err(nth)
        });
        let all_wait = Arc::clone(&all_wait);
        world.noticed_waiter::<Failing>(1, body, move || all_wait.release(1))
    });
    for (nth, waiter) in waiters.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(waiter.join(), Some(Some(Err(nth as u32 + 1))));
    }
    assert_eq!(leader.join(), Some(Some(Err(0))));
    assert_eq!(world.started(), 1 + WAITERS, "each computed for itself");
    world.assert_writes(0);
    assert_eq!(world.stored(1), None, "an error is not stored");
}

fn gate() -> Arc<BatchSemaphore> {
    Arc::new(BatchSemaphore::new(0, Fairness::Unfair))
}
