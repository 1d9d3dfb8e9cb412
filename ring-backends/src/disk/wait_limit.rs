//! How long one operation waits in all.

use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

use super::fault::Fault;

/// The longest wait: SQLite counts milliseconds in 32 bits.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The instant until which an operation waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct WaitLimit {
    until: Instant,
}

impl WaitLimit {
    /// Waits until `until`, or else for the storage's `deadline`; a day at most.
    pub(super) fn of(until: Option<Instant>, deadline: Duration) -> Self {
        let now = Instant::now();
        let left = until.map_or(deadline, |until| until.saturating_duration_since(now));
        WaitLimit {
            until: now + left.min(LONGEST),
        }
    }

    pub(super) fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    pub(super) fn lock<T>(self, mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>, Fault> {
        let locked = mutex.try_lock().or_else(|| mutex.try_lock_until(self.until));
        locked.ok_or_else(|| Fault::failed("other threads kept it busy until the deadline"))
    }
}
