//! Keys, calls, tickets, coders and memory storages of [ring-cache](https://docs.rs/ring-cache), without I/O and
//! without an async runtime. Depend on `ring-cache`, which brings the macros as well.
//!
//! The way of a hit: generated accessor → [`Call`] → [`Lru`] → its shard. A miss goes on to the [`flights`].

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod body;
pub mod clock;
pub mod coder;
pub mod colour;
pub mod flights;
#[doc(hidden)]
pub mod generated;
pub mod key;
pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;

mod action;
mod async_call;
mod async_calls;
mod bulk;
mod cache;
mod call;
mod calls;
mod concurrently;
mod error;
mod filling;
mod keeping;
mod lru;
mod name;
mod registry;
mod returned;
mod ring;
mod stats;
mod sync;
mod writing;

pub use action::{Action, Ran, UnknownAction};
pub use async_call::AsyncCall;
pub use async_calls::{AsyncCalls, AtMost, DEFAULT_CONCURRENCY};
pub use cache::{AsyncCache, Cache, Handle, Own};
pub use call::{BoundCall, Call};
pub use calls::Calls;
pub use error::{Cause, Error, ErrorKind, Failure};
pub use keeping::Outcome;
pub use key::{Bracket, Key, KeyWriter, RingKey, TypeName};
pub use lru::{DEFAULT_CAPACITY, Lru, LruBuilder, Policy};
pub use name::Name;
pub use registry::Registry;
pub use returned::{Fallible, Plain, Returned};
pub use ring::{DEFAULT_FLIGHT_TIMEOUT, Ring};
pub use stats::Stats;
pub use storage::Map;
