//! Items for generated code only. They may change with every release.

use std::any::Any;
use std::marker::PhantomData;

pub use std::sync::LazyLock;
pub use std::time::Duration;

pub use crate::background::{AsyncJob, BlockingJob, Order};
pub use crate::body::Body;
pub use crate::cache::{AsyncCache, Cache, Handle, RingStatic};
pub use crate::call::Call;
pub use crate::entry::{Old, Wishes};
pub use crate::errors::ErrorRules;
pub use crate::freshness::Early;
pub use crate::key::{Ignored, Reading, RingKey, Template, TypeName};
use crate::key::{KeyPart, Recorded};
pub use crate::lru::{DEFAULT_CAPACITY, Lru};
pub use crate::map::Map;
pub use crate::mode;
use crate::output::Output;
pub use crate::output::{Fallible, Plain};
pub use crate::registry::Registry;
pub use crate::ring::Ring;
pub use crate::storage::Coded;
pub use crate::tag::{Tag, TagText};
pub use crate::used::{Answer, Clears, Hides, Leaves, Own, OwnUnkept, Reached, Shows, keep, owner_of};
pub use crate::writer::{AsyncWriter, Writer, named_by};

/// The static behind a method with a storage of its own.
#[derive(Debug)]
pub struct Static<V: ForAllThreads>(pub LazyLock<V::Static>);

/// The value of a ring, or the coder of its values.
pub trait Holds {
    /// The value or the coder.
    type Stored;
}

impl<T> Holds for PhantomData<T> {
    type Stored = T;
}

/// A value that a static can hold.
///
/// [`Static`] gets its type from this trait, so that a value for one thread causes one error, without consequential ones.
/// The bounds are on the value alone: the compiler checks them wherever it needs the type, and a storage has many parts.
#[diagnostic::on_unimplemented(
    message = "values that are not `Send` and `Sync` cannot be cached for all threads",
    label = "all threads would see this",
    note = "return `Arc` in the place of `Rc`, and `Mutex` in the place of `Cell` and `RefCell`"
)]
pub trait ForAllThreads {
    /// The content of the static.
    type Static;
}

#[diagnostic::do_not_recommend]
impl<V: Send + Sync> ForAllThreads for V {
    type Static = RingStatic<Lru<V>>;
}

/// A value that a background body has a copy of. See [`Keyed`] for its form.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be copied into the background, where `stale` and `timeout` have the body run",
    label = "not `Clone + Send + 'static`",
    note = "derive `Clone` for it, take `self: &Arc<Self>`, or write `refresh = caller`; a type parameter needs bounds, `T: Clone + Send + 'static`"
)]
pub trait Copied<How> {
    /// Its type.
    type Copy;

    /// A copy.
    fn copied(&self) -> Self::Copy;
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> Copied<AsItself> for T {
    type Copy = T;

    fn copied(&self) -> T {
        self.clone()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Nothing> Copied<()> for T {
    type Copy = ();

    fn copied(&self) {}
}

/// The target of a reference, if a background body has a copy of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be copied into the background, where `stale` and `timeout` have the body run",
    label = "not `ToOwned` with a copy that is `Send + 'static`",
    note = "derive `Clone` for it, or write `refresh = caller`; a type parameter needs bounds, `T: Clone + Send + 'static`"
)]
pub trait CopiedOf<How> {
    /// Its type.
    type Copy;

    /// A copy.
    fn copied_of(&self) -> Self::Copy;
}

#[diagnostic::do_not_recommend]
impl<T: ToOwned<Owned: Send + 'static> + ?Sized> CopiedOf<AsItself> for T {
    type Copy = T::Owned;

