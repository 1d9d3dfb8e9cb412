//! Any call of a cached method, as one bound.

use std::time::Duration;

use super::context::StorageError;
use super::{AsyncCall, BoundCall, Call};
use crate::body::{AsyncBody, Body};
use crate::error::Failure;
use crate::freshness::Lookup;
use crate::key::{Key, Name};
use crate::output::Output;
use crate::storage::{AsyncStorage, Expires, Storage, View};

/// Any call of a cached method, with the verbs of [`Call`]: one bound for functions over calls.
///
/// Every accessor of a blocking method returns one. The trait is sealed.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::CachedCall;
///
/// /// A verb of your own: the old value, while a new one is stored.
/// trait Rotate: CachedCall {
///     fn rotate(self) -> Self::Outcome<Option<Self::Value>> {
///         let old = self.get();
///         self.update();
///         old
///     }
/// }
/// impl<C: CachedCall> Rotate for C {}
///
/// /// A function for all methods that return a `String`.
/// fn refreshed_length(call: impl CachedCall<Out = String>) -> usize {
///     call.update().len()
/// }
/// ```
pub trait CachedCall: Sized + sealed::Sealed {
    /// The cached value.
    type Value;
    /// The return type of the body.
    type Out;
    /// The storage.
    type Storage;
    /// The result of verbs that fail only if the storage does: `T`, or a `Result<T, Error>`.
    type Outcome<T>;

    /// [`Call::get`](BoundCall::get)
    fn get(&self) -> Self::Outcome<Option<Self::Value>>;
    /// [`Call::get_or_update`](BoundCall::get_or_update)
    fn get_or_update(self) -> Self::Out;
    /// [`Call::update`](BoundCall::update)
    fn update(self) -> Self::Out;
    /// [`Call::execute`](BoundCall::execute)
    fn execute(self) -> Self::Out;
    /// [`Call::set`](BoundCall::set)
    fn set(&self, value: Self::Value) -> Self::Outcome<()>;
    /// [`Call::delete`](BoundCall::delete)
    fn delete(&self) -> Self::Outcome<bool>;
    /// [`Call::has`](BoundCall::has)
    fn has(&self) -> Self::Outcome<bool>;
    /// [`Call::touch`](BoundCall::touch)
    fn touch(&self) -> Self::Outcome<bool>;
    /// [`Call::lookup`](BoundCall::lookup)
    fn lookup(&self) -> Self::Outcome<Lookup<Self::Value>>;
    /// [`Call::expire`](BoundCall::expire)
    fn expire(&self) -> Self::Outcome<bool>;
    /// [`Call::key`](BoundCall::key)
    fn key(&self) -> Key;
    /// [`Call::stored_key`](BoundCall::stored_key)
    fn stored_key(&self) -> String;
    /// [`Call::storage`](BoundCall::storage)
    fn storage(&self) -> &Self::Storage;
    /// [`Call::name`](BoundCall::name)
    fn name(&self) -> &'static Name;
    /// [`Call::expire_in`](BoundCall::expire_in)
    #[must_use]
    fn expire_in(self, expiry: Duration) -> Self
    where
        Self::Storage: Expires;
}

/// [`CachedCall`] for the calls of an `async fn`: the verbs of [`AsyncCall`].
///
/// The futures are `Send` where those of the accessor's own type are. A function that is generic over calls cannot
/// require
/// it.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::CachedAsyncCall;
///
/// async fn refreshed_length(call: impl CachedAsyncCall<Out = String>) -> usize {
///     call.update().await.len()
/// }
/// ```
#[allow(async_fn_in_trait)]
pub trait CachedAsyncCall: Sized + sealed::Sealed {
    /// The cached value.
    type Value;
    /// The output of the body's future.
    type Out;
    /// The storage.
    type Storage;
    /// The result of verbs that fail only if the storage does: `T`, or a `Result<T, Error>`.
    type Outcome<T>;

