//! Bulk verbs that are awaited.

use std::time::Instant;

use super::super::awaited::{begin_update, complete};
use super::super::context::{Lookup, Outcome, StorageResult};
use super::super::dependents::{both, forget_awaited};
use super::super::fetch::Fetched;
use super::super::lease::LeasedFetch;
use super::super::refresh::{Extended, go_on};
use super::concurrently::concurrently;
use super::{
    Bulk, Computation, Computed, Found, Gathered, Group, Keyed, Pending, Progress, SetGroup, Updates,
    by_expiry, by_storage, classified, count_stores, decoded, grouped, in_places, padded, set_outcome,
    trusted,
};
use crate::body::BodyFuture;
use crate::error::Error;
use crate::freshness;
use crate::output::Output;
use crate::storage::awaited::{are_fresh, read_fresh_many, run_from, run_until_wait, store_many};
use crate::storage::{AsyncStorage, Event, Machine, View};

/// [`AsyncCalls::get_many`](crate::AsyncCalls::get_many)
pub(crate) async fn get<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<Option<R::Value>>>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let doubts = group.doubts();
        let read = read_fresh_many(group.storage(), &group.keys(), group.stale(), None).await;
        gathered.add(&group, read.map(|held| decoded(&group, held, &doubts)));
    }
    gathered.finish()
}

/// [`AsyncCalls::lookup_many`](crate::AsyncCalls::lookup_many)
pub(crate) async fn lookup<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<freshness::Lookup<R::Value>>>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let doubts = group.doubts();
        let read = group.storage().read_many_expiring(&group.keys(), None).await;
        gathered.add(&group, read.map(|found| classified(&group, found, &doubts)));
    }
    gathered.finish()
}

/// [`AsyncCalls::expire_many`](crate::AsyncCalls::expire_many)
pub(crate) async fn expire<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    if calls.first().is_none_or(|call| call.context.ring.stale.is_zero()) {
        return delete(calls).await;
    }
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let invalidation = group.invalidate().settle().await;
        let expired = invalidation.end(make_stale(&group).await);
        let ended = forget_awaited(group.storage(), &group.dependents()).await;
        gathered.add(&group, both(expired, ended));
    }
    gathered.finish()
}

/// Restarts the lives of fresh entries as stale ones. Returns whether each key had one.
async fn make_stale<R, S>(group: &Group<R, S>) -> StorageResult<R::Value, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    let (storage, keys, stale) = (group.storage(), group.keys(), group.stale());
    let there = are_fresh(storage, &keys, stale).await?;
    let keys = keys.into_iter().zip(&there).filter(|(_, there)| **there);
    let life = group.context().ring.stale_life();
    let entries: Vec<_> = keys.map(|(key, _)| (key, life)).collect();
    let renewed = storage.renew_many(&entries, None).await?;
    Ok(in_places(&there, renewed))
}

/// [`AsyncCalls::delete_many`](crate::AsyncCalls::delete_many)
pub(crate) async fn delete<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let invalidation = group.invalidate().settle().await;
        let removed = invalidation.end(remove(&group).await);
        let ended = forget_awaited(group.storage(), &group.dependents()).await;
        gathered.add(&group, both(removed, ended));
    }
    gathered.finish()
}

/// Removes entries. In the result, stale ones count as absent.
async fn remove<R, S>(group: &Group<R, S>) -> StorageResult<R::Value, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    let (storage, keys, stale) = (group.storage(), group.keys(), group.stale());
    if stale.is_zero() {
        return storage.remove_many(&keys, None).await;
    }
    let there = are_fresh(storage, &keys, stale).await?;
    let removed = padded(storage.remove_many(&keys, None).await?).zip(there);
    Ok(removed.map(|(removed, there)| removed && there).collect())
}

/// [`AsyncCalls::has_many`](crate::AsyncCalls::has_many)
pub(crate) async fn has<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let doubts = group.doubts();
        let there = are_fresh(group.storage(), &group.keys(), group.stale()).await;
        gathered.add(&group, there.map(|there| trusted(there, &doubts)));
    }
    gathered.finish()
}

/// [`AsyncCalls::touch_many`](crate::AsyncCalls::touch_many)
pub(crate) async fn touch<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    let mut gathered = Gathered::of(&calls);
    let (expiring, lasting) = by_expiry(calls);
    for group in by_storage(expiring) {
        let doubts = group.doubts();
        let there = renew(&group).await;
        gathered.add(&group, there.map(|there| trusted(there, &doubts)));
    }
    for group in by_storage(lasting) {
        let doubts = group.doubts();
        let there = are_fresh(group.storage(), &group.keys(), group.stale()).await;
        gathered.add(&group, there.map(|there| trusted(there, &doubts)));
    }
    gathered.finish()
}

