//! One call of a cached method, and everything that can be done with it.

use std::fmt;
use std::time::Duration;

use crate::action::{Action, Ran};
use crate::body::Body;
use crate::coder::Coder;
use crate::error::{Error, Failure};
use crate::filling::{Filling, Seen};
use crate::key::{CallKey, EncodedKey, Key, KeyParts};
use crate::returned::Returned;
use crate::ring::Ring;
use crate::storage::{Coded, Expires, Storage, View};

/// What the verbs of a call return that can fail only if its storage can: a `T`, or a `Result<T, Error>`.
pub type Outcome<R, S, T> = <<<S as View<<R as Returned>::Value>>::Storage as Storage<
    <S as View<<R as Returned>::Value>>::Held,
>>::Error as Failure>::Outcome<T>;

/// The result of an operation on the storage of a view.
pub(crate) type HeldResult<R, S, T> =
    Result<
        T,
        <<S as View<<R as Returned>::Value>>::Storage as Storage<
            <S as View<<R as Returned>::Value>>::Held,
        >>::Error,
    >;

/// One call of a cached method with its arguments bound, as `{method}_ring(..)` gives it.
///
/// `R` is what the method returns ([`Plain`](crate::Plain) or [`Fallible`](crate::Fallible)), `S` the storage as the
/// method sees it, `B` the method's body with its arguments. Verbs that run the body consume the call.
///
/// | verb | looks up | computes | stores | returns |
/// |---|---|---|---|---|
/// | [`get`](Self::get) | yes | | | the cached value, if any |
/// | [`get_or_update`](Self::get_or_update) | yes | if absent | what it computed | what the body returns |
/// | [`update`](Self::update) | | always | yes | what the body returns |
/// | [`execute`](Self::execute) | | always | | what the body returns |
/// | [`set`](Self::set) | | | the given value | |
/// | [`delete`](Self::delete) | | | | whether something was there |
/// | [`has`](Self::has) | yes | | | whether something is there |
/// | [`touch`](Self::touch) | yes | | | whether something is there |
#[must_use = "a call does nothing until a verb follows, such as `.get()` or `.delete()`"]
pub struct Call<R: Returned, S, B> {
    ring: &'static Ring,
    view: S,
    body: B,
    expiry: Option<Duration>,
    unless: Option<fn(&R::Value) -> bool>,
}

impl<R: Returned, S, B> Call<R, S, B> {
    #[inline]
    pub(crate) fn new(ring: &'static Ring, view: S, body: B) -> Self {
        Call {
            ring,
            view,
            body,
            expiry: None,
            unless: None,
        }
    }

    /// Lets the value that this call stores live for `expiry`, rounded up to what the storage can tell apart. Zero
    /// means that nothing is stored.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use ring_cache_core::{Call, Plain, Lru, Returned, body::Body, storage::{Expires, View}};
    /// fn refresh_for_a_minute<S: View<u32, Storage: Expires>>(call: Call<Plain<u32>, S, impl Body<Out = u32>>) -> u32 {
    ///     call.expire_in(Duration::from_secs(60)).update()
    /// }
    /// ```
    #[inline]
    pub fn expire_in(mut self, expiry: Duration) -> Self
    where
        S: View<R::Value, Storage: Expires>,
    {
        self.expiry = Some(expiry);
        self
    }

    /// Does not store computed values of which `unless` is true. Generated code calls it for `#[ring(unless = ..)]`.
    #[inline]
    pub fn unless(mut self, unless: fn(&R::Value) -> bool) -> Self {
        self.unless = Some(unless);
        self
    }

    /// The name of the ring.
    pub fn name(&self) -> &'static crate::Name {
        self.ring.name()
    }

    /// How long values live that this call stores.
    pub fn expiry(&self) -> Option<Duration> {
        self.expiry
    }
}

