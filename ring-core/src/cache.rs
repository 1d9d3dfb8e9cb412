//! The handle of a whole cached method.

use std::fmt;
use std::marker::PhantomData;

use crate::account::Use;
use crate::body::{Borne, Bound, SeeingEntry, Unbodied};
use crate::call::{AsyncCall, BoundCall, Call};
use crate::clearing::{self, Clearing};
use crate::entry::Entry;
use crate::error::Failure;
use crate::key::{KeyParts, Name};
use crate::mode::{Awaited, Blocking};
use crate::output::Output;
use crate::ring::Ring;
use crate::stats::Stats;
use crate::storage::{AsyncClear, Clear, Detach, StorageBase, View};
use crate::tag::Tag;

/// A whole cached method, returned by `{method}_cache()`.
pub type Cache<S> = Handle<S, Blocking>;

/// A whole cached `async fn`, returned by `{method}_cache()`.
pub type AsyncCache<S> = Handle<S, Awaited>;

/// The handle of a whole cached method: [`Cache`] or [`AsyncCache`].
///
/// `S` is the ring's storage: a reference, or the view of [`CodedStorage`](crate::storage::CodedStorage). `M` is the mode
/// of its verbs. `B` names the type that implements the method's trait, so that the handle can be used where the trait can;
/// it is `()` for other methods.
pub struct Handle<S, M, B = ()> {
    ring: &'static Ring,
    view: S,
    mode: PhantomData<fn() -> (M, B)>,
}

/// The error of the storage of a view.
type ErrorOf<S, V> = <<S as View<V>>::Storage as StorageBase<<S as View<V>>::Stored>>::Error;

impl<S, M> Handle<S, M> {
    /// The method's ring over a storage.
    #[inline]
    pub fn new(ring: &'static Ring, view: S) -> Self {
        Handle {
            ring,
            view,
            mode: PhantomData,
        }
    }

    /// The handle of a method of a trait that `T` implements.
    #[doc(hidden)]
    #[inline]
    pub fn borne_by<T: ?Sized>(self) -> Handle<S, M, Borne<(), T>> {
        Handle {
            ring: self.ring,
            view: self.view,
            mode: PhantomData,
        }
    }
}

impl<S, M, B> Handle<S, M, B> {
    pub(crate) fn ring(&self) -> &'static Ring {
        self.ring
    }

    /// The name that all keys of the method begin with.
    pub fn name(&self) -> &'static Name {
        self.ring.name()
    }

    /// The storage behind the method.
    pub fn storage<V>(&self) -> &S::Storage
    where
        S: View<V>,
    {
        self.view.storage()
    }

    /// The conflict that excludes the method from its storage, if there is one: another ring there could have equal keys.
    /// Calls of both rings compute, and count an error in [`stats`](Self::stats).
    ///
    /// A conflict is known when both rings have been called. A test can check it.
    pub fn conflict<V>(&self) -> Option<String>
    where
        S: View<V>,
    {
        self.view.storage().flights().table().conflict(self.ring)
    }

    /// The ring, to remove all its values later, for example after a transaction. It does not borrow the storage.
    pub fn clearing<V>(&self) -> Clearing<S::Stored, S::Detached, M>
    where
        S: Detach<V>,
    {
        Clearing::new(self.ring, self.view.detach())
    }

    /// The counters of the method on this storage. For a service that owns the storage they are those of this
    /// instance.
    pub fn stats<V>(&self) -> Stats
    where
        S: View<V>,
    {
        let used = self.view.storage().flights().usage().find(self.ring.account);
        used.map(Use::stats).unwrap_or_default()
    }

    /// The counters of the method on all storages of this process, including dropped ones.
    pub fn total_stats(&self) -> Stats {
        self.ring.account.total_stats()
    }
}

impl<S, M, B> Handle<S, M, B> {
    /// The tags of an entry that depends on all calls of this ring. Generated for `#[ring(depends(..))]`.
    #[doc(hidden)]
    pub fn dependence(&self) -> [Tag; 2] {
        let ring = self.ring();
        ring.expect_dependents();
        [Tag::of_any(ring.name()), Tag::of_all(ring.name())]
    }
}

impl<S> Cache<S> {
    /// Names an entry. Called by generated code.
    #[inline]
    pub fn name_entry<R, P>(self, parts: P) -> Call<R, S, Unbodied<P>>
    where
        R: Output,
        P: KeyParts,
    {
        BoundCall::new(self.ring, self.view, Unbodied::new(parts))
    }

