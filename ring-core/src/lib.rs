//! Keys, calls, flights, coders and memory storages of [ring-cache](https://docs.rs/ring-cache), without I/O and an
//! async runtime. Depend on `ring-cache`, which includes the macros.
//!
//! A hit goes from the generated accessor to [`Call`], to [`Lru`], to its shard. A miss continues to the machines of `call`,
//! and to the [`flights`].

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod background;
pub mod body;
pub mod clock;
pub mod coder;
pub mod flights;
#[doc(hidden)]
pub mod generated;
#[cfg(feature = "inspect")]
#[cfg_attr(docsrs, doc(cfg(feature = "inspect")))]
pub mod inspect;
pub mod key;
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub mod metrics;
pub mod mode;
pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tracing")]
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub mod tracing;

mod account;
mod action;
mod any_storage;
mod cache;
mod call;
mod clearing;
mod doctor;
mod entry;
mod error;
mod errors;
mod fails;
mod freshness;
mod lru;
mod map;
mod observer;
mod output;
#[cfg(feature = "metrics")]
mod published;
mod registry;
mod ring;
mod ring_info;
mod shape;
mod spans;
mod stats;
mod storage_facts;
mod switches;
mod sync;
mod tag;
mod timeout;
mod usage;
mod used;
mod used_rings;
mod wait;
mod warned;
mod watched;
mod writer;

pub use action::{Action, ActionResult, UnknownAction};
pub use any_storage::AnyStorage;
pub use any_storage::awaited::AnyAsyncStorage;
pub use cache::{AsyncCache, Cache, Handle, RingStatic};
pub use call::{
    AsyncCall, AsyncCalls, AtMost, BoundCall, CachedAsyncCall, CachedCall, Call, Calls, DEFAULT_CONCURRENCY,
    Forgetting, Outcome,
};
pub use clearing::Clearing;
pub use doctor::{Finding, doctor};
pub use entry::Entry;
pub use error::{Cause, Error, ErrorKind, Failure};
pub use fails::Fails;
pub use freshness::Lookup;
pub use key::{Bracket, Key, KeyWriter, Name, RingKey, TypeName};
pub use lru::{DEFAULT_CAPACITY, Lru, LruBuilder, Policy};
pub use map::Map;
pub use observer::{EvictionReason, Observer, observe};
pub use output::{Fallible, Output, Plain};
pub use registry::Registry;
pub use ring::{DEFAULT_FLIGHT_TIMEOUT, Ring};
pub use ring_info::{RingInfo, Settings, StorageInfo, rings};
pub use shape::{RingShape, ShapeWriter};
pub use stats::{ErrorCounts, Stats};
#[doc(hidden)]
pub use tag::tag_of_stored_key;
pub use tag::{Tag, tag};
pub use timeout::TimedOut;
pub use used::{ClearRings, Cleared, clear_all, clear_namespace};
pub use watched::watch;
