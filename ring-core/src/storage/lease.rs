//! Leases in storages: what a computation asks for, and what it gets.

use std::time::Duration;

use super::base::Expiring;
use crate::error::{Error, Failure};
use crate::flights::LeaseToken;
use crate::key::{EncodedKey, RingKey};

/// The request of a computation for the lease of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseRequest {
    /// The token of the computation.
    pub token: LeaseToken,
    /// The time after which the lease ends by itself.
    pub life: Duration,
    /// What the computation yields to.
    pub yields_to: YieldsTo,
}

/// What a computation yields to that asks for a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YieldsTo {
    /// An entry whose remaining life is more than this, and the lease of another computation.
    Entry(Duration),
    /// The lease of another computation.
    Lease,
    /// Nothing: it takes the lease from another computation, which is not stored then.
    Nothing,
}

/// The answer to a [`LeaseRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired<T> {
    /// There is an entry, and no lease was given.
    Found(Expiring<T>),
    /// The lease was given, with this token: that of the request, unless the server gives out tokens of its own.
    Won(LeaseToken),
    /// Another computation has the lease.
    Busy,
}

/// Whether the ring of a key has leases. A change of its entry by any other way than
/// [`write_leased`](super::Storage::write_leased) ends its lease.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::storage::is_leased;
///
/// assert!(!is_leased(&7), "a key of no ring");
/// ```
pub fn is_leased<K: RingKey + ?Sized>(key: &K) -> bool {
    let ring = match key.as_recorded() {
        Some(key) => key.ring(),
        None => EncodedKey::of(key).ring(),
    };
    ring.is_some_and(|name| name.is_leased())
}

/// The answer of a storage that says that it has leases, and does not implement them.
pub(super) fn not_implemented<T, E: Failure>(request: LeaseRequest) -> Result<Acquired<T>, E> {
    E::from_error(Error::no_leases()).map_or(Ok(Acquired::Won(request.token)), Err)
}
