//! The blocking miss.

use std::time::Duration;

use super::context::{CallContext, Commit, Lookup, StorageResult};
use super::dependents::{both, forget};
use super::fetch::{Fetch, Fetched};
use super::lease::LeasedFetch;
use crate::account::Use;
use crate::body::Body;
use crate::errors::FailureRules;
use crate::flights::{Leader, Outcome, Role};
use crate::key::{EncodedKey, RingKey};
use crate::output::Output;
use crate::stats::cells::Counter;
use crate::storage::blocking::{is_fresh, run};
use crate::storage::{Storage, View, YieldsTo};
use crate::wait::{after, remaining};

/// The result of a miss: another call's value, or the right to compute.
pub(crate) fn fetch<V, S>(
    context: &CallContext<V, S>,
    key: EncodedKey,
    lookup: Lookup,
) -> Fetched<'_, V, S::Stored>
where
    S: View<V>,
    S::Storage: Storage<S::Stored>,
{
    if !context.has_leases() {
        return run(context.storage(), &mut Fetch::new(context, key, lookup)).0;
    }
    let ran = run(context.storage(), &mut LeasedFetch::new(context, key, lookup));
    context.count_lease(ran)
}

/// Begins a computation whose value replaces the entry. It takes the lease from any other computation.
pub(crate) fn begin_update<V, S>(context: &CallContext<V, S>, key: EncodedKey) -> Fetched<'_, V, S::Stored>
where
    S: View<V>,
    S::Storage: Storage<S::Stored>,
{
    match context.begin_update(key) {
        Fetched::Lead(leader, left) => match context.take_lease(leader, left, YieldsTo::Nothing) {
            Ok(mut take) => context.count_lease(run(context.storage(), &mut take)).fetched(),
            Err(leader) => Fetched::Lead(leader, left),
        },
        fetched => fetched,
    }
}

/// Goes on with the role of a call that missed.
#[inline(never)]
fn go_on<'c, V, S>(
    context: &'c CallContext<V, S>,
    role: Role<'c, S::Stored>,
    lookup: Lookup,
) -> Fetched<'c, V, S::Stored>
where
    S: View<V>,
    S::Storage: Storage<S::Stored>,
{
    match Fetch::with_role(context, role, lookup) {
        Ok(mut fetch) => run(context.storage(), &mut fetch).0,
        Err(fetched) => fetched,
    }
}

/// Computes after a look-up that found nothing, unless another call's value is available. Mostly the call leads at once.
#[inline]
pub(crate) fn miss<R, S, B>(
    context: &CallContext<R::Value, S>,
    key: EncodedKey,
    body: B,
    lookup: Lookup,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    let used = context.used();
    used.count(Counter::Miss);
    if context.has_leases() {
        let fetched = fetch(context, key, lookup);
        return complete::<R, S, B>(context, fetched, body, lookup);
    }
    let mut left = remaining(lookup.until);
    let leader = match context.join(key) {
        Role::Lead(leader) if !context.may_be_stored(&leader, lookup) => leader,
        role => match go_on(context, role, lookup) {
            Fetched::Found(value) => return R::found(value),
            Fetched::Bypass => return body.run(),
            Fetched::Lead(leader, rest) => {
                left = rest;
                leader
            }
        },
    };
    lead::<R, S, B>(context, used, leader, left, body, lookup)
}

/// Runs the body, unless another call's value is available. The body may recurse: no frame of shared code is on the
/// stack meanwhile.
pub(crate) fn complete<R, S, B>(
    context: &CallContext<R::Value, S>,
    fetched: Fetched<'_, R::Value, S::Stored>,
    body: B,
    lookup: Lookup,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    match fetched {
        Fetched::Found(value) => R::found(value),
        Fetched::Bypass => body.run(),
        Fetched::Lead(leader, left) => lead::<R, S, B>(context, context.used(), leader, left, body, lookup),
    }
}

