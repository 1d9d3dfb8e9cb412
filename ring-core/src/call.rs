//! One call of a cached method, and its verbs.

mod async_call;
mod async_calls;
mod awaited;
mod blocking;
mod bulk;
mod cached_call;
mod calls;
mod computing;
mod context;
pub(crate) mod dependents;
mod fetch;
mod forgetting;
mod job;
mod lease;
mod refresh;
mod within;

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

pub use async_call::AsyncCall;
pub use async_calls::{AsyncCalls, AtMost, DEFAULT_CONCURRENCY};
pub use cached_call::{CachedAsyncCall, CachedCall};
pub use calls::Calls;
pub use context::Outcome;
pub use forgetting::Forgetting;

use context::{CallContext, Lookup, StorageResult};
use dependents::{both, forget};

use crate::action::{Action, ActionResult};
use crate::background::Order;
use crate::body::{Bind, Body, Borne, InBackground, KeepingStale, WithFailures, WithTimeout};
use crate::coder::{Coder, EntryKey};
use crate::error::Error;
use crate::errors::ErrorRules;
use crate::freshness;
use crate::key::{CallKey, EncodedKey, Key, KeyShape, RingKey};
use crate::mode::Blocking;
use crate::output::{FallibleOutput, Output};
use crate::ring::Ring;
use crate::storage::blocking::{is_fresh, read_fresh};
use crate::storage::{Detach, Expires, HasCoder, Leases, Storage, StorageBase, Tagged, TellsLife, View};
use crate::tag::Tag;

/// One call of a cached method with its arguments bound, returned by `{method}_ring(..)`.
///
/// Verbs that run the body consume the call. They block the thread. The verbs of an `async fn`'s call, an
/// [`AsyncCall`], are awaited.
///
/// | verb | looks up | computes | stores | returns |
/// |---|---|---|---|---|
/// | [`get`](Self::get) | yes | | | the cached value, if any |
/// | [`get_or_update`](Self::get_or_update) | yes | if absent | the computed value | the result of the body |
/// | [`update`](Self::update) | | always | yes | the result of the body |
/// | [`execute`](Self::execute) | | always | | the result of the body |
/// | [`set`](Self::set) | | | the given value | |
/// | [`delete`](Self::delete) | | | | whether there was an entry |
/// | [`has`](Self::has) | yes | | | whether there is an entry |
/// | [`touch`](Self::touch) | yes | | | whether there is an entry |
pub type Call<R, S, B> = BoundCall<R, S, B, Blocking>;

/// One call of a cached method with its arguments bound: [`Call`] or [`AsyncCall`].
///
/// `R` is the return type of the method ([`Plain`](crate::Plain) or [`Fallible`](crate::Fallible)), `S` the storage as the
/// ring reaches it, `B` the method's body with its arguments, `M` the mode of the verbs.
#[must_use = "a call does nothing until a verb follows, such as `.get()` or `.delete()`"]
pub struct BoundCall<R: Output, S, B, M> {
    context: CallContext<R::Value, S>,
    body: B,
    mode: PhantomData<fn() -> M>,
}

impl<R: Output, S, B: Bind, M> BoundCall<R, S, B, M> {
    #[inline]
    pub(crate) fn new(ring: &'static Ring, view: S, body: B) -> Self {
        BoundCall {
            context: CallContext {
                ring,
                view,
                shape: KeyShape::of::<B::Parts>(),
                expiry: None,
                expire_of: None,
                jitters: false,
                unless: None,
                erase: None,
                is_update: false,
            },
            body,
            mode: PhantomData,
        }
    }

    /// The same for a body that sees the value that it replaces.
    #[inline]
    pub(crate) fn showing_old(mut self) -> Self
    where
        R::Value: Send + 'static,
    {
        self.context.erase = Some(|old| Box::new(old));
        self
    }

    /// The call of a method of a trait that `T` implements.
    #[doc(hidden)]
    #[inline]
    pub fn borne_by<T: ?Sized>(self) -> BoundCall<R, S, Borne<B, T>, M> {
        let Self { context, body, mode } = self;
        BoundCall {
            context,
            body: Borne::new(body),
            mode,
        }
    }

