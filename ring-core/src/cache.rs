//! The handle of a whole cached method.

use std::fmt;
use std::marker::PhantomData;

use crate::async_call::AsyncCall;
use crate::body::Bound;
use crate::call::{BoundCall, Call};
use crate::colour::{Awaits, Blocks, Wait, now};
use crate::error::Failure;
use crate::key::KeyParts;
use crate::name::Name;
use crate::returned::Returned;
use crate::ring::Ring;
use crate::stats::Stats;
use crate::storage::{AnyStorage, AnyView, AsyncClear, AsyncStorage, AsyncView, Clear, View};

/// A cached method as a whole, as `{method}_cache()` gives it.
pub type Cache<S> = Handle<S, Blocks>;

/// A cached `async fn` as a whole, as `{method}_cache()` gives it.
pub type AsyncCache<S> = Handle<S, Awaits>;

/// What [`Cache`] and [`AsyncCache`] are: the handle of a whole cached method.
///
/// `S` is the storage as the ring sees it: a reference, or what [`CodedStorage`](crate::storage::CodedStorage) says. `C`
/// says how its verbs wait.
pub struct Handle<S, C> {
    ring: &'static Ring,
    view: S,
    colour: PhantomData<fn() -> C>,
}

/// How the storage of a view can fail.
type ErrorOf<S, V> = <<S as AnyView<V>>::Storage as AnyStorage<<S as AnyView<V>>::Held>>::Error;

impl<S, C> Handle<S, C> {
    /// The method's ring over a storage.
    #[inline]
    pub fn new(ring: &'static Ring, view: S) -> Self {
        Handle {
            ring,
            view,
            colour: PhantomData,
        }
    }

    /// The name that all keys of the method begin with.
    pub fn name(&self) -> &'static Name {
        self.ring.name()
    }

    /// The storage behind the method.
    pub fn storage<V>(&self) -> &S::Storage
    where
        S: AnyView<V>,
    {
        self.view.storage()
    }

    /// What the method did so far. Evictions and expirations are those of the whole storage.
    pub fn stats<V>(&self) -> Stats
    where
        S: AnyView<V>,
    {
        let (evictions, expirations) = self.view.storage().losses();
        Stats {
            evictions,
            expirations,
            ..self.ring.counters.read()
        }
    }
}

impl<S> Cache<S> {
    /// Binds a call: generated accessors do.
    #[inline]
    pub fn bind<R, P, F>(self, parts: P, code: F) -> Call<R, S, Bound<P, F>>
    where
        R: Returned,
        P: KeyParts,
        F: FnOnce(P) -> R::Out,
    {
        BoundCall::new(self.ring, self.view, Bound::new(parts, code))
    }

    /// Forgets all values of this method, also those that are being computed, and no others.
    pub fn clear<V>(&self) -> <ErrorOf<S, V> as Failure>::Outcome<()>
    where
        S: View<V>,
        S::Storage: Clear<S::Held>,
    {
        let (storage, name) = (self.view.storage(), self.name());
        let flights = storage.flights();
        let _removal = now(flights.forget_ring(name, Wait::Block, self.ring.write_timeout));
        Failure::outcome(storage.clear_ring(name), name.as_str())
    }
}

impl<S> AsyncCache<S> {
    /// Binds a call: generated accessors do.
    #[inline]
    pub fn bind<R, P, F, Fut>(self, parts: P, code: F) -> AsyncCall<R, S, Bound<P, F>>
    where
        R: Returned,
        P: KeyParts,
        F: FnOnce(P) -> Fut,
        Fut: Future<Output = R::Out>,
    {
        BoundCall::new(self.ring, self.view, Bound::new(parts, code))
    }

    /// Forgets all values of this method, also those that are being computed, and no others.
    pub fn clear<V>(&self) -> impl Future<Output = <ErrorOf<S, V> as Failure>::Outcome<()>> + use<S, V>
    where
        S: AsyncView<V>,
        S::Storage: AsyncClear<S::Held>,
    {
        let (ring, view) = (self.ring, self.view);
        async move {
            let (storage, name) = (view.storage(), ring.name());
            let flights = storage.flights();
            let removal = flights
                .forget_ring(name, S::Storage::WAIT, ring.write_timeout)
                .await;
            Failure::outcome(removal.by(storage.clear_ring(name)).await, name.as_str())
        }
    }
}

impl<S: Copy, C> Clone for Handle<S, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Copy, C> Copy for Handle<S, C> {}

impl<S, C> Handle<S, C> {
    /// The same method over a storage that is seen through a coder.
    #[inline]
    pub fn coded<W: From<S>>(self) -> Handle<W, C> {
        Handle::new(self.ring, self.view.into())
    }
}

impl<S, C> fmt::Debug for Handle<S, C> {
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
    pub fn cache<C>(&'static self) -> Handle<&'static S, C> {
        Handle::new(&self.ring, &self.storage)
    }
}
