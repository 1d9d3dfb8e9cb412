//! Cached methods with full control of every call.
#![doc = include_str!("../README.md")]

#[doc(hidden)]
pub use ring_cache_core::generated;
pub use ring_cache_core::{
    Action, Bracket, Cache, Call, Calls, Cause, DEFAULT_CAPACITY, DEFAULT_FLIGHT_TIMEOUT, Error, ErrorKind,
    Failure, Fallible, Key, KeyWriter, Lru, LruBuilder, Map, Name, Outcome, Plain, Ran, Returned, RingKey,
    Stats, TypeName, UnknownAction, body, clock, coder, flights, key, storage,
};
pub use ring_cache_derive::{RingKey, ring, ring_impl};
