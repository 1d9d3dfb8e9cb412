//! Counters of a ring, and their snapshots.

pub(crate) mod cells;
pub(crate) mod counts;

use std::time::{Duration, Instant};

use crate::error::ErrorKind;
use crate::sync::lasting::{AtomicU64, Ordering};
use cells::{Counter, Totals};

/// A snapshot of a ring's counters: exact, and read while calls go on.
///
/// `{method}_cache().stats()` counts the calls on the storage of that handle: for a service that owns its storage, the calls
/// of that instance. [`Handle::total_stats`](crate::Handle::total_stats) adds up all storages. Counters are never reset;
/// [`since`](Self::since) returns the difference to an earlier snapshot.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// # use ring_cache::{Cache, Lru, Plain, Ring};
/// # let (ring, lru): (&'static Ring, _) = (Box::leak(Box::new(Ring::with_prefix("doc"))), Lru::<u32>::new(8));
/// # let square = |n: u32| Cache::new(ring, &lru).bind::<Plain<u32>, _, _>((n,), |(n,)| n * n).get_or_update();
/// let before = Cache::new(ring, &lru).stats();
/// square(3);
/// square(3);
/// let stats = Cache::new(ring, &lru).stats().since(&before);
/// assert_eq!((stats.hits, stats.misses, stats.computed, stats.stores), (1, 1, 1, 1));
/// assert_eq!(stats.hit_ratio(), Some(0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Look-ups that found a value. Each call of a bulk verb counts.
    pub hits: u64,
    /// Calls that returned a value past its `expire`, within `stale`. They do not count as hits.
    pub stale_hits: u64,
    /// Look-ups that found no value, or a stale one that was not returned.
    pub misses: u64,
    /// Plain calls that got the value of another call's computation. They count as misses too.
    pub coalesced: u64,
    /// Bodies that ran to their end to make a value for the cache.
    pub computed: u64,
    /// The total time of those bodies. For an `async fn`, the time until the future was ready.
    ///
    /// An estimate for bodies so fast that reading the clock would take as long: after 64 in a row that took less than five
    /// microseconds, one of 16 is measured and counts for all of them, until one takes longer. With an
    /// [observer](crate::observe), with `early = "xfetch"` and with the feature `metrics`, all are measured.
    pub compute_time: Duration,
    /// The total time that plain calls waited for the storage. Zero in memory, where it is not measured.
    pub lookup_time: Duration,
    /// Values that were stored.
    pub stores: u64,
    /// Failures of the storage or the coder. They never change the result of a plain call.
    pub errors: u64,
    /// The number of [`errors`](Self::errors) of each kind.
    pub errors_by_kind: ErrorCounts,
    /// Entries of the ring that were evicted for newer ones. Only storages in memory know the ring of an entry:
    /// [`eviction_counts`](crate::storage::StorageBase::eviction_counts) has those of a whole storage.
    pub evictions: u64,
    /// Entries of the ring that were found expired. See [`evictions`](Self::evictions).
    pub expirations: u64,
    /// The number of look-ups in `lookup_time`.
    timed_lookups: u64,
}

impl Stats {
    /// The counts since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Stats) -> Stats {
        self.combined(earlier, u64::saturating_sub)
    }

    /// The ratio of look-ups that found a value, stale ones included. `None` before the first.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        let found = self.hits + self.stale_hits;
        ratio(found, found + self.misses)
    }

    /// The mean time of a body. `None` before the first.
    #[must_use]
    pub fn mean_compute_time(&self) -> Option<Duration> {
        mean(self.compute_time, self.computed)
    }

    /// The mean time of a look-up in a storage outside the process. `None` in memory, where it is not measured.
    #[must_use]
    pub fn mean_lookup_time(&self) -> Option<Duration> {
        mean(self.lookup_time, self.timed_lookups)
    }

    pub(crate) fn plus(&self, other: &Stats) -> Stats {
        self.combined(other, u64::saturating_add)
    }

    fn combined(&self, other: &Stats, with: fn(u64, u64) -> u64) -> Stats {
        let time = |one, other| Duration::from_nanos(with(nanos(one), nanos(other)));
        Stats {
            hits: with(self.hits, other.hits),
            stale_hits: with(self.stale_hits, other.stale_hits),
            misses: with(self.misses, other.misses),
            coalesced: with(self.coalesced, other.coalesced),
            computed: with(self.computed, other.computed),
            compute_time: time(self.compute_time, other.compute_time),
            lookup_time: time(self.lookup_time, other.lookup_time),
            stores: with(self.stores, other.stores),
            errors: with(self.errors, other.errors),
            errors_by_kind: ErrorCounts(std::array::from_fn(|kind| {
                with(self.errors_by_kind.0[kind], other.errors_by_kind.0[kind])
            })),
            evictions: with(self.evictions, other.evictions),
            expirations: with(self.expirations, other.expirations),
            timed_lookups: with(self.timed_lookups, other.timed_lookups),
        }
    }
}

/// The nanoseconds of a duration: up to 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean(time: Duration, count: u64) -> Option<Duration> {
    (count > 0).then(|| Duration::from_nanos(nanos(time) / count))
}

/// The number of errors of each [`ErrorKind`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorCounts([u64; ErrorKind::ALL.len()]);