    /// Binds a call. Called by generated accessors.
    #[inline]
    pub fn bind<R, P, F>(self, parts: P, code: F) -> Call<R, S, Bound<P, F>>
    where
        R: Output,
        P: KeyParts,
        F: FnOnce(P) -> R::Out,
    {
        BoundCall::new(self.ring, self.view, Bound::new(parts, code))
    }

    /// Binds a call whose body sees its entry. Called by generated accessors.
    #[inline]
    pub fn bind_with_entry<R, P, F>(self, parts: P, code: F) -> Call<R, S, SeeingEntry<P, F, R::Value>>
    where
        R: Output<Value: Send + 'static>,
        P: KeyParts,
        F: FnOnce(P, Entry<R::Value>) -> R::Out,
    {
        BoundCall::new(self.ring, self.view, SeeingEntry::new(parts, code)).showing_old()
    }
}

impl<S, B> Handle<S, Blocking, B> {
    /// Removes all values of this method, also those being computed, and no others.
    pub fn clear<V>(&self) -> <ErrorOf<S, V> as Failure>::Outcome<()>
    where
        S: View<V>,
        S::Storage: Clear<S::Stored>,
    {
        let cleared = clearing::clear(self.ring, self.view.storage());
        Failure::outcome(cleared, self.name().as_str())
    }
}

impl<S> AsyncCache<S> {
    /// Names an entry. Called by generated code.
    #[inline]
    pub fn name_entry<R, P>(self, parts: P) -> AsyncCall<R, S, Unbodied<P>>
    where
        R: Output,
        P: KeyParts,
    {
        BoundCall::new(self.ring, self.view, Unbodied::new(parts))
    }

    /// Binds a call. Called by generated accessors.
    #[inline]
    pub fn bind<R, P, F, Fut>(self, parts: P, code: F) -> AsyncCall<R, S, Bound<P, F>>
    where
        R: Output,
        P: KeyParts,
        F: FnOnce(P) -> Fut,
        Fut: Future<Output = R::Out>,
    {
        BoundCall::new(self.ring, self.view, Bound::new(parts, code))
    }

    /// Binds a call whose body sees its entry. Called by generated accessors.
    #[inline]
    pub fn bind_with_entry<R, P, F, Fut>(
        self,
        parts: P,
        code: F,
    ) -> AsyncCall<R, S, SeeingEntry<P, F, R::Value>>
    where
        R: Output<Value: Send + 'static>,
        P: KeyParts,
        F: FnOnce(P, Entry<R::Value>) -> Fut,
        Fut: Future<Output = R::Out>,
    {
        BoundCall::new(self.ring, self.view, SeeingEntry::new(parts, code)).showing_old()
    }
}

impl<S, B> Handle<S, Awaited, B> {
    /// Removes all values of this method, also those being computed, and no others.
    pub fn clear<V>(&self) -> impl Future<Output = <ErrorOf<S, V> as Failure>::Outcome<()>> + use<S, B, V>
    where
        S: View<V>,
        S::Storage: AsyncClear<S::Stored>,
    {
        let (ring, view) = (self.ring, self.view.clone());
        async move {
            let cleared = clearing::clear_awaited(ring, view.storage()).await;
            Failure::outcome(cleared, ring.name().as_str())
        }
    }
}

impl<S: Clone, M, B> Clone for Handle<S, M, B> {
    fn clone(&self) -> Self {
        Handle {
            ring: self.ring,
            view: self.view.clone(),
            mode: PhantomData,
        }
    }
}

impl<S: Copy, M, B> Copy for Handle<S, M, B> {}

impl<S, M> Handle<S, M> {
    /// The same method, with its storage seen through a coder.
    #[inline]
    pub fn coded<W: From<S>>(self) -> Handle<W, M> {
        Handle::new(self.ring, self.view.into())
    }
}

impl<S, M, B> fmt::Debug for Handle<S, M, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("name", self.name())
            .finish_non_exhaustive()
    }
}

/// The static of a cached method: its ring, and its storage if the method owns one.
#[derive(Debug)]
pub struct RingStatic<S> {
    ring: Ring,
    storage: S,
}

impl<S> RingStatic<S> {
    /// A ring with its own storage.
    pub fn new(ring: Ring, storage: S) -> Self {
        RingStatic { ring, storage }
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
    pub fn cache<M>(&'static self) -> Handle<&'static S, M> {
        Handle::new(&self.ring, &self.storage)
    }
}
