//! Freshness: entries that are kept after they expired, and their refreshes.
//!
//! A ring with `stale` stores its entries for `expire` and `stale` together. An entry is *stale* exactly when its
//! remaining life is at most `stale`; the storage tells the remaining life, so only the value is stored. A plain call that
//! finds a stale entry starts one refresh for all calls, and returns the stale value meanwhile, also if the refresh fails.
//! Explicit verbs treat a stale entry as absent.

use std::time::Duration;

/// The result of a look-up: see [`Call::lookup`](crate::Call::lookup).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lookup<V> {
    /// The value, before it expired.
    Fresh(V),
    /// The value of a ring with `stale`, after it expired.
    Stale(V),
    /// No value.
    #[default]
    Absent,
}

impl<V> Lookup<V> {
    /// The value, fresh or stale.
    ///
    /// ```
    /// # use ring_cache_core as ring_cache;
    /// use ring_cache::Lookup;
    ///
    /// assert_eq!(Lookup::Stale(1).value(), Some(1));
    /// assert_eq!(Lookup::<u32>::Absent.value(), None);
    /// ```
    pub fn value(self) -> Option<V> {
        match self {
            Lookup::Fresh(value) | Lookup::Stale(value) => Some(value),
            Lookup::Absent => None,
        }
    }

    /// Whether there is no value.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Lookup::Absent)
    }
}

/// When a plain call refreshes an entry that has not expired.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Early {
    /// Never.
    Off,
    /// From this part of its expiry on.
    Part(f64),
    /// At random, the sooner the longer the body takes: probabilistic early expiration, "XFetch" ([Vattani, Chierichetti,
    /// Lowenstein, 2015](https://doi.org/10.14778/2757807.2757813)).
    XFetch,
}

/// The number of mean computation times before the expiry at which [`Early::XFetch`] begins to draw. The chance of a
/// longer time is below one in eight million.
const MEANS: u32 = 16;

impl Early {
    /// The time before an expiry in which an entry may be refreshed, if the body takes `mean`.
    pub(crate) fn margin(self, expiry: Option<Duration>, mean: impl FnOnce() -> Duration) -> Duration {
        match (self, expiry) {
            (Early::Off, _) | (_, None) => Duration::ZERO,
            (Early::Part(part), Some(expiry)) => expiry.mul_f64(1.0 - part.clamp(0.0, 1.0)),
            (Early::XFetch, Some(expiry)) => (mean() * MEANS).min(expiry),
        }
    }

    /// Whether an entry with this much left until its expiry is refreshed, if that is within the margin.
    pub(crate) fn is_due(self, left: Duration, mean: impl FnOnce() -> Duration) -> bool {
        match self {
            Early::Off => false,
            Early::Part(_) => true,
            // One less a number from 0 to 1, which may be 0.
            Early::XFetch => left <= mean().mul_f64(-(1.0 - fastrand::f64()).ln()),
        }
    }
}
