//! Cases of futures that are dropped before they are ready: the operation takes effect before the next operation on
//! the key or not at all, and its answer reaches no other request.

use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::subject::{Subject, Tested, Value, key};
use super::trial::{Trial, expect, expect_held, ring, shown};
use crate::key::RingKey;
use crate::mode::Awaited;
use crate::storage::{AsyncStorage, StorageBase};
use crate::sync::Delay;

/// The longest time that a write goes on after its call was dropped.
const PATIENCE: Duration = Duration::from_secs(10);

/// A storage that is awaited.
type Awaiting<'c, S> = Subject<'c, S, Awaited>;

/// The largest number of polls after which a future is dropped.
const POLLS: usize = 40;

/// Polls a future this many times, and drops it unless it is ready.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), times);
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Runs `round` with 0, 1, 2.. polls, until it returns that a future was ready.
fn after_each_poll(round: impl Fn(usize) -> bool) {
    for polls in 0..POLLS {
        if round(polls) {
            return;
        }
    }
}

/// Gives the background work of a dropped future time to take effect.
fn let_others_go_on<S>(storage: &Awaiting<'_, S>) {
    storage.wait(Delay::new(Duration::from_millis(3)));
}

/// Whether the storage may remove the entry of a dropped write: storages with a deadline treat it as suspect.
fn removes_suspects<S: StorageBase<T>, T>(storage: &Awaiting<'_, S>) -> bool {
    storage.storage.deadline().is_some()
}

