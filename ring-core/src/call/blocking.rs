//! The driver that blocks the thread.

use std::time::Duration;

use super::batch::{Batch, Round};
use super::context::{CallContext, Lookup, StorageResult};
use super::fetch::{Fetch, Fetched};
use super::machine::{Event, Machine, Step};
use super::store::Store;
use crate::flights::{Leader, Outcome};
use crate::key::EncodedKey;
use crate::output::Output;
use crate::storage::{Storage, View};
use crate::wait;

/// Runs a machine from this step on. Returns what it came to, and the first failure of the storage.
pub(crate) fn run_from<S, T, M>(
    storage: &S,
    machine: &mut M,
    mut step: Step<T, M::Output>,
) -> (M::Output, Option<S::Error>)
where
    S: Storage<T>,
    M: Machine<T>,
{
    let mut failure = None;
    loop {
        let changed = match step {
            Step::Done(output) => return (output, failure),
            Step::Wait(event, until) => {
                step = machine.next(Event::Woken(wait::block(event, until)));
                continue;
            }
            Step::Read(until) => {
                let read = storage.read(machine.key(), until);
                step = machine.next(read.map_or(Event::Failed, Event::Read));
                continue;
            }
            Step::Write(value, expiry, until) => {
                let _scope = storage.flights().write_scope().enter();
                storage.write(machine.key(), value, expiry, until)
            }
            Step::Remove(until) => {
                let _scope = storage.flights().write_scope().enter();
                storage.remove(machine.key(), until).map(drop)
            }
        };
        step = machine.next(Event::of_change(&changed));
        failure = failure.or(changed.err());
    }
}

/// Runs a machine.
pub(crate) fn run<S, T, M>(storage: &S, machine: &mut M) -> (M::Output, Option<S::Error>)
where
    S: Storage<T>,
    M: Machine<T>,
{
    let step = machine.next(Event::Start);
    run_from(storage, machine, step)
}

/// Makes many writes together. Returns whether each stored a value, and the first failure of the storage.
pub(crate) fn store_many<S, T>(storage: &S, stores: &mut [Store<'_, S, T>]) -> (Vec<bool>, Option<S::Error>)
where
    S: Storage<T>,
{
    let (mut batch, mut failure) = (Batch::new(stores), None);
    while let Some(round) = batch.next_round() {
        match round {
            Round::Wait(place, event, until) => batch.woken(place, wait::block(event, until)),
            Round::Remove(places, until) => {
                let keys = batch.keys(&places);
                let _scope = storage.flights().write_scope().enter();
                let removed = storage.remove_many(&keys, until);
                failure = failure.or(batch.ended(&places, removed.map(drop)));
            }
            Round::Write(entries, until) => {
                let (places, entries) = batch.entries(entries);
                let _scope = storage.flights().write_scope().enter();
                let written = storage.write_many(entries, until);
                failure = failure.or(batch.ended(&places, written));
            }
        }
    }
    (batch.stored(), failure)
}

/// What a look-up that found nothing comes to: another call's value, or the right to compute.
pub(crate) fn fetch<V, S>(
    context: &CallContext<V, S>,
    key: EncodedKey,
    lookup: Lookup,
) -> Fetched<'_, V, S::Held>
where
    S: View<V>,
    S::Storage: Storage<S::Held>,
{
    run(context.storage(), &mut Fetch::new(context, key, lookup)).0
}

/// Stores what a body returned, and tells those who wait.
pub(crate) fn commit<R, S>(
    context: &CallContext<R::Value, S>,
    leader: Leader<'_, S::Held>,
    left: Option<Duration>,
    out: R::Out,
) -> R::Out
where
    R: Output,
    S: View<R::Value>,
    S::Storage: Storage<S::Held>,
{
    let value = match R::value(out) {
        Ok(value) => value,
        Err(out) => {
            context.ring.count_refused::<R>();
            leader.finish(|| Outcome::Failed);
            return out;
        }
    };
    if let Some(mut store) = context.begin_store(leader, &value, left) {
        let (stored, failure) = run(context.storage(), &mut store);
        context.count_store(stored, failure.is_some());
        store.finish();
    }
    R::found(value)
}

/// Stores a value that the user gave.
pub(crate) fn set<V, S>(context: &CallContext<V, S>, key: EncodedKey, value: V) -> StorageResult<V, S, ()>
where
    S: View<V>,
    S::Storage: Storage<S::Held>,
{
    let set = context.begin_set(key, value);
    let Some(mut store) = set.store else {
        return context.finish_unset(set.error);
    };
    let (stored, failure) = run(context.storage(), &mut store);
    context.finish_set(set.error, stored, failure)
}