    #[inline]
    fn call_key(&self) -> CallKey<'_, B::Parts> {
        CallKey::new(self.context.ring.name(), self.body.parts())
    }

    fn encoded_key(&self) -> EncodedKey {
        EncodedKey::of(&self.call_key())
    }
}

impl<R: Output, S, B: Bind, M> BoundCall<R, S, B, M> {
    /// The call of a ring with tags. Generated for `#[ring(tags(..))]` and `depends`.
    #[doc(hidden)]
    #[inline]
    pub fn tagged<const N: usize>(self, tags: [Tag; N]) -> BoundCall<R, Tagged<S, N>, B, M> {
        let Self { context, body, mode } = self;
        BoundCall {
            context: context.tagged(tags),
            body,
            mode,
        }
    }

    /// The tags of an entry that depends on this call. Generated for `#[ring(depends(..))]`.
    #[doc(hidden)]
    pub fn dependence(&self) -> [Tag; 2] {
        let ring = self.context.ring;
        ring.expect_dependents();
        [Tag::of(&self.call_key()), Tag::of_all(ring.name())]
    }
}

impl<R: Output, S, B, M> BoundCall<R, S, B, M> {
    /// Sets the expiry of the value that this call stores, rounded up to the resolution of the storage. Zero stores
    /// nothing.
    ///
    /// ```
    /// # use ring_cache_core as ring_cache;
    /// # use std::time::Duration;
    /// # use ring_cache::{Call, Plain, body::Body, storage::{Expires, Storage, View}};
    /// fn refresh_for_a_minute<S>(call: Call<Plain<u32>, S, impl Body<Out = u32>>) -> u32
    /// where
    ///     S: View<u32, Stored = u32, Storage: Storage<u32> + Expires>,
    /// {
    ///     call.expire_in(Duration::from_secs(60)).update()
    /// }
    /// ```
    #[inline]
    pub fn expire_in(mut self, expiry: Duration) -> Self
    where
        S: View<R::Value, Storage: Expires>,
    {
        self.context.expiry = Some(expiry);
        self.context.expire_of = None;
        self.context.jitters = false;
        self
    }

    /// Lets a value decide its expiry, before the ring's. Generated for `#[ring(expire_of = ..)]` and `none`.
    #[doc(hidden)]
    #[inline]
    pub fn expire_of(mut self, expire_of: fn(&R::Value) -> Option<Duration>) -> Self
    where
        S: View<R::Value, Storage: Expires>,
    {
        self.context.expire_of = Some(expire_of);
        self
    }

    /// Shortens expiries by the ring's jitter. Generated for `#[ring(jitter = ..)]`.
    #[doc(hidden)]
    #[inline]
    pub fn jittered(mut self) -> Self {
        self.context.jitters = true;
        self
    }

    /// The call of a ring that keeps stale entries. Generated for `#[ring(stale = ..)]`.
    #[doc(hidden)]
    #[inline]
    pub fn keeping_stale(self) -> BoundCall<R, S, KeepingStale<B>, M>
    where
        S: View<R::Value, Storage: TellsLife>,
    {
        self.of_stale_entry()
    }

    /// The call of a ring whose computations have leases. Generated for `#[ring(lease = ..)]`.
    #[doc(hidden)]
    #[inline]
    pub fn leased(self) -> Self
    where
        S: View<R::Value, Storage: Leases>,
    {
        self
    }

    /// Does not store computed values for which `unless` is true. Generated for `#[ring(unless = ..)]`.
    #[inline]
    pub fn unless(mut self, unless: fn(&R::Value) -> bool) -> Self {
        self.context.unless = Some(unless);
        self
    }

    /// [`keeping_stale`](Self::keeping_stale) without its bound on the storage. Generated for entries: the calls of the
    /// ring have the bound.
    #[doc(hidden)]
    #[inline]
    pub fn of_stale_entry(self) -> BoundCall<R, S, KeepingStale<B>, M>
    where
        S: View<R::Value>,
    {
        let Self {
            mut context,
            body,
            mode,
        } = self;
        context.view = context.view.keeping_stale(context.ring.stale);
        BoundCall {
            context,
            body: KeepingStale(body),
            mode,
        }
    }

