//! Plain calls of rings that keep stale entries: a stale value is returned, and computed anew by one call.
//!
//! The right to refresh is a [`Claim`], of one call at a time. Its computation is a flight: calls that find no entry at
//! all join it, and calls that wait for the new value watch it. It replaces the entry, so a value that `unless` refuses
//! removes the old one. If it fails, the entry is read again, since a `delete` or a `set` meanwhile ends the fallback.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::context::{CallContext, Lookup, StorageResult};
use super::fetch::Fetched;
use super::lease::TakeLease;
use super::within::{HandedOver, fetch_awaited, miss};
use super::{Call, awaited, blocking};
use crate::background::{self, Admitted, AsyncJob, BlockingJob, Order};
use crate::body::{Body, BodyFuture};
use crate::entry::Old;
use crate::errors::FailureRules;
use crate::flights::{Claim, Leader, Waiter};
use crate::freshness;
use crate::key::EncodedKey;
use crate::output::Output;
use crate::stats::cells::Counter;
use crate::storage::awaited::run as run_awaited;
use crate::storage::blocking::run;
use crate::storage::{AsyncStorage, Expiring, Storage, View, YieldsTo};
use crate::sync::EventListener;
use crate::wait::{after, block, event, within};

/// The result of a refresh.
enum Refreshed<R: Output> {
    /// The entry is fresh again, or the value is not to be stored.
    Value(R::Value),
    /// Another call or process computes it.
    UnderWay,
    /// The body returned no value to cache.
    Failed(R::Out),
}

impl<R, S, B> Call<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    /// The slow path of a plain call.
    #[cold]
    #[inline(never)]
    pub(super) fn look_up_expiring(self) -> R::Out {
        let (context, key) = (&self.context, self.call_key());
        let lookup = context.begin_expiring_lookup(&key);
        let read = context.storage().read_expiring(&key, lookup.until);
        let (found, lookup) = context.finish_expiring_lookup(&key, read, lookup);
        let key = EncodedKey::of(&key);
        match found {
            freshness::Lookup::Fresh(value) if lookup.is_early => {
                found_early::<R, S, B>(&self.context, key, self.body, value)
            }
            freshness::Lookup::Fresh(value) => R::found(value),
            freshness::Lookup::Stale(value) => {
                found_stale::<R, S, B>(&self.context, key, self.body, value, lookup)
            }
            freshness::Lookup::Absent => Self::miss(context, self.body, key, lookup),
        }
    }
}

/// The job that refreshes an entry, or the claim if the caller does it.
fn job<B: Body>(body: &B, claim: Claim) -> Result<Admitted<BlockingJob>, Claim> {
    body.job(Order::Refresh(claim)).map_err(claim_of)
}

/// [`job`], awaited.
fn async_job<F: BodyFuture>(body: &F, claim: Claim) -> Result<Admitted<AsyncJob>, Claim> {
    body.job(Order::Refresh(claim)).map_err(claim_of)
}

fn claim_of<O>(order: Order<O>) -> Claim {
    match order {
        Order::Refresh(claim) => claim,
        Order::Compute(_) => unreachable!("an order comes back as it was"),
    }
}

/// Refreshes the entry in the background.
pub(super) fn refresh_in_background<R, S, B>(
    context: &CallContext<R::Value, S>,
    key: EncodedKey,
    body: B,
    claim: Claim,
) where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    drop(refresh::<R, S, B>(context, key, body, claim));
}

