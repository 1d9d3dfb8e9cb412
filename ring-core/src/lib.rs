//! Keys, calls, flights, coders and memory storages of [ring-cache](https://docs.rs/ring-cache), without I/O and an
//! async runtime. Depend on `ring-cache`, which includes the macros.
//!
//! A hit goes from the generated accessor to [`Call`], to [`Lru`], to its shard. A miss goes on to the machines of
//! `call`,
//! and to the [`flights`].

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod body;
pub mod clock;
pub mod coder;
pub mod flights;
#[doc(hidden)]
pub mod generated;
pub mod key;
pub mod mode;
pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;

mod action;
mod cache;
mod call;
mod error;
mod lru;
mod map;
mod output;
mod registry;
mod ring;
mod shape;
mod stats;
mod sync;
mod wait;

pub use action::{Action, ActionResult, UnknownAction};
pub use cache::{AsyncCache, Cache, Handle, RingStatic};
pub use call::{
    AsyncCall, AsyncCalls, AtMost, BoundCall, CachedAsyncCall, CachedCall, Call, Calls, DEFAULT_CONCURRENCY,
    Outcome,
};
pub use error::{Cause, Error, ErrorKind, Failure};
pub use key::{Bracket, Key, KeyWriter, Name, RingKey, TypeName};
pub use lru::{DEFAULT_CAPACITY, Lru, LruBuilder, Policy};
pub use map::Map;
pub use output::{Fallible, Output, Plain};
pub use registry::Registry;
pub use ring::{DEFAULT_FLIGHT_TIMEOUT, Ring};
pub use shape::{RingShape, ShapeWriter};
pub use stats::Stats;