    /// The call of a ring whose work is done in the background, by the job that `job` makes of copies of the values.
    #[doc(hidden)]
    #[inline]
    pub fn in_background<J, F>(self, job: F) -> BoundCall<R, S, InBackground<B, F>, M>
    where
        B: Bind,
        F: Fn(&B::Parts, Order<R::Out>) -> J,
    {
        let Self { context, body, mode } = self;
        BoundCall {
            context,
            body: InBackground::new(body, job),
            mode,
        }
    }

    /// The call of a ring with `timeout`.
    #[doc(hidden)]
    #[inline]
    pub fn with_timeout(self) -> BoundCall<R, S, WithTimeout<B>, M> {
        let Self { context, body, mode } = self;
        BoundCall {
            context,
            body: WithTimeout(body),
            mode,
        }
    }

    /// The call of a ring whose errors other calls get. Generated for `#[ring(errors(..))]` and `share_errors`.
    #[doc(hidden)]
    #[inline]
    pub fn with_errors(
        self,
        rules: ErrorRules<R::Error>,
    ) -> BoundCall<R, S, WithFailures<B, ErrorRules<R::Error>>, M>
    where
        R: FallibleOutput,
    {
        let Self { context, body, mode } = self;
        BoundCall {
            context,
            body: WithFailures::new(body, rules),
            mode,
        }
    }

    /// The name of the ring.
    pub fn name(&self) -> &'static crate::Name {
        self.context.ring.name()
    }

    /// The expiry of values that this call stores.
    pub fn expiry(&self) -> Option<Duration> {
        self.context.expiry
    }
}

impl<R, S, B, M> BoundCall<R, S, B, M>
where
    R: Output,
    S: View<R::Value>,
    B: Bind,
{
    /// The key of this call as it is in the storage, namespace included.
    pub fn key(&self) -> Key {
        Key::in_namespace(self.storage().namespace(), &self.call_key())
    }

    /// The text under which the storage keeps the value: [`key`](Self::key), unless the storage limits its keys, as
    /// Memcached does (250 bytes).
    pub fn stored_key(&self) -> String {
        self.storage().stored_key(&self.call_key())
    }

    /// The storage behind the method.
    #[inline]
    pub fn storage(&self) -> &S::Storage {
        self.context.storage()
    }

    /// The key of this call, to delete its entry later: after a transaction, for example. It borrows nothing.
    ///
    /// ```
    /// # use ring_cache_core as ring_cache;
    /// # use ring_cache::{Call, Plain, body::Body, storage::{Detach, Storage, View}};
    /// # fn commit() {}
    /// fn change<S>(call: Call<Plain<u32>, S, impl Body<Out = u32>>)
    /// where
    ///     S: Detach<u32, Stored = u32, Detached: Storage<u32>>,
    /// {
    ///     let forgetting = call.forgetting();
    ///     drop(call);
    ///     commit();
    ///     forgetting.delete();
    /// }
    /// ```
    pub fn forgetting(&self) -> Forgetting<S::Stored, S::Detached, M>
    where
        S: Detach<R::Value>,
    {
        Forgetting::new(
            self.context.ring,
            self.context.shape,
            self.context.view.detach(),
            self.encoded_key(),
        )
    }
}

impl<R, S, B> Call<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Bind,
{
    /// The cached value, fresh or stale, or neither. Never computes.
    pub fn lookup(&self) -> Outcome<R, S, freshness::Lookup<R::Value>> {
        self.context.outcome(self.try_lookup())
    }

    /// Ends the life of the value before its expiry: a ring with `stale` keeps it as a stale one, and other rings
    /// remove it. Computations under way are not stored. Returns whether there was a value that had not expired.
    pub fn expire(&self) -> Outcome<R, S, bool> {
        self.context.outcome(self.try_expire())
    }

    /// The cached value, or `None`. Never computes.
    pub fn get(&self) -> Outcome<R, S, Option<R::Value>> {
        self.context.outcome(self.try_get())
    }

