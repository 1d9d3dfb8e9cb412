//! A handle to remove all entries of a ring later.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::call::dependents::{self, both};
use crate::error::Failure;
use crate::flights::FlightTable;
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
    let (flights, name) = (storage.flights().table(), ring.name());
    let cleared = clear_by(flights, name, ring.write_timeout, || storage.clear_ring(name));
    let cleared = both(cleared, dependents::end_of_all(ring, storage));
    counted(ring, storage, cleared)
}

/// Removes all entries of a ring by `remove`, also those being computed.
pub(crate) fn clear_by<E>(
    flights: &FlightTable,
    name: &Name,
    patience: Duration,
    remove: impl FnOnce() -> Result<(), E>,
) -> Result<(), E> {
    let epoch = flights.begin_clear();
    let invalidation = flights.invalidate_ring(name, patience);
    invalidation.block().end(remove())?;
    flights.end_ring_doubt(name, epoch);
    Ok(())
}

fn forget_errors<T, S: StorageBase<T>>(ring: &Ring, storage: &S) {
    if let Some(errors) = ring.errors.get() {
        errors.forget_all(storage.flights().table().address());
    }
}

/// Counts the error of a result, if the ring uses the storage.
fn counted<T, S: StorageBase<T>>(
    ring: &Ring,
    storage: &S,
    cleared: Result<(), S::Error>,
) -> Result<(), S::Error> {
    cleared.inspect_err(|error| {
        if let (Some(error), Some(used)) = (error.as_error(), storage.flights().usage().find(ring.account)) {
            used.failed(error);
        }
    })
}

/// [`clear`], awaited.
pub(crate) async fn clear_awaited<T, S: AsyncClear<T>>(ring: &Ring, storage: &S) -> Result<(), S::Error> {
    forget_errors(ring, storage);
    let flights = storage.flights().table();
    let epoch = flights.begin_clear();
    let invalidation = flights.invalidate_ring(ring.name(), ring.write_timeout);
    let invalidation = invalidation.settle().await;
    let cleared = invalidation.end(storage.clear_ring(ring.name()).await);
    let cleared = both(cleared, dependents::end_of_all_awaited(ring, storage).await);
    counted(ring, storage, cleared)?;
    flights.end_ring_doubt(ring.name(), epoch);
    Ok(())
}

impl<T, S: StorageBase<T>, M> Clearing<T, S, M> {
    /// The removal may have failed: from now on, the entries are not returned.
    pub(crate) fn mark_suspect(&self) {
        self.storage.flights().table().mark_ring_suspect(self.ring.name());
        dependents::mark_all_suspect(self.ring, &self.storage);
    }

    /// Marks the entries suspect after a failed removal.
    fn finish(&self, cleared: Result<(), S::Error>) {
        if cleared.is_err() {
            self.mark_suspect();
        }
    }
}

type OutcomeOf<S, T> = <<S as StorageBase<T>>::Error as Failure>::Outcome<()>;

impl<T, S: Clear<T>> Clearing<T, S, Blocking> {
    /// Removes all values of the ring, also those being computed, and no others.
    pub fn clear(&self) -> OutcomeOf<S, T> {
        Failure::outcome(clear(self.ring, &self.storage), self.name().as_str())
    }

    /// [`clear`](Self::clear) that reports no failure, but counts it.
    pub(crate) fn forget(&self) {
        self.finish(clear(self.ring, &self.storage));
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
        self.finish(clear_awaited(self.ring, &self.storage).await);
    }

    /// The removal was dropped without an awaiting caller.
    pub(crate) fn abandon(&self) {
        let (flights, name) = (self.storage.flights().table(), self.ring.name());
        let invalidation = flights.invalidate_ring(name, self.ring.write_timeout).at_once();
        match self.storage.clear_ring_at_once(name) {
            Some(cleared) => self.finish(counted(self.ring, &self.storage, invalidation.end(cleared))),
            None => self.mark_suspect(),
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
