//! Plain calls of rings that keep stale entries: a stale value is returned, and computed anew by one call.
//!
//! The right to refresh is a [`Claim`], of one call at a time. Its computation is a flight, which calls join that find
//! no entry at all. It replaces the entry, so a value that `unless` refuses removes the old one. If it fails, the entry
//! is read again: a `delete` or a `set` meanwhile ended the fallback.

use std::time::{Duration, Instant};

use super::context::{CallContext, Lookup, StorageResult};
use super::{AsyncCall, Call, awaited, blocking};
use crate::background;
use crate::body::{AsyncBody, Body, Boxed, RefreshableFuture};
use crate::errors::FailureRules;
use crate::flights::{Claim, Leader, Outcome as FlightOutcome};
use crate::freshness;
use crate::key::EncodedKey;
use crate::output::Output;
use crate::storage::{AsyncStorage, Expiring, Storage, View};
use crate::sync::EventListener;
use crate::wait::{after, block, event, within};

/// The result of a refresh.
enum Refreshed<R: Output> {
    /// The entry is fresh again, or the value is not to be stored.
    Value(R::Value),
    /// Another call computes it.
    UnderWay,
    /// The body returned no value to cache.
    Failed(R::Out),
}

impl<R, S, B> Call<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
    B: Body<Out = R::Out>,
{
    /// The slow path of a plain call.
    #[inline(never)]
    pub(super) fn look_up_expiring(self) -> R::Out {
        let (context, key) = (self.context, self.call_key());
        let lookup = context.begin_lookup(&key);
        let read = context.storage().read_expiring(&key, lookup.until);
        let (found, lookup) = context.finish_expiring_lookup(&key, read, lookup);
        let key = EncodedKey::of(&key);
        match found {
            freshness::Lookup::Fresh(value) if lookup.is_early => {
                found_early::<R, S, B>(&context, key, self.body, value)
            }
            freshness::Lookup::Fresh(value) => R::found(value),
            freshness::Lookup::Stale(value) => found_stale::<R, S, B>(&context, key, self.body, value),
            freshness::Lookup::Absent => self.miss(key, lookup),
        }
    }

    /// Refreshes the entry in the background. Called by generated code.
    #[doc(hidden)]
    pub fn refresh(self, claim: Claim) {
        let key = self.encoded_key();
        drop(refresh::<R, S, B>(&self.context, key, self.body, claim));
    }
}

