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

/// Stale values and their refresh, jitter, and expiries that values decide.
#[doc = include_str!("../FRESHNESS.md")]
#[cfg(all(any(doc, doctest), feature = "testing", feature = "tokio"))]
pub mod freshness {}

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
pub use ring_cache_core::{
    Action, ActionResult, AsyncCache, AsyncCall, AsyncCalls, AtMost, BoundCall, Bracket, Cache,
    CachedAsyncCall, CachedCall, Call, Calls, Cause, Clearing, DEFAULT_CAPACITY, DEFAULT_CONCURRENCY,
    DEFAULT_FLIGHT_TIMEOUT, Error, ErrorKind, Failure, Fallible, Forgetting, Key, KeyWriter, Lookup, Lru,
    LruBuilder, Map, Name, Outcome, Output, Plain, Policy, RingKey, Stats, TypeName, UnknownAction,
    background, body, clock, coder, flights, key, mode, storage,
};
#[cfg(feature = "testing")]
pub use ring_cache_core::{assert_computed, testing};
pub use ring_cache_derive::{RingKey, ring, ring_impl};
#[cfg(feature = "pages")]
pub use ring_cache_pages as pages;
