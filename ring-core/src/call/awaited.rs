//! The driver that awaits.

use std::pin::pin;
use std::time::Duration;

use super::batch::{Batch, Round};
use super::context::{CallContext, Lookup, StorageResult};
use super::fetch::{Fetch, Fetched};
use super::machine::{Event, Machine, Step};
use super::store::Store;
use crate::flights::{Leader, Outcome};
use crate::key::EncodedKey;
use crate::output::Output;
use crate::storage::{AsyncStorage, View};
use crate::wait;

/// Runs a machine from this step on. Returns what it came to, and the first failure of the storage.
pub(crate) async fn run_from<S, T, M>(
    storage: &S,
    machine: &mut M,
    mut step: Step<T, M::Output>,
) -> (M::Output, Option<S::Error>)
where
    S: AsyncStorage<T>,
    M: Machine<T>,
{
    let mut failure = None;
    loop {
        let changed = match step {
            Step::Done(output) => return (output, failure),
            Step::Wait(event, until) => {
                step = machine.next(Event::Woken(wait::event(event, until).await));
                continue;
            }
            Step::Read(until) => {
                let read = storage.read(machine.key(), until).await;
                step = machine.next(read.map_or(Event::Failed, Event::Read));
                continue;
            }
            Step::Write(value, expiry, until) => {
                let key = machine.key();
                // The storage is asked inside of the scope, not before it: it may begin at once.
                let writing = pin!(async { storage.write(key, value, expiry, until).await });
                storage.flights().write_scope().around(writing).await
            }
            Step::Remove(until) => {
                let key = machine.key();
                let removing = pin!(async { storage.remove(key, until).await.map(drop) });
                storage.flights().write_scope().around(removing).await
            }
        };
        step = machine.next(Event::of_change(&changed));
        failure = failure.or(changed.err());
    }
}

/// Runs a machine.
pub(crate) async fn run<S, T, M>(storage: &S, machine: &mut M) -> (M::Output, Option<S::Error>)
where
    S: AsyncStorage<T>,
    M: Machine<T>,
{
    let step = machine.next(Event::Start);
    run_from(storage, machine, step).await
}

/// Makes many writes together. Returns whether each stored a value, and the first failure of the storage.
pub(crate) async fn store_many<S, T>(
    storage: &S,
    stores: &mut [Store<'_, S, T>],
) -> (Vec<bool>, Option<S::Error>)
where
    S: AsyncStorage<T>,
{
    let (mut batch, mut failure) = (Batch::new(stores), None);
    while let Some(round) = batch.next_round() {
        match round {
            Round::Wait(place, event, until) => batch.woken(place, wait::event(event, until).await),
            Round::Remove(places, until) => {
                let removed = {
                    let keys = batch.keys(&places);
                    let removing = pin!(async { storage.remove_many(&keys, until).await.map(drop) });
                    storage.flights().write_scope().around(removing).await
                };
                failure = failure.or(batch.ended(&places, removed));
            }
            Round::Write(entries, until) => {
                let (places, written) = {
                    let (places, entries) = batch.entries(entries);
                    let writing = pin!(async { storage.write_many(entries, until).await });
                    (places, storage.flights().write_scope().around(writing).await)
                };
                failure = failure.or(batch.ended(&places, written));
            }
        }
    }
    (batch.stored(), failure)
}

/// What a call without a value comes to: a value after all, or the right to compute. It looks up first, unless it did.
pub(crate) async fn fetch<V, S>(
    context: &CallContext<V, S>,
    key: EncodedKey,
    looked_up: Option<Lookup>,
) -> Fetched<'_, V, S::Held>
where
    S: View<V>,
    S::Storage: AsyncStorage<S::Held>,
{
    let lookup = match looked_up {
        Some(lookup) => lookup,
        None => {
            let lookup = context.begin_lookup(&key);
            let read = context.storage().read(&key, lookup.until).await;
            match context.finish_lookup(read, lookup) {
                Ok(value) => return Fetched::Found(value),
                Err(lookup) => lookup,
            }
        }
    };
    context.ring.counters.miss();
    run(context.storage(), &mut Fetch::new(context, key, lookup))
        .await
        .0
}

/// Stores a computed value, and tells those who wait.
///
/// Nothing borrows the value while others may run, so that it need not be `Sync`.
pub(crate) async fn store<V, S>(
    context: &CallContext<V, S>,
    leader: Leader<'_, S::Held>,
    left: Option<Duration>,
    value: V,
) -> V
where
    S: View<V>,
    S::Storage: AsyncStorage<S::Held>,
{
    let store = context.begin_store(leader, &value, left);
    if let Some(mut store) = store {
        let (stored, failure) = run(context.storage(), &mut store).await;
        context.count_store(stored, failure.is_some());
        store.finish();
    }
    value
}

/// Runs a body as the leader, and stores what it returns.
pub(crate) async fn compute<R, S, F>(
    context: &CallContext<R::Value, S>,
    leader: Leader<'_, S::Held>,
    left: Option<Duration>,
    body: F,
) -> R::Out
where
    R: Output,
    S: View<R::Value>,
    S::Storage: AsyncStorage<S::Held>,
    F: Future<Output = R::Out> + Unpin,
{
    let value = match R::value(leader.computing().around(body).await) {
        Ok(value) => value,
        Err(out) => {
            context.ring.count_refused::<R>();
            leader.finish(|| Outcome::Failed);
            return out;
        }
    };
    R::found(store(context, leader, left, value).await)
}

/// Stores a value that the user gave.
pub(crate) async fn set<V, S>(
    context: &CallContext<V, S>,
    key: EncodedKey,
    value: V,
) -> StorageResult<V, S, ()>
where
    S: View<V>,
    S::Storage: AsyncStorage<S::Held>,
{
    let set = context.begin_set(key, value);
    let Some(mut store) = set.store else {
        return context.finish_unset(set.error);
    };
    let (stored, failure) = run(context.storage(), &mut store).await;
    context.finish_set(set.error, stored, failure)
}
