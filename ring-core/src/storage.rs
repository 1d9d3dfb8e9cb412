//! Storages: where rings keep their values.
//!
//! A storage implements the raw operations of [`Storage`], of [`AsyncStorage`], or of both, and owns a
//! [`Flights`](crate::flights::Flights).
//! The verbs for users are provided. They end computations under way: a computation that began before a `set` or a
//! `delete` is not stored after it. A ring reaches its storage through a [`View`]: memory storages hold the values
//! themselves, other storages hold the bytes of a coder.

pub(crate) mod awaited;
mod base;
mod batch;
pub(crate) mod blocking;
mod in_memory_tags;
mod lease;
mod machine;
mod operations;
mod store;
mod tagged;
mod versioned;
mod view;

#[doc(hidden)]
pub use crate::tag::Moment;
pub use crate::tag::{AsyncForgetsTags, ForgetsTags};
pub use awaited::{AsyncClear, AsyncStorage, InMemory};
pub use base::{ChangeObserver, EvictionCounts, Expires, Expiring, StorageBase, TellsLife};
pub use blocking::{Clear, Storage};
pub use lease::{Acquired, AfterWrite, LeaseRequest, YieldsTo, is_leased};
#[doc(hidden)]
pub use tagged::{Asked, Reaches, Seen, Tagged};
pub use tagged::{AsyncTags, Tags};
pub use view::{Coded, CodedStorage, Detach, HasCoder, HoldsBytes, NamedStorage, View};

#[doc(hidden)]
pub use crate::any_storage::DynBase;
pub use crate::any_storage::awaited::{BoxFuture, SendClear, SendStorage};
pub use crate::flights::{LeaseToken, Leases};

pub(crate) use in_memory_tags::in_memory_tags;
pub(crate) use lease::without_tokens;
pub(crate) use machine::{Event, Machine, Step};
pub(crate) use store::{Store, Writing};
