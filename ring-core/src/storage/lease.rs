//! Leases in storages: the request of a computation, and the answer to it.

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
    /// The entry or lease that keeps it from getting the lease.
    pub yields_to: YieldsTo,
}

impl LeaseRequest {
    /// The same request by a computation that yields to no entry.
    ///
    /// ```
    /// # use ring_cache_core as ring_cache;
    /// use std::time::Duration;
    /// use ring_cache::storage::{LeaseRequest, LeaseToken, YieldsTo};
    ///
    /// let request = LeaseRequest {
    ///     token: LeaseToken::random(),
    ///     life: Duration::from_secs(5),
    ///     yields_to: YieldsTo::Entry(Duration::ZERO),
    /// };
    /// assert!(request.yields_to_entry(None) && request.yields_to_entry(Some(Duration::from_secs(1))));
    /// assert!(!request.yields_to_entry(Some(Duration::ZERO)));
    /// assert_eq!(request.without_entry().yields_to, YieldsTo::Lease);
    /// ```
    #[must_use]
    pub fn without_entry(self) -> Self {
        let yields_to = match self.yields_to {
            YieldsTo::Entry(_) | YieldsTo::Lease => YieldsTo::Lease,
            YieldsTo::Nothing => YieldsTo::Nothing,
        };
        LeaseRequest { yields_to, ..self }
    }

    /// Whether the computation yields to an entry of this remaining life; `None`: the entry does not expire.
    pub fn yields_to_entry(&self, remaining: Option<Duration>) -> bool {
        match self.yields_to {
            YieldsTo::Entry(stale) => remaining.is_none_or(|remaining| remaining > stale),
            YieldsTo::Lease | YieldsTo::Nothing => false,
        }
    }
}

/// The entry or lease that keeps a computation from getting a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum YieldsTo {
    /// An entry whose remaining life is more than this, and the lease of another computation.
    Entry(Duration),
    /// The lease of another computation.
    Lease,
    /// Nothing: it takes the lease from another computation, whose value is then not stored.
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

impl<T> Acquired<T> {
    /// The answer without the value, which is put into this place.
    pub(super) fn without_value(self, place: &mut Option<T>) -> Acquired<()> {
        match self {
            Acquired::Found(Expiring { value, remaining }) => {
                *place = Some(value);
                Acquired::Found(Expiring { value: (), remaining })
            }
            Acquired::Won(token) => Acquired::Won(token),
            Acquired::Busy => Acquired::Busy,
        }
    }
}

/// Whether the leases of values end after the values were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterWrite {
    /// They end.
    EndLease,
    /// They stay until they are [released](super::Leases::release): their computation has more to write.
    KeepLease,
}

/// An entry to be written, and the token that its lease must have.
pub(crate) type LeasedEntry<K, T = Vec<u8>> = (K, T, Option<Duration>, LeaseToken);

/// An entry to be written.
pub(super) type Entry<K, T = Vec<u8>> = (K, T, Option<Duration>);

/// Entries, and the tokens of their leases.
pub(crate) fn without_tokens<K, T>(entries: Vec<LeasedEntry<K, T>>) -> (Vec<Entry<K, T>>, Vec<LeaseToken>) {
    let entries = entries.into_iter();
    entries
        .map(|(key, value, expiry, token)| ((key, value, expiry), token))
        .unzip()
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

/// The answer of a storage that claims to have leases, and does not implement them.
pub(super) fn not_implemented<T, E: Failure>(request: LeaseRequest) -> Result<Acquired<T>, E> {
    E::from_error(Error::no_leases()).map_or(Ok(Acquired::Won(request.token)), Err)
}
