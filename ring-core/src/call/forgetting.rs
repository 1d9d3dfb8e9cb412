//! A handle to delete the entry of one call later.

use std::fmt;
use std::marker::PhantomData;

use super::context::{CallContext, OutcomeOf, StorageResult};
use super::{awaited, blocking};
use crate::key::{EncodedKey, KeyShape, Name};
use crate::mode::{Awaited, Blocking};
use crate::ring::Ring;
use crate::storage::{AsyncStorage, Storage, StorageBase};

/// The key of one call, returned by [`forgetting`](crate::BoundCall::forgetting). It borrows neither the arguments nor
/// the storage, so it can be kept until a transaction ends.
///
/// `T` is the form of the value in the storage, `S` the storage, `M` the mode of [`delete`](Self::delete).
#[must_use = "the entry stays until `.delete()`"]
pub struct Forgetting<T, S, M> {
    ring: &'static Ring,
    shape: &'static KeyShape,
    storage: S,
    key: EncodedKey,
    types: PhantomData<fn() -> (T, M)>,
}

impl<T, S, M> Forgetting<T, S, M> {
    pub(super) fn new(ring: &'static Ring, shape: &'static KeyShape, storage: S, key: EncodedKey) -> Self {
        Forgetting {
            ring,
            shape,
            storage,
            key,
            types: PhantomData,
        }
    }

    /// The name of the ring.
    pub fn name(&self) -> &'static Name {
        self.ring.name()
    }
}

impl<T: Clone, S: StorageBase<T>, M> Forgetting<T, S, M> {
    fn context(&self) -> CallContext<T, &S> {
        CallContext {
            ring: self.ring,
            view: &self.storage,
            shape: self.shape,
            expiry: None,
            expire_of: None,
            jitters: false,
            unless: None,
            erase: None,
            is_update: false,
        }
    }

    /// The removal may have failed: from now on, the entry is not returned, and it is removed when possible.
    pub(crate) fn mark_suspect(&self) {
        self.storage.flights().table().mark_suspect(&self.key);
        self.storage.mark_suspect(&self.key);
        self.context().mark_dependents_suspect(&self.key);
    }

    /// Counts a failed removal, and marks the entry suspect.
    fn finish(&self, removed: StorageResult<T, &S, bool>) {
        if self.context().count_errors(removed).is_none() {
            self.mark_suspect();
        }
    }
}

impl<T: Clone, S: Storage<T>> Forgetting<T, S, Blocking> {
    /// Removes the value, also one being computed. Returns whether there was an entry.
    pub fn delete(&self) -> OutcomeOf<T, &S, bool> {
        let context = self.context();
        context.outcome(blocking::delete(&context, &self.key))
    }

    /// Removes the value. Reports no failure, but counts it.
    pub(crate) fn forget(&self) {
        self.finish(blocking::delete(&self.context(), &self.key));
    }
}

impl<T: Clone, S: AsyncStorage<T>> Forgetting<T, S, Awaited> {
    /// Removes the value, also one being computed. Returns whether there was an entry.
    pub async fn delete(&self) -> OutcomeOf<T, &S, bool> {
        let context = self.context();
        context.outcome(awaited::delete(&context, &self.key).await)
    }
}

impl<T: Clone, S: AsyncStorage<T>, M> Forgetting<T, S, M> {
    /// [`forget`](Forgetting::forget), awaited.
    pub(crate) async fn forget_awaited(&self) {
        self.finish(awaited::delete(&self.context(), &self.key).await);
    }

    /// The removal was dropped without an awaiting caller.
    pub(crate) fn abandon(&self) {
        let context = self.context();
        // Rings that do not use their storage have no entries.
        if !context.is_admitted() {
            return;
        }
        let invalidation = context.invalidate(&self.key).at_once();
        match self.storage.remove_at_once(&self.key) {
            Some(removed) => {
                self.finish(invalidation.end(removed));
                context.mark_dependents_suspect(&self.key);
            }
            None => self.mark_suspect(),
        }
    }
}

/// Omits the key.
impl<T, S, M> fmt::Debug for Forgetting<T, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forgetting")
            .field("name", self.name())
            .finish_non_exhaustive()
    }
}
