//! Stale entries: which call refreshes them, and what prevents a refresh from storing.

use std::sync::Arc;

use ring_cache_core::{Lookup, Ring};
use shuttle::future::block_on;

use crate::callers::Caller;
use crate::checking::scenario;
use crate::stale_calls::{AT_ONCE, Answer, HASTY, KeptStale, Outcome, PATIENT, Verb, answers};
use crate::world::{World, any, others_may_run};

fn readers<S: KeptStale>(world: &Arc<World<S>>, ring: &'static Ring) -> Vec<Caller<Outcome>> {
    let first = any(3);
    let readers = (first..first + 3).map(|nth| world.stale_caller(nth, ring, Verb::GetOrUpdate));
    readers.collect()
}

fn all_are(answers: &[Answer], expected: &[Answer]) -> bool {
    answers.iter().all(|answer| expected.contains(answer))
}

scenario!(f6_many_calls_that_find_a_stale_entry_refresh_it_once over memory, slow, awaited);
fn f6_many_calls_that_find_a_stale_entry_refresh_it_once<S: KeptStale>(world: &Arc<World<S>>) {
    world.begin_stale();
    let answers = answers(readers(world, &AT_ONCE));
    assert!(all_are(&answers, &[Ok(1), Ok(2)]), "{answers:?}");
    assert_eq!(world.left_stale(), Lookup::Fresh(2));
    assert_eq!(world.started(), 2, "the entry, and one refresh");
    world.assert_writes(2);
}

scenario!(calls_that_wait_get_the_value_of_one_refresh over memory, slow, awaited);
fn calls_that_wait_get_the_value_of_one_refresh<S: KeptStale>(world: &Arc<World<S>>) {
    world.begin_stale();
    let answers = answers(readers(world, &PATIENT));
    // A call that refreshes itself returns what it found if another call began before it.
    assert!(all_are(&answers, &[Ok(1), Ok(2)]), "{answers:?}");
    assert!(answers.contains(&Ok(2)));
    assert_eq!(world.left_stale(), Lookup::Fresh(2));
    assert_eq!(world.started(), 2, "the entry, and one refresh");
}

scenario!(f6_past_its_life_calls_join_the_refresh over memory, slow, awaited);
fn f6_past_its_life_calls_join_the_refresh<S: KeptStale>(world: &Arc<World<S>>) {
    world.begin_stale();
    let early = world.stale_caller(any(3), &AT_ONCE, Verb::GetOrUpdate);
    (0..any(12)).for_each(|_| others_may_run());
    world.end_life();
    let late = answers(readers(world, &AT_ONCE));
    assert!(all_are(&late, &[Ok(2)]), "{late:?}");
    let early = answers(vec![early]);
    assert!(all_are(&early, &[Ok(1), Ok(2)]), "{early:?}");
    // The refresh may have ended before the clock moved.
    assert!(matches!(world.left_stale(), Lookup::Fresh(2) | Lookup::Stale(2)));
    assert!(world.started() <= 3, "{}", world.started());
}

/// A verb during refreshes, after which no body computes 2 any more.
fn interrupted<S: KeptStale>(world: &Arc<World<S>>, verb: Verb) -> Lookup<u32> {
    world.begin_stale();
    let readers = readers(world, &AT_ONCE);
    (0..any(12)).for_each(|_| others_may_run());
    world.change_truth(3);
    world.run_stale(&AT_ONCE, verb);
    let now = match world.run_stale(&AT_ONCE, Verb::Lookup) {
        Outcome::Found(found) => found,
        other => panic!("{other:?}"),
    };
    let answers = answers(readers);
    assert!(all_are(&answers, &[Ok(1), Ok(2), Ok(3), Ok(9)]), "{answers:?}");
    let left = world.left_stale();
    assert!(
        now.is_new_for(verb) && left.is_new_for(verb),
        "{now:?}, {left:?} after {verb:?}"
    );
    left
}

trait IsNewFor {
    fn is_new_for(&self, verb: Verb) -> bool;
}

impl IsNewFor for Lookup<u32> {
    /// Whether an entry may be there after the verb.
    fn is_new_for(&self, verb: Verb) -> bool {
        match verb {
            // A fresh entry of before is the fallback.
            Verb::Expire => matches!(self, Lookup::Stale(1..=3) | Lookup::Fresh(3)),
            Verb::Set(value) => *self == Lookup::Fresh(value),
            Verb::Update => *self == Lookup::Fresh(3),
            _ => matches!(self, Lookup::Absent | Lookup::Fresh(3)),
        }
    }
}

