//! A clock that costs a fifth of the precise one, and may be late.
//!
//! The kernel publishes the time of its last tick in readable memory. This suffices to see that a deadline is far away, as
//! for most hits on entries that expire.

use std::time::Duration;

/// The greatest delay of the clock. A tick is 10 ms at most; the rest is for machines that pause.
#[cfg(any(target_os = "linux", target_os = "android"))]
const LATENESS: Duration = Duration::from_millis(100);

/// The approximate time since the clock was created.
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

    /// Whether it is certain that this many nanoseconds have not passed yet.
    #[inline]
    pub(super) fn is_well_before(&self, nanos: u64) -> bool {
        let elapsed = coarsetime::Instant::now_without_cache_update().duration_since(self.start);
        elapsed.as_nanos().saturating_add(LATENESS.as_nanos() as u64) < nanos
    }
}

/// Without such a clock nothing is certain.
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
