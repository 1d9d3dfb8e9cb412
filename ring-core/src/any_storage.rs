//! Storages chosen at run time: handles of any storage, for blocking calls and for awaited ones.
//!
//! The traits of storages are generic over keys, so they have no trait objects. Here keys are recorded first: [`DynBase`],
//! [`DynStorage`] and [`SendStorage`](awaited::SendStorage) are the same traits for recorded keys.

pub(crate) mod awaited;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::flights::{Flights, LeaseToken};
use crate::key::{EncodedKey, Name, RingKey};
use crate::storage::{
    ChangeObserver, Clear, EvictionCounts, Expires, HoldsBytes, Storage, StorageBase, TellsLife,
};
use crate::{storage_mutations, storage_queries};

/// A blocking storage of any type, chosen at run time.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::storage::Storage;
/// use ring_cache::{AnyStorage, Lru, Map};
///
/// fn storage_of(setting: &str) -> AnyStorage<String> {
///     match setting {
///         "bounded" => AnyStorage::new(Lru::new(10_000)),
///         _ => AnyStorage::new(Map::new()),
///     }
/// }
///
/// let users = storage_of("bounded");
/// users.set(&1_u32, "Ada".into(), None)?;
/// assert_eq!(users.get(&1_u32)?.as_deref(), Some("Ada"));
/// # Ok::<(), ring_cache::Error>(())
/// ```
///
/// A ring names it as `storage = self.store as AnyStorage<User>`, or with a coder as `AnyStorage<Vec<u8>>`: memory storages
/// hold either, servers and files hold bytes.
///
/// Clones are handles to the same entries, as are handles of the inner storage. Verbs return a `Result`; over memory it is
/// always `Ok`. The inner storage must support expiry and tell the remaining life, so a `RedisHash` cannot be inside. A
/// `Tiered` cannot either, since its entries are both values and bytes; an `AnyStorage<Vec<u8>>` can be its far tier.
///
/// # Cost
///
/// A hit in memory records its key, and calls through a pointer: on `AnyStorage<u64>` over an [`Lru`](crate::Lru) it takes
/// 2.2 times as long as on the `Lru` itself (`cargo run --release --bin any_storage` in `benches/`). It allocates only for
/// long keys.
pub struct AnyStorage<T> {
    storage: Arc<dyn DynStorage<T>>,
    clear: Option<Arc<dyn DynClear<T>>>,
}

impl<T> AnyStorage<T> {
    /// A handle of `storage`.
    pub fn new<S>(storage: S) -> Self
    where
        S: Clear<T> + TellsLife + Send + Sync + 'static,
        T: 'static,
    {
        let storage = Arc::new(storage);
        AnyStorage {
            clear: Some(Arc::clone(&storage) as Arc<dyn DynClear<T>>),
            storage,
        }
    }

    /// A handle of a storage that cannot remove the entries of one ring, such as `Memcached`: `{method}_cache().clear()`
    /// returns an error.
    pub fn without_clear<S>(storage: S) -> Self
    where
        S: Storage<T> + TellsLife + Send + Sync + 'static,
    {
        AnyStorage {
            storage: Arc::new(storage),
            clear: None,
        }
    }
}

