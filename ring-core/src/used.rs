//! The used rings with static storages, so that all of them can be cleared.

use std::any::TypeId;
#[cfg(feature = "inspect")]
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
#[cfg(feature = "inspect")]
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::cache::{Handle, RingStatic};
use crate::clearing::clear;
use crate::error::Error;
#[cfg(feature = "inspect")]
use crate::inspect::{AnyStorage, Inspect, Lent};
use crate::lru::{Lru, Policy};
use crate::ring::Ring;
#[cfg(feature = "inspect")]
use crate::storage::StorageBase;
use crate::storage::{Clear, View};
#[cfg(feature = "inspect")]
use crate::storage_facts::{LentBy, StorageFacts};
use crate::sync::lasting::RwLock;
#[cfg(feature = "inspect")]
use crate::sync::lasting::{AtomicUsize, Ordering};

/// Every ring, in the order of first use. It only grows.
static USED: RwLock<Vec<Used>> = RwLock::new(Vec::new());

/// A used ring.
#[derive(Clone, Copy)]
struct Used {
    /// The type of its method, if any.
    owner: Option<TypeId>,
    /// `None`: its storage cannot remove the entries of one ring, or only in async code.
    clear: Option<&'static Clearer>,
}

/// Shows the storages of all rings, in the order of their first use.
#[cfg(feature = "inspect")]
static SHOWERS: RwLock<Vec<&'static Shower>> = RwLock::new(Vec::new());

/// The number of them whose storages were lent to the inspector, from the first on.
#[cfg(feature = "inspect")]
static LENT: AtomicUsize = AtomicUsize::new(0);

/// Clears a ring, if the namespace of its storage is this one, or any.
pub(crate) type Clearer = dyn Fn(Option<&str>) -> Answer + Send + Sync;

/// Shows the storage of a ring to the visitor.
pub(crate) type Shower = dyn Fn(&mut Visitor<'_>) + Send + Sync;

/// A visitor of the storages in statics.
pub(crate) type Visitor<'v> = dyn FnMut(&Shown<'_>) + 'v;

/// A storage shown to a visitor.
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

/// The outcome of clearing a ring.
#[derive(Debug)]
pub enum Answer {
    /// It is empty, or the storage failed.
    Cleared(Result<(), Error>),
    /// Its storage cannot remove the entries of one ring, or only in async code.
    Left,
    /// It belongs to another namespace.
    Elsewhere,
}

/// Registers a ring, whose method belongs to the type `owner`, if any. Called once, when the ring is first used; rings are
/// never dropped.
pub fn keep(owner: Option<TypeId>, clear: Option<Box<Clearer>>, show: Option<Box<Shower>>) {
    let clear = clear.map(|clear| &*Box::leak(clear));
    USED.write().push(Used { owner, clear });
    #[cfg(feature = "inspect")]
    SHOWERS.write().extend(show.map(|show| &*Box::leak(show)));
    #[cfg(not(feature = "inspect"))]
    drop(show);
}

/// Lends the storages of newly used rings to the inspector. Statics live for ever, so only the function that shows a storage
/// is kept.
#[cfg(feature = "inspect")]
pub(crate) fn show_new() {
    // Showing runs user code, which may use rings for the first time, and the inspector.
    std::thread_local!(static SHOWS: Cell<bool> = const { Cell::new(false) });
    if SHOWS.replace(true) {
        return;
    }
    loop {
        let lent = LENT.load(Ordering::SeqCst);
        let Some(show) = SHOWERS.read().get(lent).copied() else {
            break;
        };
        // A static whose initialization panicked panics again. Others are still shown.
        let _ = catch_unwind(AssertUnwindSafe(|| lend(show)));
        // Counted when it is lent: a thread that comes meanwhile lends it as well, and then sees it.
        let _ = LENT.compare_exchange(lent, lent + 1, Ordering::SeqCst, Ordering::SeqCst);
    }
    SHOWS.set(false);
}

