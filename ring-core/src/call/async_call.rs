//! One call of a cached `async fn`.

use super::awaited::{self, LookedUp};
use super::context::{Outcome, StorageResult};
use super::dependents::{both, forget_awaited};
use super::fetch::Fetched;
use super::refresh::{Extended, go_on, look};
use super::{BoundCall, CallContext};
use crate::action::{Action, ActionResult};
use crate::body::{AsyncBody, Bind, BodyFuture, Boxed};
use crate::freshness;
use crate::key::EncodedKey;
use crate::mode::Awaited;
use crate::output::Output;
use crate::storage::awaited::read_fresh;
use crate::storage::{AsyncStorage, View};

/// One call of a cached `async fn` with its arguments bound, returned by `{method}_ring(..)`.
///
/// It is a [`Call`](super::Call) whose verbs return futures: `.get().await`. [`key`](BoundCall::key) and the other
/// parts of a call need no await.
///
/// The futures do nothing until polled, and may be dropped. A computation whose future is dropped passes to another
/// call that waits for its value, if there is one. A future that is kept but not polled, as in a branch of a
/// `select!`, delays the others until `flight_timeout`.
///
/// They are `Send` if the method's own future, its arguments and the cached value are.
pub type AsyncCall<R, S, B> = BoundCall<R, S, B, Awaited>;

type Tried<R, S, T> = StorageResult<<R as Output>::Value, S, T>;

impl<R, S, B> AsyncCall<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: Bind,
{
    /// The cached value, fresh or stale, or neither. Never computes.
    pub fn lookup(&self) -> impl Future<Output = Outcome<R, S, freshness::Lookup<R::Value>>> + use<R, S, B> {
        let (context, key) = (self.context.clone(), self.encoded_key());
        async move { context.outcome(try_lookup::<R, S>(&context, &key).await) }
    }

    /// Ends the life of the value before its expiry: a ring with `stale` keeps it as a stale one, and other rings
    /// remove it. Computations under way are not stored. Returns whether there was a value that had not expired.
    pub fn expire(&self) -> impl Future<Output = Outcome<R, S, bool>> + use<R, S, B> {
        let (context, key) = (self.context.clone(), self.encoded_key());
        async move { context.outcome(try_expire::<R, S>(&context, &key).await) }
    }

    /// The cached value, or `None`. Never computes.
    pub fn get(&self) -> impl Future<Output = Outcome<R, S, Option<R::Value>>> + use<R, S, B> {
        let (context, key) = (self.context.clone(), self.encoded_key());
        async move { context.outcome(try_get::<R, S>(&context, &key).await) }
    }

    /// Stores `value` without computing. It replaces any entry, and computations under way are not stored.
    pub fn set(&self, value: R::Value) -> impl Future<Output = Outcome<R, S, ()>> + use<R, S, B> {
        let (context, key) = (self.context.clone(), self.encoded_key());
        async move { context.outcome(awaited::set(&context, key, value).await) }
    }

    /// Removes the value, also one being computed. Returns whether there was an entry.
    pub fn delete(&self) -> impl Future<Output = Outcome<R, S, bool>> + use<R, S, B> {
        let (context, key) = (self.context.clone(), self.encoded_key());
        async move { context.outcome(awaited::delete(&context, &key).await) }
    }

    /// Whether a value is cached. Not a use for the eviction policy.
    pub fn has(&self) -> impl Future<Output = Outcome<R, S, bool>> + use<R, S, B> {
        let (context, key) = (self.context.clone(), self.encoded_key());
        async move { context.outcome(try_has::<R, S>(&context, &key).await) }
    }

    /// Restarts the expiry of the value. Returns whether there was an entry. Without an expiry it equals
    /// [`has`](Self::has).
    pub fn touch(&self) -> impl Future<Output = Outcome<R, S, bool>> + use<R, S, B> {
        let (context, key) = (self.context.clone(), self.encoded_key());
        async move { context.outcome(try_touch::<R, S>(&context, &key).await) }
    }
}