/// Restarts the expiries of fresh entries. Returns whether each key had one.
async fn renew<R, S>(group: &Group<R, S>) -> StorageResult<R::Value, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    let (storage, stale) = (group.storage(), group.stale());
    let there = if stale.is_zero() {
        vec![true; group.0.len()]
    } else {
        are_fresh(storage, &group.keys(), stale).await?
    };
    let renewed = storage.renew_many(&group.renewals(&there), None).await?;
    Ok(in_places(&there, renewed))
}

/// [`AsyncCalls::set_many`](crate::AsyncCalls::set_many)
pub(crate) async fn set<R, S>(calls: Vec<Keyed<R, S>>, values: Vec<R::Value>) -> Result<(), Error>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    let ring = calls.first().map(|call| call.context.ring);
    if calls.len() != values.len() {
        return set_outcome(ring, Some(Error::lengths(calls.len(), values.len())));
    }
    let mut values: Vec<_> = values.into_iter().map(Some).collect();
    let mut failure = None;
    for group in by_storage(calls) {
        if S::TAGGED
            && let Err(failed) = group.storage().see_versions(&group.keys(), None).await
        {
            failure = failure.or(Some(failed.into()));
            continue;
        }
        let mut writes = SetGroup::begin(&group, &mut values);
        let (stored, failed) = store_many(group.storage(), &mut writes.stores).await;
        failure = failure.or(writes.finish(&stored, failed));
        let ended = forget_awaited(group.storage(), &group.dependents()).await;
        failure = failure.or(ended.err().map(Into::into));
    }
    set_outcome(ring, failure)
}