    fn copied_of(&self) -> T::Owned {
        self.to_owned()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Nothing + ?Sized> CopiedOf<()> for T {
    type Copy = ();

    fn copied_of(&self) {}
}

/// A value whose type the compiler knows only after a check, such as that of a key, has passed. If the check fails, it
/// reports that error and no consequential ones.
pub trait Passed<How> {
    /// The type of the value.
    type Value;

    /// The value.
    fn passed(self) -> Self::Value;

    /// The value.
    fn passed_ref(&self) -> &Self::Value;
}

impl<T> Passed<AsItself> for T {
    type Value = T;

    fn passed(self) -> T {
        self
    }

    fn passed_ref(&self) -> &T {
        self
    }
}

impl<T: Nothing> Passed<()> for T {
    type Value = T;

    fn passed(self) -> T {
        self
    }

    fn passed_ref(&self) -> &T {
        self
    }
}

/// The expiry that a value determines. The function may be a closure: its argument's type is known here.
#[inline]
pub fn decided<V>(expire_of: fn(&V) -> Option<Duration>, value: &V) -> Option<Duration> {
    expire_of(value)
}

/// A copy for a background body.
pub fn copied<How, T: Copied<How>>(value: &T) -> T::Copy {
    value.copied()
}

/// A copy of a reference's target, for a background body.
pub fn copied_of<How, T: CopiedOf<How> + ?Sized>(value: &T) -> T::Copy {
    value.copied_of()
}

/// The value itself.
pub fn passed<How, P: Passed<How>>(value: P) -> P::Value {
    value.passed()
}

/// The value itself.
pub fn passed_ref<How, P: Passed<How>>(value: &P) -> &P::Value {
    value.passed_ref()
}

/// A bound value that joins the key.
#[inline]
pub fn keyed<How, T: Keyed<How>>(value: T) -> T::Part {
    value.part()
}

/// A value in the key that may borrow from the call's other bound values: it is recorded before they move.
pub fn recorded<How, T: Keyed<How>>(value: T) -> Recorded {
    Recorded::of(&value.part())
}

/// The tag that a value names.
pub fn tag_of<P: KeyPart>(name: P) -> Tag {
    TagText::default().value(name).tag()
}

/// Every [`RingKey`], as itself.
///
/// The parameter and the second implementation, which no type has, limit the user's errors to one: with two to choose from,
/// the compiler does not infer the type of a value that is not a key, and reports nothing more about it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a key",
    label = "this has no `RingKey`",
    note = "a type of your own: write `#[derive(RingKey)]` above it; a type parameter: write the bound `T: RingKey`",
    note = "a type of another crate: say what tells its values apart, as in `key = \"{{id.name}}\"`, wrap it in a type of your own, or leave it out of the key, `ignore(..)`",
    note = "types of `uuid`, `url`, `bytes`, `chrono` and `jiff` are keys with the feature of that name"
)]
pub trait Keyed<How> {
    /// The value's type.
    type Part: KeyPart;

    /// The value.
    fn part(self) -> Self::Part;
}

/// The one way to be [`Keyed`].
#[derive(Debug)]
pub struct AsItself;

/// Implemented by no type.
pub trait Nothing {}

#[diagnostic::do_not_recommend]
impl<T: RingKey> Keyed<AsItself> for T {
    type Part = T;

    #[inline]
    fn part(self) -> T {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<T: Nothing> Keyed<()> for T {
    type Part = Ignored<T>;

    fn part(self) -> Ignored<T> {
        Ignored(self)
    }
}

/// Content for a static.
#[diagnostic::on_unimplemented(
    message = "values that are not `Send` and `Sync` cannot be cached for all threads",
    label = "all threads would see this",
    note = "return `Arc` in the place of `Rc`; a generic value needs `Send + Sync + 'static`"
)]
pub trait Shared<How> {
    /// As a value for all threads.
    fn shared(self) -> Box<dyn Any + Send + Sync>
    where
        Self: 'static;
}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync> Shared<AsItself> for T {
    fn shared(self) -> Box<dyn Any + Send + Sync>
    where
        Self: 'static,
    {
        Box::new(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Nothing> Shared<()> for T {
    fn shared(self) -> Box<dyn Any + Send + Sync>
    where
        Self: 'static,
    {
        Box::new(())
    }
}

/// The value that a `Result` caches.
pub type OkOf<O> = <O as IsResult>::Ok;

/// The return type of a body that returns the `Result` `O`.
pub type FallibleOf<O> = <O as IsResult>::Returned;

/// `Result`, by any name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Result`",
    label = "not std's `Result`",
    note = "`fallible` is for methods that return a `Result` by another name; a type of your own needs another name than `Result`"
)]
pub trait IsResult: Sized {
    /// The type of its values.
    type Ok;
    /// How a body returns it. One fixed type, so that types other than `Result` cause no more errors.
    type Returned: Output<Value = Self::Ok, Out = Self>;
}

impl<T, E> IsResult for Result<T, E> {
    type Ok = T;
    type Returned = Fallible<T, E>;
}

/// Checks that the writer with `on = ok` returns a `Result`.
#[inline]
pub fn may_fail<T: MayFail>(_: &T) {}

/// `Result`, by any name.
#[diagnostic::on_unimplemented(
    message = "`on = ok` needs a `Result`, and this method returns `{Self}`",
    label = "there is no `Ok`",
    note = "remove `on = ok`: what the method invalidates is forgotten whenever it ran"
)]
pub trait MayFail {}

impl<T, E> MayFail for Result<T, E> {}

/// Checks a type. For a return type it detects a `Result` by another name: then the methods with the unsatisfiable bound
/// apply, for all other types those of [`Plainly`]. No trait of a user has such method names.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<fn() -> T>);

impl<T> Probe<T> {
    /// Probes a type.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Probe(PhantomData)
    }
}

