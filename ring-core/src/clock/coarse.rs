//! A clock that is read for a fifth of the price, and may be late.
//!
//! The kernel keeps the time of its last tick where a process can read it. That is enough to tell that a deadline is far
//! away, which is what most hits on entries with a deadline need to know.

use std::time::Duration;

/// How late the clock may be. A tick is 10 ms at most; the rest is for machines that pause.
#[cfg(any(target_os = "linux", target_os = "android"))]
const LATENESS: Duration = Duration::from_millis(100);

/// The time since the clock was made, roughly.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[derive(Clone, Copy, Debug)]
pub(super) struct CoarseClock {
    start: coarsetime::Instant,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl CoarseClock {
    pub(super) fn start() -> Self {
        CoarseClock {
            start: coarsetime::Instant::now_without_cache_update(),
        }
    }

    /// Whether so many nanoseconds have not passed yet, for certain.
    #[inline]
    pub(super) fn is_well_before(&self, nanos: u64) -> bool {
        let elapsed = coarsetime::Instant::now_without_cache_update().duration_since(self.start);
        elapsed.as_nanos().saturating_add(LATENESS.as_nanos() as u64) < nanos
    }
}

/// Where no such clock is known, nothing is certain.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[derive(Clone, Copy, Debug)]
pub(super) struct CoarseClock;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl CoarseClock {
    pub(super) fn start() -> Self {
        CoarseClock
    }

    pub(super) fn is_well_before(&self, _: u64) -> bool {
        false
    }
}
