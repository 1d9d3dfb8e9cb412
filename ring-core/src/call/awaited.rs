//! The awaited miss.

use std::time::Duration;

use super::context::{CallContext, Lookup, StorageResult};
use super::dependents::{both, forget_awaited};
use super::fetch::{Fetch, Fetched};
use super::lease::LeasedFetch;
use crate::body::BodyFuture;
use crate::flights::Leader;
use crate::key::EncodedKey;
use crate::output::Output;
use crate::stats::cells::Counter;
use crate::storage::awaited::run;
use crate::storage::{AsyncStorage, StorageBase, View, YieldsTo};
use crate::wait::after;

/// A look-up of a call that found nothing so far.
pub(crate) enum LookedUp {
    /// It began, and the storage has to be awaited.
    Begun(Lookup),
    Done(Lookup),
}

/// The result of a call without a value: a value after all, or the right to compute. It looks up first, unless it
/// did.
pub(crate) async fn fetch<V, S>(
    context: &CallContext<V, S>,
    key: EncodedKey,
    looked_up: Option<LookedUp>,
) -> Fetched<'_, V, S::Stored>
where
    S: View<V>,
    S::Storage: AsyncStorage<S::Stored>,
{
    let lookup = match looked_up {
        Some(LookedUp::Done(lookup)) => lookup,
        begun => {
            let flights = context.flights();
            let lookup = match begun {
                Some(LookedUp::Begun(lookup)) => lookup,
                _ => context.begin_lookup(flights, &key),
            };
            let read = context.storage().read(&key, lookup.until).await;
            match context.finish_lookup(flights, &key, read, lookup) {
                Ok(value) => return Fetched::Found(value),
                Err(lookup) => lookup,
            }
        }
    };
    context.count(Counter::Miss);
    if !(S::Storage::TEXT_KEYS && context.has_leases()) {
        let mut fetch = Fetch::new(context, key, lookup);
        return Box::pin(run(context.storage(), &mut fetch)).await.0;
    }
    let mut fetch = LeasedFetch::new(context, key, lookup);
    let ran = Box::pin(run(context.storage(), &mut fetch)).await;
    context.count_lease(ran)
}

/// Begins a computation whose value replaces the entry. It takes the lease from any other computation.
pub(crate) async fn begin_update<V, S>(
    context: &CallContext<V, S>,
    key: EncodedKey,
) -> Fetched<'_, V, S::Stored>
where
    S: View<V>,
    S::Storage: AsyncStorage<S::Stored>,
{
    match context.begin_update(key) {
        Fetched::Lead(leader, left) => match context.take_lease(leader, left, YieldsTo::Nothing) {
            Ok(mut take) => {
                let ran = Box::pin(run(context.storage(), &mut take)).await;
                context.count_lease(ran).fetched()
            }
            Err(leader) => Fetched::Lead(leader, left),
        },
        fetched => fetched,
    }
}

/// Stores a computed value, and notifies its waiters.
///
/// Nothing borrows the value across an await, so it need not be `Sync`.
pub(crate) async fn store<V, S>(
    context: &CallContext<V, S>,
    leader: Leader<'_, S::Stored>,
    left: Option<Duration>,
    value: V,
) -> V
where
    S: View<V>,
    S::Storage: AsyncStorage<S::Stored>,
{
    let store = context.begin_store(leader, &value, left);
    if let Some(mut store) = store {
        let (stored, failure) = run(context.storage(), &mut store).await;
        context.count_store(stored, failure.as_ref());
        store.finish();
    }
    value
}

/// Runs a body as the leader, and stores its value.
pub(crate) async fn compute<R, S, F>(
    context: &CallContext<R::Value, S>,
    mut leader: Leader<'_, S::Stored>,
    left: Option<Duration>,
    mut body: F,
) -> R::Out
where
    R: Output,
    S: View<R::Value>,
    S::Storage: AsyncStorage<S::Stored>,
    F: BodyFuture<Output = R::Out>,
{
    let failures = body.failures();
    leader.heed(body.show(None));
    let value = match R::value(context.computing(&leader).around(body).await) {
        Ok(value) => value,
        Err(out) => {
            context.count_refused::<R>();
            context.remember(failures, leader.key(), &out);
            leader.fail();
            return out;
        }
    };
    R::found(store(context, leader, left, value).await)
}

/// Goes on with the result of a miss.
pub(crate) async fn complete<R, S, F>(
    context: &CallContext<R::Value, S>,
    fetched: Fetched<'_, R::Value, S::Stored>,
    body: F,
    lookup: Lookup,
) -> R::Out
where
    R: Output,
    S: View<R::Value>,
    S::Storage: AsyncStorage<S::Stored>,
    F: BodyFuture<Output = R::Out>,
{
    match fetched {
        Fetched::Found(value) => R::found(value),
        Fetched::Bypass => body.await,
        Fetched::Lead(leader, left) => {
            if let Some(out) = context.remembered(body.failures(), leader.key(), lookup) {
                leader.fail();
                return out;
            }
            compute::<R, S, F>(context, leader, left, body).await
        }
    }
}

/// Stores a value given by the user.
pub(crate) async fn set<V, S>(
    context: &CallContext<V, S>,
    key: EncodedKey,
    value: V,
) -> StorageResult<V, S, ()>
where
    S: View<V>,
    S::Storage: AsyncStorage<S::Stored>,
{
    if S::TAGGED && context.is_admitted() {
        Box::pin(context.storage().see_versions(&[&key], None)).await?;
    }
    let dependents = context.dependents([&key]);
    let set = context.begin_set(key, value);
    let set = match set.store {
        Some(mut store) => {
            let (stored, failure) = run(context.storage(), &mut store).await;
            context.finish_set(set.error, stored, failure)
        }
        None => context.finish_unset(set.error),
    };
    both(set, forget_awaited(context.storage(), &dependents).await)
}

/// Reads the version of the tags of a call, for a value that is made without a look-up.
pub(crate) async fn see_version<V, S>(context: &CallContext<V, S>, key: &EncodedKey)
where
    S: View<V>,
    S::Storage: AsyncStorage<S::Stored>,
{
    if S::TAGGED && context.is_admitted() {
        let until = after(context.deadline());
        let seen = context.storage().see_versions(&[key], until).await;
        context.count_errors(seen);
    }
}

/// Removes the entry of a key, also a value being computed. Returns whether there was one.
pub(crate) async fn delete<V, S>(context: &CallContext<V, S>, key: &EncodedKey) -> StorageResult<V, S, bool>
where
    S: View<V>,
    S::Storage: AsyncStorage<S::Stored>,
{
    if !context.admit()? {
        return Ok(false);
    }
    let invalidation = context.invalidate(key).settle().await;
    let removed = invalidation.end(remove(context, key).await);
    let dependents = context.dependents([key]);
    both(removed, forget_awaited(context.storage(), &dependents).await)
}

/// Removes an entry. A stale one is as good as absent for the result.
async fn remove<V, S>(context: &CallContext<V, S>, key: &EncodedKey) -> StorageResult<V, S, bool>
where
    S: View<V>,
    S::Storage: AsyncStorage<S::Stored>,
{
    let (storage, stale) = (context.storage(), context.ring.stale);
    let there = stale.is_zero() || Box::pin(storage.contains_fresh(key, stale, None)).await?;
    Ok(storage.remove(key, None).await? && there)
}
