//! A macro for own types of [`Remote`](super::Remote) storages, whose methods are documented on their own pages.

/// The names that [`own_type`] uses.
pub(crate) mod names {
    pub(crate) use std::fmt;
    pub(crate) use std::sync::Arc;
    pub(crate) use std::time::{Duration, Instant};

    #[cfg(any(feature = "redis", feature = "inspect"))]
    pub(crate) use ring_cache_core::Name;
    pub(crate) use ring_cache_core::flights::Flights;
    #[cfg(feature = "inspect")]
    pub(crate) use ring_cache_core::inspect::{Inspect, KeyPage, StorageHealth, Visit};
    pub(crate) use ring_cache_core::key::EncodedKey;
    #[cfg(feature = "tokio")]
    pub(crate) use ring_cache_core::send_operations;
    #[cfg(feature = "redis")]
    pub(crate) use ring_cache_core::storage::Clear;
    #[cfg(all(feature = "redis", feature = "tokio"))]
    pub(crate) use ring_cache_core::storage::{AsyncClear, SendClear};
    #[cfg(feature = "tokio")]
    pub(crate) use ring_cache_core::storage::{AsyncStorage, SendStorage};
    pub(crate) use ring_cache_core::storage::{
        ChangeObserver, EvictionCounts, Expires, LeaseToken, Leases, Storage, StorageBase, TellsLife,
    };
    pub(crate) use ring_cache_core::{Error, RingKey, storage_mutations, storage_queries};

    #[cfg(feature = "inspect")]
    pub(crate) use crate::remote::inspect::visit;
    #[cfg(feature = "tokio")]
    pub(crate) use crate::remote::own_type::awaited;
    pub(crate) use crate::remote::own_type::{blocking, own_type};
    pub(crate) use crate::remote::{Breaker, Health};
}

macro_rules! blocking {
    ($($name:ident $word:literal ($($bounds:tt)*) ($key:ident: $keys:ty => $recorded:ty = $lent:expr)
        ($($argument:ident: $type:ty),*) -> $output:ty;)*) => {$(
        fn $name<$($bounds)*>(
            &self,
            $key: $keys,
            $($argument: $type,)*
            until: Option<Instant>,
        ) -> Result<$output, Error> {
            Storage::$name(&self.remote, $key, $($argument,)* until)
        }
    )*};
}
pub(crate) use blocking;

#[cfg(feature = "tokio")]
macro_rules! awaited {
    ($($name:ident $word:literal ($($bounds:tt)*) ($key:ident: $keys:ty => $recorded:ty = $lent:expr)
        ($($argument:ident: $type:ty),*) -> $output:ty;)*) => {$(
        fn $name<$($bounds)*>(
            &self,
            $key: $keys,
            $($argument: $type,)*
            until: Option<Instant>,
        ) -> impl Future<Output = Result<$output, Error>> {
            AsyncStorage::$name(&self.remote, $key, $($argument,)* until)
        }
    )*};
}
#[cfg(feature = "tokio")]
pub(crate) use awaited;