impl<R, S, B> Call<R, S, B>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    /// The key of this call: what lies in the storage, its namespace included.
    pub fn key(&self) -> Key {
        Key::in_namespace(self.storage().namespace(), &self.call_key())
    }

    /// The storage behind the method.
    #[inline]
    pub fn storage(&self) -> &S::Storage {
        self.view.storage()
    }

    /// The cached value, or `None`. Never computes.
    pub fn get(&self) -> Outcome<R, S, Option<R::Value>> {
        self.outcome(self.look_up(&self.call_key()))
    }

    /// The cached value, or else computes and stores it: what the plain call does.
    ///
    /// Of several calls with one key at a time, one computes and the others take its value. An error of a fallible
    /// body is returned and not stored. A failure of the storage costs a computation, never the answer.
    #[inline]
    pub fn get_or_update(self) -> R::Out {
        self.admit();
        let writes = self.writes();
        let read = self.ring.count_errors(self.storage().read(&self.call_key()));
        let seen = read.is_some().then_some(writes);
        if let Some(value) = read
            .flatten()
            .and_then(|held| self.ring.count_errors(self.view.value(held)))
        {
            self.ring.counters.hit();
            return R::found(value);
        }
        self.miss(seen)
    }

    /// Computes and stores, whatever was there. A value that `unless` refuses takes an older one away; an error of a
    /// fallible body leaves it.
    pub fn update(self) -> R::Out {
        let key = EncodedKey::of(&self.call_key());
        let (mut filling, body) = self.into_parts();
        filling.replaces = true;
        filling.admit::<B>();
        filling.compute(filling.flights().alone(key), body)
    }

    /// Computes without the cache.
    pub fn execute(self) -> R::Out {
        self.body.run()
    }

    /// Stores `value` without computing, whatever is there or being computed.
    pub fn set(&self, value: R::Value) -> Outcome<R, S, ()> {
        self.admit_writing();
        let result = match self.view.keep(value) {
            Ok(held) => self
                .storage()
                .set(&self.call_key(), held, self.expiry)
                .inspect(|()| self.count_store()),
            // What cannot be stored must not leave the old value in its place.
            Err(error) => {
                let deleted = self.storage().delete(&self.call_key());
                deleted.and_then(|_| self.refused(error))
            }
        };
        self.outcome(result)
    }

    /// Forgets the value, also one that is being computed. Returns whether something was there.
    pub fn delete(&self) -> Outcome<R, S, bool> {
        self.admit();
        self.outcome(self.storage().delete(&self.call_key()))
    }

    /// Whether a value is cached. It does not count as a use.
    pub fn has(&self) -> Outcome<R, S, bool> {
        self.admit();
        self.outcome(self.storage().has(&self.call_key()))
    }

    /// Restarts the expiry of the value. Returns whether something was there. Without an expiry it equals
    /// [`has`](Self::has).
    pub fn touch(&self) -> Outcome<R, S, bool> {
        self.admit();
        self.outcome(self.storage().touch(&self.call_key(), self.expiry))
    }

    /// Runs the verb that `action` names.
    pub fn run(self, action: Action) -> Outcome<R, S, Ran<R::Value, R::Out>> {
        self.admit();
        let (name, counters) = (self.ring.name().as_str(), &self.ring.counters);
        let ran: HeldResult<R, S, _> = match action {
            Action::Get => self.look_up(&self.call_key()).map(Ran::Cached),
            Action::Delete => self.storage().delete(&self.call_key()).map(Ran::Existed),
            Action::Has => self.storage().has(&self.call_key()).map(Ran::Existed),
            Action::Touch => self
                .storage()
                .touch(&self.call_key(), self.expiry)
                .map(Ran::Existed),
            Action::Key => Ok(Ran::Key(self.key())),
            Action::GetOrUpdate => Ok(Ran::Returned(self.get_or_update())),
            Action::Update => Ok(Ran::Returned(self.update())),
            Action::Execute => Ok(Ran::Returned(self.execute())),
        };
        Failure::outcome(ran.inspect_err(|_| counters.error()), name)
    }
}

