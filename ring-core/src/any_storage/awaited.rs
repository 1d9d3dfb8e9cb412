//! A handle of any storage, for awaited calls.
//!
//! Whether the futures of an [`AsyncStorage`] are [`Send`] cannot be expressed in general, only for each type. So a macro
//! implements [`SendStorage`] type by type; one impl covers all memory storages.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{DynBase, Record, cannot_clear, handle};
use crate::error::Error;
use crate::flights::Flights;
use crate::key::{EncodedKey, Name, RingKey};
use crate::storage::{
    AsyncClear, AsyncStorage, ChangeObserver, Clear, EvictionCounts, Expires, HoldsBytes, InMemory, Storage,
    StorageBase, TellsLife,
};
use crate::{storage_mutations, storage_queries};

/// An awaited storage of any type, chosen at run time.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::storage::AsyncStorage;
/// use ring_cache::{AnyAsyncStorage, Lru, Map};
///
/// fn storage_of(setting: &str) -> AnyAsyncStorage<String> {
///     match setting {
///         "bounded" => AnyAsyncStorage::new(Lru::new(10_000)),
///         _ => AnyAsyncStorage::new(Map::new()),
///     }
/// }
///
/// # futures_executor::block_on(async {
/// let users = storage_of("bounded");
/// users.set(&1_u32, "Ada".into(), None).await?;
/// assert_eq!(users.get(&1_u32).await?.as_deref(), Some("Ada"));
/// # Ok::<(), ring_cache::Error>(()) }).unwrap();
/// ```
///
/// [`AnyStorage`](crate::AnyStorage) for `async fn`s: a blocking storage, such as `Disk`, is wrapped as `Blocking<Disk>`.
/// All futures are `Send` and boxed, unless memory answers at once.
pub struct AnyAsyncStorage<T> {
    storage: Arc<dyn SendStorage<T>>,
    clear: Option<Arc<dyn SendClear<T>>>,
}

impl<T: 'static> AnyAsyncStorage<T> {
    /// A handle of `storage`.
    pub fn new<S>(storage: S) -> Self
    where
        S: SendStorage<T> + SendClear<T> + TellsLife + 'static,
    {
        let storage = Arc::new(storage);
        AnyAsyncStorage {
            clear: Some(Arc::clone(&storage) as Arc<dyn SendClear<T>>),
            storage,
        }
    }

    /// A handle of a storage that cannot remove the entries of one ring, such as `Memcached`: `{method}_cache().clear()`
    /// returns an error.
    pub fn without_clear<S>(storage: S) -> Self
    where
        S: SendStorage<T> + TellsLife + 'static,
    {
        AnyAsyncStorage {
            storage: Arc::new(storage),
            clear: None,
        }
    }
}

handle!(AnyAsyncStorage);

macro_rules! record_and_await {
    ($($name:ident $word:literal ($($bounds:tt)*) ($key:ident: $keys:ty => $recorded:ty = $lent:expr)
        ($($argument:ident: $type:ty),*) -> $output:ty;)*) => {$(
        fn $name<$($bounds)*>(
            &self,
            $key: $keys,
            $($argument: $type,)*
            until: Option<Instant>,
        ) -> impl Future<Output = Result<$output, Error>> {
            self.storage.$name(Record::record($key), $($argument,)* until)
        }
    )*};
}

impl<T> AsyncStorage<T> for AnyAsyncStorage<T> {
    fn read_at_once<K: RingKey + ?Sized>(&self, key: &K) -> Option<Result<Option<T>, Error>> {
        self.storage.read_at_once(&key.record())
    }

    fn remove_at_once<K: RingKey + ?Sized>(&self, key: &K) -> Option<Result<bool, Error>> {
        self.storage.remove_at_once(&key.record())
    }

    storage_queries!(record_and_await);
    storage_mutations!(record_and_await);
}

impl<T> AsyncClear<T> for AnyAsyncStorage<T> {
    async fn clear_ring(&self, name: &'static Name) -> Result<(), Error> {
        self.clear
            .as_ref()
            .ok_or_else(cannot_clear)?
            .clear_ring(name)
            .await
    }

    fn clear_ring_at_once(&self, name: &'static Name) -> Option<Result<(), Error>> {
        self.clear.as_ref()?.clear_ring_at_once(name)
    }
}

/// The result of an operation, to be awaited on any thread.
pub type BoxFuture<'s, R> = Pin<Box<dyn Future<Output = Result<R, Error>> + Send + 's>>;

macro_rules! declare {
    ($($name:ident $word:literal ($($bounds:tt)*) ($key:ident: $keys:ty => $recorded:ty = $lent:expr)
        ($($argument:ident: $type:ty),*) -> $output:ty;)*) => {$(
        #[doc(hidden)]
        fn $name(
            &self,
            $key: $recorded,
            $($argument: $type,)*
            until: Option<Instant>,
        ) -> BoxFuture<'_, $output>;
    )*};
}

/// An [`AsyncStorage`] whose futures are `Send`, as [`AnyAsyncStorage`] needs it.
///
/// Implemented by all memory storages, the storages of this library, and the types named in
/// [`send_storage!`](crate::send_storage).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not known as an awaited storage whose futures are `Send`",
    note = "a storage that blocks is awaited as `Blocking<{Self}>`",
    note = "write `ring_cache::send_storage!({Self}: {T});` beside an `AsyncStorage` of your own"
)]
pub trait SendStorage<T>: DynBase<T> {
    #[doc(hidden)]
    fn read_at_once(&self, key: &EncodedKey) -> Option<Result<Option<T>, Error>>;
    #[doc(hidden)]
    fn remove_at_once(&self, key: &EncodedKey) -> Option<Result<bool, Error>>;
    storage_queries!(declare);
    storage_mutations!(declare);
}