impl<R, S, B> AsyncCall<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: AsyncBody<Out = R::Out>,
{
    /// Returns the cached value, or computes and stores it. The plain call does the same.
    ///
    /// Of concurrent calls with one key, one computes and the others take its value. An error of a fallible body is
    /// returned and not stored. A failure of the storage costs a computation and never changes the answer.
    #[inline]
    pub fn get_or_update(self) -> impl Future<Output = R::Out> {
        self.fill(false)
    }

    /// Computes and stores, if there is no entry or the entry is to be replaced.
    ///
    /// One future with boxed parts: the future of a hit is small, and futures of methods that call each other do not
    /// grow.
    /// (An `async fn` stores its arguments twice, and moves them.)
    #[inline]
    #[allow(clippy::manual_async_fn)]
    fn fill(self, is_update: bool) -> impl Future<Output = R::Out> {
        async move {
            if !is_update && let Some(value) = self.context.hit(|| self.call_key(), B::KEEPS_STALE) {
                return R::found(value);
            }
            if Boxed::<B>::IS_EXTENDED && !is_update {
                let (context, key) = (self.context.clone(), self.encoded_key());
                let body = Boxed::new(self.body);
                let looked_up = Extended::<Boxed<B>, _>::new(look(&context, &key)).await;
                return Extended::<Boxed<B>, _>::new(go_on::<R, S, _>(context, key, body, looked_up)).await;
            }
            let looked_up = match (!is_update).then(|| self.look_up_at_once()) {
                Some(Ok(value)) => return R::found(value),
                Some(Err(looked_up)) => Some(looked_up),
                None => None,
            };
            let key = self.encoded_key();
            let context = CallContext {
                is_update,
                ..self.context
            };
            let mut body = Boxed::new(self.body);
            let (failures, begun) = (body.failures(), context.begin_errors());
            let dependents = if is_update {
                context.dependents([&key])
            } else {
                Vec::new()
            };
            let fetched = if is_update {
                if S::TAGGED {
                    Box::pin(awaited::see_version(&context, &key)).await;
                }
                Box::pin(awaited::begin_update(&context, key)).await
            } else {
                Box::pin(awaited::fetch(&context, key, looked_up)).await
            };
            let (mut leader, left) = match fetched {
                Fetched::Found(value) => return R::found(value),
                Fetched::Bypass => return body.await,
                Fetched::Lead(leader, left) => (leader, left),
            };
            if let Some(out) = context.remembered(failures, leader.key(), begun) {
                leader.fail();
                return out;
            }
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
            let value = Box::pin(awaited::store(&context, leader, left, value)).await;
            if !dependents.is_empty() {
                let ended = Box::pin(forget_awaited(context.storage(), &dependents)).await;
                context.count_errors(ended);
            }
            R::found(value)
        }
    }

    /// The value of a look-up that need not wait, or the state of the look-up. Nothing borrows the arguments across
    /// an await, so they need not be `Sync`.
    #[inline]
    fn look_up_at_once(&self) -> Result<R::Value, LookedUp> {
        let (key, flights) = (self.call_key(), self.context.flights());
        let lookup = self.context.begin_lookup(flights, &key);
        let Some(read) = self.storage().read_at_once(&key) else {
            return Err(LookedUp::Begun(lookup));
        };
        let found = self.context.finish_lookup(flights, &key, read, lookup);
        found.map_err(LookedUp::Done)
    }

    /// Computes and stores, also if there is an entry. A value that `unless` refuses removes the entry; an error of a
    /// fallible body leaves it.
    pub fn update(self) -> impl Future<Output = R::Out> {
        self.fill(true)
    }

    /// Computes without the cache.
    pub async fn execute(self) -> R::Out {
        Boxed::new(self.body).await
    }

