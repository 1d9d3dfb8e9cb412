//! Calls that time out, at any moment, and calls that delay them.

use std::sync::Arc;

use shuttle::future::block_on;

use crate::callers::{Caller, Held, Kept, Verb, task};
use crate::checking::scenario;
use crate::world::{World, any};

/// A plain call that was polled a few times and is not polled any more: it may be anywhere, also in the middle of its
/// write.
fn held_somewhere<S: Kept>(world: &Arc<World<S>>) -> Held {
    let mut held = world.held(1);
    held.poll(1 + any(8));
    held
}

scenario!(a_held_leader_is_replaced over memory, slow, awaited);
fn a_held_leader_is_replaced<S: Kept>(world: &Arc<World<S>>) {
    world.be_hasty();
    let held = held_somewhere(world);
    let before = world.started();
    world.change_truth(2);
    let callers: Vec<_> = (0..3)
        .map(|nth| world.caller(nth, Verb::GetOrUpdate, 1))
        .collect();
    for caller in callers {
        assert!(matches!(caller.join(), Some(Some(1 | 2))), "no caller is stuck");
    }
    let replaced = before == 1 && world.started() > 1;
    block_on(held.finish());
    let stored = world.stored(1);
    assert!(
        !replaced || stored != Some(1),
        "the older value is not stored over the newer"
    );
    assert!(matches!(world.run(Verb::GetOrUpdate, 1), Some(1 | 2)));
}

scenario!(a_leader_that_goes_on_after_it_was_replaced_stores_nothing_older over memory, slow, awaited);
fn a_leader_that_goes_on_after_it_was_replaced_stores_nothing_older<S: Kept>(world: &Arc<World<S>>) {
    world.be_hasty();
    let held = held_somewhere(world);
    world.change_truth(2);
    let callers: Vec<_> = (0..2).map(|nth| world.caller(nth, Verb::Update, 1)).collect();
    let held = task(held.finish());
    for caller in callers {
        assert_eq!(caller.join(), Some(Some(2)));
    }
    held.join();
    assert!(
        matches!(world.stored(1), None | Some(2)),
        "the older value is not stored over the newer"
    );
}

fn forget_while_it_is_held<S: Kept>(world: &Arc<World<S>>, verb: Verb) {
    world.be_hasty();
    let held = held_somewhere(world);
    let other = world.caller(1, Verb::GetOrUpdate, 2);
    world.change_truth(2);
    world.run(verb, 1);
    // A call that stores would not wait for the held one either.
    if any(2) == 0 {
        let after = world.run(Verb::GetOrUpdate, 1);
        assert_eq!(after, Some(2), "a later call sees no older value");
    }
    other.join();
    block_on(held.finish());
    assert!(
        matches!(world.stored(1), None | Some(2)),
        "the older value does not stay"
    );
}

scenario!(a_held_writer_does_not_stop_a_delete over memory, slow, awaited);
fn a_held_writer_does_not_stop_a_delete<S: Kept>(world: &Arc<World<S>>) {
    forget_while_it_is_held(world, Verb::Delete);
}

scenario!(a_held_writer_does_not_stop_a_clear over memory, slow, awaited);
fn a_held_writer_does_not_stop_a_clear<S: Kept>(world: &Arc<World<S>>) {
    forget_while_it_is_held(world, Verb::Clear);
}

scenario!(a_late_writer_and_a_hasty_delete over memory, slow, awaited);
fn a_late_writer_and_a_hasty_delete<S: Kept>(world: &Arc<World<S>>) {
    world.be_hasty();
    let writers: Vec<_> = (0..2)
        .map(|nth| world.caller(nth, Verb::GetOrUpdate, 1))
        .collect();
    world.change_truth(2);
    world.run(Verb::Delete, 1);
    for writer in writers {
        assert!(matches!(writer.join(), Some(Some(1 | 2))));
    }
    assert!(
        matches!(world.stored(1), None | Some(2)),
        "the older value does not stay"
    );
    assert_eq!(world.run(Verb::GetOrUpdate, 1), Some(2));
}

scenario!(callers_that_time_out_get_a_value over memory, slow, awaited);
fn callers_that_time_out_get_a_value<S: Kept>(world: &Arc<World<S>>) {
    world.be_hasty();
    let dropped = world.droppable(1);
    let callers: Vec<_> = (0..3)
        .map(|nth| world.caller(nth, Verb::GetOrUpdate, 1))
        .collect();
    dropped.drop_it();
    for caller in callers {
        assert_eq!(caller.join(), Some(Some(1)));
    }
    assert!(matches!(dropped.join(), None | Some(Some(1))));
    assert!(world.started() <= 4, "each computed once at most");
    // An abandoned writer removes its entry.
    assert!(matches!(world.stored(1), None | Some(1)));
}

scenario!(a_dropped_writer_lets_the_next_one_write over memory, slow, awaited);
fn a_dropped_writer_lets_the_next_one_write<S: Kept>(world: &Arc<World<S>>) {
    let mut writer = world.held(1);
    writer.poll(1 + any(8));
    world.change_truth(2);
    // They wait for the end of the writer's turn, and its drop notifies them.
    let callers: Vec<Caller<_>> = (0..2).map(|nth| world.caller(nth, Verb::Update, 1)).collect();
    (0..any(12)).for_each(|_| crate::world::others_may_run());
    drop(writer);
    for caller in callers {
        assert_eq!(caller.join(), Some(Some(2)));
    }
    assert_eq!(world.stored(1), Some(2));
}
