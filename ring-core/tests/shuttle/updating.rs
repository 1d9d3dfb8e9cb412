//! Computations of one key that overlap: the later-started wins.

use std::sync::Arc;

use ring_cache_core::Plain;

use crate::callers::{Kept, Verb};
use crate::checking::scenario;
use crate::world::{World, pause, work};

/// A call by a caller of its own, whose body computes its number among all that were started. Returns how many were
/// started before the call, and what it returned.
fn numbered<S: Kept>(world: &Arc<World<S>>, nth: usize, verb: Verb) -> impl FnOnce() -> (u32, u32) + use<S> {
    let (inner, before) = (Arc::clone(world), Arc::new(std::sync::OnceLock::new()));
    let body = work(async move || {
        let number = inner.start() as u32;
        pause().await;
        pause().await;
        number
    });
    let (inner, called) = (Arc::clone(world), Arc::clone(&before));
    let caller =
        world.caller_after::<Plain<u32>>(nth, verb, 1, body, move || _ = called.set(inner.started() as u32));
    move || {
        let out = caller.join().flatten().expect("it computes, or takes a value");
        (*before.get().expect("it was called"), out)
    }
}

fn the_last_to_start_wins<S: Kept>(world: &Arc<World<S>>, verbs: &[Verb]) {
    let calls: Vec<_> = verbs
        .iter()
        .enumerate()
        .map(|(nth, verb)| numbered(world, nth, *verb))
        .collect();
    let outs: Vec<_> = calls.into_iter().map(|join| join()).collect();
    let stored = world.stored(1).expect("one of them stored");
    for (before, out) in outs {
        // Whoever was called after the body of what is stored began, and computed, would have stored later.
        assert!(
            out < before || stored >= before,
            "{out}, called after {before}, computed, and {stored} is stored"
        );
    }
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
        "who comes after it sees no older value"
    );
    assert!(matches!(reader.join(), Some(Some(1 | 2))));
    assert_eq!(world.stored(1), Some(2));
}
