//! One call of a cached method, and everything that can be done with it.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::action::{Action, Ran};
use crate::body::{Bind, Body};
use crate::colour::{Blocks, now};
use crate::error::Error;
use crate::filling::Begun;
use crate::flights::{Leads, Ticket};
use crate::keeping::{Keeping, Outcome, Seen};
use crate::key::{CallKey, EncodedKey, Key, KeyParts};
use crate::returned::Returned;
use crate::ring::Ring;
use crate::storage::{AnyStorage, AnyView, AtOnce, CodingView, Expires, Storage, View};

/// One call of a cached method with its arguments bound, as `{method}_ring(..)` gives it.
///
/// Verbs that run the body consume the call. They block the thread; those of an `async fn`'s call, an
/// [`AsyncCall`](crate::AsyncCall), are awaited.
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
pub type Call<R, S, B> = BoundCall<R, S, B, Blocks>;

/// What [`Call`] and [`AsyncCall`](crate::AsyncCall) are: one call of a cached method with its arguments bound.
///
/// `R` is what the method returns ([`Plain`](crate::Plain) or [`Fallible`](crate::Fallible)), `S` the storage as the
/// method sees it, `B` the method's body with its arguments. `C` says how its verbs wait.
#[must_use = "a call does nothing until a verb follows, such as `.get()` or `.delete()`"]
pub struct BoundCall<R: Returned, S, B, C> {
    pub(crate) keeping: Keeping<R::Value, S>,
    pub(crate) body: B,
    colour: PhantomData<fn() -> C>,
}

impl<R: Returned, S, B: Bind, C> BoundCall<R, S, B, C> {
    #[inline]
    pub(crate) fn new(ring: &'static Ring, view: S, body: B) -> Self {
        BoundCall {
            keeping: Keeping {
                ring,
                view,
                segments: B::Parts::SEGMENTS,
                expiry: None,
                unless: None,
                replaces: false,
            },
            body,
            colour: PhantomData,
        }
    }

    #[inline]
    pub(crate) fn call_key(&self) -> CallKey<'_, B::Parts> {
        CallKey::new(self.keeping.ring.name(), self.body.parts())
    }

    pub(crate) fn encoded_key(&self) -> EncodedKey {
        EncodedKey::of(&self.call_key())
    }
}

impl<R: Returned, S, B, C> BoundCall<R, S, B, C> {
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
        S: AnyView<R::Value, Storage: Expires>,
    {
        self.keeping.expiry = Some(expiry);
        self
    }

    /// Does not store computed values of which `unless` is true. Generated code calls it for `#[ring(unless = ..)]`.
    #[inline]
    pub fn unless(mut self, unless: fn(&R::Value) -> bool) -> Self {
        self.keeping.unless = Some(unless);
        self
    }

    /// The name of the ring.
    pub fn name(&self) -> &'static crate::Name {
        self.keeping.ring.name()
    }

    /// How long values live that this call stores.
    pub fn expiry(&self) -> Option<Duration> {
        self.keeping.expiry
    }
}

impl<R, S, B, C> BoundCall<R, S, B, C>
where
    R: Returned,
    S: AnyView<R::Value>,
    B: Bind,
{
    /// The key of this call: what lies in the storage, its namespace included.
    pub fn key(&self) -> Key {
        Key::in_namespace(self.storage().namespace(), &self.call_key())
    }

    /// The text under which the storage keeps the value: [`key`](Self::key), unless the storage cannot take every text,
    /// as Memcached, whose keys have at most 250 bytes.
    pub fn stored_key(&self) -> String {
        self.storage().stored_key(&self.call_key())
    }

    /// The storage behind the method.
    #[inline]
    pub fn storage(&self) -> &S::Storage {
        self.keeping.storage()
    }
}

