//! Computations of one key that overlap: the later one wins.

use std::sync::{Arc, OnceLock};

use ring_cache_core::Plain;

use crate::callers::{Kept, Verb};
use crate::checking::scenario;
use crate::world::{Work, World, any, others_may_run, pause, work};

/// A body that computes its number among all started bodies.
fn number<S: Kept>(world: &Arc<World<S>>) -> Work<u32> {
    let world = Arc::clone(world);
    work(async move || {
        let number = world.start() as u32;
        pause().await;
        pause().await;
        number
    })
}

/// A call by a separate caller, with [`number`]. Returns the number of bodies started before the call, and its
/// result.
fn numbered<S: Kept>(world: &Arc<World<S>>, nth: usize, verb: Verb) -> impl FnOnce() -> (u32, u32) + use<S> {
    let (inner, before) = (Arc::clone(world), Arc::new(OnceLock::new()));
    let called = Arc::clone(&before);
    let called = move || _ = called.set(inner.started() as u32);
    let caller = world.caller_after::<Plain<u32>>(nth, verb, 1, number(world), called);
    move || {
        let out = caller.join().flatten().expect("it computes, or takes a value");
        (*before.get().expect("it was called"), out)
    }
}

/// A call that began after the body of the stored value began, and that computed, would have stored later.
fn assert_is_of_the_last(stored: u32, (before, out): (u32, u32)) {
    assert!(
        out < before || stored >= before,
        "{out}, called after {before}, computed, and {stored} is stored"
    );
}

fn the_last_to_start_wins<S: Kept>(world: &Arc<World<S>>, verbs: &[Verb]) {
    let numbered = verbs
        .iter()
        .enumerate()
        .map(|(nth, verb)| numbered(world, nth, *verb));
    let outs: Vec<_> = numbered
        .collect::<Vec<_>>()
        .into_iter()
        .map(|join| join())
        .collect();
    let stored = world.stored(1).expect("one of them stored");
    outs.into_iter()
        .for_each(|out| assert_is_of_the_last(stored, out));
}

scenario!(a_bulk_call_beats_an_update_that_started_before_it over memory, slow, awaited);
fn a_bulk_call_beats_an_update_that_started_before_it<S: Kept>(world: &Arc<World<S>>) {
    let update = numbered(world, 1, Verb::Update);
    (0..any(30)).for_each(|_| others_may_run());
    let before = world.started() as u32;
    let outs = world.run_many(vec![(1, number(world)), (2, number(world))]);
    let update = update();
    let stored = world.stored(1).expect("one of them stored");
    assert_is_of_the_last(stored, (before, outs[0]));
    assert_is_of_the_last(stored, update);
}

scenario!(an_update_beats_what_started_before_it over memory, slow, awaited);
fn an_update_beats_what_started_before_it<S: Kept>(world: &Arc<World<S>>) {
    the_last_to_start_wins(world, &[Verb::GetOrUpdate, Verb::Update]);
}

scenario!(updates_that_overlap_end_with_the_last over memory, slow, awaited);
fn updates_that_overlap_end_with_the_last<S: Kept>(world: &Arc<World<S>>) {
    the_last_to_start_wins(world, &[Verb::Update, Verb::Update, Verb::GetOrUpdate]);
}

scenario!(an_update_is_never_lost over memory, slow, awaited);
fn an_update_is_never_lost<S: Kept>(world: &Arc<World<S>>) {
    let reader = world.caller(1, Verb::GetOrUpdate, 1);
    world.change_truth(2);
    assert_eq!(
        world.run(Verb::Update, 1),
        Some(2),
        "it never takes another's value"
    );
    assert_eq!(
        world.run(Verb::GetOrUpdate, 1),
        Some(2),
        "a later call sees no older value"
    );
    assert!(matches!(reader.join(), Some(Some(1 | 2))));
    assert_eq!(world.stored(1), Some(2));
}

scenario!(calls_after_an_update_get_no_older_value over memory, full, slow, awaited);
fn calls_after_an_update_get_no_older_value<S: Kept>(world: &Arc<World<S>>) {
    let readers: Vec<_> = (0..2)
        .map(|nth| world.caller(nth, Verb::GetOrUpdate, 1))
        .collect();
    world.change_truth(2);
    assert_eq!(
        world.run(Verb::Update, 1),
        Some(2),
        "it never takes another's value"
    );
    // It may have been superseded by now.
    let after = world.run(Verb::GetOrUpdate, 1);
    assert_eq!(after, Some(2), "a later call sees no older value");
    for reader in readers {
        assert!(matches!(reader.join(), Some(Some(1 | 2))));
    }
    assert!(matches!(world.stored(1), None | Some(2)));
}