/// The result of a call that found a stale value.
pub(super) fn found_stale<R, S, B>(
    context: &CallContext<R::Value, S>,
    key: EncodedKey,
    body: B,
    value: R::Value,
    lookup: Lookup,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    match context.claim_refresh(&key).map(|claim| job(&body, claim)) {
        None => {}
        Some(Ok(job)) => background::spawn(job),
        Some(Err(claim)) => match refresh::<R, S, B>(context, key.clone(), body, claim) {
            Refreshed::Value(value) => return R::found(context.refreshed(value)),
            Refreshed::UnderWay => return R::found(context.found_stale(value)),
            Refreshed::Failed(out) => {
                return match look_again::<R::Value, S>(context, &key) {
                    (Some(found), _) => R::found(context.found_meanwhile(found)),
                    (None, again) if context.holds(&key, lookup, again) => {
                        R::found(context.found_stale(value))
                    }
                    (None, _) => context.without_fallback::<R>(out),
                };
            }
        },
    }
    if !context.waits(&key) {
        return R::found(context.found_stale(value));
    }
    if let Some(value) = wait_for_refresh(context, &key, lookup) {
        return R::found(value);
    }
    match look_again::<R::Value, S>(context, &key) {
        (Some(found), _) => R::found(context.found_meanwhile(found)),
        (None, again) if context.holds(&key, lookup, again) => R::found(context.found_stale(value)),
        (None, lookup) => miss::<R, S, B>(context, key, body, lookup),
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
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    let claim = context
        .claim_refresh(&key)
        .map(|claim| claim.early(context.margin()));
    match claim.map(|claim| job(&body, claim)) {
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

/// The value of the refresh of a key that is under way, if it comes in the ring's `wait`.
fn wait_for_refresh<V, S: View<V>>(
    context: &CallContext<V, S>,
    key: &EncodedKey,
    lookup: Lookup,
) -> Option<V> {
    let mut wait = RefreshWait::begin(context, key, lookup);
    loop {
        let (changed, until) = match wait.next() {
            Waited::Until(changed, until) => (changed, until),
            Waited::Ended(value) => return value,
        };
        if !block(changed, until) {
            return None;
        }
    }
}

/// The entry after a refresh, if it is still there, and the state of the look-up.
fn look_again<V, S>(context: &CallContext<V, S>, key: &EncodedKey) -> (Option<freshness::Lookup<V>>, Lookup)
where
    S: View<V, Storage: Storage<S::Stored>>,
{
    let lookup = context.begin_expiring_lookup(key);
    let read = context.storage().read_expiring(key, lookup.until);
    let (found, lookup) = context.finish_expiring_lookup(key, read, lookup);
    (Some(found).filter(|found| !found.is_absent()), lookup)
}

fn refresh<R, S, B>(
    context: &CallContext<R::Value, S>,
    key: EncodedKey,
    mut body: B,
    claim: Claim,
) -> Refreshed<R>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    let context = context.clone().update();
    let Some(leader) = context.lead_refresh(key, &claim) else {
        return Refreshed::UnderWay;
    };
    // Another process may have refreshed it, and another call since the look-up.
    let until = after(context.deadline());
    let read = context.storage().read_expiring(leader.key(), until);
    let old = match context.fresh_again(leader.key(), read, claim.margin()) {
        Ok(value) => {
            leader.retry();
            return Refreshed::Value(value);
        }
        Err(old) => old,
    };
    if context.lacks_version(leader.key()) {
        blocking::see_version(&context, leader.key());
    }
    let mut leader = match context.take_refresh(leader, &claim) {
        Ok(mut take) => {
            let ran = run(context.storage(), &mut take);
            match context.count_lease(ran).refresh() {
                Ok(leader) => leader,
                Err(Some(value)) => return Refreshed::Value(value),
                Err(None) => return Refreshed::UnderWay,
            }
        }
        Err(leader) => leader,
    };
    leader.heed(body.show(context.erased(old)));
    let failures = body.failures();
    let out = context.computing(&leader).of_refresh(true).run(body);
    match R::value(out) {
        Ok(value) => Refreshed::Value(blocking::store(&context, leader, context.deadline(), value)),
        Err(out) => {
            context.end_failed::<R, _>(leader, &out, Some(failures));
            claim.fail();
            Refreshed::Failed(out)
        }
    }
}

/// Refreshes an entry in the background.
pub(super) async fn refresh_awaited<R, S, F>(
    context: CallContext<R::Value, S>,
    key: EncodedKey,
    mut body: F,
    claim: Claim,
) where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    F: BodyFuture<Output = R::Out>,
{
    let context = context.update();
    let RefreshLead::Led(mut leader, old) = lead_refresh_async(&context, key, &claim).await else {
        return;
    };
    leader.heed(body.show(old));
    let failures = body.failures();
    match R::value(context.computing(&leader).of_refresh(true).around(body).await) {
        Ok(value) => drop(awaited::store(&context, leader, context.deadline(), value).await),
        Err(out) => {
            context.end_failed::<R, _>(leader, &out, failures);
            claim.fail();
        }
    }
}

/// A future of calls that [may return stale values or leave the body](BodyFuture::IS_EXTENDED).
///
/// A function of its own polls it, so that its `poll` is not compiled for other calls: of an `async` block, all that it may
/// await is compiled, whatever constants say.
pub(super) struct Extended<B, F> {
    future: Pin<Box<F>>,
    body: PhantomData<fn() -> B>,
}

impl<B, F> Extended<B, F> {
    pub(super) fn new(future: F) -> Self {
        Extended {
            future: Box::pin(future),
            body: PhantomData,
        }
    }
}

impl<B: BodyFuture, F: Future> Future for Extended<B, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if B::IS_EXTENDED {
            self.future.as_mut().poll(context)
        } else {
            unreachable!("only extended calls make it")
        }
    }
}

