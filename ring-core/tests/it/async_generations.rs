//! An async computation that began before a delete is not stored after it.

use std::fmt::Debug;

use futures_util::future::join;
use ring_cache_core::storage::{AsyncStorage, Storage};
use ring_cache_core::{AsyncCache, AsyncCalls, Lru, Ring};

use crate::support::{
    AsyncRemote, Gate, Held, assert_quiet, async_call, drive, finish, hold, keep, never_async, patient,
    pause, ring, run,
};

#[derive(Clone, Copy, Debug)]
enum Verb {
    GetOrUpdate,
    Update,
    Many,
    UpdateMany,
}

const VERBS: [Verb; 4] = [Verb::GetOrUpdate, Verb::Update, Verb::Many, Verb::UpdateMany];

/// Every verb that computes, with and without coalescing.
fn all() -> impl Iterator<Item = (&'static Ring, Verb)> {
    [ring(), keep(Ring::with_prefix("p").coalesce(false))]
        .into_iter()
        .flat_map(|ring| VERBS.map(|verb| (ring, verb)))
}

/// Starts a computation of 1, runs `interfere`, ends the computation; returns the caller's value and the cached
/// value.
async fn during_a_computation<S: AsyncStorage<u32, Error: Debug>>(
    (ring, verb): (&'static Ring, Verb),
    storage: &S,
    interfere: Held<'_, ()>,
) -> (u32, Option<u32>) {
    let gate = Gate::default();
    let body = || async {
        gate.pass().await;
        1
    };
    let one = async_call(ring, storage, 1, body);
    let key = one.key();
    let caller = async {
        match verb {
            Verb::GetOrUpdate => one.get_or_update().await,
            Verb::Update => one.update().await,
            Verb::Many => [one].get_or_update_many().await[0],
            Verb::UpdateMany => [one].update_many().await[0],
        }
    };
    let interference = async {
        gate.reached().await;
        interfere.await;
        gate.open(1);
    };
    let (returned, ()) = join(caller, interference).await;
    assert_quiet(storage);
    (returned, AsyncStorage::get(storage, &key).await.unwrap())
}

macro_rules! interfere_on {
    ($over:expr, $during:expr, $expected:expr, |$ring:ident, $storage:ident| $interfere:expr) => {
        let (during, over) = ($during, $over);
        let interfere = hold(async {
            let ($ring, $storage) = (during.0, over);
            let _ = $interfere.await;
        });
        let came = during_a_computation(during, over, interfere).await;
        assert_eq!(came, (1, $expected), "{:?}", during.1);
    };
}

/// Does this for every kind of computation on every kind of storage, and checks the cached value.
macro_rules! interferences {
    ($($name:ident => $expected:expr, |$ring:ident, $storage:ident| $interfere:expr;)*) => {$(
        #[test]
        fn $name() {
            run(async {
                for during in all() {
                    interfere_on!(&Lru::new(10), during, $expected, |$ring, $storage| $interfere);
                    interfere_on!(&AsyncRemote::new(), during, $expected, |$ring, $storage| $interfere);
                }
            });
        }
    )*};
}

interferences! {
    an_undisturbed_computation_is_stored => Some(1), |_ring, _storage| pause();
    a_delete_during_a_computation_leaves_nothing => None, |ring, storage|
        async_call(ring, storage, 1, never_async).delete();
    a_bulk_delete_during_a_computation_leaves_nothing => None, |ring, storage|
        [async_call(ring, storage, 1, never_async)].delete_many();
    a_delete_in_the_storage_during_a_computation_leaves_nothing => None, |ring, storage|
        AsyncStorage::delete(storage, &async_call(ring, storage, 1, never_async::<u32>).key());
    a_clear_during_a_computation_leaves_nothing => None, |ring, storage|
        AsyncCache::new(ring, storage).clear::<u32>();
    a_clear_of_another_ring_disturbs_no_computation => Some(1), |_ring, storage|
        AsyncCache::new(keep(Ring::with_prefix("other")), storage).clear::<u32>();
    a_delete_of_another_key_disturbs_no_computation => Some(1), |ring, storage|
        async_call(ring, storage, 2, never_async).delete();
    a_value_set_during_a_computation_stays => Some(5), |ring, storage|
        async_call(ring, storage, 1, never_async).set(5);
    a_value_set_in_bulk_during_a_computation_stays => Some(5), |ring, storage|
        [async_call(ring, storage, 1, never_async)].set_many([5]);
    a_value_set_in_the_storage_during_a_computation_stays => Some(5), |ring, storage| {
        let key = async_call(ring, storage, 1, never_async::<u32>).key();
        async move { AsyncStorage::set(storage, &key, 5, None).await }
    };
    a_later_update_stays => Some(5), |ring, storage|
        async_call(ring, storage, 1, || async { 5 }).update();
    a_later_update_in_bulk_stays => Some(5), |ring, storage|
        [async_call(ring, storage, 1, || async { 5 })].update_many();
    has_get_and_touch_disturb_no_computation => Some(1), |ring, storage| async move {
        let one = async_call(ring, storage, 1, never_async::<u32>);
        (one.has().await, one.get().await, one.touch().await)
    };
}

#[test]
fn a_blocking_delete_disturbs_an_async_computation_too() {
    run(async {
        for ring_and_verb in all() {
            let lru = Lru::new(10);
            let key = async_call(ring_and_verb.0, &lru, 1, never_async::<u32>).key();
            let delete = hold(async { assert!(!lru.delete(&key)) });
            assert_eq!(during_a_computation(ring_and_verb, &lru, delete).await, (1, None));
            let delete = hold(async { assert_eq!(Storage::delete(&lru, &key), Ok(false)) });
            assert_eq!(during_a_computation(ring_and_verb, &lru, delete).await, (1, None));
        }
    });
}

#[test]
fn a_reader_that_comes_after_the_delete_starts_afresh() {
    run(async {
        let (ring, remote) = (patient(), AsyncRemote::new());
        let (old, new) = (Gate::default(), Gate::default());
        let slow = |gate, value| {
            async_call(ring, &remote, 1, move || async move {
                Gate::pass(gate).await;
                value
            })
        };
        let mut first = hold(slow(&old, 1).get_or_update());
        assert!(drive(&mut first).is_pending());
        let mut joined = hold(async_call(ring, &remote, 1, never_async).get_or_update());
        assert!(drive(&mut joined).is_pending());
        assert!(!async_call(ring, &remote, 1, never_async).delete().await.unwrap());
        let mut second = hold(slow(&new, 2).get_or_update());
        assert!(drive(&mut second).is_pending());
        new.reached().await; // although the first one is not done
        old.open(1);
        assert_eq!(finish(first), 1);
        assert_eq!(finish(joined), 1, "it came before the delete");
        assert!(!async_call(ring, &remote, 1, never_async).has().await.unwrap());
        let mut third = hold(async_call(ring, &remote, 1, never_async).get_or_update());
        assert!(drive(&mut third).is_pending());
        new.open(1);
        assert_eq!((finish(second), finish(third)), (2, 2));
        assert_eq!(
            async_call(ring, &remote, 1, never_async).get().await.unwrap(),
            Some(2)
        );
        assert_quiet(&remote);
    });
}

#[test]
fn of_two_overlapping_updates_the_later_started_wins() {
    for later_ends_first in [true, false] {
        let (ring, remote) = (ring(), AsyncRemote::new());
        let gates = [Gate::default(), Gate::default()];
        let mut updates = [0_u32, 1].map(|nth| {
            let gate = &gates[nth as usize];
            let body = move || async move {
                gate.pass().await;
                nth
            };
            let mut update = hold(async_call(ring, &remote, 1, body).update());
            assert!(drive(&mut update).is_pending());
            (gate, update)
        });
        if later_ends_first {
            updates.reverse();
        }
        for (gate, update) in updates {
            gate.open(1);
            finish(update);
        }
        let cached = finish(hold(async_call(ring, &remote, 1, never_async).get()));
        assert_eq!(cached.unwrap(), Some(1));
        assert_quiet(&remote);
    }
}

#[test]
fn a_delete_and_a_clear_wait_for_a_write_in_progress_and_remove_it() {
    for (many, clear) in [(false, false), (false, true), (true, false), (true, true)] {
        let (ring, remote) = (patient(), AsyncRemote::new());
        let gate = remote.stop_after(if many { "write_many" } else { "write" });
        let one = async_call(ring, &remote, 1, || async { 1 });
        let mut writer = match many {
            false => hold(one.get_or_update()),
            true => hold(async { [one].get_or_update_many().await[0] }),
        };
        assert!(drive(&mut writer).is_pending());
        let mut delete = match clear {
            false => hold(async { async_call(ring, &remote, 1, never_async).delete().await.unwrap() }),
            true => hold(async {
                AsyncCache::new(ring, &remote).clear::<u32>().await.unwrap();
                true
            }),
        };
        assert!(drive(&mut delete).is_pending());
        assert!(
            !remote
                .operations()
                .iter()
                .any(|operation| ["remove", "clear"].contains(operation))
        );
        gate.open(1);
        assert_eq!((finish(writer), finish(delete)), (1, true));
        assert!(remote.entries.lock().unwrap().is_empty());
        assert_quiet(&remote);
    }
}

#[test]
fn a_slow_write_of_an_earlier_update_does_not_end_after_that_of_a_later_one() {
    let (ring, remote) = (patient(), AsyncRemote::new());
    let gate = remote.stop_before("write");
    let mut first = hold(async_call(ring, &remote, 1, || async { 1 }).update());
    assert!(drive(&mut first).is_pending());
    let mut second = hold(async_call(ring, &remote, 1, || async { 2 }).update());
    assert!(drive(&mut second).is_pending());
    gate.open(1);
    assert_eq!((finish(first), finish(second)), (1, 2));
    let cached = finish(hold(async_call(ring, &remote, 1, never_async).get()));
    assert_eq!(cached.unwrap(), Some(2));
    assert_quiet(&remote);
}

#[test]
fn calls_after_a_delete_do_not_get_a_value_found_before_it() {
    let (ring, remote) = (patient(), AsyncRemote::new());
    // The leader finds nothing; before its look-up returns, the value is stored.
    let looked = remote.stop_after("read");
    let mut leader = hold(async_call(ring, &remote, 1, || async { 2 }).get_or_update());
    assert!(drive(&mut leader).is_pending());
    assert_eq!(
        finish(hold(async_call(ring, &remote, 1, || async { 1 }).update())),
        1
    );
    // It looks again, and finds the value.
    let looked_again = remote.stop_after("read");
    looked.open(1);
    assert!(drive(&mut leader).is_pending());
    // The delete detaches the flight and removes the value; a new reader does not wait.
    assert!(finish(hold(async_call(ring, &remote, 1, never_async).delete())).unwrap());
    assert_eq!(
        finish(hold(async_call(ring, &remote, 1, || async { 3 }).get_or_update())),
        3
    );
    looked_again.open(1);
    assert_eq!(finish(leader), 1, "it came before the delete");
    assert_eq!(
        finish(hold(async_call(ring, &remote, 1, never_async).get())).unwrap(),
        Some(3)
    );
    assert_quiet(&remote);
}
