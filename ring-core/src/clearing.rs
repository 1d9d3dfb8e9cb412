//! A ring, kept to remove all its entries later.

use std::fmt;
use std::marker::PhantomData;

use crate::error::{Error, Failure};
use crate::key::Name;
use crate::mode::{Awaited, Blocking};
use crate::ring::Ring;
use crate::storage::{AsyncClear, Clear, StorageBase};

/// All entries of a ring, returned by [`clearing`](crate::Handle::clearing). It does not borrow the storage, so it can be
/// kept until a transaction ends.
///
/// `T` is the form of the values in the storage, `S` the storage, `M` the mode of [`clear`](Self::clear).
#[must_use = "the entries stay until `.clear()`"]
pub struct Clearing<T, S, M> {
    ring: &'static Ring,
    storage: S,
    types: PhantomData<fn() -> (T, M)>,
}

impl<T, S, M> Clearing<T, S, M> {
    pub(crate) fn new(ring: &'static Ring, storage: S) -> Self {
        Clearing {
            ring,
            storage,
            types: PhantomData,
        }
    }

    /// The name of the ring.
    pub fn name(&self) -> &'static Name {
        self.ring.name()
    }
}

/// Removes all values of a ring, also those being computed.
pub(crate) fn clear<T, S: Clear<T>>(ring: &Ring, storage: &S) -> Result<(), S::Error> {
    forget_errors(ring, storage);
    let invalidation = storage.flights().invalidate_ring(ring.name(), ring.write_timeout);
    let cleared = invalidation.block().end(storage.clear_ring(ring.name()));
    counted(ring, storage, cleared)
}

fn forget_errors<T, S: StorageBase<T>>(ring: &Ring, storage: &S) {
    if let Some(errors) = ring.errors.get() {
        errors.forget_all(storage.flights().address());
    }
}

/// Counts a failure, if the ring uses the storage.
fn count<T, S: StorageBase<T>>(ring: &Ring, storage: &S, error: &Error) {
    if let Some(used) = storage.flights().usage().find(ring.account) {
        used.failed(error);
    }
}

/// A result whose error is counted.
fn counted<T, S: StorageBase<T>>(
    ring: &Ring,
    storage: &S,
    cleared: Result<(), S::Error>,
) -> Result<(), S::Error> {
    cleared.inspect_err(|error| {
        if let Some(error) = error.as_error() {
            count(ring, storage, error);
        }
    })
}

/// [`clear`], awaited.
pub(crate) async fn clear_awaited<T, S: AsyncClear<T>>(ring: &Ring, storage: &S) -> Result<(), S::Error> {
    forget_errors(ring, storage);
    let invalidation = storage.flights().invalidate_ring(ring.name(), ring.write_timeout);
    let invalidation = invalidation.settle().await;
    let cleared = invalidation.end(storage.clear_ring(ring.name()).await);
    counted(ring, storage, cleared)
}

type OutcomeOf<S, T> = <<S as StorageBase<T>>::Error as Failure>::Outcome<()>;

impl<T, S: Clear<T>> Clearing<T, S, Blocking> {
    /// Removes all values of the ring, also those being computed, and no others.
    pub fn clear(&self) -> OutcomeOf<S, T> {
        Failure::outcome(clear(self.ring, &self.storage), self.name().as_str())
    }

    /// [`clear`](Self::clear) without telling of failures, which are counted.
    pub(crate) fn forget(&self) {
        drop(clear(self.ring, &self.storage));
    }
}

impl<T, S: AsyncClear<T>> Clearing<T, S, Awaited> {
    /// Removes all values of the ring, also those being computed, and no others.
    pub async fn clear(&self) -> OutcomeOf<S, T> {
        let cleared = clear_awaited(self.ring, &self.storage).await;
        Failure::outcome(cleared, self.name().as_str())
    }
}

impl<T, S: AsyncClear<T>, M> Clearing<T, S, M> {
    /// [`forget`](Clearing::forget), awaited.
    pub(crate) async fn forget_awaited(&self) {
        drop(clear_awaited(self.ring, &self.storage).await);
    }

    /// The entries were to be removed, and nobody is left to wait for it. Where that takes a wait, the entries stay, and
    /// the computations under way are not stored.
    pub(crate) fn abandon(&self) {
        let flights = self.storage.flights();
        let invalidation = flights
            .invalidate_ring(self.ring.name(), self.ring.write_timeout)
            .at_once();
        match self.storage.clear_ring_at_once(self.ring.name()) {
            Some(cleared) => drop(counted(self.ring, &self.storage, invalidation.end(cleared))),
            None => {
                let error = Error::storage("the storage", "clear", "its call was dropped");
                count(self.ring, &self.storage, &error);
            }
        }
    }
}

impl<T, S, M> fmt::Debug for Clearing<T, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clearing")
            .field("name", self.name())
            .finish_non_exhaustive()
    }
}