/// [`AsyncCalls::get_or_update_many`](crate::AsyncCalls::get_or_update_many)
pub(crate) async fn get_or_update<R, S, B>((calls, bodies): Bulk<R, S, B>, limit: usize) -> Vec<R::Out>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: BodyFuture<Output = R::Out>,
{
    let mut ended: Vec<Option<Computed<R>>> = bodies.iter().map(|_| None).collect();
    let mut bodies: Vec<_> = bodies.into_iter().map(Some).collect();
    let (mut pending, mut stale) = (Vec::new(), Vec::new());
    for group in by_storage(calls) {
        let lookups = group.begin_lookups();
        let until = lookups.first().and_then(|lookup| lookup.until);
        let seen = if group.stale().is_zero() {
            let read = group.storage().read_many(&group.keys(), until).await;
            group.finish_lookups(read, lookups)
        } else {
            let read = group.storage().read_many_expiring(&group.keys(), until).await;
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
    if B::IS_EXTENDED {
        let stale = stale.into_iter().filter_map(|(call, value, lookup)| {
            let body = bodies[call.place].take()?;
            Some((call, value, lookup, body))
        });
        for (place, computed) in Extended::<B, _>::new(refresh(stale.collect(), limit)).await {
            ended[place] = Some(computed);
        }
    }
    compute(&pending, ended, bodies, limit).await
}

/// Goes on with calls that found stale values. Returns the results with the places of the calls.
async fn refresh<R, S, B>(stale: Vec<FoundStale<R, S, B>>, limit: usize) -> Vec<(usize, Computed<R>)>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: BodyFuture<Output = R::Out>,
{
    let bulk_waits_since = Some(Instant::now());
    let refreshes = stale.into_iter().map(|(call, value, lookup, body)| async move {
        let (place, context) = (call.place, call.context);
        let lookup = Lookup {
            bulk_waits_since,
            ..lookup
        };
        let found = (freshness::Lookup::Stale(value), lookup);
        let out = go_on::<R, S, B>(context, call.key, body, found).await;
        (place, R::value(out))
    });
    concurrently(limit, refreshes.collect()).await
}

/// A call that found a stale value.
type FoundStale<R, S, B> = (Keyed<R, S>, <R as Output>::Value, Lookup, B);

/// [`AsyncCalls::update_many`](crate::AsyncCalls::update_many)
pub(crate) async fn update<R, S, B>((calls, bodies): Bulk<R, S, B>, limit: usize) -> Vec<R::Out>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: BodyFuture<Output = R::Out>,
{
    let groups = grouped(calls);
    if S::TAGGED {
        for group in &groups {
            let seen = group.storage().see_versions(&group.keys(), None).await;
            group.context().count_errors(seen);
        }
    }
    let Updates { pending, ends } = Updates::new(groups);
    let ended = bodies.iter().map(|_| None).collect();
    let bodies = bodies.into_iter().map(Some).collect();
    let outs = compute(&pending, ended, bodies, limit).await;
    for (context, dependents) in ends {
        context.count_errors(forget_awaited(context.storage(), &dependents).await);
    }
    outs
}

/// Computes calls, equal ones once, at most `limit` at a time, and stores the values together.
async fn compute<R, S, B>(
    pending: &[Pending<R, S>],
    ended: Vec<Option<Computed<R>>>,
    mut bodies: Vec<Option<B>>,
    limit: usize,
) -> Vec<R::Out>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: BodyFuture<Output = R::Out>,
{
    let mut computation = Computation::new(pending, ended);
    let (first, equals) = computation.split_equals(&mut bodies);
    let leads = first.into_iter().map(|(number, body)| (number, Work::Lead(body)));
    computation.advance(leads.collect(), limit).await;
    store(&mut computation).await;
    let waits = computation.take_waiting().into_iter();
    let waits = waits.map(|(number, fetch, body)| (number, Work::Wait(Box::new(fetch), body)));
    computation.advance(waits.collect(), limit).await;
    let without = computation.take_equals(equals).into_iter();
    let alone = without.map(|(number, body)| (number, Work::Alone(body)));
    computation.advance(alone.collect(), limit).await;
    computation.finish()
}

/// What is left to do for a pending call. One type, so that the futures of all have one type: sets of futures are compiled
/// for each.
enum Work<'c, R: Output, S: View<R::Value>, B> {
    /// Computes, unless another call does.
    Lead(B),
    /// Waits for another call's computation.
    Wait(Box<LeasedFetch<'c, R::Value, S>>, B),
    /// Computes, whatever others do.
    Alone(B),
}

impl<'c, R, S, B> Computation<'c, R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: BodyFuture<Output = R::Out>,
{
    /// Works on calls, at most `limit` at a time.
    async fn advance(&mut self, works: Vec<(usize, Work<'c, R, S, B>)>, limit: usize) {
        let all = self.pending;
        let works = works.into_iter().map(|(number, work)| async move {
            let pending = &all[number];
            let progress = match work {
                Work::Lead(body) => lead(pending, body).await,
                Work::Wait(fetch, body) => Progress::Ended(R::value(wait(pending, *fetch, body).await)),
                Work::Alone(body) => {
                    let out = finish(pending, pending.lead_alone(), body).await;
                    Progress::Ended(R::value(out))
                }
            };
            (number, progress)
        });
        for (number, progress) in concurrently(limit, works.collect()).await {
            self.add(number, progress);
        }
    }
}

/// Computes, unless another call does.
///
/// Takes the lead only when it runs: a body may call other keys of this bulk call, which are then computed there.
async fn lead<'c, R, S, B>(pending: &'c Pending<R, S>, mut body: B) -> Progress<'c, R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: BodyFuture<Output = R::Out>,
{
    let context = pending.context();
    let fetched = if context.is_update {
        Box::pin(begin_update(context, pending.call.key.clone())).await
    } else {
        let mut fetch = pending.fetch();
        let ran = run_until_wait(context.storage(), &mut fetch).await;
        match context.count_lease(ran) {
            Some(fetched) => fetched,
            None => return Progress::Wait(fetch, body),
        }
    };
    match fetched {
        Fetched::Found(value) => Progress::Ended(Ok(value)),
        Fetched::Bypass => Progress::Ended(R::value(body.await)),
        Fetched::Lead(mut leader, left) => {
            let failures = body.failures();
            if let Some(out) = context.remembered(failures, leader.key(), pending.lookup) {
                leader.fail();
                return Progress::Ended(Err(out));
            }
            leader.heed(body.show(None));
            let out = context.computing(&leader).around(body).await;
            pending.computed(leader, left, out, failures)
        }
    }
}

async fn store<R, S, B>(computation: &mut Computation<'_, R, S, B>)
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    for (contexts, mut stores) in computation.take_stores() {
        let (stored, failure) = store_many(contexts[0].storage(), &mut stores).await;
        count_stores(&contexts, &stored, failure.as_ref());
        stores.into_iter().for_each(super::Store::finish);
    }
}

/// Waits for another call's computation.
async fn wait<R, S, B>(pending: &Pending<R, S>, mut fetch: LeasedFetch<'_, R::Value, S>, body: B) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: BodyFuture<Output = R::Out>,
{
    let step = fetch.next(Event::Woken(true));
    let ran = run_from(pending.context().storage(), &mut fetch, step).await;
    let fetched = pending.context().count_lease(ran);
    finish(pending, fetched, body).await
}

/// Continues with a call alone.
async fn finish<R, S, B>(
    pending: &Pending<R, S>,
    fetched: Fetched<'_, R::Value, S::Stored>,
    body: B,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: BodyFuture<Output = R::Out>,
{
    complete::<R, S, _>(pending.context(), fetched, body, pending.lookup).await
}
