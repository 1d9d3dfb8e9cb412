//! A memory storage that can fail, in tests, instead of a server.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::flights::{Flights, Leases};
use crate::key::{EncodedKey, Name, RingKey};
use crate::storage::{
    ChangeObserver, Clear, EvictionCounts, Expires, HoldsBytes, InMemory, Storage, StorageBase, TellsLife,
};
use crate::storage_queries;

/// A memory storage whose operations can fail: verbs return a `Result`, as on a server, and [`set_down`](Self::set_down)
/// makes all operations fail.
///
/// It replaces a server in tests: a service that is generic over its storage, `storage = self.store as R, coder = Json`,
/// compiles with `Redis` and with `Fails<Lru<Vec<u8>>>`. The guide to storages has an example.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::storage::Storage;
/// use ring_cache::{ErrorKind, Fails, Lru};
///
/// let users = Fails::new(Lru::<String>::new(100));
/// users.set(&1_u32, "Ada".into(), None)?;
/// assert_eq!(users.get(&1_u32)?.as_deref(), Some("Ada"));
///
/// users.set_down(true);
/// assert_eq!(users.get(&1_u32).unwrap_err().kind(), ErrorKind::Storage);
///
/// users.set_down(false);
/// assert_eq!(users.get(&1_u32)?.as_deref(), Some("Ada"));
/// # Ok::<(), ring_cache::Error>(())
/// ```
///
/// Clones are handles to the same entries and fail together. The inner storage, [`backend`](Self::backend), never fails. A
/// change that fails while it is down removes the entry, as a server's entry is removed when it answers again: no old value
/// comes back after the outage.
pub struct Fails<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    storage: S,
    is_down: AtomicBool,
}

impl<S> Fails<S> {
    /// Wraps `storage`, which works until [`set_down`](Self::set_down).
    pub fn new(storage: S) -> Self {
        Fails {
            inner: Arc::new(Inner {
                storage,
                is_down: AtomicBool::new(false),
            }),
        }
    }

    /// Makes all operations fail, or work again.
    pub fn set_down(&self, is_down: bool) {
        self.inner.is_down.store(is_down, Ordering::SeqCst);
    }

    /// Whether all operations fail.
    pub fn is_down(&self) -> bool {
        self.inner.is_down.load(Ordering::SeqCst)
    }

    /// The inner storage.
    pub fn backend(&self) -> &S {
        &self.inner.storage
    }

    /// The storage, unless it is down.
    fn ask(&self, operation: &'static str) -> Result<&S, Error> {
        if self.is_down() {
            return Err(Error::storage("fails", operation, DOWN));
        }
        Ok(&self.inner.storage)
    }

    /// Makes a change of `keys`. If it fails, their entries are removed.
    fn change<'k, T, R, K: RingKey + ?Sized + 'k>(
        &self,
        operation: &'static str,
        keys: impl IntoIterator<Item = &'k K>,
        make: impl FnOnce(&S) -> Result<R, S::Error>,
    ) -> Result<R, Error>
    where
        S: Storage<T>,
    {
        match self.ask(operation) {
            Ok(storage) => make(storage).map_err(Into::into),
            Err(down) => {
                for key in keys {
                    self.inner.storage.remove(key, None).map_err(Into::into)?;
                }
                Err(down)
            }
        }
    }
}

const DOWN: &str = "it is down, by `set_down(true)`";

impl<S> Clone for Fails<S> {
    fn clone(&self) -> Self {
        Fails {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Fails<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fails")
            .field("storage", self.backend())
            .field("is_down", &self.is_down())
            .finish()
    }
}

/// Without `hit` and `in_place`: calls take the same path as on a server.
impl<T, S: StorageBase<T>> StorageBase<T> for Fails<S> {
    type Error = Error;

    const TEXT_KEYS: bool = S::TEXT_KEYS;

    fn flights(&self) -> &Flights<T> {
        self.inner.storage.flights()
    }

    fn namespace(&self) -> &str {
        self.inner.storage.namespace()
    }

    fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
        self.inner.storage.stored_key(key)
    }

    fn deadline(&self) -> Option<Duration> {
        self.inner.storage.deadline()
    }

    fn eviction_counts(&self) -> EvictionCounts {
        self.inner.storage.eviction_counts()
    }

    fn watch(&self, observer: Arc<dyn ChangeObserver>) -> bool {
        self.inner.storage.watch(observer)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        self.inner.storage.leases()
    }

    fn mark_suspect(&self, key: &EncodedKey) {
        self.inner.storage.mark_suspect(key);
    }

    #[cfg(feature = "inspect")]
    fn visit(&self) -> Option<crate::inspect::Visit> {
        self.inner.storage.visit()
    }
}

macro_rules! ask {
    ($($name:ident $word:literal ($($bounds:tt)*) ($key:ident: $keys:ty => $recorded:ty = $lent:expr)
        ($($argument:ident: $type:ty),*) -> $output:ty;)*) => {$(
        fn $name<$($bounds)*>(
            &self,
            $key: $keys,
            $($argument: $type,)*
            until: Option<Instant>,
        ) -> Result<$output, Error> {
            self.ask($word)?.$name($key, $($argument,)* until).map_err(Into::into)
        }
    )*};
}

impl<T, S: Storage<T>> Storage<T> for Fails<S> {
    storage_queries!(ask);

    fn write<K: RingKey + ?Sized>(
        &self,
        key: &K,
        value: T,
        expiry: Option<Duration>,
        until: Option<Instant>,
    ) -> Result<(), Error> {
        self.change("set", [key], |storage| storage.write(key, value, expiry, until))
    }

    fn remove<K: RingKey + ?Sized>(&self, key: &K, until: Option<Instant>) -> Result<bool, Error> {
        self.change("delete", [key], |storage| storage.remove(key, until))
    }

    fn write_many<K: RingKey>(
        &self,
        entries: Vec<(K, T, Option<Duration>)>,
        until: Option<Instant>,
    ) -> Result<(), Error> {
        let keys: Vec<_> = entries.iter().map(|(key, ..)| EncodedKey::of(key)).collect();
        self.change("set_many", &keys, |storage| storage.write_many(entries, until))
    }

    fn remove_many<K: RingKey>(&self, keys: &[K], until: Option<Instant>) -> Result<Vec<bool>, Error> {
        self.change("delete_many", keys, |storage| storage.remove_many(keys, until))
    }
}

/// Tags are kept as on a server.
impl<S: StorageBase<Vec<u8>>> HoldsBytes for Fails<S> {}

impl<S: InMemory> InMemory for Fails<S> {}

impl<S: Expires> Expires for Fails<S> {}

impl<S: TellsLife> TellsLife for Fails<S> {}

impl<T, S: Clear<T>> Clear<T> for Fails<S> {
    fn clear_ring(&self, name: &Name) -> Result<(), Error> {
        self.ask("clear")?.clear_ring(name).map_err(Into::into)
    }
}
