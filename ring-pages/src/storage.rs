//! Storages of pages: those of ring-cache, and your own ones by [`page_storage!`](crate::page_storage).

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use ring_cache_core::mode::Awaited;
use ring_cache_core::storage::{AsyncStorage, Moment, StorageBase, View};
use ring_cache_core::{Error, Failure, Fallible, Handle, Lru, Map, Plain, Ring, Stats, Tag};

use crate::keeping::KeepsTags;
use crate::key::PageKey;
use crate::stored::StoredResponse;
use crate::timed::{Kept, Timed};

/// The future of an operation.
pub type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The result of a computation: the entry for its key, if there is one.
pub type Produced = Result<StoredResponse, ()>;

/// The result of a look-up.
#[derive(Debug, Default)]
pub struct Found {
    pub(crate) entry: Option<StoredResponse>,
    /// The version of the key's tags, if it was read along.
    pub(crate) version: Option<u64>,
}

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
    fn get(self: Arc<Self>, ring: &'static Ring, key: PageKey) -> Answer<Result<Found, Error>>;

    /// The version of the tags of a key; `None` if it is not known.
    #[doc(hidden)]
    fn see(self: Arc<Self>, key: PageKey) -> Answer<Option<u64>>;

    /// The version that these tags had at a moment and have still, if it can be known afterwards.
    #[doc(hidden)]
    fn version_since(&self, moment: Moment, tags: &[Tag]) -> Option<u64> {
        let _ = (moment, tags);
        None
    }

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
pub fn stats<T, W, G>(ring: &'static Ring, view: W) -> Stats
where
    T: Kept,
    W: View<StoredResponse, Stored = T>,
{
    handle(ring, Timed::<W, G>::new(view, Arc::default(), None)).stats::<StoredResponse>()
}

/// See [`PageStorage::get`].
pub async fn get<T, W, G>(ring: &'static Ring, view: W, key: PageKey) -> Result<Found, Error>
where
    T: Kept,
    W: View<StoredResponse, Stored = T>,
    W::Storage: AsyncStorage<T>,
    G: KeepsTags<T, W::Storage>,
{
    let view = timed::<W, G>(view, &key);
    let call = handle(ring, view.clone()).name_entry::<Plain<StoredResponse>, _>(key.parts());
    let entry = result::<T, W, _>(call.get().await)?;
    let version = view.version();
    Ok(Found { entry, version })
}

/// See [`PageStorage::see`].
pub async fn see<T, W, G>(view: W, key: PageKey) -> Option<u64>
where
    T: Kept,
    W: View<StoredResponse, Stored = T>,
    W::Storage: AsyncStorage<T>,
    G: KeepsTags<T, W::Storage>,
{
    let view = timed::<W, G>(view, &key);
    let until = view.deadline().map(|deadline| Instant::now() + deadline);
    view.see_versions::<&str>(&[], until).await.ok()?;
    view.version()
}

/// See [`PageStorage::set`].
pub async fn set<T, W, G>(
    ring: &'static Ring,
    view: W,
    key: PageKey,
    value: StoredResponse,
) -> Result<(), Error>
where
    T: Kept,
    W: View<StoredResponse, Stored = T>,
    W::Storage: AsyncStorage<T>,
    G: KeepsTags<T, W::Storage>,
{
    let handle = handle(ring, timed::<W, G>(view, &key));
    let call = handle.name_entry::<Plain<StoredResponse>, _>(key.parts());
    result::<T, W, _>(call.set(value).await)
}

/// See [`PageStorage::delete`].
pub async fn delete<T, W, G>(ring: &'static Ring, view: W, key: PageKey) -> Result<bool, Error>
where
    T: Kept,
    W: View<StoredResponse, Stored = T>,
    W::Storage: AsyncStorage<T>,
    G: KeepsTags<T, W::Storage>,
{
    let handle = handle(ring, timed::<W, G>(view, &key));
    let call = handle.name_entry::<Plain<StoredResponse>, _>(key.parts());
    result::<T, W, _>(call.delete().await)
}

/// See [`PageStorage::update`].
pub async fn update<T, W, G>(ring: &'static Ring, view: W, key: PageKey, body: Answer<Produced>) -> Produced
where
    T: Kept,
    W: View<StoredResponse, Stored = T>,
    W::Storage: AsyncStorage<T>,
    G: KeepsTags<T, W::Storage>,
{
    let handle = handle(ring, timed::<W, G>(view, &key));
    let bound = handle.bind::<Fallible<StoredResponse, ()>, _, _, _>(key.parts(), |_| body);
    bound.update().await
}

fn timed<W, G>(view: W, key: &PageKey) -> Timed<W, G> {
    Timed::new(view, Arc::clone(&key.tags), key.version)
}

fn handle<W, G>(ring: &'static Ring, view: Timed<W, G>) -> Handle<Timed<W, G>, Awaited> {
    Handle::new(ring, view)
}

type ErrorOf<T, W> = <<W as View<StoredResponse>>::Storage as StorageBase<T>>::Error;

fn result<T, W, V>(outcome: <ErrorOf<T, W> as Failure>::Outcome<V>) -> Result<V, Error>
where
    W: View<StoredResponse, Stored = T>,
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
        $crate::page_storage!(@ $storage, $crate::generated::Inside, |storage| storage, {
            fn version_since(
                &self,
                moment: $crate::generated::Moment,
                tags: &[$crate::generated::Tag],
            ) -> ::std::option::Option<u64> {
                moment.version_of(tags)
            }
        });
    };
    (with tags $storage:ty) => {
        $crate::page_storage!(@ $storage, $crate::generated::Beside, |storage| {
            $crate::generated::CodedStorage::<$crate::PageCoder>::coded(storage)
        }, {});
    };
    (@ $storage:ty, $keeping:ty, |$this:ident| $view:expr, {$($more:item)*}) => {
        impl $crate::PageStorage for $storage {
            fn stats(&self, ring: &'static $crate::generated::Ring) -> $crate::generated::Stats {
                let $this = self;
                $crate::generated::stats::<_, _, $keeping>(ring, $view)
            }

            fn get(
                self: ::std::sync::Arc<Self>,
                ring: &'static $crate::generated::Ring,
                key: $crate::generated::PageKey,
            ) -> $crate::generated::Answer<
                ::std::result::Result<$crate::generated::Found, $crate::generated::Error>,
            > {
                ::std::boxed::Box::pin(async move {
                    let $this: &Self = &self;
                    $crate::generated::get::<_, _, $keeping>(ring, $view, key).await
                })
            }

            fn see(
                self: ::std::sync::Arc<Self>,
                key: $crate::generated::PageKey,
            ) -> $crate::generated::Answer<::std::option::Option<u64>> {
                ::std::boxed::Box::pin(async move {
                    let $this: &Self = &self;
                    $crate::generated::see::<_, _, $keeping>($view, key).await
                })
            }

            $($more)*

            fn set(
                self: ::std::sync::Arc<Self>,
                ring: &'static $crate::generated::Ring,
                key: $crate::generated::PageKey,
                value: $crate::StoredResponse,
            ) -> $crate::generated::Answer<::std::result::Result<(), $crate::generated::Error>> {
                ::std::boxed::Box::pin(async move {
                    let $this: &Self = &self;
                    $crate::generated::set::<_, _, $keeping>(ring, $view, key, value).await
                })
            }

            fn delete(
                self: ::std::sync::Arc<Self>,
                ring: &'static $crate::generated::Ring,
                key: $crate::generated::PageKey,
            ) -> $crate::generated::Answer<::std::result::Result<bool, $crate::generated::Error>> {
                ::std::boxed::Box::pin(async move {
                    let $this: &Self = &self;
                    $crate::generated::delete::<_, _, $keeping>(ring, $view, key).await
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
                    $crate::generated::update::<_, _, $keeping>(ring, $view, key, body).await
                })
            }
        }
    };
    ($storage:ty) => {
        impl $crate::generated::HoldsBytes for $storage {}

        $crate::page_storage!(with tags $storage);
    };
}

page_storage!(in memory Lru<StoredResponse>);
page_storage!(in memory Map<StoredResponse>);

macro_rules! backend {
    ($feature:literal, $storage:ty) => {
        #[cfg(feature = $feature)]
        page_storage!(with tags $storage);

        #[cfg(all(feature = $feature, feature = "tiered"))]
        page_storage!(with tags ring_cache_backends::Tiered<Lru<StoredResponse>, $storage>);
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

    fn get(self: Arc<Self>, ring: &'static Ring, key: PageKey) -> Answer<Result<Found, Error>> {
        Arc::clone(&*self).get(ring, key)
    }

    fn see(self: Arc<Self>, key: PageKey) -> Answer<Option<u64>> {
        Arc::clone(&*self).see(key)
    }

    fn version_since(&self, moment: Moment, tags: &[Tag]) -> Option<u64> {
        (**self).version_since(moment, tags)
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
