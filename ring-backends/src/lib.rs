//! Storages of [ring-cache](https://docs.rs/ring-cache) outside the process, each with a feature. Depend on `ring-cache`,
//! whose features of the same names enable them.
//!
//! | storage | feature | |
//! |---|---|---|
//! | `Redis`, `RedisHash`, `RedisCluster` | `redis`; in an `async fn` also `tokio`; `tls` | a server, hashes of it, a cluster |
//! | `Disk` | `disk` | a file, which survives restarts |
//! | `Tiered` | `tiered` | memory in front of another storage |
//! | `Blocking` | `tokio` | a storage that blocks, for `async fn`s |
//! | `Memcached` | `memcached` | entries on memcached servers |
//!
//! For a storage of your own this crate is not needed: implement
//! [`Storage`](ring_cache_core::storage::Storage) or
//! [`AsyncStorage`](ring_cache_core::storage::AsyncStorage), and name it by
//! `#[ring(storage = EXPRESSION as Type)]`.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "tokio")]
mod blocking;
#[cfg(feature = "disk")]
mod disk;
#[cfg(feature = "memcached")]
pub mod memcached;
#[cfg(any(feature = "disk", feature = "remote"))]
mod pending_deletes;
#[cfg(any(feature = "disk", feature = "remote", feature = "tiered"))]
mod process;
#[cfg(feature = "tokio")]
mod real_time;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "remote")]
pub mod remote;
#[cfg(feature = "tiered")]
mod tiered;

/// Entry points for the fuzz targets; not part of the public API.
#[cfg(all(fuzzing, feature = "memcached", feature = "redis"))]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::memcached::fuzzing as memcached;
    pub use crate::redis::fuzzing as redis;
}

#[cfg(feature = "tokio")]
pub use blocking::Blocking;
#[cfg(feature = "disk")]
pub use disk::{Damages, Disk};
#[cfg(feature = "memcached")]
pub use memcached::Memcached;
#[cfg(feature = "redis")]
pub use redis::{Redis, RedisCluster, RedisHash};
#[cfg(feature = "remote")]
pub use remote::{Breaker, Health};
#[cfg(feature = "tiered")]
pub use tiered::{Near, Tiered, TieredView};