/// How an awaited call goes on after its look-up.
enum Way<'c, V, T> {
    /// It returns this value.
    Return(V),
    /// It computes for all, with the rest of the storage's deadline, and perhaps refreshes the entry.
    Lead(Leader<'c, T>, Option<Duration>, Option<Refreshing<V>>),
    /// It computes without the cache.
    Bypass,
    /// Its wait for others timed out.
    Overdue,
}

/// The refresh of an entry by a call.
struct Refreshing<V> {
    claim: Claim,
    /// The entry, for a body that sees it.
    old: Option<Old>,
    /// The value that the call found.
    found: freshness::Lookup<V>,
}

/// The look-up of a plain call.
pub(super) async fn look<V, S>(
    context: &CallContext<V, S>,
    key: &EncodedKey,
) -> (freshness::Lookup<V>, Lookup)
where
    S: View<V, Storage: AsyncStorage<S::Stored>>,
{
    let lookup = context.begin_expiring_lookup(key);
    let read = context.storage().read_expiring(key, lookup.until).await;
    context.finish_expiring_lookup(key, read, lookup)
}

/// The result of a plain call after its look-up.
///
/// Only one future contains the body: the futures of methods that call each other are nested, and the compiler limits
/// the depth. Nothing borrows the arguments across an `.await`.
pub(super) async fn go_on<R, S, F>(
    context: CallContext<R::Value, S>,
    key: EncodedKey,
    mut body: F,
    (found, lookup): (freshness::Lookup<R::Value>, Lookup),
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    F: BodyFuture<Output = R::Out>,
{
    let claim = match context
        .claim(&key, &found, lookup)
        .map(|claim| async_job(&body, claim))
    {
        None => None,
        Some(Ok(job)) => {
            background::spawn_task(job).await;
            None
        }
        Some(Err(claim)) => Some(claim),
    };
    let context = if claim.is_some() {
        context.update()
    } else {
        context
    };
    let limit = context.limit();
    let (way, lookup) = Box::pin(choose_way(&context, &key, found, lookup, claim, limit)).await;
    let (mut leader, left, refresh) = match way {
        Way::Return(value) => return R::found(value),
        Way::Bypass => {
            return match within(&mut body, limit).await {
                Some(out) => out,
                None => context.overdue::<R, F>(body).await,
            };
        }
        Way::Overdue => return context.overdue::<R, F>(body).await,
        Way::Lead(leader, left, refresh) => (leader, left, refresh),
    };
    let (claim, old, mut found) = match refresh {
        Some(Refreshing { claim, old, found }) => (Some(claim), old, Some(found)),
        None => (None, None, None),
    };
    let failures = body.failures();
    if claim.is_none()
        && let Some(out) = context.remembered(failures, leader.key(), lookup)
    {
        leader.fail();
        return out;
    }
    if F::HAS_TIMEOUT && claim.is_none() {
        let (handed_over, order) = HandedOver::new(leader);
        match body.job(order) {
            Ok(job) => {
                background::spawn_task(job).await;
                return match Box::pin(handed_over.settle(limit)).await {
                    Some(out) => out,
                    None => context.overdue::<R, F>(body).await,
                };
            }
            Err(_) => leader = handed_over.take_back(),
        }
    }
    leader.heed(body.show(old));
    let computing = context.computing(&leader).of_refresh(claim.is_some());
    let mut running = computing.around(body);
    let out = match within(&mut running, context.patience(claim.as_ref(), lookup).or(limit)).await {
        Some(out) => out,
        None => match Box::pin(look_again_or(&context, &key, &mut found, lookup)).await {
            Some(value) => {
                claim.into_iter().for_each(Claim::fail);
                return R::found(value);
            }
            None => match within(&mut running, limit).await {
                Some(out) => out,
                None => return context.overdue::<R, F>(running).await,
            },
        },
    };
    let out = match R::value(out) {
        Ok(value) => {
            let is_refresh = claim.is_some_and(|claim| claim.margin().is_zero());
            let value = Box::pin(awaited::store(&context, leader, left, value)).await;
            return if is_refresh {
                R::found(context.refreshed(value))
            } else {
                R::found(value)
            };
        }
        Err(out) => out,
    };
    context.end_failed::<R, _>(leader, &out, failures);
    let Some(claim) = claim else { return out };
    claim.fail();
    match Box::pin(look_again_or(&context, &key, &mut found, lookup)).await {
        Some(value) => R::found(value),
        None => context.without_fallback::<R>(out),
    }
}

async fn choose_way<'c, V, S>(
    context: &'c CallContext<V, S>,
    key: &EncodedKey,
    found: freshness::Lookup<V>,
    lookup: Lookup,
    claim: Option<Claim>,
    limit: Option<Instant>,
) -> (Way<'c, V, S::Stored>, Lookup)
where
    S: View<V, Storage: AsyncStorage<S::Stored>>,
{
    if let Some(claim) = claim {
        let lead = lead_refresh_async(context, key.clone(), &claim).await;
        let way = match lead {
            RefreshLead::Led(leader, old) => {
                let refreshing = Refreshing { claim, old, found };
                Way::Lead(leader, context.deadline(), Some(refreshing))
            }
            RefreshLead::Value(value) if claim.margin().is_zero() => Way::Return(context.refreshed(value)),
            RefreshLead::Value(value) => Way::Return(value),
            RefreshLead::UnderWay => Way::Return(context.found_meanwhile(found)),
        };
        return (way, lookup);
    }
    let mut lookup = lookup;
    match found {
        freshness::Lookup::Fresh(value) => return (Way::Return(value), lookup),
        freshness::Lookup::Stale(value) if !context.waits(key) => {
            return (Way::Return(context.found_stale(value)), lookup);
        }
        freshness::Lookup::Stale(value) => {
            if let Some(value) = wait_for_refresh_async(context, key, lookup).await {
                return (Way::Return(value), lookup);
            }
            let (found, again) = look_again_async(context, key).await;
            if let Some(found) = found {
                return (Way::Return(context.found_meanwhile(found)), again);
            }
            if context.holds(key, lookup, again) {
                return (Way::Return(context.found_stale(value)), again);
            }
            lookup = again;
        }
        freshness::Lookup::Absent => {}
    }
    let way = match fetch_awaited(context, key.clone(), lookup, limit).await {
        Some(Fetched::Found(value)) => Way::Return(value),
        Some(Fetched::Bypass) => Way::Bypass,
        Some(Fetched::Lead(leader, left)) => Way::Lead(leader, left, None),
        None => Way::Overdue,
    };
    (way, lookup)
}

/// The lead of a refresh.
enum RefreshLead<'c, V, T> {
    /// The lead, with the value to replace, for a body that sees it.
    Led(Leader<'c, T>, Option<Old>),
    /// The entry is fresh again: another process may have refreshed it, and another call since the look-up.
    Value(V),
    /// Another call or process computes it.
    UnderWay,
}

async fn lead_refresh_async<'c, V, S>(
    context: &'c CallContext<V, S>,
    key: EncodedKey,
    claim: &Claim,
) -> RefreshLead<'c, V, S::Stored>
where
    S: View<V, Storage: AsyncStorage<S::Stored>>,
{
    let Some(leader) = context.lead_refresh(key, claim) else {
        return RefreshLead::UnderWay;
    };
    let until = after(context.deadline());
    let read = context.storage().read_expiring(leader.key(), until).await;
    let old = match context.fresh_again(leader.key(), read, claim.margin()) {
        Ok(value) => {
            leader.retry();
            return RefreshLead::Value(value);
        }
        Err(old) => context.erased(old),
    };
    if context.lacks_version(leader.key()) {
        Box::pin(awaited::see_version(context, leader.key())).await;
    }
    let leader = match context.take_refresh(leader, claim) {
        Ok(mut take) => {
            let ran = Box::pin(run_awaited(context.storage(), &mut take)).await;
            match context.count_lease(ran).refresh() {
                Ok(leader) => leader,
                Err(Some(value)) => return RefreshLead::Value(value),
                Err(None) => return RefreshLead::UnderWay,
            }
        }
        Err(leader) => leader,
    };
    RefreshLead::Led(leader, old)
}