/// Runs the body as the leader, unless another call's error is available. Stores its value, and notifies its waiters.
#[inline]
fn lead<R, S, B>(
    context: &CallContext<R::Value, S>,
    used: &Use,
    mut leader: Leader<'_, S::Stored>,
    left: Option<Duration>,
    mut body: B,
    lookup: Lookup,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    let failures = body.failures();
    if let Some(out) = context.remembered(Some(failures), leader.key(), lookup) {
        leader.finish(|| Outcome::Failed);
        return out;
    }
    leader.heed(body.show(None));
    let out = context.computing_for(used, &leader).run(body);
    match R::value(out) {
        Ok(value) => {
            match context.store_at_once(&mut leader, &value, used) {
                Some(commit) => store_later(context, leader, commit, left, &value),
                // Here and not at the end: the drop of its waiters' value may panic, and the result would not be
                // dropped.
                None => drop(leader),
            }
            R::found(value)
        }
        Err(out) => {
            fail::<R, S, _>(context, leader, &out, failures);
            out
        }
    }
}

/// Ends the lead of a computation that gave no value.
#[inline(never)]
fn fail<R, S, F>(context: &CallContext<R::Value, S>, leader: Leader<'_, S::Stored>, out: &R::Out, failures: F)
where
    R: Output,
    S: View<R::Value>,
    F: FailureRules<R::Out>,
{
    context.count_refused::<R>();
    context.remember(Some(failures), leader.key(), out);
    leader.finish(|| Outcome::Failed);
}

/// Stores a computed value, and notifies its waiters.
pub(crate) fn store<V, S>(
    context: &CallContext<V, S>,
    mut leader: Leader<'_, S::Stored>,
    left: Option<Duration>,
    value: V,
) -> V
where
    S: View<V>,
    S::Storage: Storage<S::Stored>,
{
    match context.store_at_once(&mut leader, &value, context.used()) {
        Some(commit) => store_later(context, leader, commit, left, &value),
        None => drop(leader),
    }
    value
}

/// Carries out the rest of the decision for a computed value, which takes time.
#[inline(never)]
fn store_later<V, S>(
    context: &CallContext<V, S>,
    leader: Leader<'_, S::Stored>,
    commit: Commit<S::Stored>,
    left: Option<Duration>,
    value: &V,
) where
    S: View<V>,
    S::Storage: Storage<S::Stored>,
{
    if let Some(mut store) = context.store_later(leader, commit, value, left) {
        let (stored, failure) = run(context.storage(), &mut store);
        context.count_store(stored, failure.as_ref());
        store.finish();
    }
}

/// Stores a value given by the user.
pub(crate) fn set<V, S>(context: &CallContext<V, S>, key: EncodedKey, value: V) -> StorageResult<V, S, ()>
where
    S: View<V>,
    S::Storage: Storage<S::Stored>,
{
    if S::TAGGED && context.is_admitted() {
        context.storage().see_versions(&[&key], None)?;
    }
    let dependents = context.dependents([&key]);
    let set = context.begin_set(key, value);
    let set = match set.store {
        Some(mut store) => {
            let (stored, failure) = run(context.storage(), &mut store);
            context.finish_set(set.error, stored, failure)
        }
        None => context.finish_unset(set.error),
    };
    both(set, forget(context.storage(), &dependents))
}

/// Reads the version of the tags of a call, for a value that is made without a look-up.
pub(crate) fn see_version<V, S>(context: &CallContext<V, S>, key: &EncodedKey)
where
    S: View<V>,
    S::Storage: Storage<S::Stored>,
{
    if S::TAGGED && context.is_admitted() {
        let seen = context.storage().see_versions(&[key], after(context.deadline()));
        context.count_errors(seen);
    }
}

/// Removes the entry of a key, also a value being computed. Returns whether there was one.
pub(crate) fn delete<V, S, K>(context: &CallContext<V, S>, key: &K) -> StorageResult<V, S, bool>
where
    S: View<V>,
    S::Storage: Storage<S::Stored>,
    K: RingKey,
{
    if !context.admit()? {
        return Ok(false);
    }
    let invalidation = context.invalidate(key).block();
    let removed = invalidation.end(remove(context, key));
    both(removed, forget(context.storage(), &context.dependents([key])))
}

/// Removes an entry. A stale entry counts as absent in the result.
fn remove<V, S, K>(context: &CallContext<V, S>, key: &K) -> StorageResult<V, S, bool>
where
    S: View<V>,
    S::Storage: Storage<S::Stored>,
    K: RingKey,
{
    let (storage, stale) = (context.storage(), context.ring.stale);
    let there = stale.is_zero() || is_fresh(storage, key, stale)?;
    Ok(storage.remove(key, None)? && there)
}
