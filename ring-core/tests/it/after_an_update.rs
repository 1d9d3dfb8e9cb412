//! A call after an update does not get the value of a computation that began before it.

use std::time::Duration;

use ring_cache_core::clock::ManualClock;
use ring_cache_core::{AsyncCalls, Lru, Ring};

use crate::support::{
    AsyncRemote, Gate, Held, assert_quiet, async_call, call, drive, finish, hold, never, never_async, patient,
};

type Found = Option<u32>;

/// A reader that began before the update, and is computing `value`.
fn old_reader<'f>(ring: &'static Ring, lru: &'f Lru<Found>, gate: &'f Gate, value: Found) -> Held<'f, Found> {
    let body = move || async move {
        gate.pass().await;
        value
    };
    let one = async_call(ring, lru, 1, body).unless(Option::is_none);
    let mut reader = hold(one.get_or_update());
    assert!(drive(&mut reader).is_pending());
    reader
}

#[test]
fn after_an_update_to_none_no_older_value_is_seen() {
    for many in [false, true] {
        let (ring, lru, gate) = (patient(), Lru::new(8), Gate::default());
        let old = old_reader(ring, &lru, &gate, Some(1));
        let gone = || async_call(ring, &lru, 1, || async { None }).unless(Option::is_none);
        match many {
            false => assert_eq!(finish(hold(gone().update())), None),
            true => assert_eq!(finish(hold([gone()].update_many())), [None]),
        }
        assert_eq!(finish(hold(gone().get_or_update())), None);
        gate.open(1);
        assert_eq!(finish(old), Some(1));
        assert_eq!(call(ring, &lru, 1, never).get(), None);
        assert_quiet(&lru);
    }
}

#[test]
fn a_reader_waits_for_no_older_computation_when_the_updated_value_has_expired() {
    let (ring, clock, gate) = (patient(), ManualClock::default(), Gate::default());
    let lru = Lru::builder().capacity(8).clock(clock.clone()).build();
    let old = old_reader(ring, &lru, &gate, Some(1));
    let updated = call(ring, &lru, 1, || Some(2)).expire_in(Duration::from_secs(1));
    assert_eq!(updated.update(), Some(2));
    assert_eq!(call(ring, &lru, 1, never).get_or_update(), Some(2));
    clock.advance(Duration::from_secs(2));
    let reader = hold(async_call(ring, &lru, 1, || async { Some(3) }).get_or_update());
    assert_eq!(finish(reader), Some(3));
    gate.open(1);
    assert_eq!(finish(old), Some(1));
    assert_eq!(call(ring, &lru, 1, never).get(), Some(Some(3)));
    assert_quiet(&lru);
}

#[test]
fn readers_before_the_update_get_the_older_value() {
    let (ring, lru, gate) = (patient(), Lru::new(8), Gate::default());
    let old = old_reader(ring, &lru, &gate, Some(1));
    let mut waiter = hold(async_call(ring, &lru, 1, never_async).get_or_update());
    assert!(drive(&mut waiter).is_pending());
    assert_eq!(call(ring, &lru, 1, || Some(2)).update(), Some(2));
    gate.open(1);
    assert_eq!((finish(old), finish(waiter)), (Some(1), Some(1)));
    assert_eq!(call(ring, &lru, 1, never).get(), Some(Some(2)));
    assert_quiet(&lru);
}

#[test]
fn a_reader_does_not_join_an_older_computation_while_the_update_is_written() {
    let (ring, remote, gate) = (patient(), AsyncRemote::new(), Gate::default());
    let slow = || async {
        gate.pass().await;
        1
    };
    let mut old = hold(async_call(ring, &remote, 1, slow).get_or_update());
    assert!(drive(&mut old).is_pending());
    let write = remote.stop_before("write");
    let mut update = hold(async_call(ring, &remote, 1, || async { 2 }).update());
    assert!(drive(&mut update).is_pending());
    let mut reader = hold(async_call(ring, &remote, 1, || async { 3 }).get_or_update());
    assert!(drive(&mut reader).is_pending(), "it stores in turn");
    write.open(1);
    assert_eq!((finish(update), finish(reader)), (2, 3));
    gate.open(1);
    assert_eq!(finish(old), 1);
    let cached = finish(hold(async_call(ring, &remote, 1, never_async).get()));
    assert_eq!(cached.unwrap(), Some(3));
    assert_quiet(&remote);
}
