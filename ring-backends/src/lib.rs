//! Storages of [ring-cache](https://docs.rs/ring-cache) outside the process.
//!
//! There are none in this version: Redis, Memcached, disk and tiers of storages come next, one file and one feature
//! each. A storage of your own needs nothing from here: implement
//! [`Storage`](ring_cache_core::storage::Storage) and name it by `#[ring(storage = EXPRESSION as Type)]`.