#[cfg(feature = "inspect")]
fn lend(show: &'static Shower) {
    show(&mut |shown: &Shown<'_>| {
        let number = shown.facts.number();
        let visit = move |visitor: &mut dyn FnMut(&dyn AnyStorage)| {
            show(&mut |shown: &Shown<'_>| {
                // An expression may evaluate to another storage each time.
                if shown.facts.number() == number {
                    visitor(shown.storage);
                }
            });
        };
        shown.facts.lend(LentBy::Whole, std::sync::Arc::new(visit));
    });
}

/// The outcome of clearing: returned by [`clear_all`] and similar functions.
#[derive(Debug, Default)]
pub struct Cleared {
    rings: usize,
    left: usize,
    errors: Vec<Error>,
}

impl Cleared {
    /// The number of cleared rings.
    pub fn rings(&self) -> usize {
        self.rings
    }

    /// The number of rings that still have their entries, because their storages cannot remove the entries of one ring, like
    /// `Memcached`, or only in async code, like `Blocking`.
    pub fn left(&self) -> usize {
        self.left
    }

    /// The failures of storages. Each of their rings may still have entries.
    pub fn errors(&self) -> &[Error] {
        &self.errors
    }

    fn of(namespace: Option<&str>, concerns: impl Fn(&Used) -> bool) -> Self {
        // Clearing runs user code, which may use rings for the first time.
        let used: Vec<Used> = USED
            .read()
            .iter()
            .filter(|used| concerns(used))
            .copied()
            .collect();
        let mut cleared = Cleared::default();
        for ring in used {
            let answer = match (ring.clear, namespace) {
                (Some(clear), _) => clear(namespace),
                (None, None) => Answer::Left,
                // If the storage cannot be reached, its namespace is unknown, too.
                (None, Some(_)) => Answer::Elsewhere,
            };
            match answer {
                Answer::Cleared(Ok(())) => cleared.rings += 1,
                Answer::Cleared(Err(error)) => cleared.errors.push(error),
                Answer::Left => cleared.left += 1,
                Answer::Elsewhere => {}
            }
        }
        cleared
    }
}

/// Removes all values of all rings, also those being computed: for example for tests that share statics.
///
/// It clears the rings that were used in this process and whose storages are statics: those of the macros, and those named
/// in options, such as `redis = REDIS`. Storages of objects are cleared by `{method}_cache().clear()`, or by their own
/// `clear()`. It blocks, also on storages of awaited rings.
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

/// Implemented for every type; clears its rings: `Users::clear_rings()`.
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

/// The type of the methods of `Owner`, to register their rings.
pub fn owner_of<Owner: ?Sized>() -> Option<TypeId> {
    Some(typeid::of::<Owner>())
}

/// Makes the static of a method that has a storage of its own, and registers the ring. If the values are not `Clone`, which
/// is an error elsewhere, the compiler chooses the method of [`OwnUnkept`], and reports nothing here.
///
/// One call with few temporary values: all that is said here is checked and compiled for each method.
#[derive(Debug)]
pub struct Own<V>(PhantomData<fn() -> V>);

impl<V: Clone + 'static> Own<V> {
    /// The static. `owner` is the type of the method, if any, and `handle` the function that returns the method's handle.
    pub fn ring_static<M: 'static>(
        owner: Option<TypeId>,
        handle: fn() -> Handle<&'static Lru<V>, M>,
        ring: Ring,
        capacity: usize,
        policy: Option<Policy>,
    ) -> RingStatic<Lru<V>> {
        let reached = Reached::<_, _, V>::by(handle);
        keep(owner, reached.__ring_clearer(), shower(&reached));
        RingStatic::new(ring, lru(capacity, policy))
    }
}

/// See [`Own`].
pub trait OwnUnkept {
    /// The type of the values.
    type Value;

    /// The static.
    fn ring_static<M>(
        _: Option<TypeId>,
        _: fn() -> Handle<&'static Lru<Self::Value>, M>,
        ring: Ring,
        capacity: usize,
        policy: Option<Policy>,
    ) -> RingStatic<Lru<Self::Value>> {
        RingStatic::new(ring, lru(capacity, policy))
    }
}

