//! The circuit breaker: a server that does not answer is not asked for a while.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// When a storage stops asking a server that does not answer, and when it tries again.
///
/// A circuit breaker (Michael Nygard, *Release It!*). While it is open, operations fail at once with
/// [`ErrorKind::Unavailable`](ring_cache_core::ErrorKind), and a plain call costs its computation only. After the pause one
/// operation tries the server: if the server answers, the breaker closes, else the pause starts again. Timeouts and broken
/// connections count as failures; errors that the server returns do not.
///
/// ```
/// use std::time::Duration;
/// use ring_cache::Breaker;
///
/// let breaker = Breaker::after(3).pause(Duration::from_millis(200));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    failures: u64,
    pause: Duration,
}

impl Breaker {
    /// Opens after `failures` failures in a row (at least one), for half a second.
    pub const fn after(failures: u32) -> Self {
        Breaker {
            failures: if failures == 0 { 1 } else { failures as u64 },
            pause: Duration::from_millis(500),
        }
    }

    /// Never opens: each operation asks the server, until its deadline.
    pub const fn never() -> Self {
        Breaker {
            failures: u64::MAX,
            ..Breaker::after(1)
        }
    }

    /// Sets how long the server is not asked.
    #[must_use]
    pub const fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }
}

impl Default for Breaker {
    /// After five failures, for half a second.
    fn default() -> Self {
        Breaker::after(5)
    }
}

/// The breaker of one node, shared by all operations.
#[derive(Debug)]
pub(super) struct BreakerState {
    settings: Breaker,
    /// Whether an operation failed since the last answer. While none did, operations write nothing that others read.
    has_failures: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Failures in a row.
    failures: u64,
    opened: Option<Instant>,
    /// The operation that tries the server again.
    trial: Option<Trial>,
    /// The number of trials so far.
    trials: u64,
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    number: u64,
    /// When another trial may begin, since this one may be a task that is never polled. `None`: never.
    over: Option<Instant>,
}

/// The permission to ask the server. Dropped without an outcome, as by a cancelled call, it changes nothing.
#[derive(Debug)]
pub(super) struct Permit<'c> {
    breaker: &'c BreakerState,
    /// The number of the trial, if it is one.
    trial: Option<u64>,
}

impl BreakerState {
    pub(super) fn new(settings: Breaker) -> Self {
        BreakerState {
            settings,
            has_failures: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// Whether operations fail at once, except for one trial after each pause.
    #[cfg(feature = "inspect")]
    pub(super) fn is_open(&self) -> bool {
        self.state.lock().opened.is_some()
    }

    /// A permit for an operation that takes `time` at most, unless the breaker is open.
    pub(super) fn admit(&self, time: Duration) -> Option<Permit<'_>> {
        if !self.has_failures() {
            let trial = None;
            return Some(Permit { breaker: self, trial });
        }
        let mut state = self.state.lock();
        let trial = match state.opened {
            None => None,
            Some(opened) if opened.elapsed() >= self.settings.pause && !state.has_trial() => {
                Some(state.begin_trial(time.max(self.settings.pause)))
            }
            Some(_) => return None,
        };
        Some(Permit { breaker: self, trial })
    }

    fn has_failures(&self) -> bool {
        self.has_failures.load(Ordering::Relaxed)
    }
}

impl State {
    fn has_trial(&self) -> bool {
        let is_before = |over| Instant::now() < over;
        self.trial.is_some_and(|trial| trial.over.is_none_or(is_before))
    }

    fn begin_trial(&mut self, lasts: Duration) -> u64 {
        self.trials += 1;
        self.trial = Some(Trial {
            number: self.trials,
            over: Instant::now().checked_add(lasts),
        });
        self.trials
    }
}

impl Permit<'_> {
    /// The server answered.
    pub(super) fn answered(self) {
        if !self.breaker.has_failures() {
            return;
        }
        let mut state = self.breaker.state.lock();
        // A late answer to an operation of before the opening does not show that the server answers now.
        if self.is_trial(&state) || state.opened.is_none() {
            state.failures = 0;
            state.opened = None;
            self.breaker.has_failures.store(false, Ordering::Relaxed);
        }
    }

    /// The server did not answer.
    pub(super) fn failed(self) {
        let mut state = self.breaker.state.lock();
        state.failures = state.failures.saturating_add(1);
        self.breaker.has_failures.store(true, Ordering::Relaxed);
        let opens = state.opened.is_none() && state.failures >= self.breaker.settings.failures;
        if self.is_trial(&state) || opens {
            state.opened = Some(Instant::now());
        }
    }

    fn is_trial(&self, state: &State) -> bool {
        self.trial.is_some() && self.trial == state.trial.map(|trial| trial.number)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.trial.is_some() {
            let mut state = self.breaker.state.lock();
            if self.is_trial(&state) {
                state.trial = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(60);

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let breaker = BreakerState::new(Breaker::after(2).pause(Duration::MAX));
        breaker.admit(DEADLINE).unwrap().failed();
        breaker.admit(DEADLINE).unwrap().answered();
        breaker.admit(DEADLINE).unwrap().failed();
        let last = breaker.admit(DEADLINE).unwrap();
        last.failed();
        assert!(breaker.admit(DEADLINE).is_none());
    }

    #[test]
    fn one_operation_tries_after_the_pause() {
        let breaker = BreakerState::new(Breaker::after(1).pause(Duration::ZERO));
        breaker.admit(DEADLINE).unwrap().failed();
        let trial = breaker.admit(DEADLINE).expect("the pause is over");
        assert!(breaker.admit(DEADLINE).is_none(), "one at a time");
        drop(trial);
        breaker.admit(DEADLINE).expect("the first was cancelled").failed();
        breaker
            .admit(DEADLINE)
            .expect("the next pause is over")
            .answered();
        let (_one, _other) = (breaker.admit(DEADLINE).unwrap(), breaker.admit(DEADLINE).unwrap());
    }

    #[test]
    fn a_late_answer_does_not_close_it() {
        let breaker = BreakerState::new(Breaker::after(1).pause(Duration::MAX));
        let (late, other) = (breaker.admit(DEADLINE).unwrap(), breaker.admit(DEADLINE).unwrap());
        other.failed();
        late.answered();
        assert!(breaker.admit(DEADLINE).is_none());
    }

    #[test]
    fn a_breaker_that_never_opens() {
        let breaker = BreakerState::new(Breaker::never());
        for _ in 0..1000 {
            breaker.admit(DEADLINE).unwrap().failed();
        }
        assert!(breaker.admit(DEADLINE).is_some());
    }

    #[test]
    fn an_unpolled_trial_is_replaced() {
        let breaker = BreakerState::new(Breaker::after(1).pause(Duration::ZERO));
        breaker.admit(DEADLINE).unwrap().failed();
        let held = breaker.admit(Duration::ZERO).unwrap();
        let trial = breaker.admit(DEADLINE).expect("the first takes too long");
        held.answered();
        assert!(breaker.admit(DEADLINE).is_none(), "the second goes on");
        trial.answered();
        assert!(breaker.admit(DEADLINE).is_some());
    }
}
