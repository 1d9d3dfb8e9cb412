//! Calls that are dropped before they return.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ring_cache_core::Plain;

use crate::callers::{Caller, Kept, Verb};
use crate::checking::scenario;
use crate::world::{World, any, pause, work};

/// Callers that stay, by threads and tasks, and the number of their started bodies.
struct Staying {
    callers: Vec<Caller<Option<u32>>>,
    started: Arc<AtomicUsize>,
}

impl Staying {
    fn new<S: Kept>(world: &Arc<World<S>>, count: usize) -> Self {
        let started = Arc::new(AtomicUsize::new(0));
        let callers = (0..count).map(|nth| {
            let started = Arc::clone(&started);
            let body = work(async move || {
                started.fetch_add(1, Ordering::SeqCst);
                pause().await;
                1
            });
            world.caller_with::<Plain<u32>>(nth, Verb::GetOrUpdate, 1, body)
        });
        let callers = callers.collect();
        Staying { callers, started }
    }

    /// All get the value; at most one of them computed it, and stored it.
    fn assert_served<S: Kept>(self, world: &Arc<World<S>>) {
        for caller in self.callers {
            assert_eq!(caller.join(), Some(Some(1)));
        }
        let (started, stored) = (self.started.load(Ordering::SeqCst), world.stored(1));
        assert!(started <= 1, "one took over");
        // A leader that is dropped before it stores may have given the others its value.
        assert!(stored == Some(1) || (started, stored) == (0, None));
    }
}

/// This many callers are dropped at any moment, while two stay.
fn stay_while_others_are_dropped<S: Kept>(world: &Arc<World<S>>, dropped: usize) {
    let dropped: Vec<_> = (0..dropped).map(|_| world.droppable(1)).collect();
    let staying = Staying::new(world, 2);
    dropped.iter().for_each(Caller::drop_it);
    for one in dropped {
        assert!(matches!(one.join(), None | Some(Some(1))));
    }
    staying.assert_served(world);
}

scenario!(a_dropped_leader_hands_over_to_one_waiter over memory, slow, awaited);
fn a_dropped_leader_hands_over_to_one_waiter<S: Kept>(world: &Arc<World<S>>) {
    stay_while_others_are_dropped(world, 1);
}

scenario!(leaders_dropped_one_after_another_hand_over over memory, slow, awaited);
fn leaders_dropped_one_after_another_hand_over<S: Kept>(world: &Arc<World<S>>) {
    stay_while_others_are_dropped(world, 2);
}

scenario!(a_waiter_dropped_as_it_gets_the_lead_hands_it_on over memory, slow, awaited);
fn a_waiter_dropped_as_it_gets_the_lead_hands_it_on<S: Kept>(world: &Arc<World<S>>) {
    let (mut leader, mut waiter) = (world.held(1), world.held(1));
    leader.poll(1 + any(S::PAUSES + 2));
    waiter.poll(1 + any(S::PAUSES + 2));
    let staying = Staying::new(world, 2);
    pause_for_a_while();
    drop(leader);
    if any(2) == 0 {
        // It notices that it leads, and is dropped as a leader.
        waiter.poll(1);
    }
    drop(waiter);
    staying.assert_served(world);
}

scenario!(a_waiter_that_gives_up_as_it_gets_the_lead_hands_it_on over memory, slow, awaited);
fn a_waiter_that_gives_up_as_it_gets_the_lead_hands_it_on<S: Kept>(world: &Arc<World<S>>) {
    let mut leader = world.held(1);
    leader.poll(1 + any(S::PAUSES + 2));
    // Only this one may time out; the callers that stay wait for the hand-over.
    world.be_hasty();
    let waiter = world.droppable(1);
    pause_for_a_while();
    world.be_patient();
    let staying = Staying::new(world, 2);
    pause_for_a_while();
    drop(leader);
    waiter.drop_it();
    waiter.join();
    for caller in staying.callers {
        assert_eq!(caller.join(), Some(Some(1)));
    }
    let stored = world.stored(1);
    assert!(matches!(stored, None | Some(1)));
}

scenario!(dropped_waiters_leave_nothing over memory, slow, awaited);
fn dropped_waiters_leave_nothing<S: Kept>(world: &Arc<World<S>>) {
    let leader = world.caller(0, Verb::GetOrUpdate, 1);
    while world.started() == 0 {
        shuttle::thread::yield_now();
    }
    let waiters: Vec<_> = (0..3).map(|_| world.droppable(1)).collect();
    waiters.iter().for_each(Caller::drop_it);
    for waiter in waiters {
        assert!(matches!(waiter.join(), None | Some(Some(1))));
    }
    assert_eq!(leader.join(), Some(Some(1)));
    assert_eq!(world.started(), 1, "the leader computed");
    assert_eq!(world.stored(1), Some(1));
}

scenario!(callers_that_are_all_dropped_leave_nothing over memory, slow, awaited);
fn callers_that_are_all_dropped_leave_nothing<S: Kept>(world: &Arc<World<S>>) {
    let callers: Vec<_> = (0..3).map(|_| world.droppable(1)).collect();
    callers.iter().for_each(Caller::drop_it);
    for caller in callers {
        assert!(matches!(caller.join(), None | Some(Some(1))));
    }
    let stored = world.stored(1);
    assert_eq!(world.run(Verb::GetOrUpdate, 1), Some(1), "the next one is served");
    assert!(matches!(stored, None | Some(1)));
    assert_eq!(world.stored(1), Some(1));
}

/// Lets others run as long as this schedule chooses.
fn pause_for_a_while() {
    (0..any(12)).for_each(|_| crate::world::others_may_run());
}