/// Fails the case unless `key` holds one of these, and keeps it.
fn expect_either<S, T, K>(storage: &Awaiting<'_, S>, key: &K, either: [Option<T>; 2], when: &str)
where
    S: AsyncStorage<T> + Sync,
    T: Value,
    K: RingKey,
{
    let found = storage.read(key);
    assert!(
        either.contains(&found) || (found.is_none() && removes_suspects(storage)),
        "`read` of {} {when}: found {found:?}, which is none of the expected values",
        shown(key)
    );
    let_others_go_on(storage);
    expect_held(
        storage,
        key,
        found.as_ref(),
        format_args!("{when}, when it was read once more"),
    );
}

pub(super) fn a_dropped_read_answers_no_other_request<S, T>(trial: &Trial<'_, Awaiting<'_, S>, T>)
where
    S: AsyncStorage<T> + Sync,
    T: Value,
{
    let (storage, [one, other, absent]) = trial.begin();
    storage.write(&one, trial.value(1), None);
    storage.write(&other, trial.value(2), None);
    let raw = &storage.storage;
    after_each_poll(|polls| {
        let when = format!("after a `read` of another key was dropped at poll {polls}");
        let read = storage.wait(polled(async { raw.read(&one, None).await }, polls));
        expect_held(&storage, &other, Some(&trial.value(2)), &when);
        let contains = storage.wait(polled(async { raw.contains(&one, None).await }, polls));
        expect(
            storage.remove(&absent),
            false,
            format_args!("`remove` of an absent entry {when}"),
        );
        let many = storage.wait(polled(async { raw.read_many(&[one, other], None).await }, polls));
        let both = storage.read_many(&[other, one]);
        expect(
            both,
            [2, 1].map(|number| Some(trial.value(number))).into(),
            format_args!("`read_many` {when}"),
        );
        read.is_some() && contains.is_some() && many.is_some()
    });
    storage.remove_many(&[one, other]);
}

pub(super) fn a_dropped_write_is_done_or_not<S, T>(trial: &Trial<'_, Awaiting<'_, S>, T>)
where
    S: AsyncStorage<T> + Sync,
    T: Value,
{
    let (storage, [key]) = trial.begin();
    let raw = &storage.storage;
    let values = || [1, 2].map(|number| Some(trial.value(number)));
    after_each_poll(|polls| {
        let drop_write = || {
            storage.write(&key, trial.value(1), None);
            let writing = async { raw.write(&key, trial.value(2), None, None).await };
            storage.wait(polled(writing, polls)).is_some()
        };
        let when = format!("after a `write` was dropped at poll {polls}");
        let was_done = drop_write();
        expect_either(&storage, &key, values(), &when);
        drop_write();
        storage.write(&key, trial.value(3), None);
        let_others_go_on(&storage);
        expect_held(
            &storage,
            &key,
            Some(&trial.value(3)),
            format_args!("written {when}"),
        );
        drop_write();
        let removed = storage.remove(&key) || removes_suspects(&storage);
        expect(removed, true, format_args!("`remove` {when}"));
        let_others_go_on(&storage);
        expect_held(&storage, &key, None, format_args!("removed {when}"));
        was_done
    });
}

pub(super) fn a_dropped_remove_is_done_or_not<S, T>(trial: &Trial<'_, Awaiting<'_, S>, T>)
where
    S: AsyncStorage<T> + Sync,
    T: Value,
{
    let (storage, [key]) = trial.begin();
    let raw = &storage.storage;
    after_each_poll(|polls| {
        let drop_remove = || {
            storage.write(&key, trial.value(1), None);
            storage
                .wait(polled(async { raw.remove(&key, None).await }, polls))
                .is_some()
        };
        let when = format!("after a `remove` was dropped at poll {polls}");
        let was_done = drop_remove();
        expect_either(&storage, &key, [Some(trial.value(1)), None], &when);
        drop_remove();
        storage.write(&key, trial.value(3), None);
        let_others_go_on(&storage);
        expect_held(
            &storage,
            &key,
            Some(&trial.value(3)),
            format_args!("written {when}"),
        );
        was_done
    });
    storage.remove(&key);
}

pub(super) fn dropped_bulk_is_done_or_not<S, T>(trial: &Trial<'_, Awaiting<'_, S>, T>)
where
    S: AsyncStorage<T> + Sync,
    T: Value,
{
    let (storage, keys) = trial.begin::<2>();
    let raw = &storage.storage;
    let entries = |number| keys.map(|key| (key, trial.value(number), None)).to_vec();
    after_each_poll(|polls| {
        let when = format!("after a `write_many` was dropped at poll {polls}");
        storage.write_many(entries(1));
        let written = storage.wait(polled(async { raw.write_many(entries(2), None).await }, polls));
        for key in &keys {
            expect_either(
                &storage,
                key,
                [1, 2].map(|number| Some(trial.value(number))),
                &when,
            );
        }
        storage.write_many(entries(3));
        let_others_go_on(&storage);
        let there = vec![Some(trial.value(3)); 2];
        expect(
            storage.read_many(&keys),
            there.clone(),
            format_args!("`read_many` of the written keys {when}"),
        );
        let when = format!("after a `remove_many` was dropped at poll {polls}");
        let removed = storage.wait(polled(async { raw.remove_many(&keys, None).await }, polls));
        for key in &keys {
            expect_either(&storage, key, [Some(trial.value(3)), None], &when);
        }
        storage.write_many(entries(3));
        let_others_go_on(&storage);
        expect(
            storage.read_many(&keys),
            there,
            format_args!("`read_many` of the written keys {when}"),
        );
        written.is_some() && removed.is_some()
    });
    storage.remove_many(&keys);
}

pub(super) fn a_dropped_call_leaves_nothing<S, T>(trial: &Trial<'_, Awaiting<'_, S>, T>)
where
    S: AsyncStorage<T> + Sync,
    T: Value,
{
    let (storage, ring) = (trial.storage(), ring("contract.dropped"));
    after_each_poll(|polls| {
        storage.call_delete(ring, 1);
        let value = trial.value(1);
        let call = storage.call(ring, 1, None, || value);
        let returned = storage.wait(polled(call.get_or_update(), polls));
        // A write that cannot be stopped keeps its key in doubt until it ends.
        let start = Instant::now();
        while storage.flights().under_way() > 0 && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        expect(
            storage.flights().under_way(),
            0,
            "the number of keys with calls under way after a call was dropped",
        );
        let either = [Some(trial.value(1)), None];
        let when = format!("after a call was dropped at poll {polls}");
        expect_either(&storage, &key(ring, 1), either, &when);
        storage.call_set(ring, 1, trial.value(3));
        let_others_go_on(&storage);
        expect(
            storage.call_get(ring, 1),
            Some(trial.value(3)),
            format_args!("`get` after `set` {when}"),
        );
        storage.call_delete(ring, 1);
        let_others_go_on(&storage);
        expect(
            storage.call_get(ring, 1),
            None,
            format_args!("`get` after `delete` {when}"),
        );
        returned.is_some()
    });
}
