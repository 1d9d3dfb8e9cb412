//! The rings that were used and whose storages statics reach, so that all of them can be cleared.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
#[cfg(feature = "inspect")]
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::cache::Handle;
use crate::clearing::clear;
use crate::error::Error;
#[cfg(feature = "inspect")]
use crate::inspect::{AnyStorage, Inspect, Lent};
use crate::storage::{Clear, StorageBase, View};
#[cfg(feature = "inspect")]
use crate::storage_facts::{LentBy, StorageFacts};
use crate::sync::lasting::RwLock;

/// Every ring, in the order of their first use. It only grows.
static USED: RwLock<Vec<Used>> = RwLock::new(Vec::new());

/// One ring that was used.
#[derive(Clone, Copy)]
struct Used {
    /// The type whose method it is, if it is one's.
    owner: Option<TypeId>,
    clear: Clearer,
}

/// Shows the storage of a ring to the visitor.
pub(crate) type Shower = fn(&mut Visitor<'_>);

/// Rings whose storages the inspector has not seen.
#[cfg(feature = "inspect")]
static NEW: RwLock<Vec<Shower>> = RwLock::new(Vec::new());

/// Is shown the storages that statics reach.
pub(crate) type Visitor<'v> = dyn FnMut(&Shown<'_>) + 'v;

/// A storage that is shown.
pub struct Shown<'s> {
    #[cfg(feature = "inspect")]
    facts: &'s StorageFacts,
    #[cfg(feature = "inspect")]
    storage: &'s dyn AnyStorage,
    #[cfg(not(feature = "inspect"))]
    nothing: PhantomData<&'s ()>,
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").finish_non_exhaustive()
    }
}

/// Clears a ring, if the namespace of its storage is this one, or any.
pub(crate) type Clearer = fn(Option<&str>) -> Answer;

/// What became of a ring that was to be cleared.
#[derive(Debug)]
pub enum Answer {
    /// It is empty, or the storage failed.
    Cleared(Result<(), Error>),
    /// Its storage cannot remove the entries of one ring, or only awaited.
    Left,
    /// It is of another namespace.
    Elsewhere,
}

/// Keeps a ring of the type `Owner`. Called once, when the ring is first used.
pub fn keep_of<Owner: ?Sized>(clear: Clearer, show: Shower) {
    keep(Some(typeid::of::<Owner>()), clear, show);
}

/// Keeps the ring of a free function. Called once, when the ring is first used.
pub fn keep_free(clear: Clearer, show: Shower) {
    keep(None, clear, show);
}

fn keep(owner: Option<TypeId>, clear: Clearer, show: Shower) {
    USED.write().push(Used { owner, clear });
    #[cfg(feature = "inspect")]
    NEW.write().push(show);
    #[cfg(not(feature = "inspect"))]
    let _ = show;
}

/// Lends the storages of rings that were used since to whoever looks into them. Statics live for ever, so the function that
/// shows a storage is all that is kept.
#[cfg(feature = "inspect")]
pub(crate) fn show_new() {
    // Showing runs code of users, which may use rings for the first time.
    let next = || NEW.write().pop();
    while let Some(show) = next() {
        let mut lend = |shown: &Shown<'_>| {
            let number = shown.facts.number();
            let visit = move |visitor: &mut dyn FnMut(&dyn AnyStorage)| {
                show(&mut |shown: &Shown<'_>| {
                    // An expression may name another storage each time.
                    if shown.facts.number() == number {
                        visitor(shown.storage);
                    }
                });
            };
            shown.facts.lend(LentBy::Whole, std::sync::Arc::new(visit));
        };
        // A static that cannot be made panics, as it did where the ring was used. Others are shown nonetheless.
        let _ = catch_unwind(AssertUnwindSafe(|| show(&mut lend)));
    }
}

/// What became of the rings that were to be cleared: returned by [`clear_all`] and its like.
#[derive(Debug, Default)]
pub struct Cleared {
    rings: usize,
    left: usize,
    errors: Vec<Error>,
}

impl Cleared {
    /// The number of rings that were cleared.
    pub fn rings(&self) -> usize {
        self.rings
    }

    /// The number of rings that have their entries still, as their storages cannot remove the entries of one ring, as
    /// `Memcached`, or only awaited, as `Blocking`.
    pub fn left(&self) -> usize {
        self.left
    }

    /// The failures of storages. Each ring of them may have entries still.
    pub fn errors(&self) -> &[Error] {
        &self.errors
    }