impl<T> Probe<T> {
    /// Probes the type of a value.
    pub fn of(_: &T) -> Self {
        Probe(PhantomData)
    }
}

impl<T, E> Probe<Result<T, E>> {
    /// The value of `Ok`.
    pub fn __ring_ok<'o>(&self, out: &'o Result<T, E>) -> Option<&'o T> {
        out.as_ref().ok()
    }

    /// Never compiles, with the message of [`MarkedFallible`].
    pub fn __ring_in_memory<How, C>(&self, _: C) -> Refused
    where
        Result<T, E>: MarkedFallible,
    {
        Result::<T, E>::refuse()
    }

    /// Never compiles, with the message of [`MarkedFallible`].
    pub fn __ring_coded<How, Coder, C>(&self, _: C) -> Refused
    where
        Result<T, E>: MarkedFallible,
    {
        Result::<T, E>::refuse()
    }
}

/// Implemented by no type.
#[diagnostic::on_unimplemented(
    message = "this return type is a `Result` by another name, whose errors must not be cached",
    label = "this is `{Self}`",
    note = "write `#[ring(fallible)]`: then only `Ok` is cached"
)]
pub trait MarkedFallible {
    /// Cannot be called.
    fn refuse() -> Refused;
}

/// Stands for a call that does not compile, so that no other errors follow.
#[derive(Debug)]
pub struct Refused(std::convert::Infallible);

impl Refused {
    /// Any return type of the method.
    pub fn get_or_update<O>(self) -> O {
        match self.0 {}
    }

    /// Any return type of the method.
    pub fn update<O>(self) -> O {
        match self.0 {}
    }

    /// Any return type of the method.
    pub fn execute<O>(self) -> O {
        match self.0 {}
    }
}

/// See [`Probe`].
pub trait Plainly {
    /// The type that was probed.
    type Value;

    /// The value that a writer returned: `Ok` of a `Result`, and anything else as it is.
    fn __ring_ok<'o>(&self, out: &'o Self::Value) -> Option<&'o Self::Value> {
        Some(out)
    }

    /// See [`in_memory()`].
    #[inline]
    fn __ring_in_memory<How, C>(&self, call: C) -> <Self::Value as InMemory<How>>::Call<C>
    where
        Self::Value: InMemory<How>,
    {
        in_memory::<How, Self::Value, C>(call)
    }

    /// See [`coded()`].
    #[inline]
    fn __ring_coded<How, Coder, C>(&self, call: C) -> <Self::Value as Codes<How, Coder>>::Call<C>
    where
        Self::Value: Codes<How, Coder>,
    {
        coded::<How, Self::Value, Coder, C>(call)
    }
}

impl<T> Plainly for Probe<T> {
    type Value = T;
}

/// The call itself, checked where the user wrote the value's type.
#[inline]
pub fn in_memory<How, T: InMemory<How>, C>(call: C) -> T::Call<C> {
    T::call(call)
}

/// The call itself, checked where the user wrote the value's type.
#[inline]
pub fn coded<How, T: Codes<How, Coder>, Coder, C>(call: C) -> T::Call<C> {
    T::call(call)
}

/// The call itself, checked where the user wrote the storage's type.
#[inline]
pub fn awaited<How, T, S: Awaited<How, T>, C>(_: Probe<S>, call: C) -> S::Call<C> {
    S::call(call)
}

/// The call itself, checked where the user wrote the storage's type.
#[inline]
pub fn blocking<How, T, S: Blocking<How, T>, C>(_: Probe<S>, call: C) -> S::Call<C> {
    S::call(call)
}

/// A trait that checks the value or the storage of a call. See [`Keyed`] for its form.
macro_rules! check {
    ($(#[$attr:meta])* $name:ident<How $(, $parameter:ident)?> for $checked:ident: $($bound:tt)*) => {
        $(#[$attr])*
        pub trait $name<How $(, $parameter)?> {
            /// The call, if the value passes.
            type Call<C>;

            /// The call.
            fn call<C>(call: C) -> Self::Call<C>;
        }

        #[diagnostic::do_not_recommend]
        impl<$($parameter,)? $checked> $name<AsItself $(, $parameter)?> for $checked
        where
            $($bound)*
        {
            type Call<C> = C;

            #[inline]
            fn call<C>(call: C) -> C {
                call
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($parameter,)? $checked: Nothing> $name<() $(, $parameter)?> for $checked {
            type Call<C> = ();

            fn call<C>(_: C) {}
        }
    };
}

check! {
    /// A value that a memory storage can return.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be cached in memory: every hit returns a clone, and it is not `Clone`",
        label = "not `Clone`",
        note = "derive `Clone`, or return `Arc<{Self}>`; a type parameter needs a bound, `T: Clone`"
    )]
    InMemory<How> for T: T: Clone
}

check! {
    /// A value that a coder can convert to bytes.
    #[diagnostic::on_unimplemented(
        message = "the coder `{Coder}` cannot turn `{Self}` into bytes and back",
        label = "no `Coder<{Self}>`",
        note = "`Cbor` and `Json` take types that implement serde's `Serialize` and `DeserializeOwned`; `Raw` takes bytes and strings"
    )]
    Codes<How, Coder> for T: Coder: crate::coder::Coder<T>
}

