//! After an `update`, a `set` or a `delete` has returned, no call that starts later sees an older value: also if an
//! older write is still under way, was dropped, or was abandoned.

use std::task::Poll;
use std::time::Duration;

use futures_executor::block_on;
use ring_cache_core::{AsyncCalls, Ring};

use crate::support::{
    AsyncRemote, Gate, Held, assert_quiet, async_call, drive, finish, hold, keep, never_async, patient,
};

type Far = AsyncRemote<u32>;

/// A ring whose calls hardly wait for other writers.
fn hasty() -> &'static Ring {
    keep(Ring::with_prefix("p").write_timeout(Duration::from_millis(5)))
}

fn update(ring: &'static Ring, far: &Far, value: u32) -> u32 {
    block_on(async_call(ring, far, 1, || async move { value }).update())
}

fn set(ring: &'static Ring, far: &Far, value: u32) {
    block_on(async_call(ring, far, 1, never_async).set(value)).unwrap();
}

/// Checks with every look-up that no value is older than 2.
fn assert_nothing_old(ring: &'static Ring, far: &Far) {
    let call = || async_call(ring, far, 1, never_async);
    let is_new = |found: Option<u32>| assert!(found != Some(1), "an older value was found");
    is_new(block_on(call().get()).unwrap());
    is_new(block_on([call()].get_many()).unwrap()[0]);
    let there = block_on(call().get()).unwrap().is_some();
    assert_eq!(block_on(call().has()).unwrap(), there);
    assert_eq!(block_on([call()].has_many()).unwrap(), [there]);
    assert_eq!(block_on(call().touch()).unwrap(), there);
    assert_eq!(block_on([call()].touch_many()).unwrap(), [there]);
    let many = block_on([async_call(ring, far, 1, || async { 3 })].get_or_update_many());
    assert_ne!(many, [1]);
    let plain = block_on(async_call(ring, far, 1, || async { 4 }).get_or_update());
    assert_ne!(plain, 1);
}

/// An update to 1 whose write has not reached the storage yet.
fn old_write<'f>(ring: &'static Ring, far: &'f Far) -> (Held<'f, u32>, std::sync::Arc<Gate>) {
    let gate = far.stop_before("write");
    let mut old = hold(async_call(ring, far, 1, || async { 1 }).update());
    assert!(drive(&mut old).is_pending());
    (old, gate)
}

/// Calls `verb` while an older write is under way, which then arrives, and is removed.
fn outlasted_by_an_older_write(verb: fn(&'static Ring, &Far)) {
    let (ring, far) = (hasty(), Far::new());
    let (mut old, arrives) = old_write(ring, &far);
    verb(ring, &far);
    assert_nothing_old(ring, &far);
    let ends = far.stop_after("write");
    arrives.open(1);
    assert!(
        drive(&mut old).is_pending(),
        "it has written, and has no answer yet"
    );
    assert_nothing_old(ring, &far);
    ends.open(1);
    assert_eq!(finish(old), 1);
    assert_nothing_old(ring, &far);
    assert_quiet(&far);
}

#[test]
fn an_older_write_that_arrives_after_an_update_is_not_seen() {
    outlasted_by_an_older_write(|ring, far| assert_eq!(update(ring, far, 2), 2));
}

#[test]
fn an_older_write_that_arrives_after_a_set_is_not_seen() {
    outlasted_by_an_older_write(|ring, far| set(ring, far, 2));
}

#[test]
fn an_older_write_that_arrives_after_a_delete_is_not_seen() {
    outlasted_by_an_older_write(|ring, far| {
        block_on(async_call(ring, far, 1, never_async).delete()).unwrap();
    });
}

#[test]
fn an_older_write_that_arrives_after_a_bulk_update_is_not_seen() {
    outlasted_by_an_older_write(|ring, far| {
        let many = [async_call(ring, far, 1, || async { 2 })].update_many();
        assert_eq!(block_on(many), [2]);
    });
}

/// An update to 2 that is superseded by `newer`, and returns before `newer` has taken effect.
fn gives_way_to<'f>(
    newer: impl FnOnce(&'static Ring, &'f Far) -> Held<'f, ()>,
    far: &'f Far,
    looks_meanwhile: bool,
) {
    let ring = hasty();
    set(ring, far, 1);
    let gate = Gate::leaked();
    let body = || async {
        gate.pass().await;
        2
    };
    let mut update = hold(async_call(ring, far, 1, body).update());
    assert!(drive(&mut update).is_pending());
    let newer = newer(ring, far);
    gate.open(1);
    assert_eq!(block_on(update), 2);
    let found = block_on(async_call(ring, far, 1, never_async).get()).unwrap();
    assert_eq!(found, None, "the newer operation has not taken effect");
    if looks_meanwhile {
        assert_nothing_old(ring, far);
    }
    drop(newer);
    assert_nothing_old(ring, far);
    assert_quiet(far);
}

/// A delete that stops before it removes the entry.
fn stopped_delete<'f>(ring: &'static Ring, far: &'f Far) -> Held<'f, ()> {
    far.stop_before("remove");
    let call = async_call(ring, far, 1, never_async);
    let mut delete = hold(async move { _ = call.delete().await.unwrap() });
    assert!(drive(&mut delete).is_pending());
    delete
}

/// A set that stops before it writes.
fn stopped_set<'f>(ring: &'static Ring, far: &'f Far) -> Held<'f, ()> {
    far.stop_before("write");
    let call = async_call(ring, far, 1, never_async);
    let mut set = hold(async move { call.set(9).await.unwrap() });
    assert!(drive(&mut set).is_pending());
    set
}

