//! The handle of a whole cached method.

use std::fmt;

use crate::body::Bound;
use crate::call::Call;
use crate::error::Failure;
use crate::key::KeyParts;
use crate::name::Name;
use crate::returned::Returned;
use crate::ring::Ring;
use crate::stats::Stats;
use crate::storage::{Clear, Coded, Storage, View};

/// A cached method as a whole, as `{method}_cache()` gives it.
///
/// `S` is the storage as the ring sees it: a reference, or [`Coded`](crate::storage::Coded).
#[derive(Clone, Copy)]
pub struct Cache<S> {
    ring: &'static Ring,
    view: S,
}

impl<S> Cache<S> {
    /// The method's ring over a storage.
    #[inline]
    pub fn new(ring: &'static Ring, view: S) -> Self {
        Cache { ring, view }
    }

    /// The name that all keys of the method begin with.
    pub fn name(&self) -> &'static Name {
        self.ring.name()
    }

    /// Binds a call: generated accessors do.
    #[inline]
    pub fn bind<R, P, F>(self, parts: P, code: F) -> Call<R, S, Bound<P, F>>
    where
        R: Returned,
        P: KeyParts,
        F: FnOnce(P) -> R::Out,
    {
        Call::new(self.ring, self.view, Bound::new(parts, code))
    }

    /// The storage behind the method.
    pub fn storage<V>(&self) -> &S::Storage
    where
        S: View<V>,
    {
        self.view.storage()
    }

    /// What the method did so far. Evictions and expirations are those of the whole storage.
    pub fn stats<V>(&self) -> Stats
    where
        S: View<V>,
    {
        let (evictions, expirations) = self.view.storage().losses();
        Stats {
            evictions,
            expirations,
            ..self.ring.counters.read()
        }
    }

    /// Forgets all values of this method, also those that are being computed, and no others.
    pub fn clear<V>(&self) -> <<S::Storage as Storage<S::Held>>::Error as Failure>::Outcome<()>
    where
        S: View<V>,
        S::Storage: Clear<S::Held>,
    {
        let storage = self.view.storage();
        storage.flights().forget_ring(self.name());
        Failure::outcome(storage.clear_ring(self.name()), self.name().as_str())
    }
}

impl<'s, S> Cache<&'s S> {
    /// The same method over a storage of bytes, which the coder `C` makes of its values.
    #[inline]
    pub fn coded<C>(self) -> Cache<Coded<'s, S, C>> {
        Cache::new(self.ring, Coded::new(self.view))
    }
}

impl<S> fmt::Debug for Cache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("name", self.name())
            .finish_non_exhaustive()
    }
}

/// What the static of a cached method holds: its ring, and its storage if it has one of its own.
#[derive(Debug)]
pub struct Own<S> {
    ring: Ring,
    storage: S,
}

impl<S> Own<S> {
    /// A ring with a storage of its own.
    pub fn new(ring: Ring, storage: S) -> Self {
        Own { ring, storage }
    }

    /// The ring.
    #[inline]
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The storage.
    #[inline]
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// The handle of the method.
    #[inline]
    pub fn cache(&'static self) -> Cache<&'static S> {
        Cache::new(&self.ring, &self.storage)
    }
}