impl<R, S, B> Call<R, S, B>
where
    R: Returned,
    S: View<R::Value>,
    B: Body<Out = R::Out>,
{
    #[inline]
    pub(crate) fn call_key(&self) -> CallKey<'_, B::Parts> {
        CallKey::new(self.ring.name(), self.body.parts())
    }

    /// Makes sure, before a value is stored, that no other ring shares a key with this one.
    pub(crate) fn admit_writing(&self) {
        self.storage()
            .flights()
            .admit(self.ring.name(), B::Parts::SEGMENTS);
    }

    /// On a storage that knows keys by their text, makes sure that no other ring could come to this one's keys. Where
    /// bytes are compared, they cannot; the entry is checked when it is written.
    #[inline]
    pub(crate) fn admit(&self) {
        if S::Storage::TEXT_KEYS {
            self.admit_writing();
        }
    }

    /// For [`Seen`], taken before a look-up. Look-ups in memory do without.
    #[inline]
    pub(crate) fn writes(&self) -> u64 {
        if S::Storage::TEXT_KEYS {
            self.storage().flights().writes()
        } else {
            0
        }
    }

    /// The value under a key of this call's ring.
    fn look_up(&self, key: &CallKey<'_, B::Parts>) -> HeldResult<R, S, Option<R::Value>> {
        self.admit();
        Ok(self.decode_found(self.storage().get(key)?))
    }

    /// The value of what a look-up found, which is counted.
    pub(crate) fn decode_found(&self, held: Option<S::Held>) -> Option<R::Value> {
        let value = held.and_then(|held| self.ring.count_errors(self.view.value(held)));
        match value {
            Some(_) => self.ring.counters.hit(),
            None => self.ring.counters.miss(),
        }
        value
    }

    pub(crate) fn count_errors<T, E>(&self, result: Result<T, E>) -> Option<T> {
        self.ring.count_errors(result)
    }

    pub(crate) fn count_error(&self) {
        self.ring.counters.error();
    }

    pub(crate) fn keep(&self, value: R::Value) -> Result<S::Held, Error> {
        self.view.keep(value)
    }

    /// What a verb returns whose value could not be encoded: on a storage that cannot fail, a counter must do.
    fn refused(&self, error: Error) -> HeldResult<R, S, ()> {
        match Failure::from_error(error) {
            Some(error) => Err(error),
            None => {
                self.count_error();
                Ok(())
            }
        }
    }

    pub(crate) fn count_store(&self) {
        self.ring.counters.store();
    }

    /// Takes the body, and leaves what is needed to store its value.
    pub(crate) fn into_parts(self) -> (Filling<R, S>, B) {
        let Call {
            ring,
            view,
            body,
            expiry,
            unless,
        } = self;
        (
            Filling {
                ring,
                view,
                expiry,
                unless,
                replaces: false,
            },
            body,
        )
    }

    fn outcome<T>(&self, result: HeldResult<R, S, T>) -> Outcome<R, S, T> {
        if result.is_err() {
            self.count_error();
        }
        Failure::outcome(result, self.ring.name().as_str())
    }

    #[cold]
    fn miss(self, seen: Seen) -> R::Out {
        self.ring.counters.miss();
        let key = EncodedKey::of(&self.call_key());
        let (filling, body) = self.into_parts();
        filling.get_or_compute(key, body, seen)
    }
}

impl<R: Returned, C, S, B> Call<R, Coded<'_, S, C>, B>
where
    C: Coder<R::Value>,
{
    /// Encodes a value as the storage holds it.
    pub fn encode(&self, value: &R::Value) -> Result<Vec<u8>, Error> {
        self.view
            .encode(value)
            .map_err(|error| error.of_ring(self.ring.name().as_str()))
    }

    /// Decodes bytes that the storage holds.
    pub fn decode(&self, bytes: &[u8]) -> Result<R::Value, Error> {
        self.view
            .decode(bytes)
            .map_err(|error| error.of_ring(self.ring.name().as_str()))
    }
}

impl<R: Returned, S, B> fmt::Debug for Call<R, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("name", self.ring.name())
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}
