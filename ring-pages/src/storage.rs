//! Storages of pages: those of ring-cache, and your own ones by [`page_storage!`](crate::page_storage).

use std::pin::Pin;
use std::sync::Arc;

use ring_cache_core::mode::Awaited;
use ring_cache_core::storage::{AsyncStorage, StorageBase, View};
use ring_cache_core::{Error, Failure, Fallible, Handle, Lru, Map, Plain, Ring, Stats};

use crate::key::PageKey;
use crate::stored::StoredResponse;
use crate::timed::{Kept, Timed};

/// The future of an operation.
pub type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The result of a computation: the entry for its key, if there is one.
pub type Produced = Result<StoredResponse, ()>;

/// A storage that pages can lie in, implemented by [`page_storage!`](crate::page_storage).
///
/// | storage | feature |
/// |---|---|
/// | `Lru<StoredResponse>`, `Map<StoredResponse>` | |
/// | `Redis`, `RedisCluster` | `redis` and `tokio` |
/// | `Memcached` | `memcached` and `tokio` |
/// | `Blocking<Disk>` | `disk` and `tokio` |
/// | `Tiered<Lru<StoredResponse>, F>`, where `F` is one of the others | `tiered` |
///
/// An `Arc` of such a storage is one as well.
#[diagnostic::on_unimplemented(
    message = "pages cannot lie in `{Self}`",
    label = "not a storage of pages",
    note = "in memory they are `Lru<StoredResponse>`; a storage that blocks is wrapped: `Blocking<Disk>`",
    note = "your own `AsyncStorage` becomes one by `page_storage!({Self})`"
)]
pub trait PageStorage: Send + Sync + 'static {
    /// The counters of a ring.
    #[doc(hidden)]
    fn stats(&self, ring: &'static Ring) -> Stats;

    /// The entry under a key.
    #[doc(hidden)]
    fn get(
        self: Arc<Self>,
        ring: &'static Ring,
        key: PageKey,
    ) -> Answer<Result<Option<StoredResponse>, Error>>;

    /// Whether there is an entry.
    #[doc(hidden)]
    fn has(self: Arc<Self>, ring: &'static Ring, key: PageKey) -> Answer<Result<bool, Error>>;

    /// Puts an entry.
    #[doc(hidden)]
    fn set(
        self: Arc<Self>,
        ring: &'static Ring,
        key: PageKey,
        value: StoredResponse,
    ) -> Answer<Result<(), Error>>;

    /// Removes an entry, also one being computed.
    #[doc(hidden)]
    fn delete(self: Arc<Self>, ring: &'static Ring, key: PageKey) -> Answer<Result<bool, Error>>;

    /// Computes an entry, and stores it unless it is overtaken.
    #[doc(hidden)]
    fn update(self: Arc<Self>, ring: &'static Ring, key: PageKey, body: Answer<Produced>)
    -> Answer<Produced>;
}

/// See [`PageStorage::stats`].
pub fn stats<T, W>(ring: &'static Ring, view: W) -> Stats
where
    T: Kept,
    W: View<StoredResponse, Held = T>,
{
    handle(ring, view).stats::<StoredResponse>()
}

/// See [`PageStorage::get`].
pub async fn get<T, W>(ring: &'static Ring, view: W, key: PageKey) -> Result<Option<StoredResponse>, Error>
where
    T: Kept,
    W: View<StoredResponse, Held = T>,
    W::Storage: AsyncStorage<T>,
{
    let call = handle(ring, view).name_entry::<Plain<StoredResponse>, _>(key.parts());
    result::<T, W, _>(call.get().await)
}

/// See [`PageStorage::has`].
pub async fn has<T, W>(ring: &'static Ring, view: W, key: PageKey) -> Result<bool, Error>
where
    T: Kept,
    W: View<StoredResponse, Held = T>,
    W::Storage: AsyncStorage<T>,
{
    let call = handle(ring, view).name_entry::<Plain<StoredResponse>, _>(key.parts());
    result::<T, W, _>(call.has().await)
}

/// See [`PageStorage::set`].
pub async fn set<T, W>(ring: &'static Ring, view: W, key: PageKey, value: StoredResponse) -> Result<(), Error>
where
    T: Kept,
    W: View<StoredResponse, Held = T>,
    W::Storage: AsyncStorage<T>,
{
    let call = handle(ring, view).name_entry::<Plain<StoredResponse>, _>(key.parts());
    result::<T, W, _>(call.set(value).await)
}

/// See [`PageStorage::delete`].
pub async fn delete<T, W>(ring: &'static Ring, view: W, key: PageKey) -> Result<bool, Error>
where
    T: Kept,
    W: View<StoredResponse, Held = T>,
    W::Storage: AsyncStorage<T>,
{
    let call = handle(ring, view).name_entry::<Plain<StoredResponse>, _>(key.parts());
    result::<T, W, _>(call.delete().await)
}

/// See [`PageStorage::update`].
pub async fn update<T, W>(ring: &'static Ring, view: W, key: PageKey, body: Answer<Produced>) -> Produced
where
    T: Kept,
    W: View<StoredResponse, Held = T>,
    W::Storage: AsyncStorage<T>,
{
    let bound = handle(ring, view).bind::<Fallible<StoredResponse, ()>, _, _, _>(key.parts(), |_| body);
    bound.update().await
}

fn handle<W>(ring: &'static Ring, view: W) -> Handle<Timed<W>, Awaited> {
    Handle::new(ring, Timed(view))
}

type ErrorOf<T, W> = <<W as View<StoredResponse>>::Storage as StorageBase<T>>::Error;

fn result<T, W, V>(outcome: <ErrorOf<T, W> as Failure>::Outcome<V>) -> Result<V, Error>
where
    W: View<StoredResponse, Held = T>,
{
    <ErrorOf<T, W> as Failure>::into_result(outcome).map_err(Into::into)
}

/// Makes an [`AsyncStorage`] of bytes a storage of pages, or, with `in memory` before it, one that holds
/// [`StoredResponse`]s. Operations must be `Send`, which cannot be said of all `AsyncStorage`s at once.
///
/// ```
/// use ring_cache::{Blocking, Map, pages::page_storage};
/// # use ring_cache::flights::Flights;
/// # use ring_cache::key::EncodedKey;
/// # use ring_cache::storage::{ChangeObserver, EvictionCounts, Storage, StorageBase};
/// # use ring_cache::RingKey;
/// # use std::{convert::Infallible, sync::Arc, time::{Duration, Instant}};
/// # struct Mine(Map<Vec<u8>>);
/// # impl StorageBase<Vec<u8>> for Mine {
/// #     type Error = Infallible;
/// #     fn flights(&self) -> &Flights<Vec<u8>> { self.0.flights() }
/// #     fn namespace(&self) -> &str { "" }
/// #     fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String { self.0.stored_key(key) }
/// #     fn deadline(&self) -> Option<Duration> { None }
/// #     fn eviction_counts(&self) -> EvictionCounts { EvictionCounts::default() }
/// #     fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool { false }
/// #     fn mark_suspect(&self, _: &EncodedKey) {}
/// # }
/// # impl Storage<Vec<u8>> for Mine {
/// #     fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<Vec<u8>>, Infallible> { Storage::read(&self.0, key, until) }
/// #     fn write<K: RingKey + ?Sized>(&self, key: &K, value: Vec<u8>, expiry: Option<Duration>, until: Option<Instant>) -> Result<(), Infallible> { Storage::write(&self.0, key, value, expiry, until) }
/// #     fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Infallible> { Storage::remove(&self.0, key, until) }
/// #     fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Infallible> { Storage::contains(&self.0, key, until) }
/// #     fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration, until: Option<Instant>) -> Result<bool, Infallible> { Storage::renew(&self.0, key, expiry, until) }
/// # }
/// # type BytesOfMine = Mine;
///
/// /// A storage of your own: an `AsyncStorage<Vec<u8>>`.
/// struct Remote(Blocking<BytesOfMine>);
/// # impl StorageBase<Vec<u8>> for Remote {
/// #     type Error = ring_cache::Error;
/// #     fn flights(&self) -> &Flights<Vec<u8>> { self.0.flights() }
/// #     fn namespace(&self) -> &str { "" }
/// #     fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String { self.0.stored_key(key) }
/// #     fn deadline(&self) -> Option<Duration> { None }
/// #     fn eviction_counts(&self) -> EvictionCounts { EvictionCounts::default() }
/// #     fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool { false }
/// #     fn mark_suspect(&self, _: &EncodedKey) {}
/// # }
/// # use ring_cache::{Error, storage::AsyncStorage};
/// # impl AsyncStorage<Vec<u8>> for Remote {
/// #     async fn read<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<Option<Vec<u8>>, Error> { self.0.read(key, until).await }
/// #     async fn write<K: RingKey + ?Sized>(&self, key: &K, value: Vec<u8>, expiry: Option<Duration>, until: Option<Instant>) -> Result<(), Error> { self.0.write(key, value, expiry, until).await }
/// #     async fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> { self.0.remove(key, until).await }
/// #     async fn contains<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> { self.0.contains(key, until).await }
/// #     async fn renew<K: RingKey + ?Sized>(&self, key: &K, expiry: Duration, until: Option<Instant>) -> Result<bool, Error> { self.0.renew(key, expiry, until).await }
/// # }
///
/// page_storage!(Remote);
/// ```
#[macro_export]
macro_rules! page_storage {
    (in memory $storage:ty) => {
        $crate::page_storage!(@ $storage, |storage| storage);
    };
    (@ $storage:ty, |$this:ident| $view:expr) => {
        impl $crate::PageStorage for $storage {
            fn stats(&self, ring: &'static $crate::generated::Ring) -> $crate::generated::Stats {
                let $this = self;
                $crate::generated::stats(ring, $view)
            }

            fn get(
                self: ::std::sync::Arc<Self>,
                ring: &'static $crate::generated::Ring,
                key: $crate::generated::PageKey,
            ) -> $crate::generated::Answer<
                ::std::result::Result<::std::option::Option<$crate::StoredResponse>, $crate::generated::Error>,
            > {
                ::std::boxed::Box::pin(async move {
                    let $this: &Self = &self;
                    $crate::generated::get(ring, $view, key).await
                })
            }

            fn has(
                self: ::std::sync::Arc<Self>,
                ring: &'static $crate::generated::Ring,
                key: $crate::generated::PageKey,
            ) -> $crate::generated::Answer<::std::result::Result<bool, $crate::generated::Error>> {
                ::std::boxed::Box::pin(async move {
                    let $this: &Self = &self;
                    $crate::generated::has(ring, $view, key).await
                })
            }

            fn set(
                self: ::std::sync::Arc<Self>,
                ring: &'static $crate::generated::Ring,
                key: $crate::generated::PageKey,
                value: $crate::StoredResponse,
            ) -> $crate::generated::Answer<::std::result::Result<(), $crate::generated::Error>> {
                ::std::boxed::Box::pin(async move {
                    let $this: &Self = &self;
                    $crate::generated::set(ring, $view, key, value).await
                })
            }

            fn delete(
                self: ::std::sync::Arc<Self>,
                ring: &'static $crate::generated::Ring,
                key: $crate::generated::PageKey,
            ) -> $crate::generated::Answer<::std::result::Result<bool, $crate::generated::Error>> {
                ::std::boxed::Box::pin(async move {
                    let $this: &Self = &self;
                    $crate::generated::delete(ring, $view, key).await
                })
            }

            fn update(
                self: ::std::sync::Arc<Self>,
                ring: &'static $crate::generated::Ring,
                key: $crate::generated::PageKey,
                body: $crate::generated::Answer<$crate::generated::Produced>,
            ) -> $crate::generated::Answer<$crate::generated::Produced> {
                ::std::boxed::Box::pin(async move {
                    let $this: &Self = &self;
                    $crate::generated::update(ring, $view, key, body).await
                })
            }
        }
    };
    ($storage:ty) => {
        $crate::page_storage!(@ $storage, |storage| {
            $crate::generated::CodedStorage::<$crate::PageCoder>::coded(storage)
        });
    };
}

page_storage!(in memory Lru<StoredResponse>);
page_storage!(in memory Map<StoredResponse>);

macro_rules! backend {
    ($feature:literal, $storage:ty) => {
        #[cfg(feature = $feature)]
        page_storage!($storage);

        #[cfg(all(feature = $feature, feature = "tiered"))]
        page_storage!(ring_cache_backends::Tiered<Lru<StoredResponse>, $storage>);
    };
}

backend!("redis", ring_cache_backends::Redis);
backend!("redis", ring_cache_backends::RedisCluster);
backend!("memcached", ring_cache_backends::Memcached);
backend!("disk", ring_cache_backends::Blocking<ring_cache_backends::Disk>);

impl<S: PageStorage> PageStorage for Arc<S> {
    fn stats(&self, ring: &'static Ring) -> Stats {
        (**self).stats(ring)
    }

    fn get(
        self: Arc<Self>,
        ring: &'static Ring,
        key: PageKey,
    ) -> Answer<Result<Option<StoredResponse>, Error>> {
        Arc::clone(&*self).get(ring, key)
    }

    fn has(self: Arc<Self>, ring: &'static Ring, key: PageKey) -> Answer<Result<bool, Error>> {
        Arc::clone(&*self).has(ring, key)
    }

    fn set(
        self: Arc<Self>,
        ring: &'static Ring,
        key: PageKey,
        value: StoredResponse,
    ) -> Answer<Result<(), Error>> {
        Arc::clone(&*self).set(ring, key, value)
    }

    fn delete(self: Arc<Self>, ring: &'static Ring, key: PageKey) -> Answer<Result<bool, Error>> {
        Arc::clone(&*self).delete(ring, key)
    }

    fn update(
        self: Arc<Self>,
        ring: &'static Ring,
        key: PageKey,
        body: Answer<Produced>,
    ) -> Answer<Produced> {
        Arc::clone(&*self).update(ring, key, body)
    }
}
