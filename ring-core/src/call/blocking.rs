//! The blocking miss.

use std::time::Duration;

use super::context::{CallContext, Lookup, StorageResult};
use super::fetch::{Fetch, Fetched};
use crate::flights::{Leader, Outcome};
use crate::key::{EncodedKey, RingKey};
use crate::output::Output;
use crate::storage::blocking::{read_fresh, run};
use crate::storage::{Storage, View};

/// The result of a miss: another call's value, or the right to compute.
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

/// Stores the value of a body, and notifies its waiters.
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
            context.count_refused::<R>();
            leader.finish(|| Outcome::Failed);
            return out;
        }
    };
    R::found(store(context, leader, left, value))
}

/// Stores a computed value, and notifies its waiters.
pub(crate) fn store<V, S>(
    context: &CallContext<V, S>,
    leader: Leader<'_, S::Held>,
    left: Option<Duration>,
    value: V,
) -> V
where
    S: View<V>,
    S::Storage: Storage<S::Held>,
{
    if let Some(mut store) = context.begin_store(leader, &value, left) {
        let (stored, failure) = run(context.storage(), &mut store);
        context.count_store(stored, failure.as_ref());
        store.finish();
    }
    value
}

/// Stores a value given by the user.
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

/// Removes the entry of a key, also a value being computed. Returns whether there was one.
pub(crate) fn delete<V, S, K>(context: &CallContext<V, S>, key: &K) -> StorageResult<V, S, bool>
where
    S: View<V>,
    S::Storage: Storage<S::Held>,
    K: RingKey,
{
    if !context.admit()? {
        return Ok(false);
    }
    let invalidation = context.invalidate(key).block();
    invalidation.end(remove(context, key))
}

/// Removes an entry. A stale one is as good as absent for the result.
fn remove<V, S, K>(context: &CallContext<V, S>, key: &K) -> StorageResult<V, S, bool>
where
    S: View<V>,
    S::Storage: Storage<S::Held>,
    K: RingKey,
{
    let (storage, stale) = (context.storage(), context.ring.stale);
    let there = stale.is_zero() || read_fresh(storage, key, stale, None)?.is_some();
    Ok(storage.remove(key, None)? && there)
}
