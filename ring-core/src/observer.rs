//! Observers of events other than hits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::stats::cells::Counter;
use crate::sync::lasting::{AtomicBool, Ordering, RwLock};

/// Receives the events of rings: see [`observe`]. All methods do nothing by default.
///
/// The thread of the event calls them, without a lock, so they may call cached methods. They delay that call. A panic in one
/// is caught. Hits are only counted.
#[allow(unused_variables)]
pub trait Observer: Send + Sync {
    /// A body ran to its end, for a value to be cached. `took`: its time; for an `async fn`, until its future was ready. Bodies
    /// that began before the first observer may be omitted.
    fn computed(&self, ring: &str, took: Duration) {}

    /// A body refreshed an existing entry. [`computed`](Self::computed) is called as well.
    fn refreshed(&self, ring: &str, took: Duration) {}

    /// A storage in memory dropped an entry that had not expired.
    fn evicted(&self, ring: &str, reason: EvictionReason) {}

    /// A storage in memory found and dropped an expired entry.
    fn expired(&self, ring: &str) {}

    /// The storage or the coder failed. A plain call computes instead. The error names the storage, the operation
    /// and the cause.
    fn failed(&self, ring: &str, error: &Error) {}

    /// A storage failed for a new reason, such as a wrong password, an unknown host or a full server. Called once for each
    /// reason, for all calls and rings; [`failed`](Self::failed) is called as well.
    fn warned(&self, error: &Error) {}
}

/// The reason why a storage dropped an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EvictionReason {
    /// The storage was full.
    Capacity,
    /// The entry had expired.
    Expired,
}

impl EvictionReason {
    /// The counter of entries that were dropped for this reason.
    pub(crate) fn counter(self) -> Counter {
        match self {
            EvictionReason::Capacity => Counter::Eviction,
            EvictionReason::Expired => Counter::Expiration,
        }
    }

    /// One word: `capacity` or `expired`.
    pub fn as_str(self) -> &'static str {
        match self {
            EvictionReason::Capacity => "capacity",
            EvictionReason::Expired => "expired",
        }
    }
}

type Observers = Vec<Arc<dyn Observer>>;

static IS_OBSERVED: AtomicBool = AtomicBool::new(false);
static OBSERVERS: RwLock<Observers> = RwLock::new(Vec::new());

/// Tells `observer` of what all rings of this process do, from now on and for ever. There may be several observers.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use std::time::Duration;
/// use ring_cache::{Error, Observer};
///
/// struct Log;
///
/// impl Observer for Log {
///     fn computed(&self, ring: &str, took: Duration) {
///         println!("{ring} took {took:?}");
///     }
///     fn failed(&self, ring: &str, error: &Error) {
///         eprintln!("{ring}: {error}");
///     }
/// }
///
/// ring_cache::observe(Log);
/// ```
pub fn observe(observer: impl Observer + 'static) {
    OBSERVERS.write().push(Arc::new(observer));
    IS_OBSERVED.store(true, Ordering::Release);
}

/// Whether there is an observer.
#[inline]
pub(crate) fn is_there() -> bool {
    IS_OBSERVED.load(Ordering::Relaxed)
}

/// Tells all observers. Called without a lock.
#[inline]
pub(crate) fn each(tell: impl Fn(&dyn Observer)) {
    if is_there() {
        each_now(&tell);
    }
}

#[cold]
fn each_now(tell: &dyn Fn(&dyn Observer)) {
    // A statement of its own: the lock is released at its end.
    let observers = OBSERVERS.read().clone();
    for observer in observers {
        // A panic is the observer's own, and changes no answer.
        drop(catch_unwind(AssertUnwindSafe(|| tell(&*observer))));
    }
}
