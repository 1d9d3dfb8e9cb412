//! The refreshes of stale entries on one storage: one of a key at a time, and none for a while after one failed.

use std::time::{Duration, Instant};

use hashbrown::HashMap;

use crate::sync::{Arc, Event, EventListener, Mutex};

/// The number of keys that are remembered. Beyond it, keys whose refresh failed are forgotten; if that does not
/// suffice, no refresh begins.
const CAPACITY: usize = 4_096;

/// The keys, by their hashes, that are refreshed or whose refresh failed. Two keys of one hash delay each other.
#[derive(Default)]
pub(super) struct Refreshes {
    keys: Mutex<Table>,
    /// Notified when the computation of any key has an outcome, and when a refresh begins in the place of another or
    /// ends.
    changed: Event,
}

#[derive(Default)]
struct Table {
    refreshes: HashMap<u64, Refresh>,
    /// The number of the last claim.
    last: u64,
}

/// One refresh.
struct Refresh {
    /// The number of its claim.
    claim: u64,
    failed: bool,
    /// The instant from which on another refresh may begin.
    until: Option<Instant>,
}

impl Refresh {
    fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl Table {
    /// Makes room for one key. Returns whether there is room.
    fn make_room(&mut self, now: Instant) -> bool {
        if self.refreshes.len() >= CAPACITY {
            self.refreshes.retain(|_, refresh| !refresh.is_over(now));
        }
        if self.refreshes.len() >= CAPACITY {
            self.refreshes.retain(|_, refresh| !refresh.failed);
        }
        self.refreshes.len() < CAPACITY
    }
}

/// The right to refresh the entry of a key. Dropped without a result, it lets another call begin; dropped by a panic,
/// it has failed.
#[derive(Debug)]
pub struct Claim {
    refreshes: Arc<Refreshes>,
    hash: u64,
    number: u64,
    /// The time after which the right passes to another.
    patience: Duration,
    /// The pause after a failure.
    pause: Duration,
    /// Whether the refresh before it took too long and may still go on.
    takes_over: bool,
    /// The time before its expiry in which an entry is refreshed.
    margin: Duration,
}

impl Refreshes {
    /// If a refresh of a key is under way: the event that each change of a refresh notifies, and the instant from which
    /// on another refresh may begin.
    pub(super) fn under_way(&self, hash: u64) -> Option<(EventListener, Option<Instant>)> {
        // Listens before it looks, so that no change is missed in between.
        let changed = self.changed.listen();
        let keys = self.keys.lock();
        let refresh = keys.refreshes.get(&hash)?;
        let is_under_way = !refresh.failed && !refresh.is_over(Instant::now());
        is_under_way.then_some((changed, refresh.until))
    }

    /// Wakes the calls that wait for refreshes.
    pub(super) fn notify(&self) {
        self.changed.notify(usize::MAX);
    }

    /// The right to refresh the key of this hash, unless a refresh is under way or failed lately. After `patience` the
    /// right passes to another.
    pub(super) fn claim(self: &Arc<Self>, hash: u64, patience: Duration, pause: Duration) -> Option<Claim> {
        let now = Instant::now();
        let mut keys = self.keys.lock();
        let known = keys.refreshes.get(&hash);
        if known.is_some_and(|refresh| !refresh.is_over(now)) {
            return None;
        }
        let takes_over = known.is_some_and(|refresh| !refresh.failed);
        if known.is_none() && !keys.make_room(now) {
            return None;
        }
        keys.last += 1;
        let claim = keys.last;
        let refresh = Refresh {
            claim,
            failed: false,
            until: now.checked_add(patience),
        };
        keys.refreshes.insert(hash, refresh);
        Some(Claim {
            refreshes: Arc::clone(self),
            hash,
            number: claim,
            patience,
            pause,
            takes_over,
            margin: Duration::ZERO,
        })
    }
}

impl Claim {
    /// Whether the refresh before it took too long and may still go on.
    pub(crate) fn takes_over(&self) -> bool {
        self.takes_over
    }

    /// Whether the right has not passed to another.
    pub(crate) fn holds(&self) -> bool {
        let keys = self.refreshes.keys.lock();
        let refresh = keys.refreshes.get(&self.hash);
        refresh.is_some_and(|refresh| refresh.claim == self.number)
    }