/// [`wait_for_refresh`], awaited.
async fn wait_for_refresh_async<V, S: View<V>>(
    context: &CallContext<V, S>,
    key: &EncodedKey,
    lookup: Lookup,
) -> Option<V> {
    let mut wait = RefreshWait::begin(context, key, lookup);
    loop {
        let (changed, until) = match wait.next() {
            Waited::Until(changed, until) => (changed, until),
            Waited::Ended(value) => return value,
        };
        if !event(changed, until).await {
            return None;
        }
    }
}

/// The wait of a call for the refresh of a stale entry. It takes the value of the flight, so that it waits for no write and
/// needs none.
struct RefreshWait<'c, V, S: View<V>> {
    context: &'c CallContext<V, S>,
    key: &'c EncodedKey,
    until: Option<Instant>,
    watched: Option<Waiter<'c, S::Stored>>,
}

/// A step of a [`RefreshWait`].
enum Waited<V> {
    /// It waits for this event, until this instant.
    Until(EventListener, Option<Instant>),
    /// The refresh ended, perhaps with a value.
    Ended(Option<V>),
}

impl<'c, V, S: View<V>> RefreshWait<'c, V, S> {
    fn begin(context: &'c CallContext<V, S>, key: &'c EncodedKey, lookup: Lookup) -> Self {
        RefreshWait {
            context,
            key,
            until: context.waits_until(lookup),
            watched: None,
        }
    }