    /// Runs the verb that `action` names.
    pub async fn run(self, action: Action) -> Outcome<R, S, ActionResult<R::Value, R::Out>> {
        let (context, key) = (self.context.clone(), self.encoded_key());
        context.outcome(match action {
            Action::Get => try_get::<R, S>(&context, &key).await.map(ActionResult::Cached),
            Action::Delete => awaited::delete(&context, &key).await.map(ActionResult::Existed),
            Action::Has => try_has::<R, S>(&context, &key).await.map(ActionResult::Existed),
            Action::Touch => try_touch::<R, S>(&context, &key).await.map(ActionResult::Existed),
            Action::Key => Ok(ActionResult::Key(self.key())),
            Action::Update => Ok(ActionResult::Returned(self.update().await)),
            Action::Execute => Ok(ActionResult::Returned(self.execute().await)),
            Action::GetOrUpdate => Ok(ActionResult::Returned(self.get_or_update().await)),
        })
    }
}

async fn try_get<R, S>(context: &CallContext<R::Value, S>, key: &EncodedKey) -> Tried<R, S, Option<R::Value>>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    if !context.admit()? {
        return Ok(None);
    }
    let in_doubt = context.is_in_doubt(key);
    let held = read_fresh(context.storage(), key, context.ring.stale, None).await?;
    Ok(context.decode_counted(key, held.filter(|_| !in_doubt)))
}

async fn try_lookup<R, S>(
    context: &CallContext<R::Value, S>,
    key: &EncodedKey,
) -> Tried<R, S, freshness::Lookup<R::Value>>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    if !context.admit()? {
        return Ok(freshness::Lookup::Absent);
    }
    let in_doubt = context.is_in_doubt(key);
    let found = context.storage().read_expiring(key, None).await?;
    Ok(context.classify_counted(key, found.filter(|_| !in_doubt)))
}

async fn try_expire<R, S>(context: &CallContext<R::Value, S>, key: &EncodedKey) -> Tried<R, S, bool>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    if context.ring.stale.is_zero() {
        return awaited::delete(context, key).await;
    }
    if !context.admit()? {
        return Ok(false);
    }
    let invalidation = context.invalidate(key).settle().await;
    let expired = invalidation.end(make_stale::<R, S>(context, key).await);
    let dependents = context.dependents([key]);
    both(expired, forget_awaited(context.storage(), &dependents).await)
}

/// Restarts the life of a fresh entry as a stale one. Returns whether there was one.
async fn make_stale<R, S>(context: &CallContext<R::Value, S>, key: &EncodedKey) -> Tried<R, S, bool>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    let (storage, stale) = (context.storage(), context.ring.stale);
    let there = Box::pin(storage.contains_fresh(key, stale, None)).await?;
    Ok(there && storage.renew(key, context.ring.stale_life(), None).await?)
}

async fn has_fresh<R, S>(context: &CallContext<R::Value, S>, key: &EncodedKey) -> Tried<R, S, bool>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    let (storage, stale) = (context.storage(), context.ring.stale);
    if stale.is_zero() {
        return storage.contains(key, None).await;
    }
    Box::pin(storage.contains_fresh(key, stale, None)).await
}

async fn try_has<R, S>(context: &CallContext<R::Value, S>, key: &EncodedKey) -> Tried<R, S, bool>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    if !context.admit()? {
        return Ok(false);
    }
    let in_doubt = context.is_in_doubt(key);
    Ok(has_fresh::<R, S>(context, key).await? && !in_doubt)
}

async fn try_touch<R, S>(context: &CallContext<R::Value, S>, key: &EncodedKey) -> Tried<R, S, bool>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
{
    let Some(life) = context.renewed_life() else {
        return try_has::<R, S>(context, key).await;
    };
    if !context.admit()? {
        return Ok(false);
    }
    let in_doubt = context.is_in_doubt(key);
    if !context.ring.stale.is_zero() && !has_fresh::<R, S>(context, key).await? {
        return Ok(false);
    }
    Ok(context.storage().renew(key, life, None).await? && !in_doubt)
}
