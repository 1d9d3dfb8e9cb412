//! Deletes, sets and clears during computations: a computation that began before them is not stored after them.

use std::sync::Arc;

use crate::callers::{Caller, Kept, Verb};
use crate::checking::scenario;
use crate::world::{World, any};

/// The truth changes, and `verb` reports it. Every later call must see the new truth.
fn forget<S: Kept>(world: &Arc<World<S>>, verb: Verb) {
    world.change_truth(2);
    world.run(verb, 1);
    assert_eq!(
        world.run(Verb::GetOrUpdate, 1),
        Some(2),
        "a later call sees no older value"
    );
}

fn readers<S: Kept>(world: &Arc<World<S>>, count: usize) -> Vec<Caller<Option<u32>>> {
    (0..count)
        .map(|nth| world.caller(nth, Verb::GetOrUpdate, 1))
        .collect()
}

/// Deletes while two readers and `others` compute. Returns the stored value at the end.
fn forget_during_flights<S: Kept>(
    world: &Arc<World<S>>,
    verb: Verb,
    others: Vec<Caller<Option<u32>>>,
) -> Option<u32> {
    let readers = readers(world, 2);
    forget(world, verb);
    for reader in readers.into_iter().chain(others) {
        assert!(matches!(reader.join(), Some(Some(1 | 2))));
    }
    let stored = world.stored(1);
    // A delete may remove a newer value that was stored during it.
    assert!(
        matches!(stored, None | Some(2)),
        "an earlier computed value is not stored"
    );
    stored
}

scenario!(a_delete_during_a_flight_holds over memory, slow, awaited);
fn a_delete_during_a_flight_holds<S: Kept>(world: &Arc<World<S>>) {
    forget_during_flights(world, Verb::Delete, Vec::new());
}

scenario!(a_set_during_a_flight_holds over memory, slow, awaited);
fn a_set_during_a_flight_holds<S: Kept>(world: &Arc<World<S>>) {
    let stored = forget_during_flights(world, Verb::Set(2), Vec::new());
    assert_eq!(stored, Some(2), "the set value is not lost");
}

scenario!(a_set_value_stays over memory, slow, awaited);
fn a_set_value_stays<S: Kept>(world: &Arc<World<S>>) {
    // Unlike in other scenarios, the bodies do not know the set value.
    let readers = readers(world, 3);
    world.run(Verb::Set(2), 1);
    assert_eq!(world.run(Verb::GetOrUpdate, 1), Some(2), "a later call sees it");
    for reader in readers {
        assert!(matches!(reader.join(), Some(Some(1 | 2))));
    }
    assert_eq!(
        world.stored(1),
        Some(2),
        "a value computed meanwhile does not replace it"
    );
}

scenario!(a_clear_during_a_flight_holds over memory, slow, awaited);
fn a_clear_during_a_flight_holds<S: Kept>(world: &Arc<World<S>>) {
    let other = world.caller(1, Verb::GetOrUpdate, 2);
    forget_during_flights(world, Verb::Clear, vec![other]);
    // It may have been computed after the clear.
    assert!(matches!(world.stored(2), None | Some(1 | 2)));
}

scenario!(a_clear_concerns_all_keys over memory, slow, awaited);
fn a_clear_concerns_all_keys<S: Kept>(world: &Arc<World<S>>) {
    let readers: Vec<_> = (1..=2)
        .map(|key| world.caller(key as usize, Verb::GetOrUpdate, key))
        .collect();
    forget(world, Verb::Clear);
    assert_eq!(
        world.run(Verb::GetOrUpdate, 2),
        Some(2),
        "a later call sees no older value"
    );
    readers.into_iter().for_each(|reader| _ = reader.join());
    let stored = [world.stored(1), world.stored(2)];
    assert!(
        stored.iter().all(|stored| matches!(stored, None | Some(2))),
        "{stored:?}"
    );
}

scenario!(a_delete_holds_without_coalescing over memory, slow, awaited);
fn a_delete_holds_without_coalescing<S: Kept>(world: &Arc<World<S>>) {
    world.stay_apart();
    forget_during_flights(world, Verb::Delete, Vec::new());
}

scenario!(a_delete_holds_where_a_value_was over memory, slow, awaited);
fn a_delete_holds_where_a_value_was<S: Kept>(world: &Arc<World<S>>) {
    world.run(Verb::GetOrUpdate, 1);
    let updater = world.caller(1, Verb::Update, 1);
    forget_during_flights(world, Verb::Delete, vec![updater]);
}

scenario!(a_delete_holds_while_leaders_are_dropped over memory, slow, awaited);
fn a_delete_holds_while_leaders_are_dropped<S: Kept>(world: &Arc<World<S>>) {
    let dropped = world.droppable(1);
    let readers = readers(world, 2);
    dropped.drop_it();
    forget(world, Verb::Delete);
    dropped.join();
    for reader in readers {
        assert!(matches!(reader.join(), Some(Some(1 | 2))));
    }
    // A call that is dropped before it stores may have given the others its value.
    assert!(matches!(world.stored(1), None | Some(2)));
}

scenario!(deletes_and_sets_at_a_time_hold over memory, slow, awaited);
fn deletes_and_sets_at_a_time_hold<S: Kept>(world: &Arc<World<S>>) {
    let reader = world.caller(1, Verb::GetOrUpdate, 1);
    world.change_truth(2);
    let others = [(0, Verb::Delete), (1, Verb::Set(2))].map(|(nth, verb)| world.caller(nth, verb, 1));
    forget(world, Verb::Delete);
    others.into_iter().for_each(|other| _ = other.join());
    assert!(matches!(reader.join(), Some(Some(1 | 2))));
    assert!(matches!(world.stored(1), None | Some(2)));
}

scenario!(an_update_that_gives_way_leaves_nothing_older over memory, slow, awaited);
fn an_update_that_gives_way_leaves_nothing_older<S: Kept>(world: &Arc<World<S>>) {
    world.run(Verb::GetOrUpdate, 1);
    world.change_truth(2);
    let verbs = [Verb::Delete, Verb::Clear, Verb::Set(2), Verb::Update];
    let other = world.caller(0, verbs[any(verbs.len())], 1);
    forget(world, Verb::Update);
    other.join();
}