impl<V> OwnUnkept for Own<V> {
    type Value = V;
}

fn lru<V>(capacity: usize, policy: Option<Policy>) -> Lru<V> {
    let builder = Lru::builder().capacity(capacity);
    match policy {
        Some(policy) => builder.policy(policy).build(),
        None => builder.build(),
    }
}

/// A ring with values `V`, to be cleared and shown if possible. Method resolution of the compiler chooses [`Clears`] if its
/// bounds hold, else [`Leaves`]; and [`Shows`] or [`Hides`].
///
/// It has a function and not a closure, so that all rings with values of one type share the code.
pub struct Reached<S, M, V> {
    handle: fn() -> Handle<S, M>,
    value: PhantomData<fn() -> V>,
}

impl<S, M, V> Reached<S, M, V> {
    /// The ring whose handle this function returns.
    pub fn by(handle: fn() -> Handle<S, M>) -> Self {
        Reached {
            handle,
            value: PhantomData,
        }
    }
}

impl<S, M, V> fmt::Debug for Reached<S, M, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reached").finish_non_exhaustive()
    }
}

/// See [`Reached`].
pub trait Clears {
    /// Clears the ring.
    fn __ring_clearer(&self) -> Option<Box<Clearer>>;
}

impl<V, S, M> Clears for Reached<S, M, V>
where
    S: View<V, Storage: Clear<S::Stored>> + 'static,
    M: 'static,
{
    fn __ring_clearer(&self) -> Option<Box<Clearer>> {
        let handle = self.handle;
        Some(Box::new(move |namespace| {
            let handle = handle();
            clear_in(namespace, handle.ring(), handle.storage())
        }))
    }
}

fn clear_in<T, S: Clear<T>>(namespace: Option<&str>, ring: &Ring, storage: &S) -> Answer {
    let is_of =
        |namespace: &str| storage.namespace().trim_end_matches(':') == namespace.trim_end_matches(':');
    if !namespace.is_none_or(is_of) {
        return Answer::Elsewhere;
    }
    let cleared = clear(ring, storage);
    Answer::Cleared(cleared.map_err(|error| error.into().of_ring(ring.name().as_str())))
}

/// See [`Reached`].
pub trait Leaves {
    /// The ring cannot be cleared.
    fn __ring_clearer(&self) -> Option<Box<Clearer>> {
        None
    }
}

impl<S, M, V> Leaves for &Reached<S, M, V> {}

/// See [`Reached`].
#[cfg(feature = "inspect")]
pub trait Shows {
    /// Shows the storage.
    fn __ring_shower(&self) -> Option<Box<Shower>>;
}

#[cfg(feature = "inspect")]
impl<V, S, M> Shows for Reached<S, M, V>
where
    S: View<V, Storage: Inspect<S::Stored>> + 'static,
    M: 'static,
{
    fn __ring_shower(&self) -> Option<Box<Shower>> {
        let handle = self.handle;
        Some(Box::new(move |visitor| {
            let handle = handle();
            let storage = handle.storage();
            visitor(&Shown {
                facts: storage.flights().usage().facts(),
                storage: &Lent::new(storage),
            });
        }))
    }
}

#[cfg(feature = "inspect")]
fn shower(reached: &impl Shows) -> Option<Box<Shower>> {
    reached.__ring_shower()
}

/// Without the inspector nothing is shown.
#[cfg(not(feature = "inspect"))]
fn shower<R>(_: &R) -> Option<Box<Shower>> {
    None
}

/// See [`Reached`].
pub trait Hides {
    /// Nothing is shown.
    fn __ring_shower(&self) -> Option<Box<Shower>> {
        None
    }
}

impl<S, M, V> Hides for &Reached<S, M, V> {}

/// Without the inspector nothing is shown.
#[cfg(not(feature = "inspect"))]
pub trait Shows {}