check! {
    /// A storage for an `async fn`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be awaited, and an `async fn` must not block",
        label = "no `AsyncStorage<{T}>`",
        note = "if it waits for a disk or a network, wrap it: `Blocking<{Self}>` moves its work to other threads",
        note = "`Redis` and `Memcached` are awaited with the feature `tokio`",
        note = "if it holds bytes, name what makes them: `coder = Cbor`",
        note = "if it is your own and never waits, say so: `impl InMemory for {Self} {{}}`"
    )]
    Awaited<How, T> for S: S: crate::storage::AsyncStorage<T>
}

check! {
    /// A storage for a function that is not async.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a storage of `{T}` for a function that is not async",
        label = "no `Storage<{T}>`",
        note = "if it holds bytes, name what makes them: `coder = Cbor`",
        note = "a storage that is awaited, an `AsyncStorage`, is for `async fn`"
    )]
    Blocking<How, T> for S: S: crate::storage::Storage<T>
}

check! {
    /// An entry that a blocking method can forget.
    #[diagnostic::on_unimplemented(
        message = "a method that blocks cannot forget an entry that is awaited",
        label = "this is cached by an `async fn`",
        note = "write `async fn` here as well, or forget it where it can be awaited: `{{method}}_entry(..).delete().await`"
    )]
    Forgotten<How> for F: F: crate::writer::Forgets
}

check! {
    /// An entry that an `async fn` can forget.
    #[diagnostic::on_unimplemented(
        message = "an `async fn` cannot forget an entry of a storage that blocks",
        label = "this blocks",
        note = "if the storage waits for a disk or a network, wrap it: `Blocking<..>` moves its work to other threads",
        note = "`Redis` and `Memcached` are awaited with the feature `tokio`"
    )]
    ForgottenAwaited<How> for F: F: crate::writer::ForgetsAwaited
}

check! {
    /// A ring that a blocking method can clear.
    #[diagnostic::on_unimplemented(
        message = "a method that blocks cannot clear this ring",
        label = "it is the ring of an `async fn`, or its storage cannot remove the entries of one ring",
        note = "write `async fn` here as well if the ring is awaited, or name single calls, as in `self.user(id)`"
    )]
    Cleared<How> for F: F: crate::writer::Forgets
}

check! {
    /// A ring that an `async fn` can clear.
    #[diagnostic::on_unimplemented(
        message = "an `async fn` cannot clear this ring",
        label = "its storage blocks, or cannot remove the entries of one ring",
        note = "wrap a storage that blocks, `Blocking<..>`, or name single calls, as in `self.user(id)`"
    )]
    ClearedAwaited<How> for F: F: crate::writer::ForgetsAwaited
}

/// A named entry, checked where the user wrote it.
#[inline]
pub fn forgotten<How, F: Forgotten<How>>(named: F) -> F::Call<F> {
    F::call(named)
}

/// A named entry, checked where the user wrote it.
#[inline]
pub fn forgotten_awaited<How, F: ForgottenAwaited<How>>(named: F) -> F::Call<F> {
    F::call(named)
}

/// A named ring, checked where the user wrote it.
#[inline]
pub fn cleared<How, F: Cleared<How>>(named: F) -> F::Call<F> {
    F::call(named)
}

/// A named ring, checked where the user wrote it.
#[inline]
pub fn cleared_awaited<How, F: ClearedAwaited<How>>(named: F) -> F::Call<F> {
    F::call(named)
}

/// The coder of values that are not bytes, if the user named none.
#[cfg(feature = "cbor")]
pub type DefaultCoder = crate::coder::Cbor;

/// Without storages of bytes, no value needs a coder: a user's type has the name of such a storage.
#[cfg(not(feature = "cbor"))]
pub type DefaultCoder = NoCoder;

/// Encodes nothing.
#[cfg(not(feature = "cbor"))]
#[derive(Debug)]
pub struct NoCoder;

#[cfg(not(feature = "cbor"))]
impl<T> crate::coder::Coder<T> for NoCoder {
    fn encode(_: &T) -> Result<Vec<u8>, crate::Cause> {
        Err("no coder".into())
    }

    fn decode(_: &[u8]) -> Result<T, crate::Cause> {
        Err("no coder".into())
    }
}