/// Implements the settings of a storage, and all traits that its [`Remote`](super::Remote), the field `remote`, implements
/// for every server.
macro_rules! own_type {
    (@both $Storage:ident) => {
        impl $Storage {
            /// Puts `namespace` and a `:` before all keys. In it `:`, `%` and everything unprintable are escaped.
            ///
            /// Storages with different namespaces share no entry, whatever the names of their rings.
            #[must_use]
            pub fn namespace(self, namespace: &str) -> Self {
                $Storage {
                    remote: self.remote.namespace(namespace),
                }
            }

            /// Sets the time that a plain call may spend on the storage, for look-up and store together, and an explicit
            /// verb in all. The default is 100 ms.
            #[must_use]
            pub fn deadline(self, deadline: Duration) -> Self {
                $Storage {
                    remote: self.remote.deadline(deadline),
                }
            }

            /// Sets when the storage stops asking a server that does not answer. Each server has its own breaker.
            #[must_use]
            pub fn breaker(self, breaker: Breaker) -> Self {
                $Storage {
                    remote: self.remote.breaker(breaker),
                }
            }

            /// Counts of the failures so far.
            pub fn health(&self) -> Health {
                self.remote.health()
            }
        }

        impl fmt::Debug for $Storage {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.remote.fmt(f)
            }
        }

        impl StorageBase<Vec<u8>> for $Storage {
            type Error = Error;

            fn flights(&self) -> &Flights<Vec<u8>> {
                self.remote.flights()
            }

            fn namespace(&self) -> &str {
                StorageBase::namespace(&self.remote)
            }

            fn stored_key<K: RingKey + ?Sized>(&self, key: &K) -> String {
                self.remote.stored_key(key)
            }

            fn deadline(&self) -> Option<Duration> {
                StorageBase::deadline(&self.remote)
            }

            fn eviction_counts(&self) -> EvictionCounts {
                self.remote.eviction_counts()
            }

            fn watch(&self, observer: Arc<dyn ChangeObserver>) -> bool {
                self.remote.watch(observer)
            }

            fn leases(&self) -> Option<&dyn Leases> {
                self.remote.leases()
            }

            fn mark_suspect(&self, key: &EncodedKey) {
                self.remote.mark_suspect(key);
            }

            #[cfg(feature = "inspect")]
            fn visit(&self) -> Option<Visit> {
                Some(visit(&self.remote))
            }
        }

        #[cfg(feature = "inspect")]
        impl Inspect<Vec<u8>> for $Storage {
            fn refusal(&self) -> Option<&'static str> {
                Inspect::refusal(&self.remote)
            }

            fn keys(&self, ring: &Name, from: &str, at_most: usize) -> Result<KeyPage, Error> {
                self.remote.keys(ring, from, at_most)
            }

            fn remove_text(&self, ring: &Name, key: &str) -> Result<bool, Error> {
                self.remote.remove_text(ring, key)
            }

            fn shorten_text(&self, ring: &Name, key: &str, life: Duration) -> Result<bool, Error> {
                self.remote.shorten_text(ring, key, life)
            }

            fn clear_entries(&self, ring: &Name) -> Result<(), Error> {
                self.remote.clear_entries(ring)
            }

            fn health(&self) -> StorageHealth {
                Inspect::health(&self.remote)
            }
        }

        impl Storage<Vec<u8>> for $Storage {
            storage_queries!(blocking);
            storage_mutations!(blocking);
        }

        #[cfg(feature = "tokio")]
        impl AsyncStorage<Vec<u8>> for $Storage {
            storage_queries!(awaited);
            storage_mutations!(awaited);
        }

        #[cfg(feature = "tokio")]
        impl SendStorage<T> for $Storage {
            send_operations!();
        }
    };
    (@Expires $Storage:ident) => {
        impl Expires for $Storage {}

        impl TellsLife for $Storage {}
    };
    (@Leases $Storage:ident) => {
        impl Leases for $Storage {
            fn release(&self, key: &EncodedKey, token: LeaseToken) {
                self.remote.release(key, token);
            }
        }
    };
    (@Clear $Storage:ident) => {
        impl Clear<Vec<u8>> for $Storage {
            fn clear_ring(&self, name: &Name) -> Result<(), Error> {
                Clear::clear_ring(&self.remote, name)
            }
        }

        #[cfg(feature = "tokio")]
        impl AsyncClear<Vec<u8>> for $Storage {
            fn clear_ring(&self, name: &'static Name) -> impl Future<Output = Result<(), Error>> {
                AsyncClear::clear_ring(&self.remote, name)
            }
        }

        #[cfg(feature = "tokio")]
        impl SendClear<T> for $Storage {
            send_operations!(@clear);
        }
    };
    ($Storage:ident: $($capability:ident),*) => {
        const _: () = {
            use crate::remote::own_type::names::*;

            /// The values.
            type T = Vec<u8>;

            own_type!(@both $Storage);
            $(own_type!(@$capability $Storage);)*
        };
    };
}
pub(crate) use own_type;