impl ErrorCounts {
    /// The number of errors of this kind.
    #[must_use]
    pub fn of(&self, kind: ErrorKind) -> u64 {
        self.0[kind as usize]
    }

    /// The number of errors of each kind.
    pub fn iter(&self) -> impl Iterator<Item = (ErrorKind, u64)> + use<> {
        ErrorKind::ALL.into_iter().zip(self.0)
    }
}

/// The counters of rare events, and those without a cell: see [`cells`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    errors: [AtomicU64; ErrorKind::ALL.len()],
    compute_nanos: AtomicU64,
    /// The number of measured bodies in a row that were quick.
    quick: AtomicU64,
    lookup_nanos: AtomicU64,
    timed_lookups: AtomicU64,
}

/// The limit of quick bodies: for the quickest, reading the clock would take longer than the body.
const QUICK: Duration = Duration::from_micros(5);

/// The number of quick bodies in a row after which only some are measured.
const QUICK_IN_A_ROW: u64 = 64;

/// Of this many quick bodies, one is measured.
const SAMPLED: u64 = 16;

/// The measurement of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    began: Instant,
    /// The number of bodies that it counts for.
    stands_for: u64,
}

impl Timed {
    fn now(stands_for: u64) -> Self {
        Timed {
            began: Instant::now(),
            stands_for,
        }
    }

    /// The time since the body began.
    pub(crate) fn took(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Counters {
    /// Begins to measure a body. `None` if a measurement of another one counts for it. `of_all`: each body must be measured,
    /// not samples. `computed` counts the bodies of this thread.
    #[inline]
    pub(crate) fn time(&self, of_all: bool, computed: u64) -> Option<Timed> {
        if of_all || self.quick.load(Ordering::Relaxed) < QUICK_IN_A_ROW {
            return Some(Timed::now(1));
        }
        // The one in the middle of those that it stands for. Were it the first, many threads with few bodies would count too much.
        (computed % SAMPLED == SAMPLED / 2).then(|| Timed::now(SAMPLED))
    }

    /// Records the time of a measured body.
    pub(crate) fn took(&self, timed: Timed, took: Duration) {
        let together = nanos(took).saturating_mul(timed.stands_for);
        self.compute_nanos.fetch_add(together, Ordering::Relaxed);
        if took < QUICK {
            self.quick.fetch_add(1, Ordering::Relaxed);
        } else {
            self.quick.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn looked_up(&self, took: Duration) {
        self.timed_lookups.fetch_add(1, Ordering::Relaxed);
        self.lookup_nanos.fetch_add(nanos(took), Ordering::Relaxed);
    }

    pub(crate) fn error(&self, kind: ErrorKind) {
        self.errors[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The statistics of a ring with these counts in its cells.
    pub(crate) fn read(&self, totals: Totals) -> Stats {
        let total = |counter| totals[counter as usize];
        let time = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Ordering::Relaxed));
        let errors = self.errors.each_ref().map(|count| count.load(Ordering::Relaxed));
        Stats {
            hits: total(Counter::Hit),
            stale_hits: total(Counter::StaleHit),
            misses: total(Counter::Miss),
            coalesced: total(Counter::Coalesced),
            computed: total(Counter::Computed),
            compute_time: time(&self.compute_nanos),
            lookup_time: time(&self.lookup_nanos),
            stores: total(Counter::Store),
            errors: errors.iter().sum(),
            errors_by_kind: ErrorCounts(errors),
            evictions: total(Counter::Eviction),
            expirations: total(Counter::Expiration),
            timed_lookups: self.timed_lookups.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NANO: Duration = Duration::from_nanos(10);

    /// Bodies that take this long run. The number of the measured ones, and the mean of all.
    fn run(counters: &Counters, bodies: u64, took: Duration) -> (usize, Option<Duration>) {
        let before = counters.read(Totals::default());
        let measured = (0..bodies).filter_map(|computed| counters.time(false, computed));
        let measured = measured.map(|timed| counters.took(timed, took)).count();
        let mut computed = Totals::default();
        computed[Counter::Computed as usize] = bodies;
        let since = counters.read(computed).since(&before);
        (measured, since.mean_compute_time())
    }

    #[test]
    fn one_of_sixteen_quick_bodies_stands_for_all() {
        let counters = Counters::default();
        assert_eq!(
            run(&counters, QUICK_IN_A_ROW, NANO),
            (64, Some(NANO)),
            "they might be slow"
        );
        assert_eq!(run(&counters, SAMPLED * 10, NANO), (10, Some(NANO)));
        assert!(counters.time(true, 1).is_some());
    }

    #[test]
    fn threads_with_few_quick_bodies_count_for_what_they_ran() {
        let counters = Counters::default();
        run(&counters, QUICK_IN_A_ROW, NANO);
        let measured = |bodies| run(&counters, bodies, NANO).0;
        assert_eq!([1, 8, 9, 24, 25].map(measured), [0, 0, 1, 1, 2]);
    }

    #[test]
    fn after_a_slow_body_all_are_measured_again() {
        let counters = Counters::default();
        run(&counters, QUICK_IN_A_ROW, NANO);
        // From the one that is measured on.
        assert_eq!(run(&counters, SAMPLED, QUICK).0, 8);
        let slow = run(&counters, QUICK_IN_A_ROW, 3 * QUICK);
        assert_eq!(slow, (64, Some(3 * QUICK)));
    }
}