    /// Stores `value` without computing. It replaces any entry, and computations under way are not stored.
    pub fn set(&self, value: R::Value) -> Outcome<R, S, ()> {
        let set = blocking::set(&self.context, self.encoded_key(), value);
        self.context.outcome(set)
    }

    /// Removes the value, also one being computed. Returns whether there was an entry.
    pub fn delete(&self) -> Outcome<R, S, bool> {
        self.context.outcome(self.try_delete())
    }

    /// Whether a value is cached. Not a use for the eviction policy.
    pub fn has(&self) -> Outcome<R, S, bool> {
        self.context.outcome(self.try_has())
    }

    /// Restarts the expiry of the value. Returns whether there was an entry. Without an expiry it equals
    /// [`has`](Self::has).
    pub fn touch(&self) -> Outcome<R, S, bool> {
        self.context.outcome(self.try_touch())
    }

    fn try_get(&self) -> StorageResult<R::Value, S, Option<R::Value>> {
        if !self.context.admit()? {
            return Ok(None);
        }
        let key = self.call_key();
        let in_doubt = self.context.is_in_doubt(&key);
        let held = read_fresh(self.storage(), &key, self.context.ring.stale, None)?;
        Ok(self.context.decode_counted(&key, held.filter(|_| !in_doubt)))
    }

    fn try_lookup(&self) -> StorageResult<R::Value, S, freshness::Lookup<R::Value>> {
        if !self.context.admit()? {
            return Ok(freshness::Lookup::Absent);
        }
        let key = self.call_key();
        let in_doubt = self.context.is_in_doubt(&key);
        let found = self.storage().read_expiring(&key, None)?;
        Ok(self.context.classify_counted(&key, found.filter(|_| !in_doubt)))
    }

    fn try_expire(&self) -> StorageResult<R::Value, S, bool> {
        if self.context.ring.stale.is_zero() {
            return self.try_delete();
        }
        if !self.context.admit()? {
            return Ok(false);
        }
        let key = self.call_key();
        let invalidation = self.context.invalidate(&key).block();
        let expired = invalidation.end(self.make_stale(&key));
        both(expired, forget(self.storage(), &self.context.dependents([&key])))
    }

    /// Restarts the life of a fresh entry as a stale one. Returns whether there was one.
    fn make_stale<K: RingKey>(&self, key: &K) -> StorageResult<R::Value, S, bool> {
        let stale = self.context.ring.stale;
        let there = is_fresh(self.storage(), key, stale)?;
        Ok(there && self.storage().renew(key, self.context.ring.stale_life(), None)?)
    }

    fn is_fresh<K: RingKey>(&self, key: &K) -> StorageResult<R::Value, S, bool> {
        is_fresh(self.storage(), key, self.context.ring.stale)
    }

    fn try_delete(&self) -> StorageResult<R::Value, S, bool> {
        blocking::delete(&self.context, &self.call_key())
    }

    fn try_has(&self) -> StorageResult<R::Value, S, bool> {
        if !self.context.admit()? {
            return Ok(false);
        }
        let key = self.call_key();
        let in_doubt = self.context.is_in_doubt(&key);
        Ok(self.is_fresh(&key)? && !in_doubt)
    }

    fn try_touch(&self) -> StorageResult<R::Value, S, bool> {
        let Some(life) = self.context.renewed_life() else {
            return self.try_has();
        };
        if !self.context.admit()? {
            return Ok(false);
        }
        let key = self.call_key();
        let in_doubt = self.context.is_in_doubt(&key);
        if !self.context.ring.stale.is_zero() && !self.is_fresh(&key)? {
            return Ok(false);
        }
        Ok(self.storage().renew(&key, life, None)? && !in_doubt)
    }
}

