//! The blocking miss.

use std::time::Duration;

use super::context::{CallContext, Lookup, StorageResult};
use super::fetch::{Fetch, Fetched};
use crate::body::Body;
use crate::errors::FailureRules;
use crate::flights::{Leader, Outcome};
use crate::key::{EncodedKey, RingKey};
use crate::output::Output;
use crate::storage::blocking::{is_fresh, run};
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
fn commit<R, S, F>(
    context: &CallContext<R::Value, S>,
    leader: Leader<'_, S::Held>,
    left: Option<Duration>,
    out: R::Out,
    failures: F,
) -> R::Out
where
    R: Output,
    S: View<R::Value>,
    S::Storage: Storage<S::Held>,
    F: FailureRules<R::Out>,
{
    let value = match R::value(out) {
        Ok(value) => value,
        Err(out) => {
            context.count_refused::<R>();
            context.remember(Some(failures), leader.key(), &out);
            leader.finish(|| Outcome::Failed);
            return out;
        }
    };
    R::found(store(context, leader, left, value))
}

/// Runs the body, unless another call's value is available. The body may recurse: no frame of shared code is on the
/// stack meanwhile.
#[inline]
pub(crate) fn complete<R, S, B>(
    context: &CallContext<R::Value, S>,
    fetched: Fetched<'_, R::Value, S::Held>,
    mut body: B,
    lookup: Lookup,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
    B: Body<Out = R::Out>,
{
    match fetched {
        Fetched::Found(value) => R::found(value),
        Fetched::Bypass => body.run(),
        Fetched::Lead(mut leader, left) => {
            let failures = body.failures();
            if let Some(out) = context.remembered(Some(failures), leader.key(), lookup) {
                leader.finish(|| Outcome::Failed);
                return out;
            }
            leader.heed(body.show(None));
            let scope = context.computing(&leader).enter();
            let out = body.run();
            drop(scope);
            commit::<R, S, _>(context, leader, left, out, failures)
        }
    }
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
    let there = stale.is_zero() || is_fresh(storage, key, stale)?;
    Ok(storage.remove(key, None)? && there)
}