    fn next(&mut self) -> Waited<V> {
        // Listens before it looks, so that no change is missed in between.
        let under_way = self.context.flights().refresh_under_way(self.key.hash_value());
        if let Some(value) = self.outcome() {
            return Waited::Ended(value);
        }
        let Some((changed, taken_over)) = under_way else {
            return Waited::Ended(None);
        };
        // After a `delete`, or instead of a refresh that takes too long, there is another flight.
        self.watched = Some(self.context.typed_flights().watch(self.key.clone()));
        if let Some(value) = self.outcome() {
            return Waited::Ended(value);
        }
        Waited::Until(changed, self.until.into_iter().chain(taken_over).min())
    }

    /// If the flight has landed, the value, or `None` if there is none.
    fn outcome(&self) -> Option<Option<V>> {
        let held = self.watched.as_ref()?.watched()?;
        Some(held.and_then(|held| self.context.take(self.key, held)))
    }
}

/// [`look_again`], awaited.
async fn look_again_async<V, S>(
    context: &CallContext<V, S>,
    key: &EncodedKey,
) -> (Option<freshness::Lookup<V>>, Lookup)
where
    S: View<V, Storage: AsyncStorage<S::Stored>>,
{
    let lookup = context.begin_expiring_lookup(key);
    let read = context.storage().read_expiring(key, lookup.until).await;
    let (found, lookup) = context.finish_expiring_lookup(key, read, lookup);
    (Some(found).filter(|found| !found.is_absent()), lookup)
}

/// The value of an entry after a refresh, or else the value that the call found before, if it still holds.
async fn look_again_or<V, S>(
    context: &CallContext<V, S>,
    key: &EncodedKey,
    found: &mut Option<freshness::Lookup<V>>,
    lookup: Lookup,
) -> Option<V>
where
    S: View<V, Storage: AsyncStorage<S::Stored>>,
{
    let (again, state) = look_again_async(context, key).await;
    let found = again.or_else(|| found.take_if(|_| context.holds(key, lookup, state)));
    found.map(|found| context.found_meanwhile(found))
}

/// The result of a read of an entry and its remaining life.
type Read<V, S> = StorageResult<V, S, Option<Expiring<<S as View<V>>::Stored>>>;