/// A plain call that began later, and stops before it writes.
fn stopped_computation<'f>(ring: &'static Ring, far: &'f Far) -> Held<'f, ()> {
    far.stop_before("write");
    let call = async_call(ring, far, 1, || async { 9 });
    let mut newer = hold(async move { assert_eq!(call.update().await, 9) });
    assert!(drive(&mut newer).is_pending());
    newer
}

#[test]
fn an_update_that_does_not_wait_for_a_newer_change_hides_older_values() {
    for newer in [stopped_delete, stopped_set, stopped_computation] {
        for looks_meanwhile in [true, false] {
            gives_way_to(newer, &Far::new(), looks_meanwhile);
        }
    }
}

/// An update to 2 that waits for `newer`, which is dropped without effect.
fn waits_for_a_dropped<'f>(newer: impl FnOnce(&'static Ring, &'f Far) -> Held<'f, ()>, far: &'f Far) {
    let ring = patient();
    set(ring, far, 1);
    let gate = Gate::leaked();
    let body = || async {
        gate.pass().await;
        2
    };
    let mut update = hold(async_call(ring, far, 1, body).update());
    assert!(drive(&mut update).is_pending());
    let newer = newer(ring, far);
    gate.open(1);
    assert!(
        drive(&mut update).is_pending(),
        "it waits for the newer operation"
    );
    drop(newer);
    assert_eq!(drive(&mut update), Poll::Ready(2));
    assert_nothing_old(ring, far);
    drop(update);
    assert_quiet(far);
}

#[test]
fn an_update_leaves_nothing_older_if_the_newer_operation_was_dropped() {
    for newer in [stopped_delete, stopped_set, stopped_computation] {
        waits_for_a_dropped(newer, &Far::new());
    }
}

/// A delete that is dropped while it waits for an older write.
#[test]
fn an_update_waits_for_an_older_write_after_a_waiting_delete_was_dropped() {
    let (ring, far, gate) = (patient(), Far::new(), Gate::leaked());
    let (mut old, arrives) = old_write(ring, &far);
    let body = || async {
        gate.pass().await;
        2
    };
    let mut update = hold(async_call(ring, &far, 1, body).update());
    assert!(drive(&mut update).is_pending());
    let mut delete = hold(async_call(ring, &far, 1, never_async).delete());
    assert!(drive(&mut delete).is_pending(), "it waits for the older write");
    gate.open(1);
    assert!(drive(&mut update).is_pending(), "it waits for the delete");
    drop(delete);
    assert!(drive(&mut update).is_pending(), "it waits for the older write");
    arrives.open(1);
    assert_eq!(drive(&mut old), Poll::Ready(1));
    drop(old);
    assert_eq!(finish(update), 2);
    assert_nothing_old(ring, &far);
    assert_quiet(&far);
}

/// The same for many keys at once.
#[test]
fn a_bulk_update_leaves_nothing_older_if_the_newer_operation_was_dropped() {
    for newer in [stopped_delete, stopped_set, stopped_computation] {
        let (ring, far, gate) = (patient(), Far::new(), Gate::leaked());
        set(ring, &far, 1);
        let body = || async {
            gate.pass().await;
            2
        };
        let mut update = hold([async_call(ring, &far, 1, body)].update_many());
        assert!(drive(&mut update).is_pending());
        let newer = newer(ring, &far);
        gate.open(1);
        assert!(
            drive(&mut update).is_pending(),
            "it waits for the newer operation"
        );
        drop(newer);
        assert_eq!(finish(update), [2]);
        assert_nothing_old(ring, &far);
        assert_quiet(&far);
    }
}

#[test]
fn an_update_leaves_nothing_older_if_the_newer_operation_failed() {
    let (ring, far, gate) = (patient(), Far::new(), Gate::leaked());
    set(ring, &far, 1);
    let body = || async {
        gate.pass().await;
        2
    };
    let mut update = hold(async_call(ring, &far, 1, body).update());
    assert!(drive(&mut update).is_pending());
    far.fail(&["remove"]);
    block_on(async_call(ring, &far, 1, never_async).delete()).unwrap_err();
    far.fail(&[]);
    gate.open(1);
    assert_eq!(finish(update), 2);
    assert_nothing_old(ring, &far);
    assert_quiet(&far);
}

/// Even if a later computation comes too late as well, an update does not return: the operation that superseded both still
/// waits for the write of an older value.
#[test]
fn an_update_does_not_return_while_an_older_value_is_being_written() {
    let ring = keep(
        Ring::with_prefix("p")
            .coalesce(false)
            .write_timeout(Duration::from_secs(3600)),
    );
    let (far, updating, computing) = (Far::new(), Gate::leaked(), Gate::leaked());
    let (old, arrives) = old_write(ring, &far);
    let body = |gate: &'static Gate, value| {
        move || async move {
            gate.pass().await;
            value
        }
    };
    let mut update = hold(async_call(ring, &far, 1, body(updating, 2)).update());
    assert!(drive(&mut update).is_pending());
    let mut later = hold(async_call(ring, &far, 1, body(computing, 3)).get_or_update());
    assert!(drive(&mut later).is_pending());
    let mut delete = hold(async_call(ring, &far, 1, never_async).delete());
    assert!(drive(&mut delete).is_pending(), "it waits for the older write");
    updating.open(1);
    assert!(drive(&mut update).is_pending(), "it waits for the delete");
    computing.open(1);
    assert_eq!(drive(&mut later), Poll::Ready(3), "it came too late");
    assert!(
        drive(&mut update).is_pending(),
        "the older value is still being written"
    );
    arrives.open(1);
    assert_eq!(finish(old), 1);
    assert!(finish(delete).unwrap());
    assert_eq!(finish(update), 2);
    drop(later);
    assert_nothing_old(ring, &far);
    assert_quiet(&far);
}
