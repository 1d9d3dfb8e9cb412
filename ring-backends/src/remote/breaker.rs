//! The breaker: a server that does not answer is left alone for a while.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// When a storage stops asking a server that does not answer, and when it tries again.
///
/// While the breaker is open, operations fail at once with [`ErrorKind::Unavailable`](ring_cache_core::ErrorKind), so a
/// plain call costs its computation and nothing more. After the pause one operation is let through: if the server
/// answers it, all are, and else the pause begins anew. Only silence and broken connections count, not errors that the
/// server returns. The idea is the circuit breaker of Michael Nygard's *Release It!*.
///
/// ```
/// use std::time::Duration;
/// use ring_cache_backends::Breaker;
///
/// let breaker = Breaker::after(3).pause(Duration::from_millis(200));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    failures: u64,
    pause: Duration,
}

impl Breaker {
    /// Opens after so many failures in a row, at least one, for half a second.
    pub const fn after(failures: u32) -> Self {
        Breaker {
            failures: if failures == 0 { 1 } else { failures as u64 },
            pause: Duration::from_millis(500),
        }
    }

    /// Never opens: every operation asks the server, for a deadline at most.
    pub const fn never() -> Self {
        Breaker {
            failures: u64::MAX,
            ..Breaker::after(1)
        }
    }

    /// How long the server is left alone.
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

/// The breaker of one server, shared by all that ask it.
#[derive(Debug)]
pub(super) struct Circuit {
    settings: Breaker,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Failures in a row.
    failures: u64,
    opened: Option<Instant>,
    /// The operation that was let through to see whether the server answers again.
    trial: Option<Trial>,
    /// How many of them there were.
    trials: u64,
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    number: u64,
    /// When another is let through all the same: this one may be a task that nobody polls. `None`: never.
    over: Option<Instant>,
}

/// Leave to ask the server. Dropped without a word, as by a cancelled call, it says nothing about the server.
#[derive(Debug)]
pub(super) struct Pass<'c> {
    circuit: &'c Circuit,
    /// The number of the trial that it is.
    trial: Option<u64>,
}

impl Circuit {
    pub(super) fn new(settings: Breaker) -> Self {
        Circuit {
            settings,
            state: Mutex::default(),
        }
    }

    /// Leave to ask the server for an operation that lasts no longer than `deadline`, unless it is to be left alone.
    pub(super) fn admit(&self, deadline: Duration) -> Option<Pass<'_>> {
        let mut state = self.state.lock();
        let trial = match state.opened {
            None => None,
            Some(opened) if opened.elapsed() >= self.settings.pause && !state.is_trying() => {
                Some(state.begin_trial(deadline.max(self.settings.pause)))
            }
            Some(_) => return None,
        };
        Some(Pass { circuit: self, trial })
    }
}

impl State {
    fn is_trying(&self) -> bool {
        let goes_on = |over| Instant::now() < over;
        self.trial.is_some_and(|trial| trial.over.is_none_or(goes_on))
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

impl Pass<'_> {
    /// The server answered.
    pub(super) fn answered(self) {
        let mut state = self.circuit.state.lock();
        // The late answer to one that was asked before is no sign that it answers now.
        if self.is_trial(&state) || state.opened.is_none() {
            state.failures = 0;
            state.opened = None;
        }
    }

    /// The server did not answer.
    pub(super) fn failed(self) {
        let mut state = self.circuit.state.lock();
        state.failures = state.failures.saturating_add(1);
        let opens = state.opened.is_none() && state.failures >= self.circuit.settings.failures;
        if self.is_trial(&state) || opens {
            state.opened = Some(Instant::now());
        }
    }

    fn is_trial(&self, state: &State) -> bool {
        self.trial.is_some() && self.trial == state.trial.map(|trial| trial.number)
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.trial.is_some() {
            let mut state = self.circuit.state.lock();
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
        let circuit = Circuit::new(Breaker::after(2).pause(Duration::MAX));
        circuit.admit(DEADLINE).unwrap().failed();
        circuit.admit(DEADLINE).unwrap().answered();
        circuit.admit(DEADLINE).unwrap().failed();
        let last = circuit.admit(DEADLINE).unwrap();
        last.failed();
        assert!(circuit.admit(DEADLINE).is_none());
    }

    #[test]
    fn one_operation_tries_after_the_pause() {
        let circuit = Circuit::new(Breaker::after(1).pause(Duration::ZERO));
        circuit.admit(DEADLINE).unwrap().failed();
        let trial = circuit.admit(DEADLINE).expect("the pause is over");
        assert!(circuit.admit(DEADLINE).is_none(), "one at a time");
        drop(trial);
        circuit.admit(DEADLINE).expect("the first was cancelled").failed();
        circuit
            .admit(DEADLINE)
            .expect("the next pause is over")
            .answered();
        let (_one, _other) = (circuit.admit(DEADLINE).unwrap(), circuit.admit(DEADLINE).unwrap());
    }

    #[test]
    fn a_late_answer_does_not_close_it() {
        let circuit = Circuit::new(Breaker::after(1).pause(Duration::MAX));
        let (late, other) = (circuit.admit(DEADLINE).unwrap(), circuit.admit(DEADLINE).unwrap());
        other.failed();
        late.answered();
        assert!(circuit.admit(DEADLINE).is_none());
    }

    #[test]
    fn one_that_never_opens_never_does() {
        let circuit = Circuit::new(Breaker::never());
        for _ in 0..1000 {
            circuit.admit(DEADLINE).unwrap().failed();
        }
        assert!(circuit.admit(DEADLINE).is_some());
    }

    #[test]
    fn a_trial_that_nobody_polls_gives_way() {
        let circuit = Circuit::new(Breaker::after(1).pause(Duration::ZERO));
        circuit.admit(DEADLINE).unwrap().failed();
        let held = circuit.admit(Duration::ZERO).unwrap();
        let trial = circuit.admit(DEADLINE).expect("the first takes too long");
        held.answered();
        assert!(circuit.admit(DEADLINE).is_none(), "the second goes on");
        trial.answered();
        assert!(circuit.admit(DEADLINE).is_some());
    }
}
