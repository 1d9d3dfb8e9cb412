//! Overlapping operations: the storages' own verbs and computations of one key.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::thread::scope;

use ring_cache_core::storage::Storage;
use ring_cache_core::{AsyncCalls, Key, KeyWriter, Lru, Map, Ring, RingKey};

use crate::support::{
    AsyncRemote, Held, assert_quiet, async_call, call, drive, finish, hold, never, never_async, patient,
};

/// A key that takes its time when it is first rendered.
struct Slow<'b> {
    key: Key,
    rendered: AtomicBool,
    stops: [&'b Barrier; 2],
}

impl RingKey for Slow<'_> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        if !self.rendered.swap(true, SeqCst) {
            self.stops.iter().for_each(|stop| _ = stop.wait());
        }
        self.key.ring_key(key);
    }
}

/// A storage's own `set` of 2, beside a computation of 1 that begins while it is under way and ends after it.
fn beside_a_set<S: Storage<u32> + Sync>(storage: &S, set: impl FnOnce(&S, &Slow<'_>)) {
    let ring = patient();
    let (setting, computing, ends) = (Barrier::new(2), Barrier::new(2), Barrier::new(2));
    scope(|scope| {
        let older = scope.spawn(|| {
            setting.wait();
            let body = || {
                computing.wait();
                ends.wait();
                1
            };
            call(ring, storage, 1, body).get_or_update()
        });
        let slow = Slow {
            key: call(ring, storage, 1, never::<u32>).key(),
            rendered: AtomicBool::new(false),
            stops: [&setting, &computing],
        };
        set(storage, &slow);
        assert_eq!(storage.get(&slow.key).ok().flatten(), Some(2));
        ends.wait();
        assert_eq!(older.join().unwrap(), 1);
        let found = storage.get(&slow.key).ok().flatten();
        assert_eq!(found, Some(2), "the older value came after the newer one");
    });
    assert_quiet(storage);
}

#[test]
fn a_computation_that_began_during_a_set_of_the_storage_is_not_stored_after_it() {
    beside_a_set(&Lru::new(8), |lru, key| Lru::set(lru, key, 2));
    beside_a_set(&Map::new(), |map, key| Map::set(map, key, 2));
    beside_a_set(&Lru::new(8), |lru, key| {
        Storage::set(lru, key, 2, None).unwrap();
    });
}

/// A call waits for a leader that finds, at its second look-up, a value computed meanwhile. If that value has been
/// evicted since, the call does not compute beside a third one.
fn computes_nothing_beside_others<'f>(
    waiter: impl FnOnce(&'static Ring, &'f AsyncRemote<u32>) -> Held<'f, u32>,
    looks: &'static str,
    far: &'f AsyncRemote<u32>,
) {
    let ring = patient();
    let waiter_goes_on = far.stop_after(looks);
    let mut waiter = waiter(ring, far);
    assert!(drive(&mut waiter).is_pending(), "it looked, and found nothing");
    let leader_goes_on = far.stop_after("read");
    let mut leader = hold(async_call(ring, far, 1, never_async).get_or_update());
    assert!(drive(&mut leader).is_pending(), "so did this one");
    let other = async_call(ring, far, 1, || async { 1 }).get_or_update();
    assert_eq!(finish(hold(other)), 1);

    let leader_found = far.stop_after("read");
    leader_goes_on.open(1);
    assert!(drive(&mut leader).is_pending(), "it looks once more");
    waiter_goes_on.open(1);
    assert!(drive(&mut waiter).is_pending(), "it waits for the leader");
    far.entries.lock().unwrap().clear();
    leader_found.open(1);
    assert_eq!(finish(leader), 1);

    let done = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&done);
    let body = move || {
        std::future::poll_fn(move |_| match is_done.load(SeqCst) {
            true => Poll::Ready(2),
            false => Poll::Pending,
        })
    };
    let mut third = hold(async_call(ring, far, 1, body).get_or_update());
    assert!(drive(&mut third).is_pending(), "it computes");
    assert!(drive(&mut waiter).is_pending(), "it waits for the third");
    done.store(true, SeqCst);
    assert_eq!(finish(third), 2);
    assert_eq!(finish(waiter), 2);
    assert_quiet(far);
}

#[test]
fn waiters_of_a_leader_that_finds_the_value_do_not_compute_beside_others() {
    let waiter = |ring, far| hold(async_call(ring, far, 1, never_async).get_or_update());
    computes_nothing_beside_others(waiter, "read", &AsyncRemote::new());
}

#[test]
fn bulk_waiters_of_a_leader_that_finds_the_value_do_not_compute_beside_others() {
    let waiter = |ring, far| {
        let many = [async_call(ring, far, 1, never_async)].get_or_update_many();
        hold(async { many.await[0] })
    };
    computes_nothing_beside_others(waiter, "read_many", &AsyncRemote::new());
}
