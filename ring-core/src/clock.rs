//! Clocks: the system's, and one for tests.

mod coarse;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coarse::CoarseClock;

use crate::switches;
use crate::sync::{AtomicU64, Ordering};

/// Returns the time since a fixed instant. It never goes back.
pub trait Clock: Debug + Send + Sync {
    /// The time since the clock's start.
    fn now(&self) -> Duration;
}

/// The system's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
    coarse: CoarseClock,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock {
            start: Instant::now(),
            coarse: CoarseClock::start(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that tests advance. Clones show the same time.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use std::time::Duration;
/// use ring_cache::{Lru, clock::ManualClock};
///
/// let clock = ManualClock::default();
/// let users = Lru::<&str>::builder().capacity(10).clock(clock.clone()).build();
/// users.set_with_expiry(&1_u32, "Ada", Duration::from_secs(60));
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(users.get(&1_u32), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    nanos: Arc<AtomicU64>,
}

impl ManualClock {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let later = |now: u64| Some(now.saturating_add(nanos(by)));
        self.nanos
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, later)
            .unwrap_or_else(|_| unreachable!("there always is a later time"));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::SeqCst))
    }
}

/// A storage's clock: the system's, unless a test set another.
#[derive(Clone, Debug)]
pub(crate) enum StorageClock {
    System(SystemClock),
    Other(Arc<dyn Clock>),
}

impl Default for StorageClock {
    fn default() -> Self {
        StorageClock::System(SystemClock::default())
    }
}

impl StorageClock {
    /// Nanoseconds since the clock's start.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        match self {
            StorageClock::System(clock) => nanos(clock.now()).saturating_add(switches::clock_nanos()),
            StorageClock::Other(clock) => nanos(clock.now()),
        }
    }

    /// The deadline of an entry that lives for `expiry` from now on; [`NEVER`] without one.
    #[inline]
    pub(crate) fn deadline(&self, expiry: Option<Duration>) -> u64 {
        expiry.map_or(NEVER, |expiry| self.now().saturating_add(nanos(expiry)))
    }

    /// The remaining life of an entry with this deadline, if it expires.
    pub(crate) fn left(&self, deadline: u64) -> Option<Duration> {
        (deadline != NEVER).then(|| Duration::from_nanos(deadline.saturating_sub(self.now())))
    }

    /// Whether more than `stale` is left until the deadline.
    pub(crate) fn is_fresh(&self, deadline: u64, stale: Duration) -> bool {
        self.left(deadline).is_none_or(|left| left > stale)
    }

    /// Whether an entry with this deadline has expired. Reads no clock without a deadline, and the
    /// precise clock only near it.
    #[inline(always)]
    pub(crate) fn is_past(&self, deadline: u64) -> bool {
        deadline != NEVER && !self.is_well_before(deadline) && self.is_at(deadline)
    }

    /// Whether an entry with this deadline has more than `life` left. Without `life`, only one that does not expire has.
    #[inline(always)]
    pub(crate) fn leaves(&self, deadline: u64, life: Option<Duration>) -> bool {
        match life {
            Some(life) => !self.is_past(stale_from(deadline, life)),
            None => deadline == NEVER,
        }
    }

    /// By the precise clock.
    #[inline(never)]
    fn is_at(&self, deadline: u64) -> bool {
        self.now() >= deadline
    }

    #[inline]
    fn is_well_before(&self, deadline: u64) -> bool {
        match self {
            StorageClock::System(clock) => {
                let ahead = switches::clock_nanos();
                deadline > ahead && clock.coarse.is_well_before(deadline - ahead)
            }
            StorageClock::Other(_) => false,
        }
    }
}

/// The deadline of an entry without expiry.
pub(crate) const NEVER: u64 = u64::MAX;

/// The instant from which on an entry with this deadline is stale.
#[inline(always)]
fn stale_from(deadline: u64, stale: Duration) -> u64 {
    if stale.is_zero() || deadline == NEVER {
        deadline
    } else {
        deadline.saturating_sub(nanos(stale))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(NEVER)
}