impl<R, S, B> Call<R, S, B>
where
    R: Returned,
    S: AnyView<R::Value>,
    B: Body<Out = R::Out>,
{
    /// The cached value, or `None`. Never computes.
    pub fn get(&self) -> Outcome<R, S, Option<R::Value>>
    where
        S: View<R::Value>,
    {
        self.keeping.outcome(now(self.at_once().get(&self.call_key())))
    }

    /// The cached value, or else computes and stores it: what the plain call does.
    ///
    /// Of several calls with one key at a time, one computes and the others take its value. An error of a fallible
    /// body is returned and not stored. A failure of the storage costs a computation, never the answer.
    #[inline]
    pub fn get_or_update(self) -> R::Out
    where
        S: View<R::Value>,
    {
        // Taken apart, and put together for a miss: so a hit keeps it in registers.
        let Self {
            keeping,
            body,
            colour,
        } = self;
        let key = CallKey::new(keeping.ring.name(), body.parts());
        let look_up = keeping.begin_look_up(&key);
        match keeping.found(keeping.storage().read(&key), look_up) {
            Ok(value) => R::found(value),
            Err(seen) => Self {
                keeping,
                body,
                colour,
            }
            .miss(seen),
        }
    }

    /// Computes and stores, whatever was there. A value that `unless` refuses takes an older one away; an error of a
    /// fallible body leaves it.
    pub fn update(self) -> R::Out
    where
        S: View<R::Value>,
    {
        let (keeping, key) = (self.at_once().replacing(), self.encoded_key());
        let ticket = keeping.begin_update(key);
        let computation = Computation::of(ticket);
        keep::<R, S>(&keeping, computation, self.body.run())
    }

    /// Computes without the cache.
    pub fn execute(self) -> R::Out {
        self.body.run()
    }

    /// Stores `value` without computing, whatever is there or being computed.
    pub fn set(&self, value: R::Value) -> Outcome<R, S, ()>
    where
        S: View<R::Value>,
    {
        self.keeping
            .outcome(now(self.at_once().set(self.encoded_key(), value)))
    }

    /// Forgets the value, also one that is being computed. Returns whether something was there.
    pub fn delete(&self) -> Outcome<R, S, bool>
    where
        S: View<R::Value>,
    {
        self.keeping.outcome(now(self.at_once().delete(&self.call_key())))
    }

    /// Whether a value is cached. It does not count as a use.
    pub fn has(&self) -> Outcome<R, S, bool>
    where
        S: View<R::Value>,
    {
        self.keeping.outcome(now(self.at_once().has(&self.call_key())))
    }

    /// Restarts the expiry of the value. Returns whether something was there. Without an expiry it equals
    /// [`has`](Self::has).
    pub fn touch(&self) -> Outcome<R, S, bool>
    where
        S: View<R::Value>,
    {
        self.keeping.outcome(now(self.at_once().touch(&self.call_key())))
    }

    /// Runs the verb that `action` names.
    pub fn run(self, action: Action) -> Outcome<R, S, Ran<R::Value, R::Out>>
    where
        S: View<R::Value>,
    {
        let keeping = self.keeping;
        let ran = now(self.at_once().run(&self.key(), action));
        keeping.outcome(ran.map(|ran| match (ran, action) {
            (Some(ran), _) => ran,
            (None, Action::Update) => Ran::Returned(self.update()),
            (None, Action::Execute) => Ran::Returned(self.execute()),
            (None, _) => Ran::Returned(self.get_or_update()),
        }))
    }

    /// How the value is kept, for the code that async calls share.
    pub(crate) fn at_once(&self) -> Keeping<R::Value, AtOnce<S, R::Value>>
    where
        S: View<R::Value>,
    {
        self.keeping.at_once()
    }

    #[cold]
    fn miss(self, seen: Seen) -> R::Out
    where
        S: View<R::Value>,
    {
        let (keeping, key) = (self.at_once(), self.encoded_key());
        match begin(&keeping, key, seen) {
            Ok(value) => R::found(value),
            Err(computation) => keep::<R, S>(&keeping, computation, self.body.run()),
        }
    }
}

// What follows does not know the body's type: it is compiled once for all methods that return the same.

/// What this thread does is a computation, until this is dropped. No frame of the shared code is on the stack meanwhile:
/// the body may call itself.
struct Computation<'f, T> {
    /// Dropped before the ticket.
    leads: Option<Leads>,
    /// None for a call that keeps away from the cache.
    ticket: Option<Ticket<'f, T>>,
}

impl<'f, T> Computation<'f, T> {
    fn of(ticket: Ticket<'f, T>) -> Self {
        Computation {
            leads: Some(Leads::enter(ticket.computing())),
            ticket: Some(ticket),
        }
    }
}

/// The value that another call computed, or the start of a computation.
fn begin<V, S: View<V>>(
    keeping: &Keeping<V, AtOnce<S, V>>,
    key: EncodedKey,
    seen: Seen,
) -> Result<V, Computation<'_, S::Held>> {
    match now(keeping.begin(key, seen)) {
        Begun::Found(value) => Ok(value),
        Begun::Lead(ticket) => Err(Computation::of(ticket)),
        Begun::Aside => Err(Computation {
            leads: None,
            ticket: None,
        }),
    }
}

/// Stores what a body returned, and tells those who wait.
fn keep<R, S>(
    keeping: &Keeping<R::Value, AtOnce<S, R::Value>>,
    computation: Computation<'_, S::Held>,
    out: R::Out,
) -> R::Out
where
    R: Returned,
    S: View<R::Value>,
{
    let Computation { leads, ticket } = computation;
    drop(leads);
    let Some(ticket) = ticket else { return out };
    match R::value(out) {
        Ok(value) => {
            let landing = keeping.landing(&value);
            R::found(now(keeping.land(ticket, landing, value)))
        }
        Err(out) => {
            ticket.release();
            out
        }
    }
}

impl<R, S, B, C> BoundCall<R, S, B, C>
where
    R: Returned,
    S: CodingView<R::Value>,
{
    /// Encodes a value as the storage holds it.
    pub fn encode(&self, value: &R::Value) -> Result<Vec<u8>, Error> {
        let encoded = self.keeping.view.encode(value);
        encoded.map_err(|error| error.of_ring(self.name().as_str()))
    }

    /// Decodes bytes that the storage holds.
    pub fn decode(&self, bytes: &[u8]) -> Result<R::Value, Error> {
        let decoded = self.keeping.view.decode(bytes);
        decoded.map_err(|error| error.of_ring(self.name().as_str()))
    }
}

impl<R: Returned, S, B, C> fmt::Debug for BoundCall<R, S, B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("name", self.name())
            .field("expiry", &self.expiry())
            .finish_non_exhaustive()
    }
}
