//! Cached methods with full control of every call.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// Storages outside the process: how to use them, what each can do, and what happens when they fail.
#[doc = include_str!("../STORAGES.md")]
#[cfg(all(
    any(doc, doctest),
    feature = "disk",
    feature = "json",
    feature = "memcached",
    feature = "redis",
    feature = "testing",
    feature = "tiered"
))]
pub mod storages {}

#[cfg(feature = "tokio")]
pub use ring_cache_backends::Blocking;
#[cfg(feature = "memcached")]
pub use ring_cache_backends::Memcached;
#[cfg(feature = "tiered")]
pub use ring_cache_backends::Tiered;
#[cfg(any(feature = "redis", feature = "memcached"))]
pub use ring_cache_backends::{Breaker, Health};
#[cfg(feature = "disk")]
pub use ring_cache_backends::{Damages, Disk};
#[cfg(feature = "redis")]
pub use ring_cache_backends::{Redis, RedisCluster, RedisHash};
#[doc(hidden)]
pub use ring_cache_core::generated;
#[cfg(feature = "testing")]
pub use ring_cache_core::testing;
pub use ring_cache_core::{
    Action, ActionResult, AsyncCache, AsyncCall, AsyncCalls, AtMost, BoundCall, Bracket, Cache,
    CachedAsyncCall, CachedCall, Call, Calls, Cause, DEFAULT_CAPACITY, DEFAULT_CONCURRENCY,
    DEFAULT_FLIGHT_TIMEOUT, Error, ErrorKind, Failure, Fallible, Key, KeyWriter, Lru, LruBuilder, Map, Name,
    Outcome, Output, Plain, Policy, RingKey, RingShape, ShapeWriter, Stats, TypeName, UnknownAction, body,
    clock, coder, flights, key, mode, storage,
};
pub use ring_cache_derive::{RingKey, RingShape, ring, ring_impl};