/// Implements the common part of the handles of both modes.
macro_rules! handle {
    ($Handle:ident) => {
        impl<T> Clone for $Handle<T> {
            fn clone(&self) -> Self {
                $Handle {
                    storage: Arc::clone(&self.storage),
                    clear: self.clear.clone(),
                }
            }
        }

        impl<T> fmt::Debug for $Handle<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Handle)).finish_non_exhaustive()
            }
        }

        /// Without `in_place`: memory storages keep no versions of tags for it.
        impl<T> StorageBase<T> for $Handle<T> {
            type Error = Error;

            fn flights(&self) -> &Flights<T> {
                self.storage.flights()
            }

            fn namespace(&self) -> &str {
                self.storage.namespace()
            }

            fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
                self.storage.stored_key(&EncodedKey::of(key))
            }

            fn deadline(&self) -> Option<Duration> {
                self.storage.deadline()
            }

            fn eviction_counts(&self) -> EvictionCounts {
                self.storage.eviction_counts()
            }

            fn watch(&self, observer: Arc<dyn ChangeObserver>) -> bool {
                self.storage.watch(observer)
            }

            fn leases(&self) -> Option<&dyn crate::flights::Leases> {
                self.storage.leases()
            }

            fn mark_suspect(&self, key: &EncodedKey) {
                self.storage.mark_suspect(key);
            }

            fn hit<K: RingKey + ?Sized>(&self, key: &K, life: Option<Duration>) -> Option<T> {
                match key.as_recorded() {
                    Some(key) => self.storage.hit(key, life),
                    None => self.storage.hit(&EncodedKey::of(key), life),
                }
            }

            #[cfg(feature = "inspect")]
            fn visit(&self) -> Option<crate::inspect::Visit> {
                self.storage.visit()
            }
        }

        /// Tags are entries of their own, as on a server.
        impl HoldsBytes for $Handle<Vec<u8>> {}

        /// The inner storage can.
        impl<T> Expires for $Handle<T> {}

        /// The inner storage does.
        impl<T> TellsLife for $Handle<T> {}
    };
}

use handle;

handle!(AnyStorage);

macro_rules! record_and_ask {
    ($($name:ident $word:literal ($($bounds:tt)*) ($key:ident: $keys:ty => $recorded:ty = $lent:expr)
        ($($argument:ident: $type:ty),*) -> $output:ty;)*) => {$(
        fn $name<$($bounds)*>(
            &self,
            $key: $keys,
            $($argument: $type,)*
            until: Option<Instant>,
        ) -> Result<$output, Error> {
            self.storage.$name(Record::record($key), $($argument,)* until)
        }
    )*};
}

impl<T> Storage<T> for AnyStorage<T> {
    storage_queries!(record_and_ask);
    storage_mutations!(record_and_ask);
}

impl<T> Clear<T> for AnyStorage<T> {
    fn clear_ring(&self, name: &Name) -> Result<(), Error> {
        self.clear.as_ref().ok_or_else(cannot_clear)?.clear_ring(name)
    }
}

fn cannot_clear() -> Error {
    Error::storage(
        "any",
        "clear",
        "the storage was given to `without_clear`, as one that cannot",
    )
}

/// [`StorageBase`] for recorded keys.
#[doc(hidden)]
pub trait DynBase<T>: Send + Sync {
    fn flights(&self) -> &Flights<T>;
    fn namespace(&self) -> &str;
    fn stored_key(&self, key: &EncodedKey) -> String;
    fn deadline(&self) -> Option<Duration>;
    fn eviction_counts(&self) -> EvictionCounts;
    fn watch(&self, observer: Arc<dyn ChangeObserver>) -> bool;
    fn leases(&self) -> Option<&dyn crate::flights::Leases>;
    fn mark_suspect(&self, key: &EncodedKey);
    fn hit(&self, key: &EncodedKey, life: Option<Duration>) -> Option<T>;
    #[cfg(feature = "inspect")]
    fn visit(&self) -> Option<crate::inspect::Visit>;
}

impl<T, S: StorageBase<T> + Send + Sync> DynBase<T> for S {
    fn flights(&self) -> &Flights<T> {
        StorageBase::flights(self)
    }

    fn namespace(&self) -> &str {
        StorageBase::namespace(self)
    }

    fn stored_key(&self, key: &EncodedKey) -> String {
        StorageBase::stored_key(self, key)
    }

    fn deadline(&self) -> Option<Duration> {
        StorageBase::deadline(self)
    }

    fn eviction_counts(&self) -> EvictionCounts {
        StorageBase::eviction_counts(self)
    }

    fn watch(&self, observer: Arc<dyn ChangeObserver>) -> bool {
        StorageBase::watch(self, observer)
    }

