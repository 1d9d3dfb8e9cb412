//! The blocking miss.

use std::mem;
use std::time::Duration;

use super::context::{CallContext, Commit, Lookup, StorageResult};
use super::dependents::{both, forget};
use super::fetch::{Fetch, Fetched};
use super::lease::LeasedFetch;
use crate::account::Use;
use crate::body::Body;
use crate::errors::FailureRules;
use crate::flights::{Leader, Role};
use crate::key::{EncodedKey, RingKey};
use crate::output::Output;
use crate::stats::cells::Counter;
use crate::storage::blocking::{is_fresh, run};
use crate::storage::{Storage, StorageBase, View, YieldsTo};
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
    if !(S::Storage::TEXT_KEYS && context.has_leases()) {
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

/// Begins a computation after a look-up that found nothing, unless another call's value is available. Mostly the call leads
/// at once. Compiled once for each type of values, not for each method.
#[inline(never)]
fn begin<'c, V, S>(
    context: &'c CallContext<V, S>,
    used: &Use,
    key: EncodedKey,
    lookup: Lookup,
) -> Fetched<'c, V, S::Stored>
where
    S: View<V>,
    S::Storage: Storage<S::Stored>,
{
    used.count(Counter::Miss);
    if S::Storage::TEXT_KEYS && context.has_leases() {
        return fetch(context, key, lookup);
    }
    let left = remaining(lookup.until);
    match context.join(key) {
        Role::Lead(leader) if !context.may_be_stored(&leader, lookup) => Fetched::Lead(leader, left),
        role => go_on(context, role, lookup),
    }
}

/// Goes on with the role of a call that does not lead at once.
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

/// Computes after a look-up that found nothing, unless another call's value is available.
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
    let fetched = begin(context, used, key, lookup);
    compute::<R, S, B>(context, used, fetched, body, lookup)
}

/// Goes on with the result of a miss.
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
    compute::<R, S, B>(context, context.used(), fetched, body, lookup)
}

/// Runs the body, unless another call's value or error is available. Stores its value, and notifies its waiters. The body may
/// recurse: no frame of shared code is on the stack meanwhile.
#[inline]
fn compute<R, S, B>(
    context: &CallContext<R::Value, S>,
    used: &Use,
    mut fetched: Fetched<'_, R::Value, S::Stored>,
    mut body: B,
    lookup: Lookup,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    let failures = body.failures();
    if let Some(out) = known_result::<R, S, _>(context, &mut fetched, failures, lookup) {
        return out;
    }
    // By reference: a leader is large.
    let Fetched::Lead(leader, _) = &mut fetched else {
        return body.run();
    };
    leader.heed(body.show(None));
    let running = context.computing_for(used, leader).begin();
    let out = body.run();
    running.end();
    store_result::<R, S, _>(context, used, &mut fetched, failures, out)
}

/// Another call's value or error, if it is available.
// Debug builds compile it for each type of values, and release builds inline it in each method.
#[cfg_attr(not(debug_assertions), inline(always))]
fn known_result<R, S, F>(
    context: &CallContext<R::Value, S>,
    fetched: &mut Fetched<'_, R::Value, S::Stored>,
    failures: F,
    lookup: Lookup,
) -> Option<R::Out>
where
    R: Output,
    S: View<R::Value>,
    F: FailureRules<R::Out>,
{
    let Fetched::Lead(leader, _) = fetched else {
        return match take(fetched) {
            Fetched::Found(value) => Some(R::found(value)),
            Fetched::Bypass | Fetched::Lead(..) => None,
        };
    };
    let out = context.remembered(Some(failures), leader.key(), lookup)?;
    end(take(fetched));
    Some(out)
}

/// Stores the value of a body, if it has one, and notifies its waiters.
// Debug builds compile it for each type of values, and release builds inline it in each method.
#[cfg_attr(not(debug_assertions), inline(always))]
fn store_result<R, S, F>(
    context: &CallContext<R::Value, S>,
    used: &Use,
    fetched: &mut Fetched<'_, R::Value, S::Stored>,
    failures: F,
    out: R::Out,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    F: FailureRules<R::Out>,
{
    let Fetched::Lead(leader, _) = fetched else {
        return out;
    };
    match R::value(out) {
        Ok(value) => {
            match context.store_at_once(leader, &value, used) {
                Some(commit) => store_later(context, take(fetched), commit, &value),
                // Here and not at the end: the drop of its waiters' value may panic, and the result would not be
                // dropped.
                None => *fetched = Fetched::Bypass,
            }
            R::found(value)
        }
        Err(out) => {
            context.count_refused::<R>();
            context.remember(Some(failures), leader.key(), &out);
            end(take(fetched));
            out
        }
    }
}

/// Takes the result of a miss out of its place.
fn take<'f, V, T>(fetched: &mut Fetched<'f, V, T>) -> Fetched<'f, V, T> {
    mem::replace(fetched, Fetched::Bypass)
}

/// Ends the lead of a computation that gave no value.
#[cold]
fn end<V, T>(fetched: Fetched<'_, V, T>) {
    if let Fetched::Lead(leader, _) = fetched {
        leader.fail();
    }
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
        Some(commit) => store_later(context, Fetched::Lead(leader, left), commit, &value),
        None => drop(leader),
    }
    value
}

/// Carries out the rest of the decision for a computed value, which takes time.
#[inline(never)]
fn store_later<V, S>(
    context: &CallContext<V, S>,
    fetched: Fetched<'_, V, S::Stored>,
    commit: Commit<S::Stored>,
    value: &V,
) where
    S: View<V>,
    S::Storage: Storage<S::Stored>,
{
    let Fetched::Lead(leader, left) = fetched else {
        return;
    };
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