scenario!(f7_a_delete_keeps_refreshes_under_way_from_storing over memory, slow, awaited);
fn f7_a_delete_keeps_refreshes_under_way_from_storing<S: KeptStale>(world: &Arc<World<S>>) {
    interrupted(world, Verb::Delete);
}

scenario!(f7_a_set_keeps_refreshes_under_way_from_storing over memory, slow, awaited);
fn f7_a_set_keeps_refreshes_under_way_from_storing<S: KeptStale>(world: &Arc<World<S>>) {
    interrupted(world, Verb::Set(9));
}

scenario!(f7_a_clear_keeps_refreshes_under_way_from_storing over memory, slow, awaited);
fn f7_a_clear_keeps_refreshes_under_way_from_storing<S: KeptStale>(world: &Arc<World<S>>) {
    interrupted(world, Verb::Clear);
}

scenario!(f7_an_expire_keeps_refreshes_under_way_from_storing over memory, slow, awaited);
fn f7_an_expire_keeps_refreshes_under_way_from_storing<S: KeptStale>(world: &Arc<World<S>>) {
    interrupted(world, Verb::Expire);
}

scenario!(f10_an_update_beside_a_refresh_returns_its_own_value_and_stays over memory, slow, awaited);
fn f10_an_update_beside_a_refresh_returns_its_own_value_and_stays<S: KeptStale>(world: &Arc<World<S>>) {
    assert_eq!(interrupted(world, Verb::Update), Lookup::Fresh(3));
}

scenario!(f8_after_a_failed_refresh_there_is_none_for_a_while over memory, slow, awaited);
fn f8_after_a_failed_refresh_there_is_none_for_a_while<S: KeptStale>(world: &Arc<World<S>>) {
    world.begin_stale();
    world.go_down();
    let ring: &Ring = if any(2) == 0 { &AT_ONCE } else { &PATIENT };
    let answers = answers(readers(world, ring));
    assert!(all_are(&answers, &[Ok(1)]), "{answers:?}");
    assert_eq!(world.left_stale(), Lookup::Stale(1));
    assert_eq!(world.run_stale(ring, Verb::GetOrUpdate), Outcome::Answer(Ok(1)));
    assert_eq!(world.started(), 2, "the entry, and one refresh");
    world.end_life();
    assert_eq!(world.run_stale(ring, Verb::GetOrUpdate), Outcome::Answer(Err(0)));
}

scenario!(f8_a_failed_refresh_gives_no_fallback_that_was_deleted over memory, slow, awaited);
fn f8_a_failed_refresh_gives_no_fallback_that_was_deleted<S: KeptStale>(world: &Arc<World<S>>) {
    world.begin_stale();
    world.go_down();
    world.run_stale(&AT_ONCE, Verb::Delete);
    let answers = answers(readers(world, &AT_ONCE));
    assert!(all_are(&answers, &[Err(0)]), "{answers:?}");
    assert_eq!(world.left_stale(), Lookup::Absent);
}

scenario!(f14_a_hung_refresh_loses_its_lead over memory, slow, awaited);
fn f14_a_hung_refresh_loses_its_lead<S: KeptStale>(world: &Arc<World<S>>) {
    world.begin_stale();
    let held = world.held_stale(&HASTY, 1 + any(8));
    let before = world.started();
    world.change_truth(3);
    let answers = answers(readers(world, &HASTY));
    assert!(all_are(&answers, &[Ok(1), Ok(2), Ok(3)]), "{answers:?}");
    let replaced = before == 2 && world.started() > 2;
    block_on(held);
    let left = world.left_stale();
    assert!(
        !replaced || left != Lookup::Fresh(2),
        "the older value is not stored over the newer: {left:?}"
    );
}

scenario!(f13_a_call_that_is_dropped_leaves_the_entry_and_no_call_waits_for_it over memory, slow, awaited);
fn f13_a_call_that_is_dropped_leaves_the_entry_and_no_call_waits_for_it<S: KeptStale>(world: &Arc<World<S>>) {
    world.begin_stale();
    let dropped = world.stale_caller(1 + any(2), &PATIENT, Verb::GetOrUpdate);
    let readers = readers(world, &PATIENT);
    (0..any(8)).for_each(|_| others_may_run());
    dropped.drop_it();
    let answers = answers(readers);
    assert!(all_are(&answers, &[Ok(1), Ok(2)]), "{answers:?}");
    let _ = dropped.join();
    let left = world.left_stale();
    assert!(matches!(left, Lookup::Stale(1) | Lookup::Fresh(2)), "{left:?}");
    assert_eq!(
        world.run_stale(&PATIENT, Verb::GetOrUpdate),
        Outcome::Answer(Ok(2))
    );
}