/// The result of a call that found a stale value.
pub(super) fn found_stale<R, S, B>(
    context: &CallContext<R::Value, S>,
    key: EncodedKey,
    body: B,
    value: R::Value,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
    B: Body<Out = R::Out>,
{
    match context.claim_refresh(&key).map(|claim| body.refresh(claim)) {
        None => {}
        Some(Ok(job)) => background::spawn(job),
        Some(Err(claim)) => match refresh::<R, S, B>(context, key.clone(), body, claim) {
            Refreshed::Value(value) => return context.refreshed::<R>(value),
            Refreshed::UnderWay => return context.found_stale::<R>(value),
            Refreshed::Failed(out) => {
                return match look_again::<R::Value, S>(context, &key) {
                    (Some(found), _) => context.found_again::<R>(found),
                    (None, _) => context.without_fallback::<R>(out),
                };
            }
        },
    }
    if !wait_for_refresh(context, &key) {
        return context.found_stale::<R>(value);
    }
    match look_again::<R::Value, S>(context, &key) {
        (Some(found), _) => context.found_again::<R>(found),
        (None, lookup) => {
            context.counters().miss();
            let fetched = blocking::fetch(context, key, lookup);
            blocking::complete::<R, S, B>(context, fetched, body, lookup)
        }
    }
}

/// The result of a call that found a value shortly before it expires.
pub(super) fn found_early<R, S, B>(
    context: &CallContext<R::Value, S>,
    key: EncodedKey,
    body: B,
    value: R::Value,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
    B: Body<Out = R::Out>,
{
    let claim = context
        .claim_refresh(&key)
        .map(|claim| claim.early(context.margin()));
    match claim.map(|claim| body.refresh(claim)) {
        None => {}
        Some(Ok(job)) => background::spawn(job),
        Some(Err(claim)) => {
            if let Refreshed::Value(value) = refresh::<R, S, B>(context, key, body, claim) {
                return R::found(value);
            }
        }
    }
    R::found(value)
}

/// Waits for the refresh of a key that is under way, for the ring's `wait` at most. Returns whether the ring waits at all.
fn wait_for_refresh<V, S: View<V>>(context: &CallContext<V, S>, key: &EncodedKey) -> bool {
    if !context.waits() {
        return false;
    }
    let until = after(context.ring.wait);
    while let Some((ended, until)) = context.refresh_to_wait_for(key, until) {
        if !block(ended, until) {
            break;
        }
    }
    true
}

/// What the entry is after a refresh, if it is still there, or else the state of the look-up.
fn look_again<V, S>(context: &CallContext<V, S>, key: &EncodedKey) -> (Option<freshness::Lookup<V>>, Lookup)
where
    S: View<V, Storage: Storage<S::Held>>,
{
    let lookup = context.begin_lookup(key);
    let read = context.storage().read_expiring(key, lookup.until);
    let (found, lookup) = context.finish_expiring_lookup(key, read, lookup);
    (Some(found).filter(|found| !found.is_absent()), lookup)
}

fn refresh<R, S, B>(
    context: &CallContext<R::Value, S>,
    key: EncodedKey,
    body: B,
    claim: Claim,
) -> Refreshed<R>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Held>>,
    B: Body<Out = R::Out>,
{
    let context = context.update();
    let Some(leader) = context.lead_refresh(key, &claim) else {
        return Refreshed::UnderWay;
    };
    // Another process may have refreshed it, and another call since the look-up.
    let until = after(context.deadline());
    let read = context.storage().read_expiring(leader.key(), until);
    if let Some(value) = context.fresh_again(leader.key(), read, claim.margin()) {
        leader.finish(|| FlightOutcome::Retry);
        return Refreshed::Value(value);
    }
    let failures = body.failures();
    let scope = context.computing(&leader).enter();
    let out = body.run();
    drop(scope);
    match R::value(out) {
        Ok(value) => Refreshed::Value(blocking::store(&context, leader, context.deadline(), value)),
        Err(out) => context.refresh_failed::<R, _>(leader, claim, out, Some(failures)),
    }
}

impl<R, S, B> AsyncCall<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Held>>,
    B: AsyncBody<Out = R::Out>,
{
    /// The slow path of a plain call. Nothing borrows the arguments across an await.
    pub(super) async fn look_up_expiring(self) -> R::Out {
        let (context, key) = (self.context, self.encoded_key());
        let body = Boxed::new(self.body);
        let lookup = context.begin_lookup(&key);
        let read = context.storage().read_expiring(&key, lookup.until).await;
        let (found, lookup) = context.finish_expiring_lookup(&key, read, lookup);
        match found {
            freshness::Lookup::Fresh(value) if lookup.is_early => {
                found_early_async::<R, S, _>(&context, key, body, value).await
            }
            freshness::Lookup::Fresh(value) => R::found(value),
            freshness::Lookup::Stale(value) => found_stale_async::<R, S, _>(&context, key, body, value).await,
            freshness::Lookup::Absent => {
                let fetched = awaited::fetch(&context, key, Some(lookup)).await;
                awaited::complete::<R, S, _>(&context, fetched, body, lookup).await
            }
        }
    }

    /// Refreshes the entry in the background. Called by generated code.
    #[doc(hidden)]
    pub async fn refresh(self, claim: Claim) {
        let (context, key) = (self.context, self.encoded_key());
        drop(refresh_async::<R, S, _>(&context, key, Boxed::new(self.body), claim).await);
    }
}

/// [`found_stale`], awaited.
pub(super) async fn found_stale_async<R, S, F>(
    context: &CallContext<R::Value, S>,
    key: EncodedKey,
    body: F,
    value: R::Value,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Held>>,
    F: RefreshableFuture<Output = R::Out>,
{
    match context.claim_refresh(&key).map(|claim| body.refresh(claim)) {
        None => {}
        Some(Ok(job)) => background::spawn_task(job).await,
        Some(Err(claim)) => {
            return refresh_by_caller_async::<R, S, F>(context, key, body, claim, value).await;
        }
    }
    if !wait_for_refresh_async(context, &key).await {
        return context.found_stale::<R>(value);
    }
    match look_again_async::<R::Value, S>(context, &key).await {
        (Some(found), _) => context.found_again::<R>(found),
        (None, lookup) => {
            let fetched = awaited::fetch(context, key, Some(lookup)).await;
            awaited::complete::<R, S, F>(context, fetched, body, lookup).await
        }
    }
}

/// [`found_early`], awaited.
pub(super) async fn found_early_async<R, S, F>(
    context: &CallContext<R::Value, S>,
    key: EncodedKey,
    body: F,
    value: R::Value,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Held>>,
    F: RefreshableFuture<Output = R::Out>,
{
    let claim = context
        .claim_refresh(&key)
        .map(|claim| claim.early(context.margin()));
    match claim.map(|claim| body.refresh(claim)) {
        None => {}
        Some(Ok(job)) => background::spawn_task(job).await,
        Some(Err(claim)) => {
            if let Refreshed::Value(value) = refresh_async::<R, S, F>(context, key, body, claim).await {
                return R::found(value);
            }
        }
    }
    R::found(value)
}

/// The result of a call that refreshes a stale entry itself, for the ring's `wait` at most.
async fn refresh_by_caller_async<R, S, F>(
    context: &CallContext<R::Value, S>,
    key: EncodedKey,
    body: F,
    claim: Claim,
    value: R::Value,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Held>>,
    F: RefreshableFuture<Output = R::Out>,
{
    // Without `wait`, nothing limits the time of a caller that refreshes.
    let until = after(context.ring.wait.filter(|_| context.waits()));
    let mut refresh = Box::pin(refresh_async::<R, S, F>(context, key.clone(), body, claim));
    let refreshed = match within(&mut refresh, until).await {
        Some(refreshed) => refreshed,
        None => match look_again_async::<R::Value, S>(context, &key).await.0 {
            Some(found) => {
                drop(refresh);
                context.claim_refresh(&key).into_iter().for_each(Claim::fail);
                return context.found_again::<R>(found);
            }
            None => refresh.await,
        },
    };
    match refreshed {
        Refreshed::Value(value) => context.refreshed::<R>(value),
        Refreshed::UnderWay => context.found_stale::<R>(value),
        Refreshed::Failed(out) => match look_again_async::<R::Value, S>(context, &key).await.0 {
            Some(found) => context.found_again::<R>(found),
            None => context.without_fallback::<R>(out),
        },
    }
}

/// [`wait_for_refresh`], awaited.
async fn wait_for_refresh_async<V, S: View<V>>(context: &CallContext<V, S>, key: &EncodedKey) -> bool {
    if !context.waits() {
        return false;
    }
    let until = after(context.ring.wait);
    while let Some((ended, until)) = context.refresh_to_wait_for(key, until) {
        if !event(ended, until).await {
            break;
        }
    }
    true
}

/// [`look_again`], awaited.
async fn look_again_async<V, S>(
    context: &CallContext<V, S>,
    key: &EncodedKey,
) -> (Option<freshness::Lookup<V>>, Lookup)
where
    S: View<V, Storage: AsyncStorage<S::Held>>,
{
    let lookup = context.begin_lookup(key);
    let read = context.storage().read_expiring(key, lookup.until).await;
    let (found, lookup) = context.finish_expiring_lookup(key, read, lookup);
    (Some(found).filter(|found| !found.is_absent()), lookup)
}

async fn refresh_async<R, S, F>(
    context: &CallContext<R::Value, S>,
    key: EncodedKey,
    body: F,
    claim: Claim,
) -> Refreshed<R>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Held>>,
    F: RefreshableFuture<Output = R::Out>,
{
    let context = context.update();
    let Some(leader) = context.lead_refresh(key, &claim) else {
        return Refreshed::UnderWay;
    };
    // Another process may have refreshed it, and another call since the look-up.
    let until = after(context.deadline());
    let read = context.storage().read_expiring(leader.key(), until).await;
    if let Some(value) = context.fresh_again(leader.key(), read, claim.margin()) {
        leader.finish(|| FlightOutcome::Retry);
        return Refreshed::Value(value);
    }
    let failures = body.failures();
    match R::value(context.computing(&leader).around(body).await) {
        Ok(value) => Refreshed::Value(awaited::store(&context, leader, context.deadline(), value).await),
        Err(out) => context.refresh_failed::<R, _>(leader, claim, out, failures),
    }
}

/// The result of a read of an entry and its remaining life.
type Read<V, S> = StorageResult<V, S, Option<Expiring<<S as View<V>>::Held>>>;

impl<V, S: View<V>> CallContext<V, S> {
    /// The result of a call that returns a stale value.
    fn found_stale<R: Output<Value = V>>(&self, value: V) -> R::Out {
        self.counters().stale_hit();
        R::found(value)
    }

    /// The result of a call that refreshed the entry itself.
    fn refreshed<R: Output<Value = V>>(&self, value: V) -> R::Out {
        self.counters().miss();
        R::found(value)
    }

    /// The value of a look-up by the leader of a refresh, if it is fresh for longer than the margin.
    fn fresh_again(&self, key: &EncodedKey, read: Read<V, S>, margin: Duration) -> Option<V> {
        let refreshed_from = self.ring.stale.saturating_add(margin);
        let found = self.count_errors(read).flatten();
        let found = found.filter(|found| !found.is_stale(refreshed_from));
        self.classify(key, found).fresh()
    }

    fn refresh_failed<R, F>(
        &self,
        leader: Leader<'_, S::Held>,
        claim: Claim,
        out: R::Out,
        failures: Option<F>,
    ) -> Refreshed<R>
    where
        R: Output<Value = V>,
        F: FailureRules<R::Out>,
    {
        self.count_refused::<R>();
        self.remember(failures, leader.key(), &out);
        leader.finish(|| FlightOutcome::Failed);
        claim.fail();
        Refreshed::Failed(out)
    }

    /// Whether calls that find a stale value wait for the new one.
    fn waits(&self) -> bool {
        self.ring.wait.is_none_or(|wait| !wait.is_zero())
    }

    /// The end of the refresh of a key, if it is under way, and the instant until which it does.
    fn refresh_to_wait_for(
        &self,
        key: &EncodedKey,
        until: Option<Instant>,
    ) -> Option<(EventListener, Option<Instant>)> {
        let (ended, taken_over) = self.flights().refresh_under_way(key.hash_value())?;
        Some((ended, until.into_iter().chain(taken_over).min()))
    }

    /// The result of a call that looked again. A fresh value was counted.
    fn found_again<R: Output<Value = V>>(&self, found: freshness::Lookup<V>) -> R::Out {
        match found {
            freshness::Lookup::Fresh(value) => R::found(value),
            freshness::Lookup::Stale(value) => self.found_stale::<R>(value),
            freshness::Lookup::Absent => unreachable!("something was found"),
        }
    }

    /// The result of a call whose refresh failed, without an entry to fall back to.
    fn without_fallback<R: Output<Value = V>>(&self, out: R::Out) -> R::Out {
        self.counters().miss();
        out
    }
}
