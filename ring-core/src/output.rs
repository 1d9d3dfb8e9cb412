//! The return type of a cached body, and the part of it that is cached.

use std::marker::PhantomData;

/// The return type of a cached body: the cached value, and the conversion back. The trait is sealed.
pub trait Output: sealed::Sealed {
    /// The cached value.
    type Value;
    /// The return type of the body.
    type Out;

    /// The value to cache, if there is one; otherwise the unchanged result of the call.
    fn value(out: Self::Out) -> Result<Self::Value, Self::Out>;
    /// Whether values of the type are never stored, because the type hides errors.
    #[doc(hidden)]
    fn is_refused() -> bool {
        false
    }

    /// The result of a call that found the value.
    fn found(value: Self::Value) -> Self::Out;
}

mod sealed {
    /// The macros know all return types.
    pub trait Sealed {}
}

impl<V> sealed::Sealed for Plain<V> {}

impl<V, E> sealed::Sealed for Fallible<V, E> {}

/// A return type with an error, which is not cached.
#[doc(hidden)]
pub trait FallibleOutput: Output {
    /// The error.
    type Error;
}

impl<V, E> FallibleOutput for Fallible<V, E> {
    type Error = E;
}

/// A body that returns the value itself.
#[derive(Debug)]
pub struct Plain<V>(PhantomData<fn() -> V>);

impl<V> Output for Plain<V> {
    type Value = V;
    type Out = V;

    #[inline]
    fn value(out: V) -> Result<V, V> {
        if Self::is_refused() { Err(out) } else { Ok(out) }
    }

    /// A generic `V` may be a `Result`, whose errors are never cached. Its type name is the only way to detect it.
    /// The names of std's types are stable enough, and a wrong guess costs a miss that counts as an error.
    fn is_refused() -> bool {
        std::any::type_name::<V>().starts_with("core::result::Result<")
    }

    #[inline]
    fn found(value: V) -> V {
        value
    }
}

/// A body that returns a `Result`: only `Ok` is cached.
#[derive(Debug)]
pub struct Fallible<V, E>(PhantomData<fn() -> (V, E)>);

impl<V, E> Output for Fallible<V, E> {
    type Value = V;
    type Out = Result<V, E>;

    #[inline]
    fn value(out: Result<V, E>) -> Result<V, Result<V, E>> {
        out.map_err(Err)
    }

    #[inline]
    fn found(value: V) -> Result<V, E> {
        Ok(value)
    }
}
