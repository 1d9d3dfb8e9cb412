//! Whether the near tier may be used: only while the far storage reports its changes.

use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

/// For how many milliseconds a confirmation of complete reports is valid.
const CONFIRMATION_VALID: u64 = 1_000;

/// The state of the far storage's reports.
#[derive(Debug)]
pub(super) struct Trust {
    /// Whether changes are reported at present.
    is_watching: AtomicBool,
    /// The last confirmation, by the monotonic clock and by the wall clock. 0 if the far storage confirms nothing: then none
    /// is needed.
    confirmed: AtomicU64,
    confirmed_by_wall: AtomicU64,
    refusal: Mutex<Option<String>>,
    /// The process that gets the reports, and the time of the last check.
    process: AtomicU32,
    looked_at: AtomicU64,
}

/// Coarse milliseconds. The monotonic clock may stop while the machine sleeps, and the wall clock may be set.
fn now() -> (u64, u64) {
    static START: LazyLock<coarsetime::Instant> = LazyLock::new(coarsetime::Instant::now);
    let monotonic = coarsetime::Instant::now().duration_since(*START).as_millis() + 1;
    (monotonic, coarsetime::Clock::now_since_epoch().as_millis())
}

impl Trust {
    pub(super) fn new() -> Self {
        Trust {
            is_watching: AtomicBool::new(false),
            confirmed: AtomicU64::new(0),
            confirmed_by_wall: AtomicU64::new(0),
            refusal: Mutex::new(None),
            process: AtomicU32::new(process::id()),
            looked_at: AtomicU64::new(0),
        }
    }

    /// Whether all changes until about now were reported. A process that was stopped, or a machine that slept, missed some.
    pub(super) fn is_complete(&self) -> bool {
        self.is_watching.load(Ordering::SeqCst) && self.is_fresh(now())
    }

    fn is_fresh(&self, (monotonic, wall): (u64, u64)) -> bool {
        let confirmed = self.confirmed.load(Ordering::SeqCst);
        let by_wall = self.confirmed_by_wall.load(Ordering::SeqCst);
        confirmed == 0
            || (monotonic <= confirmed + CONFIRMATION_VALID && wall <= by_wall + CONFIRMATION_VALID)
    }

    pub(super) fn set_watching(&self, is_watching: bool) {
        if is_watching {
            *self.refusal.lock() = None;
        }
        self.is_watching.store(is_watching, Ordering::SeqCst);
    }

    pub(super) fn confirm(&self, at: Instant) {
        let ago = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (monotonic, wall) = now();
        let confirmed = monotonic.saturating_sub(ago).max(1);
        self.confirmed.store(confirmed, Ordering::SeqCst);
        self.confirmed_by_wall
            .store(wall.saturating_sub(ago), Ordering::SeqCst);
    }

    pub(super) fn refuse(&self, reason: &str) {
        *self.refusal.lock() = Some(reason.to_owned());
    }

    pub(super) fn refusal(&self) -> Option<String> {
        self.refusal.lock().clone()
    }

    pub(super) fn is_refused(&self) -> bool {
        self.refusal.lock().is_some()
    }

    /// Whether this process was forked since the last check: reports go to the parent. Checks every few milliseconds.
    pub(super) fn was_forked(&self) -> bool {
        let (monotonic, _) = now();
        if self.looked_at.swap(monotonic, Ordering::Relaxed) == monotonic {
            return false;
        }
        let process = process::id();
        self.process.swap(process, Ordering::SeqCst) != process
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watching() -> Trust {
        let trust = Trust::new();
        trust.set_watching(true);
        trust
    }

    #[test]
    fn without_confirmations_none_is_needed() {
        let trust = watching();
        assert!(trust.is_complete());
        trust.set_watching(false);
        assert!(!trust.is_complete());
    }

    #[test]
    fn a_confirmation_counts_for_a_while_by_either_clock() {
        let trust = watching();
        trust.confirm(Instant::now());
        let (monotonic, wall) = now();
        assert!(trust.is_complete() && trust.is_fresh((monotonic, wall)));
        assert!(!trust.is_fresh((monotonic + 2 * CONFIRMATION_VALID, wall)));
        assert!(!trust.is_fresh((monotonic, wall + 2 * CONFIRMATION_VALID)));
        assert!(trust.is_fresh((monotonic, wall - 2 * CONFIRMATION_VALID)));
    }

    #[test]
    fn a_child_is_noticed_once() {
        let trust = Trust::new();
        assert!(!trust.was_forked());
        trust.process.store(1, Ordering::SeqCst);
        trust.looked_at.store(0, Ordering::Relaxed);
        assert!(trust.was_forked());
        trust.looked_at.store(0, Ordering::Relaxed);
        assert!(!trust.was_forked());
    }
}
