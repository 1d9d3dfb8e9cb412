//! One flight, its leader and its waiters, in every order that loom finds, and with the weakest memory orderings.
//!
//! Also the lock of the memory cache, `ReadersLock`.
//!
//! `Flight` and `Values` are the crate's own code, with loom's types in place of those of `sync`. The shard's steps on it under its
//! lock (`join`, the end of a leader, of a waiter) are repeated here in the shortest form.
//!
//! Built with `--cfg ring_loom` only: see `docs/testing.md`.
#![cfg(ring_loom)]

#[allow(dead_code, reason = "the rest belongs to shards")]
#[path = "../../src/flights/flight.rs"]
mod flight;
mod model;
#[path = "../../src/sync/readers_lock.rs"]
mod readers_lock;
mod readers_lock_orders;
mod sync;
#[path = "../../src/flights/values.rs"]
mod values;

use flight::{Flight, Outcome};
use loom::thread;
use model::{Joined, Key};
use sync::{Arc, AtomicUsize, Ordering};
use values::Values;

/// The result of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Did {
    Computed,
    Took(u32),
}

/// The end of a body.
#[derive(Clone, Copy)]
enum Body {
    Returns,
    Fails,
    Panics,
}

/// A call, whose body is counted.
fn call(key: &Key, bodies: &AtomicUsize, body: Body) -> Option<Did> {
    match key.join() {
        Joined::Lead(leader) => {
            let number = bodies.fetch_add(1, Ordering::Relaxed) as u32;
            match body {
                Body::Returns => leader.value(number),
                Body::Fails => leader.release(),
                Body::Panics => {
                    drop(leader);
                    return None;
                }
            }
            Some(Did::Computed)
        }
        Joined::Alone => {
            bodies.fetch_add(1, Ordering::Relaxed);
            Some(Did::Computed)
        }
        Joined::Value(value) => Some(Did::Took(value)),
    }
}

/// Runs calls at once, the first on this thread.
fn at_once(bodies: &[Body]) -> (Vec<Option<Did>>, usize) {
    let key = Arc::new(Key::default());
    let count = Arc::new(AtomicUsize::new(0));
    let others: Vec<_> = bodies[1..]
        .iter()
        .map(|&body| {
            let (key, count) = (Arc::clone(&key), Arc::clone(&count));
            thread::spawn(move || call(&key, &count, body))
        })
        .collect();
    let mut did = vec![call(&key, &count, bodies[0])];
    did.extend(
        others
            .into_iter()
            .map(|other| other.join().expect("no thread panics")),
    );
    assert!(
        key.is_forgotten(),
        "a key without calls has no state and no value"
    );
    (did, count.load(Ordering::SeqCst))
}

/// The limit of preemptions where all would be too many.
fn check(preemptions: Option<usize>, scenario: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    let executions = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = executions.clone();
    builder.check(move || {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        scenario();
    });
    println!(
        "{} executions",
        executions.load(std::sync::atomic::Ordering::Relaxed)
    );
}

#[test]
fn a_waiter_gets_the_value_or_computes_after_it() {
    check(None, || {
        let (did, bodies) = at_once(&[Body::Returns; 2]);
        let computed = did.iter().filter(|did| **did == Some(Did::Computed)).count();
        assert_eq!(computed, bodies);
        for took in did {
            assert!(matches!(took, Some(Did::Computed | Did::Took(0))), "{took:?}");
        }
    });
}

#[test]
fn a_leader_that_panics_hands_over() {
    check(None, || {
        let (did, _) = at_once(&[Body::Panics, Body::Returns]);
        assert!(matches!(did[0], None | Some(Did::Took(0))), "{did:?}");
        assert_eq!(did[1], Some(Did::Computed));
    });
}

#[test]
fn a_leader_that_panics_hands_over_to_one_of_two() {
    check(Some(4), || {
        let (did, _) = at_once(&[Body::Panics, Body::Returns, Body::Returns]);
        assert!(did[1].is_some() && did[2].is_some(), "{did:?}");
    });
}

#[test]
fn a_leader_that_fails_releases_all() {
    check(Some(4), || {
        let (did, bodies) = at_once(&[Body::Fails, Body::Returns, Body::Returns]);
        let computed = did.iter().filter(|did| **did == Some(Did::Computed)).count();
        assert_eq!(computed, bodies, "{did:?}");
        // The failed body has no value.
        assert!(did.iter().all(Option::is_some));
    });
}

#[test]
fn all_may_panic() {
    check(Some(4), || {
        let (did, bodies) = at_once(&[Body::Panics; 3]);
        assert_eq!((did, bodies), (vec![None; 3], 3));
    });
}

#[test]
fn one_takes_over_from_a_leader_that_takes_too_long() {
    check(None, || {
        let flight = Flight::new(1);
        let other = Arc::clone(&flight);
        let thread = thread::spawn(move || other.take_over());
        let taken = [flight.take_over(), thread.join().expect("no thread panics")];
        assert_eq!(taken.iter().filter(|taken| **taken).count(), 1);
    });
}

/// Lands a flight beside another leader. Returns the value that a waiter sees afterwards, if there is one.
fn land(flight: Arc<Flight>, values: &Values<u32>, value: Option<u32>) -> Option<u32> {
    match value {
        Some(value) => values.land(&flight, value),
        None => flight.land(Outcome::Failed),
    }
    let seen = match flight.outcome().expect("it has landed") {
        Outcome::Value(slot) => Some(values.get(slot)),
        Outcome::Failed | Outcome::Retry => None,
    };
    values.release(flight);
    seen
}

/// Two leaders land one flight.
fn land_twice(outcomes: [Option<u32>; 2]) {
    check(None, move || {
        let values = Arc::new(Values::default());
        let flight = Flight::new(1);
        let (other, others_values) = (Arc::clone(&flight), Arc::clone(&values));
        let thread = thread::spawn(move || land(other, &others_values, outcomes[1]));
        let seen = land(flight, &values, outcomes[0]);
        assert!(outcomes.contains(&seen));
        assert_eq!(thread.join().expect("no thread panics"), seen);
        assert_eq!(values.len(), 0, "the last of the two drops the value");
    });
}

#[test]
fn of_two_outcomes_all_see_the_first() {
    land_twice([Some(1), Some(2)]);
}

#[test]
fn of_a_value_and_a_failure_all_see_the_first() {
    land_twice([Some(1), None]);
}
