//! Bulk verbs that block the thread.

use std::time::Instant;

use super::super::blocking::{begin_update, complete};
use super::super::context::{Lookup, Outcome, StorageResult};
use super::super::dependents::{both, forget};
use super::super::fetch::Fetched;
use super::super::refresh::found_stale;
use super::{
    Bulk, Computation, Computed, Found, Gathered, Group, Keyed, Pending, Progress, SetGroup, Updates,
    by_expiry, by_storage, classified, count_stores, decoded, grouped, in_places, padded, set_outcome,
    trusted,
};
use crate::body::Body;
use crate::error::Error;
use crate::freshness;
use crate::output::Output;
use crate::storage::blocking::{are_fresh, read_fresh_many, run_from, run_until_wait, store_many};
use crate::storage::{Event, Machine, Storage, View};

/// [`Calls::get_many`](crate::Calls::get_many)
pub(crate) fn get<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<Option<R::Value>>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let doubts = group.doubts();
        let read = read_fresh_many(group.storage(), &group.keys(), group.stale(), None);
        gathered.add(&group, read.map(|held| decoded(&group, held, &doubts)));
    }
    gathered.finish()
}

/// [`Calls::lookup_many`](crate::Calls::lookup_many)
pub(crate) fn lookup<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<freshness::Lookup<R::Value>>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let doubts = group.doubts();
        let read = group.storage().read_many_expiring(&group.keys(), None);
        gathered.add(&group, read.map(|found| classified(&group, found, &doubts)));
    }
    gathered.finish()
}

/// [`Calls::expire_many`](crate::Calls::expire_many)
pub(crate) fn expire<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
{
    if calls.first().is_none_or(|call| call.context.ring.stale.is_zero()) {
        return delete(calls);
    }
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let invalidation = group.invalidate().block();
        let expired = invalidation.end(make_stale(&group));
        let ended = forget(group.storage(), &group.dependents());
        gathered.add(&group, both(expired, ended));
    }
    gathered.finish()
}

/// Restarts the lives of fresh entries as stale ones. Returns whether each key had one.
fn make_stale<R, S>(group: &Group<R, S>) -> StorageResult<R::Value, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
{
    let (storage, keys, stale) = (group.storage(), group.keys(), group.stale());
    let there = are_fresh(storage, &keys, stale)?;
    let keys = keys.into_iter().zip(&there).filter(|(_, there)| **there);
    let life = group.context().ring.stale_life();
    let entries: Vec<_> = keys.map(|(key, _)| (key, life)).collect();
    let renewed = storage.renew_many(&entries, None)?;
    Ok(in_places(&there, renewed))
}

/// [`Calls::delete_many`](crate::Calls::delete_many)
pub(crate) fn delete<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let invalidation = group.invalidate().block();
        let removed = invalidation.end(remove(&group));
        let ended = forget(group.storage(), &group.dependents());
        gathered.add(&group, both(removed, ended));
    }
    gathered.finish()
}

/// Removes entries. In the result, stale ones count as absent.
fn remove<R, S>(group: &Group<R, S>) -> StorageResult<R::Value, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
{
    let (storage, keys, stale) = (group.storage(), group.keys(), group.stale());
    if stale.is_zero() {
        return storage.remove_many(&keys, None);
    }
    let there = are_fresh(storage, &keys, stale)?;
    let removed = padded(storage.remove_many(&keys, None)?).zip(there);
    Ok(removed.map(|(removed, there)| removed && there).collect())
}

/// [`Calls::has_many`](crate::Calls::has_many)
pub(crate) fn has<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let doubts = group.doubts();
        let there = are_fresh(group.storage(), &group.keys(), group.stale());
        gathered.add(&group, there.map(|there| trusted(there, &doubts)));
    }
    gathered.finish()
}

/// [`Calls::touch_many`](crate::Calls::touch_many)
pub(crate) fn touch<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
{
    let mut gathered = Gathered::of(&calls);
    let (expiring, lasting) = by_expiry(calls);
    for group in by_storage(expiring) {
        let doubts = group.doubts();
        let there = renew(&group);
        gathered.add(&group, there.map(|there| trusted(there, &doubts)));
    }
    for group in by_storage(lasting) {
        let doubts = group.doubts();
        let there = are_fresh(group.storage(), &group.keys(), group.stale());
        gathered.add(&group, there.map(|there| trusted(there, &doubts)));
    }
    gathered.finish()
}

/// Restarts the expiries of fresh entries. Returns whether each key had one.
fn renew<R, S>(group: &Group<R, S>) -> StorageResult<R::Value, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
{
    let (storage, stale) = (group.storage(), group.stale());
    let there = if stale.is_zero() {
        vec![true; group.0.len()]
    } else {
        are_fresh(storage, &group.keys(), stale)?
    };
    let renewed = storage.renew_many(&group.renewals(&there), None)?;
    Ok(in_places(&there, renewed))
}

/// [`Calls::set_many`](crate::Calls::set_many)
pub(crate) fn set<R, S>(calls: Vec<Keyed<R, S>>, values: Vec<R::Value>) -> Result<(), Error>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
{
    let ring = calls.first().map(|call| call.context.ring);
    if calls.len() != values.len() {
        return set_outcome(ring, Some(Error::lengths(calls.len(), values.len())));
    }
    let mut values: Vec<_> = values.into_iter().map(Some).collect();
    let mut failure = None;
    for group in by_storage(calls) {
        if S::TAGGED
            && let Err(failed) = group.storage().see_versions(&group.keys(), None)
        {
            failure = failure.or(Some(failed.into()));
            continue;
        }
        let mut writes = SetGroup::begin(&group, &mut values);
        let (stored, failed) = store_many(group.storage(), &mut writes.stores);
        failure = failure.or(writes.finish(&stored, failed));
        let ended = forget(group.storage(), &group.dependents());
        failure = failure.or(ended.err().map(Into::into));
    }
    set_outcome(ring, failure)
}