impl<R, S, B> Call<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    /// Returns the cached value, or computes and stores it. The plain call does the same.
    ///
    /// Of concurrent calls with one key, one computes and the others take its value. An error of a fallible body is
    /// returned and not stored. A failure of the storage costs a computation and never changes the answer.
    #[inline]
    pub fn get_or_update(self) -> R::Out {
        // Destructured here and rebuilt for a miss, so that a hit keeps the parts in registers.
        let Self { context, body, mode } = self;
        let key = || CallKey::new(context.ring.name(), body.parts());
        match context.hit(key, B::KEEPS_STALE) {
            Some(value) => R::found(value),
            None => {
                // Field by field: a copy of the whole would be laid out before the look-up.
                let context = CallContext {
                    is_update: false,
                    ..context
                };
                let call = Self { context, body, mode };
                if B::KEEPS_STALE {
                    call.look_up_expiring()
                } else {
                    call.look_up()
                }
            }
        }
    }

    /// Computes and stores, also if there is an entry. A value that `unless` refuses removes the entry; an error of a
    /// fallible body leaves it.
    pub fn update(self) -> R::Out {
        let (key, context) = (self.encoded_key(), self.context.update());
        let dependents = context.dependents([&key]);
        blocking::see_version(&context, &key);
        let begun = blocking::begin_update(&context, key);
        let out = blocking::complete::<R, S, B>(&context, begun, self.body, Lookup::default());
        context.count_errors(forget(context.storage(), &dependents));
        out
    }

    /// Computes without the cache.
    pub fn execute(self) -> R::Out {
        self.body.run()
    }

    /// Runs the verb that `action` names.
    pub fn run(self, action: Action) -> Outcome<R, S, ActionResult<R::Value, R::Out>> {
        let context = self.context.clone();
        context.outcome(match action {
            Action::Get => self.try_get().map(ActionResult::Cached),
            Action::Delete => self.try_delete().map(ActionResult::Existed),
            Action::Has => self.try_has().map(ActionResult::Existed),
            Action::Touch => self.try_touch().map(ActionResult::Existed),
            Action::Key => Ok(ActionResult::Key(self.key())),
            Action::Update => Ok(ActionResult::Returned(self.update())),
            Action::Execute => Ok(ActionResult::Returned(self.execute())),
            Action::GetOrUpdate => Ok(ActionResult::Returned(self.get_or_update())),
        })
    }

    /// The slow path: a hit that waits, or a miss. Cold, so that the registers of a hit are chosen for the hit.
    #[cold]
    #[inline(never)]
    fn look_up(self) -> R::Out {
        let (context, key) = (&self.context, self.call_key());
        let flights = context.flights();
        let lookup = context.begin_lookup(flights, &key);
        let read = context.storage().read(&key, lookup.until);
        match context.finish_lookup(flights, &key, read, lookup) {
            Ok(value) => R::found(value),
            Err(lookup) => {
                let key = EncodedKey::of(&key);
                Self::miss(context, self.body, key, lookup)
            }
        }
    }

    #[inline]
    fn miss(context: &CallContext<R::Value, S>, body: B, key: EncodedKey, lookup: Lookup) -> R::Out {
        if B::HAS_TIMEOUT {
            return within::miss::<R, S, B>(context, key, body, lookup);
        }
        blocking::miss::<R, S, B>(context, key, body, lookup)
    }
}

impl<R, S, B, M> BoundCall<R, S, B, M>
where
    R: Output,
    S: View<R::Value> + HasCoder<Coder: Coder<R::Value>>,
    B: Bind,
{
    /// Encodes a value for the storage, as the value of this call's entry.
    ///
    /// # Errors
    ///
    /// If the coder fails.
    pub fn encode(&self, value: &R::Value) -> Result<Vec<u8>, Error> {
        let text = || self.stored_key();
        let encoded = S::Coder::encode_entry(value, EntryKey::new(&text)).map_err(Error::encode);
        encoded.map_err(|error| error.of_ring(self.name().as_str()))
    }

    /// Decodes bytes of the storage, as the content of this call's entry.
    ///
    /// # Errors
    ///
    /// If the coder fails.
    pub fn decode(&self, bytes: &[u8]) -> Result<R::Value, Error> {
        let text = || self.stored_key();
        let decoded = S::Coder::decode_entry(bytes, EntryKey::new(&text)).map_err(Error::decode);
        decoded.map_err(|error| error.of_ring(self.name().as_str()))
    }
}

impl<R: Output, S, B, M> fmt::Debug for BoundCall<R, S, B, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("name", self.name())
            .field("expiry", &self.expiry())
            .finish_non_exhaustive()
    }
}