    fn leases(&self) -> Option<&dyn crate::flights::Leases> {
        StorageBase::leases(self)
    }

    fn mark_suspect(&self, key: &EncodedKey) {
        StorageBase::mark_suspect(self, key);
    }

    fn hit(&self, key: &EncodedKey, life: Option<Duration>) -> Option<T> {
        StorageBase::hit(self, key, life)
    }

    #[cfg(feature = "inspect")]
    fn visit(&self) -> Option<crate::inspect::Visit> {
        StorageBase::visit(self)
    }
}

macro_rules! declare {
    ($($name:ident $word:literal ($($bounds:tt)*) ($key:ident: $keys:ty => $recorded:ty = $lent:expr)
        ($($argument:ident: $type:ty),*) -> $output:ty;)*) => {$(
        fn $name(
            &self,
            $key: $recorded,
            $($argument: $type,)*
            until: Option<Instant>,
        ) -> Result<$output, Error>;
    )*};
}

macro_rules! lend {
    ($($name:ident $word:literal ($($bounds:tt)*) ($key:ident: $keys:ty => $recorded:ty = $lent:expr)
        ($($argument:ident: $type:ty),*) -> $output:ty;)*) => {$(
        fn $name(
            &self,
            $key: $recorded,
            $($argument: $type,)*
            until: Option<Instant>,
        ) -> Result<$output, Error> {
            Storage::$name(self, $lent, $($argument,)* until).map_err(Into::into)
        }
    )*};
}

/// [`Storage`] for recorded keys.
trait DynStorage<T>: DynBase<T> {
    storage_queries!(declare);
    storage_mutations!(declare);
}

impl<T, S: Storage<T> + Send + Sync> DynStorage<T> for S {
    storage_queries!(lend);
    storage_mutations!(lend);
}

/// [`Clear`] as a trait object.
trait DynClear<T>: Send + Sync {
    fn clear_ring(&self, name: &Name) -> Result<(), Error>;
}

impl<T, S: Clear<T> + Send + Sync> DynClear<T> for S {
    fn clear_ring(&self, name: &Name) -> Result<(), Error> {
        Clear::clear_ring(self, name).map_err(Into::into)
    }
}

/// Keys as passed to a storage, one or many, recorded as `R`.
trait Record<R> {
    fn record(self) -> R;
}

impl<K: RingKey + ?Sized> Record<EncodedKey> for &K {
    fn record(self) -> EncodedKey {
        match self.as_recorded() {
            Some(recorded) => recorded.clone(),
            None => EncodedKey::of(self),
        }
    }
}

impl<K: RingKey> Record<Vec<EncodedKey>> for &[K] {
    fn record(self) -> Vec<EncodedKey> {
        self.iter().map(Record::record).collect()
    }
}

impl<K: RingKey> Record<Vec<(EncodedKey, Duration)>> for &[(K, Duration)] {
    fn record(self) -> Vec<(EncodedKey, Duration)> {
        let entries = self.iter();
        entries.map(|(key, expiry)| (key.record(), *expiry)).collect()
    }
}

impl<K: RingKey, T> Record<Vec<(EncodedKey, T, Option<Duration>)>> for Vec<(K, T, Option<Duration>)> {
    fn record(self) -> Vec<(EncodedKey, T, Option<Duration>)> {
        let entries = self.into_iter();
        let entries = entries.map(|(key, value, expiry)| (Record::record(&key), value, expiry));
        entries.collect()
    }
}

impl<K: RingKey, T> Record<Vec<(EncodedKey, T, Option<Duration>, LeaseToken)>>
    for Vec<(K, T, Option<Duration>, LeaseToken)>
{
    fn record(self) -> Vec<(EncodedKey, T, Option<Duration>, LeaseToken)> {
        let entries = self.into_iter();
        let entries = entries.map(|(key, value, expiry, token)| (Record::record(&key), value, expiry, token));
        entries.collect()
    }
}
