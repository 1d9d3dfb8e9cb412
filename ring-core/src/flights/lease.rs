//! The lease of a key among processes, as the leader that computes its value holds it.

use std::hash::{BuildHasher, RandomState};
use std::process;
use std::time::SystemTime;

use crate::key::EncodedKey;

/// Identifies the computation that holds a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseToken(u64);

impl LeaseToken {
    /// A token that no other computation has, in any process.
    pub fn random() -> Self {
        // A process and its fork have the same random state.
        LeaseToken(RandomState::new().hash_one((process::id(), SystemTime::now())))
    }

    /// The token with this number, for servers that give out numbers of their own.
    pub fn of(number: u64) -> Self {
        LeaseToken(number)
    }

    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// A storage with leases: one computation of a key among all processes that use it. On other storages `lease` does not
/// compile.
///
/// The storage also implements [`acquire`](crate::storage::Storage::acquire) and
/// [`write_leased`](crate::storage::Storage::write_leased), blocking or awaited, and returns itself by
/// [`StorageBase::leases`](crate::storage::StorageBase::leases). `write`, `remove` and `renew` of a key that
/// [is leased](crate::storage::is_leased) end its lease. A storage that wraps another one forwards all of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no leases, so it cannot tell processes which of them computes a value",
    label = "no leases",
    note = "leave out `lease`, or choose a storage on a server: `Redis`, `RedisCluster`, `Memcached`, or a `Tiered` in front of one",
    note = "`Lru` and `Map` belong to one process, whose calls wait for each other anyway; the files of `Disk` are not a server",
    note = "the lease of a `RedisHash` would be a key outside of the hash, which `clear` could not remove with it: choose `Redis`"
)]
pub trait Leases: Send + Sync {
    /// Gives back the lease of `key`, if it still has this token. It does not wait: a lease that is not given back ends
    /// by itself.
    fn release(&self, key: &EncodedKey, token: LeaseToken);
}

/// The lease that a leader asked for.
pub(super) struct Lease<'f> {
    pub(super) token: LeaseToken,
    /// The storage that may have given it; `None` if there is nothing to give back.
    pub(super) storage: Option<&'f dyn Leases>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ() {
        assert_ne!(LeaseToken::random(), LeaseToken::random());
    }
}
