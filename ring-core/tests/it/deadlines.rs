//! A call spends one deadline of its storage: each operation gets the time that earlier ones left.

use std::time::Duration;

use futures_executor::block_on;
use ring_cache_core::{AsyncCalls, Calls, Ring};

use crate::support::{
    Count, DEADLINE, Gate, Held, TAKES, Timed, async_call, async_fallible, call, drive, fallible, finish,
    hold, keep, leak, never_async, patient,
};

type Far = &'static Timed;

fn far() -> Far {
    leak(Timed::new())
}

/// A ring whose writers hardly wait for each other.
fn hasty() -> &'static Ring {
    keep(Ring::with_prefix("p").write_timeout(TAKES))
}

/// Checks the operations, and the number of earlier operations of the same call that took their time.
fn assert_asked(far: Far, expected: &[(&str, u32)]) {
    let asked = far.asked();
    let names = |list: &[(&'static str, Duration)]| Vec::from_iter(list.iter().map(|(name, _)| *name));
    assert_eq!(
        names(&asked),
        Vec::from_iter(expected.iter().map(|(name, _)| *name))
    );
    for ((name, spent), (_, before)) in asked.iter().zip(expected) {
        assert!(
            *spent >= TAKES * *before,
            "{name}: {spent:?} for {before} operations"
        );
        assert!(*spent < DEADLINE / 2);
        assert!(*before > 0 || *spent < TAKES, "{name}: {spent:?} for nothing");
    }
}

#[test]
fn a_store_gets_the_time_that_the_look_up_left() {
    let (ring, far) = (patient(), far());
    assert_eq!(call(ring, far, 1, || 1).get_or_update(), 1);
    assert_asked(far, &[("read", 0), ("write", 1)]);
    assert_eq!(
        block_on(async_call(ring, far, 2, || async { 1 }).get_or_update()),
        1
    );
    assert_asked(far, &[("read", 0), ("write", 1)]);
}

#[test]
fn verbs_get_the_whole_deadline() {
    let (ring, far) = (patient(), far());
    call(ring, far, 1, || 1).update();
    call(ring, far, 1, || 1).set(2).unwrap();
    call(ring, far, 1, || 1).get().unwrap();
    call(ring, far, 1, || 1).delete().unwrap();
    assert_asked(far, &[("write", 0), ("write", 0), ("read", 0), ("remove", 0)]);
}

#[test]
fn a_second_look_up_gets_the_time_that_the_first_left() {
    let (ring, far) = (patient(), far());
    // Another call writes between this one's look-up and its computation.
    far.after("read", move || {
        call(ring, far, 1, || 1).set(2).unwrap();
        call(ring, far, 1, || 1).delete().unwrap();
    });
    assert_eq!(call(ring, far, 1, || 1).get_or_update(), 1);
    let own = [
        ("read", 0),
        ("write", 0),
        ("remove", 0),
        ("read", 1),
        ("write", 2),
    ];
    assert_asked(far, &own);
}

#[test]
fn a_call_that_waited_gets_the_time_that_its_look_up_left() {
    let (ring, far, gate) = (patient(), far(), Gate::leaked());
    let mut leader = hold(
        async_fallible(ring, far, 1, || async {
            gate.pass().await;
            Err("no value")
        })
        .get_or_update(),
    );
    assert!(drive(&mut leader).is_pending());
    let mut waiter = hold(async_fallible(ring, far, 1, || async { Ok(2) }).get_or_update());
    assert!(drive(&mut waiter).is_pending());
    gate.open(1);
    assert_eq!(finish(leader), Err("no value"));
    assert_eq!(finish(waiter), Ok(2));
    assert_asked(far, &[("read", 0), ("read", 0), ("read", 1), ("write", 2)]);
}

#[test]
fn a_bulk_call_that_waited_gets_the_time_that_its_look_up_left() {
    let (ring, far, gate) = (patient(), far(), Gate::leaked());
    let mut leader = hold(
        async_fallible(ring, far, 1, || async {
            gate.pass().await;
            Err("no value")
        })
        .get_or_update(),
    );
    assert!(drive(&mut leader).is_pending());
    let calls = [async_fallible(ring, far, 1, || async { Ok(2) })];
    let mut waiter = hold(calls.get_or_update_many());
    assert!(drive(&mut waiter).is_pending());
    gate.open(1);
    assert_eq!(finish(leader), Err("no value"));
    assert_eq!(finish(waiter), [Ok(2)]);
    assert_asked(far, &[("read", 0), ("read_many", 0), ("read", 1), ("write", 2)]);
}

#[test]
fn a_bulk_store_gets_the_time_that_the_look_up_left() {
    let (ring, far) = (patient(), far());
    let calls = [1, 2].map(|id| call(ring, far, id, || 1));
    assert_eq!(calls.get_or_update_many(), [1, 1]);
    assert_asked(far, &[("read_many", 0), ("write_many", 1)]);
}

#[test]
fn an_equal_call_that_computes_gets_the_time_that_the_look_up_left() {
    let (ring, far, runs) = (patient(), far(), Count::leaked());
    let body = || match runs.next() {
        1 => Err("no value"),
        _ => Ok(2),
    };
    let calls = [1, 1].map(|id| fallible(ring, far, id, body));
    assert_eq!(calls.get_or_update_many(), [Err("no value"), Ok(2)]);
    assert_asked(far, &[("read_many", 0), ("write", 1)]);
}

/// Stops `writer` in the middle of its write, and does not let a set wait for it.
fn pass_over<T>(far: Far, ring: &'static Ring, operation: &'static str, writer: &mut Held<'_, T>) {
    let gate = far.stop_after(operation);
    assert!(drive(writer).is_pending());
    block_on(async_call(ring, far, 1, never_async).set(10)).unwrap();
    gate.open(1);
    far.asked();
}

#[test]
fn the_entry_of_a_late_write_is_removed_in_the_rest_of_the_time() {
    let (ring, far) = (hasty(), far());
    let mut plain = hold(async_call(ring, far, 1, || async { 1 }).get_or_update());
    pass_over(far, ring, "write", &mut plain);
    assert_eq!(finish(plain), 1);
    assert_asked(far, &[("remove", 2)]);
    assert_eq!((far.entry("p:1"), far.suspects().len()), (None, 0));

    let set = async_call(ring, far, 1, never_async);
    let mut set = hold(set.set(1));
    pass_over(far, ring, "write", &mut set);
    finish(set).unwrap();
    assert_asked(far, &[("remove", 1)]);

    let calls = [1, 2].map(|id| async_call(ring, far, id, || async { 1 }));
    let mut many = hold(calls.get_or_update_many());
    pass_over(far, ring, "write_many", &mut many);
    assert_eq!(finish(many), [1, 1]);
    assert_asked(far, &[("remove_many", 2)]);

    let mut many = hold(
        [1, 2]
            .map(|id| async_call(ring, far, id, never_async))
            .set_many([1, 2]),
    );
    pass_over(far, ring, "write_many", &mut many);
    finish(many).unwrap();
    assert_asked(far, &[("remove_many", 1)]);
    assert_eq!((far.entry("p:1"), far.entry("p:2")), (None, Some(2)));
}

#[test]
fn stores_that_wait_for_others_get_the_time_that_is_left() {
    let (ring, far) = (hasty(), far());
    let mut held: Vec<_> = (1..=2)
        .map(|id| hold(async_call(ring, far, id, || async { 1 }).update()))
        .collect();
    for writer in &mut held {
        far.stop_after("write");
        assert!(drive(writer).is_pending());
    }
    far.asked();
    let calls = [1, 2, 3].map(|id| async_call(ring, far, id, || async { 2 }));
    assert_eq!(block_on(calls.update_many()), [2, 2, 2]);
    assert_asked(far, &[("write_many", 0), ("write_many", 1), ("write_many", 2)]);
}

#[test]
fn a_set_that_waits_for_another_gets_the_whole_deadline() {
    let (ring, far) = (hasty(), far());
    let mut other = hold(async_call(ring, far, 2, || async { 1 }).update());
    far.stop_after("write");
    assert!(drive(&mut other).is_pending());
    let calls = [1, 2].map(|id| async_call(ring, far, id, never_async));
    let mut many = hold(calls.set_many([1, 2]));
    pass_over(far, ring, "write_many", &mut many);
    block_on(many).unwrap();
    assert_asked(far, &[("remove_many", 1), ("write_many", 0)]);
    assert_eq!((far.entry("p:1"), far.entry("p:2")), (None, Some(2)));
}

#[test]
fn a_late_write_that_is_dropped_is_suspect() {
    let (ring, far) = (hasty(), far());
    let mut plain = hold(async_call(ring, far, 1, || async { 1 }).get_or_update());
    pass_over(far, ring, "write", &mut plain);
    drop(plain);
    assert_eq!(far.suspects(), ["p:1"]);
    let calls = [1, 2].map(|id| async_call(ring, far, id, || async { 1 }));
    let mut many = hold(calls.update_many());
    pass_over(far, ring, "write_many", &mut many);
    drop(many);
    assert_eq!(far.suspects(), ["p:1", "p:1"], "neither wrote over the other");
}

#[test]
fn a_write_that_is_dropped_in_its_turn_is_left_to_the_storage() {
    let (ring, far) = (patient(), far());
    far.stop_after("write");
    let mut plain = hold(async_call(ring, far, 1, || async { 1 }).get_or_update());
    assert!(drive(&mut plain).is_pending());
    drop(plain);
    assert_eq!(far.suspects().len(), 0);
}

#[test]
fn the_dropped_removal_of_a_late_write_marks_the_entry_as_suspect() {
    let (ring, far) = (hasty(), far());
    let mut plain = hold(async_call(ring, far, 1, || async { 1 }).get_or_update());
    pass_over(far, ring, "write", &mut plain);
    far.stop_after("remove");
    assert!(drive(&mut plain).is_pending());
    drop(plain);
    assert_eq!(far.suspects(), ["p:1"]);
}

/// The storage, a handle to it whose calls have little time, and a body that stops in each run.
fn brief() -> (Far, Far, &'static Gate) {
    let far = far();
    let brief = far.with_deadline(5 * TAKES);
    (far, leak(brief), Gate::leaked())
}

fn operations(far: Far) -> Vec<&'static str> {
    far.asked().into_iter().map(|(operation, _)| operation).collect()
}

#[test]
fn a_value_without_time_to_be_stored_keeps_the_entry_being_written() {
    let (ring, (far, brief, body)) = (patient(), brief());
    let value = |value| {
        move || async move {
            body.pass().await;
            value
        }
    };
    let mut writer = hold(async_call(ring, far, 1, value(1)).update());
    let mut late = hold(async_call(ring, brief, 1, value(2)).get_or_update());
    assert!(drive(&mut writer).is_pending());
    assert!(drive(&mut late).is_pending());
    body.open(2);
    let gate = far.stop_after("write");
    assert!(drive(&mut writer).is_pending());
    assert_eq!(block_on(late), 2);
    gate.open(1);
    assert_eq!(finish(writer), 1);
    assert_eq!(
        (operations(far), far.entry("p:1")),
        (vec!["read", "write"], Some(1))
    );
}

#[test]
fn an_update_without_time_left_does_not_keep_an_older_entry() {
    let (ring, (far, brief, _)) = (patient(), brief());
    let mut writer = hold(async_call(ring, far, 1, || async { 1 }).update());
    let gate = far.stop_after("write");
    assert!(drive(&mut writer).is_pending());
    assert_eq!(block_on(async_call(ring, brief, 1, || async { 2 }).update()), 2);
    gate.open(1);
    assert_eq!(finish(writer), 1);
    assert_eq!(
        (operations(far), far.entry("p:1")),
        (vec!["write", "write", "remove"], None)
    );
}
