//! Errors of bodies that other calls get too: calls that wait for the computation (`share_errors`), and calls soon after it
//! (`errors`).
//!
//! Errors stay in this process, and never reach a storage.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use crate::sync::lasting::{Mutex, OnceLock};
use crate::wait::after;

/// The most keys of a ring whose errors are remembered.
const CAPACITY: usize = 1_024;

/// How long an error is kept for waiting calls, which began before it.
const FOR_WAITERS: Duration = Duration::from_secs(10);

/// The key of an entry: the address of the storage's flights, and the hash.
pub(crate) type Place = (usize, u64);

/// The errors of one ring.
#[derive(Default)]
pub struct RememberedErrors(Mutex<Table>);

/// The errors of one ring, allocated for the first remembered one.
pub(crate) type Errors = OnceLock<RememberedErrors>;

#[derive(Default)]
struct Table {
    errors: HashMap<Place, Remembered>,
    /// The number of the last error.
    last: u64,
}

struct Remembered {
    error: Arc<dyn Any + Send + Sync>,
    number: u64,
    /// The end of its life for later calls.
    until: Option<Instant>,
    /// The end of its life for waiting calls.
    shared_until: Option<Instant>,
}

impl Remembered {
    fn is_past(&self, now: Instant) -> bool {
        let ended = |until: Option<Instant>| until.is_none_or(|until| until <= now);
        ended(self.until) && ended(self.shared_until)
    }
}

impl RememberedErrors {
    /// The number of the last error: a waiting call gets later ones.
    pub(crate) fn last(&self) -> u64 {
        self.0.lock().last
    }

    fn get(&self, place: Place, began: u64) -> Option<Arc<dyn Any + Send + Sync>> {
        let (table, now) = (self.0.lock(), Instant::now());
        let found = table.errors.get(&place)?;
        let is_before = |until: Option<Instant>| until.is_some_and(|until| now < until);
        let is_for_call = is_before(found.until) || (found.number > began && is_before(found.shared_until));
        is_for_call.then(|| Arc::clone(&found.error))
    }

    fn put(&self, place: Place, error: Arc<dyn Any + Send + Sync>, time: Option<Duration>, is_shared: bool) {
        let mut table = self.0.lock();
        if table.errors.len() >= CAPACITY && !table.errors.contains_key(&place) {
            let now = Instant::now();
            table.errors.retain(|_, remembered| !remembered.is_past(now));
            if table.errors.len() >= CAPACITY {
                return;
            }
        }
        table.last += 1;
        let remembered = Remembered {
            error,
            number: table.last,
            until: after(time),
            shared_until: after(is_shared.then_some(FOR_WAITERS)),
        };
        let replaced = table.errors.insert(place, remembered);
        drop(table);
        drop(replaced);
    }

    /// Forgets the error of a key.
    pub(crate) fn forget(&self, place: Place) {
        let forgotten = self.0.lock().errors.remove(&place);
        drop(forgotten);
    }

    /// Forgets the errors of a storage.
    pub(crate) fn forget_all(&self, storage: usize) {
        let mut table = self.0.lock();
        let forgotten: Vec<_> = table.errors.extract_if(|(of, _), _| *of == storage).collect();
        drop(table);
        drop(forgotten);
    }
}

/// Omits the errors.
impl std::fmt::Debug for RememberedErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RememberedErrors").finish_non_exhaustive()
    }
}

/// The rules for results `O` without a value to cache.
#[diagnostic::on_unimplemented(
    message = "this error cannot be given to other calls",
    label = "the error of this method is not `Clone + Send + Sync + 'static`",
    note = "derive `Clone` for it, wrap it in an `Arc`, or leave out `errors` and `share_errors`"
)]
pub trait FailureRules<O>: Copy + Send {
    /// Whether there are any rules.
    const ANY: bool;

    /// The result that a call gets in place of a computation.
    #[doc(hidden)]
    fn remembered(&self, errors: &Errors, place: (usize, u64), began: u64) -> Option<O>;

    /// Remembers the result of a computation.
    #[doc(hidden)]
    fn remember(&self, errors: &Errors, place: (usize, u64), out: &O);
}

/// Calls do not share errors.
#[derive(Clone, Copy, Debug)]
pub struct EachItsOwn;

impl<O> FailureRules<O> for EachItsOwn {
    const ANY: bool = false;

    #[inline]
    fn remembered(&self, _: &Errors, _: Place, _: u64) -> Option<O> {
        None
    }

    #[inline]
    fn remember(&self, _: &Errors, _: Place, _: &O) {}
}

/// The rules for errors `E` of a ring with `errors` or `share_errors`.
#[derive(Debug)]
pub struct ErrorRules<E> {
    /// How long later calls get an error.
    pub remember: Option<Duration>,
    /// The errors that later calls get; `None`: all.
    pub when: Option<fn(&E) -> bool>,
    /// Whether waiting calls get the error of the computation.
    pub share: bool,
}

impl<E> Clone for ErrorRules<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for ErrorRules<E> {}

#[diagnostic::do_not_recommend]
impl<V, E: Clone + Send + Sync + 'static> FailureRules<Result<V, E>> for ErrorRules<E> {
    const ANY: bool = true;

    fn remembered(&self, errors: &Errors, place: Place, began: u64) -> Option<Result<V, E>> {
        let error = errors.get()?.get(place, began)?;
        error.downcast_ref::<E>().cloned().map(Err)
    }

    fn remember(&self, errors: &Errors, place: Place, out: &Result<V, E>) {
        let Err(error) = out else { return };
        let time = self
            .remember
            .filter(|_| self.when.is_none_or(|is_remembered| is_remembered(error)));
        if time.is_some() || self.share {
            let errors = errors.get_or_init(RememberedErrors::default);
            errors.put(place, Arc::new(error.clone()), time, self.share);
        }
    }
}