    fn of(namespace: Option<&str>, concerns: impl Fn(&Used) -> bool) -> Self {
        // Clearing runs code of users, which may use rings for the first time.
        let used: Vec<Used> = USED
            .read()
            .iter()
            .filter(|used| concerns(used))
            .copied()
            .collect();
        let mut cleared = Cleared::default();
        for ring in used {
            match (ring.clear)(namespace) {
                Answer::Cleared(Ok(())) => cleared.rings += 1,
                Answer::Cleared(Err(error)) => cleared.errors.push(error),
                Answer::Left => cleared.left += 1,
                Answer::Elsewhere => {}
            }
        }
        cleared
    }
}

/// Removes all values of all rings, also those being computed: for tests that share statics, for example.
///
/// It reaches the rings that were used in this process and whose storages are statics: those that the macros make, and
/// those that options name, as `redis = REDIS`. Storages that objects own are cleared by `{method}_cache().clear()`, or by
/// their own `clear()`. It blocks, also on storages of rings that are awaited.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// let cleared = ring_cache::clear_all();
/// assert!(cleared.errors().is_empty());
/// ```
pub fn clear_all() -> Cleared {
    Cleared::of(None, |_| true)
}

/// [`clear_all`], for the rings on storages with this [namespace](StorageBase::namespace).
///
/// ```
/// # use ring_cache_core as ring_cache;
/// assert_eq!(ring_cache::clear_namespace("shop").rings(), 0);
/// ```
pub fn clear_namespace(namespace: &str) -> Cleared {
    Cleared::of(Some(namespace), |_| true)
}

/// Every type, whose rings can be cleared: `Users::clear_rings()`.
///
/// `#[ring_impl]` imports it into the module of the block. Elsewhere, `use ring_cache::ClearRings`.
pub trait ClearRings {
    /// [`clear_all`], for the methods of this type and of its traits. Each instantiation of a generic type has its own.
    fn clear_rings() -> Cleared {
        let owner = typeid::of::<Self>();
        Cleared::of(None, |used| used.owner == Some(owner))
    }
}

impl<T: ?Sized> ClearRings for T {}

/// A ring with values `V`, to be cleared if it can. Methods are found by the way in which the compiler looks for them:
/// [`Clears`] first, if its bounds are met, and then [`Leaves`].
#[derive(Debug)]
pub struct Reached<S, M, V> {
    handle: Handle<S, M>,
    value: PhantomData<fn() -> V>,
}

impl<S, M, V> Reached<S, M, V> {
    /// The ring.
    pub fn of(handle: Handle<S, M>) -> Self {
        Reached {
            handle,
            value: PhantomData,
        }
    }
}

/// See [`Reached`].
pub trait Clears {
    /// Clears the ring.
    fn __ring_clear(&self, namespace: Option<&str>) -> Answer;
}

impl<V, S: View<V>, M> Clears for Reached<S, M, V>
where
    S::Storage: Clear<S::Held>,
{
    fn __ring_clear(&self, namespace: Option<&str>) -> Answer {
        let (ring, storage) = (self.handle.ring(), self.handle.storage());
        let is_of =
            |namespace: &str| storage.namespace().trim_end_matches(':') == namespace.trim_end_matches(':');
        if !namespace.is_none_or(is_of) {
            return Answer::Elsewhere;
        }
        let cleared = clear(ring, storage);
        Answer::Cleared(cleared.map_err(|error| error.into().of_ring(ring.name().as_str())))
    }
}

/// See [`Reached`].
pub trait Leaves {
    /// Leaves the ring as it is.
    fn __ring_clear(&self, namespace: Option<&str>) -> Answer;
}

impl<S, M, V> Leaves for &Reached<S, M, V> {
    fn __ring_clear(&self, namespace: Option<&str>) -> Answer {
        // Of what cannot be reached, the namespace is not known either.
        namespace.map_or(Answer::Left, |_| Answer::Elsewhere)
    }
}

/// See [`Reached`].
#[cfg(feature = "inspect")]
pub trait Shows {
    /// Shows the storage.
    fn __ring_show(&self, visitor: &mut Visitor<'_>);
}

#[cfg(feature = "inspect")]
impl<V, S: View<V>, M> Shows for Reached<S, M, V>
where
    S::Storage: Inspect<S::Held>,
{
    fn __ring_show(&self, visitor: &mut Visitor<'_>) {
        let storage = self.handle.storage();
        visitor(&Shown {
            facts: storage.flights().usage().facts(),
            storage: &Lent::new(storage),
        });
    }
}

/// See [`Reached`].
pub trait Hides {
    /// Shows nothing.
    fn __ring_show(&self, _: &mut Visitor<'_>) {}
}

impl<S, M, V> Hides for &Reached<S, M, V> {}

/// Without the inspector nothing is shown.
#[cfg(not(feature = "inspect"))]
pub trait Shows {}
