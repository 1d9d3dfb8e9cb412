//! Cached methods with full control of every call.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// Observability: statistics, rings, findings, events, metrics and traces.
#[doc = include_str!("../SEEING.md")]
#[cfg(any(doc, doctest))]
pub mod seeing {}

/// Coming from cached, moka, hitbox, or Ring for Python: tables of terms.
#[doc = include_str!("../COMING_FROM.md")]
#[cfg(any(doc, doctest))]
pub mod coming_from {}

/// Examples in the documentation of the macros, whose package does not depend on this one.
#[cfg(doctest)]
mod macros {
    #[doc = include_str!("../ring-derive/docs/ring.md")]
    mod ring {}
    #[doc = include_str!("../ring-derive/docs/ring_impl.md")]
    mod ring_impl {}
    #[doc = include_str!("../ring-derive/docs/ring_key.md")]
    mod ring_key {}
    #[doc = include_str!("../ring-derive/docs/ring_shape.md")]
    mod ring_shape {}
}

/// Storages outside the process: their use, capabilities and failures.
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

/// Stale values and their refresh, jitter, and expiries that depend on values.
#[doc = include_str!("../FRESHNESS.md")]
#[cfg(all(any(doc, doctest), feature = "testing", feature = "tokio"))]
pub mod freshness {}

/// Invalidation: writers, tags and dependent entries.
#[doc = include_str!("../INVALIDATION.md")]
#[cfg(any(doc, doctest))]
pub mod invalidation {}

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
#[cfg(feature = "metrics")]
pub use ring_cache_core::metrics;
#[cfg(feature = "tracing")]
pub use ring_cache_core::tracing;
pub use ring_cache_core::{
    Action, ActionResult, AnyAsyncStorage, AnyStorage, AsyncCache, AsyncCall, AsyncCalls, AtMost, BoundCall,
    Bracket, Cache, CachedAsyncCall, CachedCall, Call, Calls, Cause, ClearRings, Cleared, Clearing,
    DEFAULT_CAPACITY, DEFAULT_CONCURRENCY, DEFAULT_FLIGHT_TIMEOUT, Entry, Error, ErrorCounts, ErrorKind,
    EvictionReason, Fails, Failure, Fallible, Finding, Forgetting, Key, KeyWriter, Lookup, Lru, LruBuilder,
    Map, Name, Observer, Outcome, Output, Plain, Policy, RingInfo, RingKey, RingShape, Settings, ShapeWriter,
    Stats, StorageInfo, Tag, TimedOut, TypeName, UnknownAction, background, body, clear_all, clear_namespace,
    clock, coder, doctor, flights, key, mode, observe, rings, send_storage, storage, tag, watch,
};
#[cfg(feature = "testing")]
pub use ring_cache_core::{assert_computed, testing};
pub use ring_cache_derive::{RingKey, RingShape, ring, ring_impl};
#[cfg(feature = "inspector")]
pub use ring_cache_inspector as inspector;
#[cfg(feature = "pages")]
pub use ring_cache_pages as pages;
