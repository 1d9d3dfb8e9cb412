//! Cases of computations that overlap with computations, deletes and sets.

use std::panic::resume_unwind;
use std::thread::{Scope, ScopedJoinHandle, scope, sleep};
use std::time::{Duration, Instant};

use super::gate::{PATIENCE, Slow};
use super::subject::{Tested, Value, key};
use super::trial::{Trial, expect, ring};
use crate::ring::Ring;
use crate::sync::{AtomicUsize, Ordering};

const CALLERS: usize = 8;

pub(super) fn a_cold_key_is_computed_once<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, ring) = (trial.storage(), ring("contract.cold"));
    storage.call_delete(ring, 1);
    let (storage, slow, runs) = (&storage, &Slow::new(), &AtomicUsize::new(0));
    let values: Vec<_> = (0..CALLERS).map(|number| trial.value(number)).collect();
    let returned: Vec<T> = scope(|scope| {
        let call = |value: T| {
            scope.spawn(move || {
                let _calling = slow.calling();
                storage.get_or_update(ring, 1, Some(slow), || {
                    runs.fetch_add(1, Ordering::SeqCst);
                    value
                })
            })
        };
        let callers: Vec<_> = values.into_iter().map(call).collect();
        let running = slow.began();
        // Then all have looked up and found nothing.
        eventually(|| misses(storage, ring) == CALLERS || callers.iter().all(ScopedJoinHandle::is_finished));
        drop(running);
        callers.into_iter().map(join).collect()
    });
    let what = format!("the number of runs of the body for {CALLERS} concurrent calls");
    expect(runs.load(Ordering::SeqCst), 1, what);
    for value in &returned {
        expect(value, &returned[0], "the values of concurrent calls of one key");
    }
    expect(
        storage.call_get(ring, 1).as_ref(),
        Some(&returned[0]),
        "`get` after the computation",
    );
    expect_quiet(storage);
}

pub(super) fn delete_during_a_computation<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, ring) = (trial.storage(), ring("contract.delete"));
    let by_call = || {
        storage.call_delete(ring, 1);
    };
    let by_storage = || {
        storage.delete(&key(ring, 1));
    };
    let deletes: [(&str, &dyn Fn()); 2] = [
        ("a call's `delete`", &by_call),
        ("the storage's `delete`", &by_storage),
    ];
    for (name, delete) in deletes {
        let returned = during_a_computation(trial, &storage, ring, delete);
        expect(returned, trial.value(1), format_args!("a call during {name}"));
        let what = format!("`get` after a computation that began before {name}");
        expect(storage.call_get(ring, 1), None, what);
        let newer = trial.value(2);
        let returned = during_a_computation(trial, &storage, ring, || {
            delete();
            let what = format!("a call that began after {name}");
            expect(
                storage.get_or_update(ring, 1, None, || newer.clone()),
                newer.clone(),
                what,
            );
        });
        expect(returned, trial.value(1), format_args!("a call during {name}"));
        let what = format!("`get` after an older computation ended, which began before {name}");
        expect(storage.call_get(ring, 1), Some(newer), what);
        expect_quiet(&storage);
    }
}

pub(super) fn set_during_a_computation<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, ring) = (trial.storage(), ring("contract.set"));
    let by_call = || storage.call_set(ring, 1, trial.value(2));
    let by_storage = || storage.set(&key(ring, 1), trial.value(2), None);
    let sets: [(&str, &dyn Fn()); 2] = [("a call's `set`", &by_call), ("the storage's `set`", &by_storage)];
    for (name, set) in sets {
        let returned = during_a_computation(trial, &storage, ring, set);
        expect(returned, trial.value(1), format_args!("a call during {name}"));
        let what = format!("`get` after a computation that began before {name}");
        expect(storage.call_get(ring, 1), Some(trial.value(2)), what);
        expect_quiet(&storage);
    }
}