/// [`Calls::get_or_update_many`](crate::Calls::get_or_update_many)
pub(crate) fn get_or_update<R, S, B>((calls, bodies): Bulk<R, S, B>) -> Vec<R::Out>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    let mut ended: Vec<Option<Computed<R>>> = bodies.iter().map(|_| None).collect();
    let mut bodies: Vec<_> = bodies.into_iter().map(Some).collect();
    let (mut pending, mut stale) = (Vec::new(), Vec::new());
    for group in by_storage(calls) {
        let lookups = group.begin_lookups();
        let until = lookups.first().and_then(|lookup| lookup.until);
        let seen = if group.stale().is_zero() {
            let read = group.storage().read_many(&group.keys(), until);
            group.finish_lookups(read, lookups)
        } else {
            let read = group.storage().read_many_expiring(&group.keys(), until);
            group.finish_expiring_lookups(read, lookups)
        };
        for seen in seen {
            match seen {
                Found::Fresh(place, value) => ended[place] = Some(Ok(value)),
                Found::Stale(call, value, lookup) => stale.push((call, value, lookup)),
                Found::Absent(absent) => pending.push(absent),
            }
        }
    }
    let bulk_waits_since = Some(Instant::now());
    for (call, value, lookup) in stale {
        let lookup = Lookup {
            bulk_waits_since,
            ..lookup
        };
        let Some(body) = bodies[call.place].take() else {
            continue;
        };
        let out = found_stale::<R, S, B>(&call.context, call.key, body, value, lookup);
        ended[call.place] = Some(R::value(out));
    }
    compute(&pending, ended, bodies)
}

/// [`Calls::update_many`](crate::Calls::update_many)
pub(crate) fn update<R, S, B>((calls, bodies): Bulk<R, S, B>) -> Vec<R::Out>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    let groups = grouped(calls);
    if S::TAGGED {
        for group in &groups {
            let seen = group.storage().see_versions(&group.keys(), None);
            group.context().count_errors(seen);
        }
    }
    let Updates { pending, ends } = Updates::new(groups);
    let ended = bodies.iter().map(|_| None).collect();
    let bodies = bodies.into_iter().map(Some).collect();
    let outs = compute(&pending, ended, bodies);
    for (context, dependents) in ends {
        context.count_errors(forget(context.storage(), &dependents));
    }
    outs
}

/// Computes calls, equal ones once, and stores the values together.
fn compute<R, S, B>(
    pending: &[Pending<R, S>],
    ended: Vec<Option<Computed<R>>>,
    mut bodies: Vec<Option<B>>,
) -> Vec<R::Out>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    let mut computation = Computation::new(pending, ended);
    let (first, equals) = computation.split_equals(&mut bodies);
    for (number, body) in first {
        computation.add(number, lead(&pending[number], body));
    }
    store(&mut computation);
    for (number, mut fetch, body) in computation.take_waiting() {
        let step = fetch.next(Event::Woken(true));
        let context = pending[number].context();
        let fetched = context.count_lease(run_from(context.storage(), &mut fetch, step));
        computation.end(
            number,
            R::value(complete::<R, S, B>(
                pending[number].context(),
                fetched,
                body,
                pending[number].lookup,
            )),
        );
    }
    for (number, body) in computation.take_equals(equals) {
        let out = complete::<R, S, B>(
            pending[number].context(),
            pending[number].lead_alone(),
            body,
            pending[number].lookup,
        );
        computation.end(number, R::value(out));
    }
    computation.finish()
}

/// Computes, unless another call does.
///
/// Takes the lead only when it runs: a body may call other keys of this bulk call, which are then computed there.
fn lead<'c, R, S, B>(pending: &'c Pending<R, S>, mut body: B) -> Progress<'c, R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    let context = pending.context();
    let fetched = if context.is_update {
        begin_update(context, pending.call.key.clone())
    } else {
        let mut fetch = pending.fetch();
        match context.count_lease(run_until_wait(context.storage(), &mut fetch)) {
            Some(fetched) => fetched,
            None => return Progress::Wait(fetch, body),
        }
    };
    match fetched {
        Fetched::Found(value) => Progress::Ended(Ok(value)),
        Fetched::Bypass => Progress::Ended(R::value(body.run())),
        Fetched::Lead(mut leader, left) => {
            let failures = body.failures();
            if let Some(out) = context.remembered(Some(failures), leader.key(), pending.lookup) {
                leader.fail();
                return Progress::Ended(Err(out));
            }
            leader.heed(body.show(None));
            let out = context.computing(&leader).run(body);
            pending.computed(leader, left, out, Some(failures))
        }
    }
}

fn store<R, S, B>(computation: &mut Computation<'_, R, S, B>)
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
{
    for (contexts, mut stores) in computation.take_stores() {
        let (stored, failure) = store_many(contexts[0].storage(), &mut stores);
        count_stores(&contexts, &stored, failure.as_ref());
        stores.into_iter().for_each(super::Store::finish);
    }
}
