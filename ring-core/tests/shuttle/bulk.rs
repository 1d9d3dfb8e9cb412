//! Bulk calls beside each other and beside single calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ring_cache_core::Plain;

use crate::callers::{Caller, Kept, Verb};
use crate::checking::scenario;
use crate::world::{Work, World, pause, work};

/// Computes ten times the key, and counts the runs for each key.
#[derive(Default)]
struct Tens([AtomicUsize; 4]);

impl Tens {
    fn call(self: &Arc<Self>, key: u32) -> (u32, Work<u32>) {
        let tens = Arc::clone(self);
        let body = work(async move || {
            tens.0[key as usize].fetch_add(1, Ordering::SeqCst);
            pause().await;
            10 * key
        });
        (key, body)
    }

    fn calls(self: &Arc<Self>, keys: &[u32]) -> Vec<(u32, Work<u32>)> {
        keys.iter().map(|key| self.call(*key)).collect()
    }

    fn started(&self) -> [usize; 4] {
        std::array::from_fn(|key| self.0[key].load(Ordering::SeqCst))
    }
}

fn opposite<S: Kept>(world: &Arc<World<S>>, tens: &Arc<Tens>, nth: usize) -> [Caller<Vec<u32>>; 2] {
    [
        world.bulk_caller(nth, tens.calls(&[1, 2])),
        world.bulk_caller(nth + 1, tens.calls(&[2, 1])),
    ]
}

fn assert_tens([one, other]: [Caller<Vec<u32>>; 2]) {
    assert_eq!(one.join(), Some(vec![10, 20]));
    assert_eq!(other.join(), Some(vec![20, 10]));
}

scenario!(bulk_calls_in_opposite_orders_do_not_deadlock over memory, slow, awaited);
fn bulk_calls_in_opposite_orders_do_not_deadlock<S: Kept>(world: &Arc<World<S>>) {
    let tens = Arc::<Tens>::default();
    assert_tens(opposite(world, &tens, 0));
    assert_eq!(tens.started(), [0, 1, 1, 0], "one computed for each key");
    world.assert_writes(2);
    assert_eq!((world.stored(1), world.stored(2)), (Some(10), Some(20)));
}

scenario!(bulk_and_single_calls_join over memory, slow, awaited);
fn bulk_and_single_calls_join<S: Kept>(world: &Arc<World<S>>) {
    let tens = Arc::<Tens>::default();
    let bulk = opposite(world, &tens, 1);
    let (key, body) = tens.call(2);
    let single = world.caller_with::<Plain<u32>>(0, Verb::GetOrUpdate, key, body);
    assert_tens(bulk);
    assert_eq!(single.join(), Some(Some(20)));
    assert_eq!(tens.started(), [0, 1, 1, 0], "one computed for each key");
    world.assert_writes(2);
    assert_eq!((world.stored(1), world.stored(2)), (Some(10), Some(20)));
}

scenario!(a_body_may_call_another_key_of_its_bulk_call over memory, slow, awaited);
fn a_body_may_call_another_key_of_its_bulk_call<S: Kept>(world: &Arc<World<S>>) {
    let tens = Arc::<Tens>::default();
    let one_and_two = || {
        let (inner, ones) = (Arc::clone(world), tens.call(1));
        let twice = work(async move || inner.plain(ones.0, ones.1).await.map_or(0, |ten| 2 * ten));
        vec![tens.call(1), (2, twice)]
    };
    let bulk: Vec<_> = (0..2).map(|nth| world.bulk_caller(nth, one_and_two())).collect();
    for caller in bulk {
        assert_eq!(caller.join(), Some(vec![10, 20]));
    }
    assert_eq!(tens.started(), [0, 1, 0, 0], "one computed");
    world.assert_writes(2);
    assert_eq!((world.stored(1), world.stored(2)), (Some(10), Some(20)));
}

scenario!(hasty_bulk_calls_are_served over memory, slow, awaited);
fn hasty_bulk_calls_are_served<S: Kept>(world: &Arc<World<S>>) {
    world.be_hasty();
    let tens = Arc::<Tens>::default();
    assert_tens(opposite(world, &tens, 0));
    // An abandoned writer removes its entry.
    assert!(matches!(world.stored(1), None | Some(10)));
    assert!(matches!(world.stored(2), None | Some(20)));
}

scenario!(a_dropped_bulk_call_leaves_its_keys_to_others over memory, slow, awaited);
fn a_dropped_bulk_call_leaves_its_keys_to_others<S: Kept>(world: &Arc<World<S>>) {
    let tens = Arc::<Tens>::default();
    let dropped = world.bulk_caller(1, tens.calls(&[1, 2, 3]));
    let bulk = opposite(world, &tens, 0);
    dropped.drop_it();
    assert_tens(bulk);
    assert!(dropped.join().is_none_or(|tens| tens == [10, 20, 30]));
    assert!(
        tens.started()[1..].iter().all(|started| *started <= 2),
        "one took over for each key"
    );
    // Before it was dropped it may have given the others its values.
    assert!(matches!(world.stored(1), None | Some(10)));
    assert!(matches!(world.stored(2), None | Some(20)));
}

scenario!(a_delete_during_a_bulk_call_holds over memory, slow, awaited);
fn a_delete_during_a_bulk_call_holds<S: Kept>(world: &Arc<World<S>>) {
    let after = delete_during_bulk_calls(world);
    assert_eq!(after, Some(2), "a later call sees no older value");
}

scenario!(a_hasty_delete_during_a_bulk_call_holds over memory, slow, awaited);
fn a_hasty_delete_during_a_bulk_call_holds<S: Kept>(world: &Arc<World<S>>) {
    world.be_hasty();
    delete_during_bulk_calls(world);
}

/// Returns the result of a call after the delete.
fn delete_during_bulk_calls<S: Kept>(world: &Arc<World<S>>) -> Option<u32> {
    let bulk = [[1, 2], [2, 1]].into_iter().enumerate().map(|(nth, keys)| {
        let calls = keys.map(|key| (key, world.work::<Plain<u32>>()));
        world.bulk_caller(nth, calls.into())
    });
    let bulk: Vec<_> = bulk.collect();
    world.change_truth(2);
    world.run(Verb::Delete, 1);
    let after = world.run(Verb::GetOrUpdate, 1);
    for caller in bulk {
        let outs = caller.join().expect("it was not dropped");
        assert!(outs.iter().all(|out| matches!(out, 1 | 2)));
    }
    assert!(
        matches!(world.stored(1), None | Some(2)),
        "an earlier computed value does not stay"
    );
    after
}