pub(super) fn the_update_that_started_last_wins<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, ring) = (trial.storage(), ring("contract.update"));
    let storage = &storage;
    for last_ends_first in [true, false] {
        storage.call_delete(ring, 1);
        let slow = [Slow::new(), Slow::new()];
        let [earlier, later] = &slow;
        let values = [trial.value(1), trial.value(2)];
        scope(|scope| {
            let [first, second] = values;
            let first = update(scope, storage, ring, earlier, first);
            let earlier = earlier.began();
            let second = update(scope, storage, ring, later, second);
            let later = later.began();
            let mut order = [(earlier, first), (later, second)];
            if last_ends_first {
                order.reverse();
            }
            for (running, caller) in order {
                drop(running);
                join(caller);
            }
        });
        let when = if last_ends_first { "first" } else { "last" };
        let what = format!("`get` after two `update`s, of which the later one ended {when}");
        expect(storage.call_get(ring, 1), Some(trial.value(2)), what);
        expect_quiet(storage);
    }
}

fn update<'scope, Su: Tested<T>, T: Value + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    storage: &'scope Su,
    ring: &'static Ring,
    slow: &'scope Slow,
    value: T,
) -> ScopedJoinHandle<'scope, T> {
    scope.spawn(move || {
        let _calling = slow.calling();
        storage.update(ring, 1, Some(slow), || value)
    })
}

pub(super) fn a_leader_that_panics_hands_over<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let (storage, ring, slow) = (trial.storage(), ring("contract.panic"), Slow::new());
    storage.call_delete(ring, 1);
    let (storage, slow, value) = (&storage, &slow, trial.value(2));
    let (leader, waiter) = scope(|scope| {
        let leader = scope.spawn(move || {
            let _calling = slow.calling();
            storage.get_or_update(ring, 1, Some(slow), || {
                panic!("this panic is part of the test: a body that fails while another call waits for it")
            })
        });
        let running = slow.began();
        let waiter = scope.spawn(move || storage.get_or_update(ring, 1, None, || value));
        eventually(|| misses(storage, ring) == 2 || waiter.is_finished());
        drop(running);
        eventually(|| waiter.is_finished());
        (leader.join().is_err(), join(waiter))
    });
    expect(leader, true, "whether the call panics if its body does");
    expect(waiter, trial.value(2), "a call that waited for one that panicked");
    expect(storage.call_get(ring, 1), Some(trial.value(2)), "`get` after it");
    expect_quiet(storage);
}

/// Begins a computation of the first value for `method(1)`, runs `meanwhile`, and lets the computation end. Returns
/// the result of its call.
pub(super) fn during_a_computation<Su: Tested<T>, T: Value>(
    trial: &Trial<'_, Su, T>,
    storage: &Su,
    ring: &'static Ring,
    meanwhile: impl FnOnce(),
) -> T {
    storage.call_delete(ring, 1);
    let (slow, value) = (&Slow::new(), trial.value(1));
    scope(|scope| {
        let caller = scope.spawn(move || {
            let _calling = slow.calling();
            storage.get_or_update(ring, 1, Some(slow), || value)
        });
        let running = slow.began();
        meanwhile();
        drop(running);
        join(caller)
    })
}

fn expect_quiet<T: Value>(storage: &impl Tested<T>) {
    expect(
        storage.flights().under_way(),
        0,
        "the number of keys with calls under way at the end",
    );
}

fn misses<T: Value>(storage: &impl Tested<T>, ring: &'static Ring) -> usize {
    let used = storage.flights().usage().find(ring.account);
    used.map_or(0, |used| {
        usize::try_from(used.stats().misses).unwrap_or(usize::MAX)
    })
}

/// The result of a thread, or its panic.
fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Waits until `true`, or fails the case.
fn eventually(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < PATIENCE, "a call did not go on in {PATIENCE:?}");
        sleep(Duration::from_millis(1));
    }
}