    /// [`AsyncCall::get`](BoundCall::get)
    async fn get(&self) -> Self::Outcome<Option<Self::Value>>;
    /// [`AsyncCall::get_or_update`](BoundCall::get_or_update)
    async fn get_or_update(self) -> Self::Out;
    /// [`AsyncCall::update`](BoundCall::update)
    async fn update(self) -> Self::Out;
    /// [`AsyncCall::execute`](BoundCall::execute)
    async fn execute(self) -> Self::Out;
    /// [`AsyncCall::set`](BoundCall::set)
    async fn set(&self, value: Self::Value) -> Self::Outcome<()>;
    /// [`AsyncCall::delete`](BoundCall::delete)
    async fn delete(&self) -> Self::Outcome<bool>;
    /// [`AsyncCall::has`](BoundCall::has)
    async fn has(&self) -> Self::Outcome<bool>;
    /// [`AsyncCall::touch`](BoundCall::touch)
    async fn touch(&self) -> Self::Outcome<bool>;
    /// [`AsyncCall::lookup`](BoundCall::lookup)
    async fn lookup(&self) -> Self::Outcome<Lookup<Self::Value>>;
    /// [`AsyncCall::expire`](BoundCall::expire)
    async fn expire(&self) -> Self::Outcome<bool>;
    /// [`Call::key`](BoundCall::key)
    fn key(&self) -> Key;
    /// [`Call::stored_key`](BoundCall::stored_key)
    fn stored_key(&self) -> String;
    /// [`Call::storage`](BoundCall::storage)
    fn storage(&self) -> &Self::Storage;
    /// [`Call::name`](BoundCall::name)
    fn name(&self) -> &'static Name;
    /// [`Call::expire_in`](BoundCall::expire_in)
    #[must_use]
    fn expire_in(self, expiry: Duration) -> Self
    where
        Self::Storage: Expires;
}

mod sealed {
    /// Sealed: only this crate makes calls.
    pub trait Sealed {}
}

impl<R: Output, S, B, M> sealed::Sealed for BoundCall<R, S, B, M> {}

/// The items that are equal in both modes.
macro_rules! parts {
    ($Call:ident) => {
        type Value = R::Value;
        type Out = R::Out;
        type Storage = S::Storage;
        type Outcome<T> = <StorageError<R::Value, S> as Failure>::Outcome<T>;

        fn key(&self) -> Key {
            $Call::key(self)
        }

        fn stored_key(&self) -> String {
            $Call::stored_key(self)
        }

        fn storage(&self) -> &S::Storage {
            $Call::storage(self)
        }

        fn name(&self) -> &'static Name {
            $Call::name(self)
        }

        fn expire_in(self, expiry: Duration) -> Self
        where
            S::Storage: Expires,
        {
            $Call::expire_in(self, expiry)
        }
    };
}

impl<R, S, B> CachedCall for Call<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    parts!(Call);

    fn get(&self) -> Self::Outcome<Option<R::Value>> {
        Call::get(self)
    }

    fn get_or_update(self) -> R::Out {
        Call::get_or_update(self)
    }

    fn update(self) -> R::Out {
        Call::update(self)
    }

    fn execute(self) -> R::Out {
        Call::execute(self)
    }

    fn set(&self, value: R::Value) -> Self::Outcome<()> {
        Call::set(self, value)
    }

    fn delete(&self) -> Self::Outcome<bool> {
        Call::delete(self)
    }

    fn has(&self) -> Self::Outcome<bool> {
        Call::has(self)
    }

    fn touch(&self) -> Self::Outcome<bool> {
        Call::touch(self)
    }

    fn lookup(&self) -> Self::Outcome<Lookup<R::Value>> {
        Call::lookup(self)
    }

    fn expire(&self) -> Self::Outcome<bool> {
        Call::expire(self)
    }
}

impl<R, S, B> CachedAsyncCall for AsyncCall<R, S, B>
where
    R: Output,
    S: View<R::Value, Storage: AsyncStorage<S::Stored>>,
    B: AsyncBody<Out = R::Out>,
{
    parts!(AsyncCall);

    async fn get(&self) -> Self::Outcome<Option<R::Value>> {
        AsyncCall::get(self).await
    }

    async fn get_or_update(self) -> R::Out {
        AsyncCall::get_or_update(self).await
    }

    async fn update(self) -> R::Out {
        AsyncCall::update(self).await
    }

    async fn execute(self) -> R::Out {
        AsyncCall::execute(self).await
    }

    async fn set(&self, value: R::Value) -> Self::Outcome<()> {
        AsyncCall::set(self, value).await
    }

    async fn delete(&self) -> Self::Outcome<bool> {
        AsyncCall::delete(self).await
    }

    async fn has(&self) -> Self::Outcome<bool> {
        AsyncCall::has(self).await
    }

    async fn touch(&self) -> Self::Outcome<bool> {
        AsyncCall::touch(self).await
    }

    async fn lookup(&self) -> Self::Outcome<Lookup<R::Value>> {
        AsyncCall::lookup(self).await
    }

    async fn expire(&self) -> Self::Outcome<bool> {
        AsyncCall::expire(self).await
    }
}
