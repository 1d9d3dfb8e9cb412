//! Bulk verbs that block the thread.

use super::super::blocking::commit;
use super::super::context::Outcome;
use super::super::fetch::Fetched;
use super::{
    Bulk, Computation, Computed, Gathered, Keyed, Pending, Progress, SetGroup, by_expiry, by_storage,
    count_stores, decoded, set_outcome, trusted,
};
use crate::body::Body;
use crate::error::Error;
use crate::output::Output;
use crate::storage::blocking::{run_from, store_many};
use crate::storage::{Event, Machine, Step, Storage, View};

/// [`Calls::get_many`](crate::Calls::get_many)
pub(crate) fn get<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<Option<R::Value>>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let doubts = group.doubts();
        let read = group.storage().read_many(&group.keys(), None);
        gathered.add(&group, read.map(|held| decoded(&group, held, &doubts)));
    }
    gathered.finish()
}

/// [`Calls::delete_many`](crate::Calls::delete_many)
pub(crate) fn delete<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let invalidation = group.invalidate().block();
        let removed = group.storage().remove_many(&group.keys(), None);
        gathered.add(&group, invalidation.end(removed));
    }
    gathered.finish()
}

/// [`Calls::has_many`](crate::Calls::has_many)
pub(crate) fn has<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
{
    let mut gathered = Gathered::of(&calls);
    for group in by_storage(calls) {
        let doubts = group.doubts();
        let there = group.storage().contains_many(&group.keys(), None);
        gathered.add(&group, there.map(|there| trusted(there, &doubts)));
    }
    gathered.finish()
}

/// [`Calls::touch_many`](crate::Calls::touch_many)
pub(crate) fn touch<R, S>(calls: Vec<Keyed<R, S>>) -> Outcome<R, S, Vec<bool>>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
{
    let mut gathered = Gathered::of(&calls);
    let (expiring, lasting) = by_expiry(calls);
    for group in by_storage(expiring) {
        let doubts = group.doubts();
        let there = group.storage().renew_many(&group.renewals(), None);
        gathered.add(&group, there.map(|there| trusted(there, &doubts)));
    }
    for group in by_storage(lasting) {
        let doubts = group.doubts();
        let there = group.storage().contains_many(&group.keys(), None);
        gathered.add(&group, there.map(|there| trusted(there, &doubts)));
    }
    gathered.finish()
}

/// [`Calls::set_many`](crate::Calls::set_many)
pub(crate) fn set<R, S>(calls: Vec<Keyed<R, S>>, values: Vec<R::Value>) -> Result<(), Error>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
{
    let ring = calls.first().map(|call| call.context.ring);
    if calls.len() != values.len() {
        return set_outcome(ring, Some(Error::lengths(calls.len(), values.len())));
    }
    let mut values: Vec<_> = values.into_iter().map(Some).collect();
    let mut failure = None;
    for group in by_storage(calls) {
        let mut writes = SetGroup::begin(&group, &mut values);
        let (stored, failed) = store_many(group.storage(), &mut writes.stores);
        failure = failure.or(writes.finish(&stored, failed));
    }
    set_outcome(ring, failure)
}

/// [`Calls::get_or_update_many`](crate::Calls::get_or_update_many)
pub(crate) fn get_or_update<R, S, B>((calls, bodies): Bulk<R, S, B>) -> Vec<R::Out>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
    B: Body<Out = R::Out>,
{
    let mut ended: Vec<Option<Computed<R>>> = bodies.iter().map(|_| None).collect();
    let mut pending = Vec::new();
    for group in by_storage(calls) {
        let lookups = group.begin_lookups();
        let until = lookups.first().and_then(|lookup| lookup.until);
        let read = group.storage().read_many(&group.keys(), until);
        for found in group.finish_lookups(read, lookups) {
            match found {
                Ok((place, value)) => ended[place] = Some(Ok(value)),
                Err(absent) => pending.push(absent),
            }
        }
    }
    compute(&pending, ended, bodies)
}

/// [`Calls::update_many`](crate::Calls::update_many)
pub(crate) fn update<R, S, B>((calls, bodies): Bulk<R, S, B>) -> Vec<R::Out>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
    B: Body<Out = R::Out>,
{
    let pending: Vec<_> = calls.into_iter().map(Pending::update).collect();
    let ended = bodies.iter().map(|_| None).collect();
    compute(&pending, ended, bodies)
}

/// Computes the values of calls, for equal calls once, and stores them together.
fn compute<R, S, B>(pending: &[Pending<R, S>], ended: Vec<Option<Computed<R>>>, bodies: Vec<B>) -> Vec<R::Out>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
    B: Body<Out = R::Out>,
{
    let mut bodies: Vec<_> = bodies.into_iter().map(Some).collect();
    let mut computation = Computation::new(pending, ended);
    let (first, equals) = computation.split_equals(&mut bodies);
    for (number, body) in first {
        computation.add(number, lead(&pending[number], body));
    }
    store(&mut computation);
    for (number, mut fetch, body) in computation.take_waiting() {
        let step = fetch.next(Event::Woken(true));
        let (fetched, _) = run_from(pending[number].context().storage(), &mut fetch, step);
        computation.end(number, R::value(finish(&pending[number], fetched, body)));
    }
    for (number, body) in computation.take_equals(equals) {
        let out = finish(&pending[number], pending[number].lead_alone(), body);
        computation.end(number, R::value(out));
    }
    computation.finish()
}

/// Computes, unless another call does.
///
/// It takes the lead when its turn comes: a body may call other keys of this bulk call, which are then computed
/// there.
fn lead<'c, R, S, B>(pending: &'c Pending<R, S>, body: B) -> Progress<'c, R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
    B: Body<Out = R::Out>,
{
    let context = pending.context();
    let fetched = if context.is_update {
        context.begin_update(pending.call.key.clone())
    } else {
        let mut fetch = pending.fetch();
        match fetch.next(Event::Start) {
            Step::Wait(..) => return Progress::Wait(fetch, body),
            step => run_from(context.storage(), &mut fetch, step).0,
        }
    };
    match fetched {
        Fetched::Found(value) => Progress::Ended(Ok(value)),
        Fetched::Bypass => Progress::Ended(R::value(body.run())),
        Fetched::Lead(leader, left) => {
            let scope = context.computing(&leader).enter();
            let out = body.run();
            drop(scope);
            pending.computed(leader, left, out)
        }
    }
}

fn store<R, S, B>(computation: &mut Computation<'_, R, S, B>)
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
{
    for (contexts, mut stores) in computation.take_stores() {
        let (stored, failure) = store_many(contexts[0].storage(), &mut stores);
        count_stores(&contexts, &stored, failure.as_ref());
        stores.into_iter().for_each(super::Store::finish);
    }
}

/// Goes on with a call alone.
fn finish<R, S, B>(pending: &Pending<R, S>, fetched: Fetched<'_, R::Value, S::Held>, body: B) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
    B: Body<Out = R::Out>,
{
    match fetched {
        Fetched::Found(value) => R::found(value),
        Fetched::Bypass => body.run(),
        Fetched::Lead(leader, left) => {
            let scope = pending.context().computing(&leader).enter();
            let out = body.run();
            drop(scope);
            commit::<R, S>(pending.context(), leader, left, out)
        }
    }
}