/// An [`AsyncClear`] whose futures are `Send`.
pub trait SendClear<T>: Send + Sync {
    #[doc(hidden)]
    fn clear_ring(&self, name: &'static Name) -> BoxFuture<'_, ()>;
    #[doc(hidden)]
    fn clear_ring_at_once(&self, name: &'static Name) -> Option<Result<(), Error>>;
}

macro_rules! lend {
    ($($name:ident $word:literal ($($bounds:tt)*) ($key:ident: $keys:ty => $recorded:ty = $lent:expr)
        ($($argument:ident: $type:ty),*) -> $output:ty;)*) => {$(
        fn $name(
            &self,
            $key: $recorded,
            $($argument: $type,)*
            until: Option<Instant>,
        ) -> BoxFuture<'_, $output> {
            Box::pin(async move { Storage::$name(self, $lent, $($argument,)* until).map_err(Into::into) })
        }
    )*};
}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static, S: Storage<T> + InMemory + Send + Sync> SendStorage<T> for S {
    fn read_at_once(&self, key: &EncodedKey) -> Option<Result<Option<T>, Error>> {
        Some(Storage::read(self, key, None).map_err(Into::into))
    }

    fn remove_at_once(&self, key: &EncodedKey) -> Option<Result<bool, Error>> {
        Some(Storage::remove(self, key, None).map_err(Into::into))
    }

    storage_queries!(lend);
    storage_mutations!(lend);
}

#[diagnostic::do_not_recommend]
impl<T: 'static, S: Clear<T> + InMemory + Send + Sync> SendClear<T> for S {
    fn clear_ring(&self, name: &'static Name) -> BoxFuture<'_, ()> {
        Box::pin(async move { Clear::clear_ring(self, name).map_err(Into::into) })
    }

    fn clear_ring_at_once(&self, name: &'static Name) -> Option<Result<(), Error>> {
        Some(Clear::clear_ring(self, name).map_err(Into::into))
    }
}

/// Declares that the futures of your own [`AsyncStorage`](crate::storage::AsyncStorage) are `Send`, which the compiler
/// checks, so that [`AnyAsyncStorage`](crate::AnyAsyncStorage) can hold it. Takes its type and that of its values, and
/// `clear` if it is [`AsyncClear`](crate::storage::AsyncClear), as in `send_storage!(MyStorage: Vec<u8>, clear)`.
/// `AsyncStorage` has an example.
#[macro_export]
macro_rules! send_storage {
    ($Storage:ty: $Value:ty $(, $clear:ident)?) => {
        const _: () = {
            type T = $Value;

            impl $crate::storage::SendStorage<T> for $Storage {
                $crate::send_operations!();
            }

            $($crate::send_storage!(@$clear $Storage);)?
        };
    };
    (@clear $Storage:ty) => {
        impl $crate::storage::SendClear<T> for $Storage {
            $crate::send_operations!(@clear);
        }
    };
}

/// The methods of [`SendStorage`] and [`SendClear`] for a type whose futures are `Send`.
#[doc(hidden)]
#[macro_export]
macro_rules! send_operations {
    () => {
        fn read_at_once(
            &self,
            key: &$crate::key::EncodedKey,
        ) -> Option<Result<Option<T>, $crate::Error>> {
            let read = $crate::storage::AsyncStorage::read_at_once(self, key)?;
            Some(read.map_err(Into::into))
        }

        fn remove_at_once(&self, key: &$crate::key::EncodedKey) -> Option<Result<bool, $crate::Error>> {
            let removed = $crate::storage::AsyncStorage::<T>::remove_at_once(self, key)?;
            Some(removed.map_err(Into::into))
        }

        $crate::storage_queries!($crate::send_operations);
        $crate::storage_mutations!($crate::send_operations);
    };
    (@clear) => {
        fn clear_ring(&self, name: &'static $crate::Name) -> $crate::storage::BoxFuture<'_, ()> {
            Box::pin(async move {
                let cleared = $crate::storage::AsyncClear::<T>::clear_ring(self, name).await;
                cleared.map_err(Into::into)
            })
        }

        fn clear_ring_at_once(&self, name: &'static $crate::Name) -> Option<Result<(), $crate::Error>> {
            let cleared = $crate::storage::AsyncClear::<T>::clear_ring_at_once(self, name)?;
            Some(cleared.map_err(Into::into))
        }
    };
    ($($name:ident $word:literal ($($bounds:tt)*) ($key:ident: $keys:ty => $recorded:ty = $lent:expr)
        ($($argument:ident: $type:ty),*) -> $output:ty;)*) => {$(
        fn $name(
            &self,
            $key: $recorded,
            $($argument: $type,)*
            until: Option<::std::time::Instant>,
        ) -> $crate::storage::BoxFuture<'_, $output> {
            Box::pin(async move {
                let done = $crate::storage::AsyncStorage::<T>::$name(self, $lent, $($argument,)* until).await;
                done.map_err(Into::into)
            })
        }
    )*};
}