    /// The right to refresh an entry this long before its expiry.
    pub(crate) fn early(mut self, margin: Duration) -> Self {
        self.margin = margin;
        self
    }

    /// The time before its expiry in which an entry is refreshed.
    pub(crate) fn margin(&self) -> Duration {
        self.margin
    }

    /// The time after which the right passes to another.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// The refresh failed: none begins during the pause.
    pub(crate) fn fail(self) {
        self.pause_refreshes();
    }

    fn pause_refreshes(&self) {
        let until = Instant::now().checked_add(self.pause);
        self.change(|refresh| {
            refresh.failed = true;
            refresh.until = until;
        });
    }

    /// Changes the refresh, if it is still this one.
    fn change(&self, change: impl FnOnce(&mut Refresh)) {
        let mut keys = self.refreshes.keys.lock();
        let refresh = keys.refreshes.get_mut(&self.hash);
        if let Some(refresh) = refresh.filter(|refresh| refresh.claim == self.number) {
            change(refresh);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.pause_refreshes();
        }
        let mut keys = self.refreshes.keys.lock();
        let refresh = keys.refreshes.get(&self.hash);
        if refresh.is_some_and(|refresh| refresh.claim == self.number && !refresh.failed) {
            keys.refreshes.remove(&self.hash);
        }
        drop(keys);
        self.refreshes.notify();
    }
}

/// Omits the keys.
impl std::fmt::Debug for Refreshes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refreshes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn claim(refreshes: &Arc<Refreshes>, hash: u64) -> Option<Claim> {
        refreshes.claim(hash, LONG, LONG)
    }

    #[test]
    fn one_key_is_refreshed_once_at_a_time() {
        let refreshes = Arc::new(Refreshes::default());
        let first = claim(&refreshes, 1);
        assert!(first.is_some() && claim(&refreshes, 1).is_none() && claim(&refreshes, 2).is_some());
        drop(first);
        assert!(claim(&refreshes, 1).is_some_and(|claim| !claim.takes_over()));
    }

    #[test]
    fn after_a_failure_there_is_a_pause() {
        let refreshes = Arc::new(Refreshes::default());
        claim(&refreshes, 1).unwrap().fail();
        assert!(claim(&refreshes, 1).is_none());
        refreshes.claim(2, LONG, Duration::ZERO).unwrap().fail();
        let next = refreshes.claim(2, LONG, Duration::ZERO).unwrap();
        assert!(!next.takes_over(), "the failed one has ended");
    }

    #[test]
    fn a_panic_is_a_failure() {
        let refreshes = Arc::new(Refreshes::default());
        let body = std::panic::AssertUnwindSafe(|| {
            let _claim = claim(&refreshes, 1);
            panic!("the body");
        });
        let panicked = std::panic::catch_unwind(body);
        assert!(panicked.is_err() && claim(&refreshes, 1).is_none());
    }

    #[test]
    fn a_refresh_that_takes_too_long_is_taken_over_and_ends_nothing_then() {
        let refreshes = Arc::new(Refreshes::default());
        let slow = refreshes.claim(1, Duration::ZERO, LONG).unwrap();
        let next = claim(&refreshes, 1).unwrap();
        assert!(next.takes_over());
        slow.fail();
        assert!(claim(&refreshes, 1).is_none(), "the second is under way");
        drop(next);
        assert!(claim(&refreshes, 1).is_some());
    }

    #[test]
    fn the_table_is_bounded_and_forgets_failures_first() {
        let refreshes = Arc::new(Refreshes::default());
        for hash in 0..CAPACITY as u64 - 1 {
            claim(&refreshes, hash).unwrap().fail();
        }
        let under_way = claim(&refreshes, u64::MAX);
        assert!(claim(&refreshes, u64::MAX - 1).is_some(), "failures gave way");
        assert!(under_way.is_some() && claim(&refreshes, u64::MAX).is_none());
        let many: Vec<_> = (0..CAPACITY as u64).map(|hash| claim(&refreshes, hash)).collect();
        assert_eq!(many.iter().flatten().count(), CAPACITY - 1, "no more begin");
    }
}
