//! Storages of [ring-cache](https://docs.rs/ring-cache) outside the process, one file and one feature each. Depend on
//! `ring-cache`, whose features of the same names bring them.
//!
//! | storage | feature | |
//! |---|---|---|
//! | `Disk` | `disk` | in a file, which survives restarts |
//! | `Blocking` | `tokio` | lets an `async fn` use a storage that blocks |
//!
//! Redis, Memcached and tiers of storages come next. A storage of your own needs nothing from here: implement
//! [`Storage`](ring_cache_core::storage::Storage), or
//! [`AsyncStorage`](ring_cache_core::storage::AsyncStorage) if it is awaited, and name it by
//! `#[ring(storage = EXPRESSION as Type)]`.

#[cfg(feature = "tokio")]
mod blocking;
#[cfg(feature = "disk")]
mod disk;
#[cfg(feature = "disk")]
mod namespace;

#[cfg(feature = "tokio")]
pub use blocking::Blocking;
#[cfg(feature = "disk")]
pub use disk::{Damages, Disk};