impl<V, S: View<V>> CallContext<V, S> {
    /// Asks for the lease of an entry to refresh, if the ring has leases. The call has a value: it does not wait for another
    /// process.
    ///
    /// # Errors
    ///
    /// The leader, if the ring has none.
    fn take_refresh<'c>(
        &'c self,
        leader: Leader<'c, S::Stored>,
        claim: &Claim,
    ) -> Result<TakeLease<'c, V, S>, Leader<'c, S::Stored>> {
        let refreshed_from = self.ring.stale.saturating_add(claim.margin());
        let take = self.take_lease(leader, self.deadline(), YieldsTo::Entry(refreshed_from))?;
        Ok(take.at_once())
    }

    /// The right to refresh the entry that a look-up found, if it is stale or to be refreshed early.
    fn claim(&self, key: &EncodedKey, found: &freshness::Lookup<V>, lookup: Lookup) -> Option<Claim> {
        match found {
            freshness::Lookup::Stale(_) => self.claim_refresh(key),
            freshness::Lookup::Fresh(_) if lookup.is_early => {
                let claim = self.claim_refresh(key)?;
                Some(claim.early(self.margin()))
            }
            _ => None,
        }
    }

    /// The instant until which a caller refreshes a stale entry itself. Without `wait`, nothing limits its time.
    fn patience(&self, claim: Option<&Claim>, lookup: Lookup) -> Option<Instant> {
        let refreshes_stale = claim.is_some_and(|claim| claim.margin().is_zero());
        let waits = self.ring.wait.is_some_and(|wait| !wait.is_zero());
        self.waits_until(lookup).filter(|_| refreshes_stale && waits)
    }

    /// The instant until which a call waits for a refresh. The calls of a bulk call wait together no longer than one.
    fn waits_until(&self, lookup: Lookup) -> Option<Instant> {
        let since = lookup.bulk_waits_since.unwrap_or_else(Instant::now);
        since.checked_add(self.ring.wait?)
    }

    /// Whether the value of a look-up may be returned after a second look-up found none: the storage did not answer the
    /// second, the life of the entry has not ended, and nothing in this process has changed it.
    fn holds(&self, key: &EncodedKey, lookup: Lookup, again: Lookup) -> bool {
        let flights = self.flights();
        let is_unchanged =
            lookup.epoch == Some(flights.writes(key.hash_value())) && lookup.removals == flights.removals();
        let is_alive = lookup.dies.is_none_or(|dies| Instant::now() < dies);
        again.epoch.is_none() && is_unchanged && is_alive && !self.is_in_doubt(key)
    }

    /// Counts a stale value that is returned.
    fn found_stale(&self, value: V) -> V {
        self.count(Counter::StaleHit);
        value
    }

    /// Counts the miss of a call that refreshed the entry itself. Returns its value.
    fn refreshed(&self, value: V) -> V {
        self.count(Counter::Miss);
        value
    }

    /// The value that a look-up found, before or while another call computes. A fresh value was counted.
    fn found_meanwhile(&self, found: freshness::Lookup<V>) -> V {
        match found {
            freshness::Lookup::Stale(value) => self.found_stale(value),
            freshness::Lookup::Fresh(value) => value,
            freshness::Lookup::Absent => unreachable!("there is a claim only on what was found"),
        }
    }

    /// The value of a look-up by the leader of a refresh, if it is fresh for longer than the margin, or else the one that
    /// is to be replaced.
    fn fresh_again(&self, key: &EncodedKey, read: Read<V, S>, margin: Duration) -> Result<V, Option<V>> {
        let refreshed_from = self.ring.stale.saturating_add(margin);
        let found = self.count_errors(read).flatten();
        let is_old = found.as_ref().is_some_and(|found| found.is_stale(refreshed_from));
        if is_old && self.erase.is_none() {
            return Err(None);
        }
        let found = self.classify(key, found).value();
        if is_old { Err(found) } else { found.ok_or(None) }
    }

    /// Ends the lead of a computation that gave no value.
    fn end_failed<R, F>(&self, leader: Leader<'_, S::Stored>, out: &R::Out, failures: Option<F>)
    where
        R: Output<Value = V>,
        F: FailureRules<R::Out>,
    {
        self.count_refused::<R>();
        self.remember(failures, leader.key(), out);
        leader.fail();
    }

    /// The result of a call whose wait for the body timed out.
    async fn overdue<R, F>(&self, body: impl Future<Output = R::Out>) -> R::Out
    where
        R: Output<Value = V>,
        F: BodyFuture<Output = R::Out>,
    {
        match F::overdue(self.timed_out()) {
            Some(out) => out,
            None => body.await,
        }
    }

    /// Whether a call that finds a stale value waits for the new one. Inside of its computation it would wait for itself.
    fn waits(&self, key: &EncodedKey) -> bool {
        self.ring.wait.is_none_or(|wait| !wait.is_zero()) && !self.flights().is_computing(key)
    }

    /// Counts the miss of a call whose refresh failed, without an entry to fall back to. Returns its result.
    fn without_fallback<R: Output<Value = V>>(&self, out: R::Out) -> R::Out {
        self.count(Counter::Miss);
        out
    }
}
