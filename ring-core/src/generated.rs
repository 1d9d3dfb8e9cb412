//! What generated code names, and nothing else does. It may change with every release.

use std::marker::PhantomData;

pub use std::sync::LazyLock;
pub use std::time::Duration;

pub use crate::body::Body;
pub use crate::cache::{Cache, Own};
pub use crate::call::Call;
pub use crate::key::{Ignored, RingKey, TypeName};
pub use crate::lru::{DEFAULT_CAPACITY, Lru};
pub use crate::registry::Registry;
pub use crate::returned::{Fallible, Plain};
pub use crate::ring::Ring;
pub use crate::storage::{Coded, Map};

/// A bound value that joins the key.
#[inline]
pub fn keyed<T: RingKey>(value: T) -> T {
    value
}

/// The value that a `Result` caches.
pub type OkOf<O> = <O as IsResult>::Ok;

/// What a body returns that returns the `Result` `O`.
pub type FallibleOf<O> = Fallible<<O as IsResult>::Ok, <O as IsResult>::Error>;

/// `Result`, by whatever name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Result`",
    note = "leave out `fallible`: it is for methods that return a `Result` by another name"
)]
pub trait IsResult {
    /// The type of its values.
    type Ok;
    /// The type of its errors.
    type Error;
}

impl<T, E> IsResult for Result<T, E> {
    type Ok = T;
    type Error = E;
}

/// Finds out whether a return type is a `Result` by another name: for one, [`Probe::is_plain`] is the method with the
/// bound that nothing meets, for all others that of [`IsPlain`].
#[derive(Debug)]
pub struct Probe<T>(PhantomData<fn() -> T>);

impl<T> Probe<T> {
    /// Probes a type.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Probe(PhantomData)
    }
}

impl<T, E> Probe<Result<T, E>> {
    /// Never compiles, with the message of [`MarkedFallible`].
    pub fn is_plain(&self)
    where
        Result<T, E>: MarkedFallible,
    {
    }
}

/// Met by nothing.
#[diagnostic::on_unimplemented(
    message = "this return type is a `Result` by another name, whose errors must not be cached",
    label = "this is `{Self}`",
    note = "write `#[ring(fallible)]`: then only `Ok` is cached"
)]
pub trait MarkedFallible {}

/// See [`Probe`].
pub trait IsPlain {
    /// Compiles for everything that is not a `Result`.
    fn is_plain(&self) {}
}

impl<T> IsPlain for Probe<T> {}

/// A value that a memory storage can hand out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached in memory: every hit returns a clone, and it is not `Clone`",
    label = "not `Clone`",
    note = "derive `Clone`, or return `Arc<{Self}>`"
)]
pub trait CachedInMemory {}

impl<T: Clone> CachedInMemory for T {}

/// Checks a value's type where the user wrote it.
pub fn cached_in_memory<T: CachedInMemory>() {}
