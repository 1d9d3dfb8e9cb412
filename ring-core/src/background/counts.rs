//! How many refreshes run in the background, and what happened to the others.

use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// What happened to refreshes in the background: see [`counts`](super::counts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Refreshes that wait or run.
    pub under_way: usize,
    /// Refreshes that ended, also by an error of the body.
    pub ended: u64,
    /// Refreshes that were dropped because too many waited, or by the shutdown of a runtime.
    pub dropped: u64,
    /// Refreshes whose body panicked.
    pub panicked: u64,
    /// Refreshes that the caller made because nothing runs tasks.
    pub by_caller: u64,
}

struct State {
    counts: Counts,
    is_draining: bool,
}

static STATE: Mutex<State> = Mutex::new(State {
    counts: Counts {
        under_way: 0,
        ended: 0,
        dropped: 0,
        panicked: 0,
        by_caller: 0,
    },
    is_draining: false,
});

static ENDED: Condvar = Condvar::new();

/// The end of a refresh.
#[derive(Clone, Copy)]
pub(super) enum End {
    Done,
    Dropped,
    Panicked,
}

/// One refresh in the background. It is counted until it is dropped.
pub(super) struct Running {
    pub(super) end: End,
}

impl Running {
    pub(super) fn begin() -> Self {
        STATE.lock().counts.under_way += 1;
        Running { end: End::Dropped }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = STATE.lock();
        state.counts.under_way -= 1;
        match self.end {
            End::Done => state.counts.ended += 1,
            End::Dropped => state.counts.dropped += 1,
            End::Panicked => state.counts.panicked += 1,
        }
        drop(state);
        ENDED.notify_all();
    }
}

pub(super) fn by_caller() {
    STATE.lock().counts.by_caller += 1;
}

pub(super) fn read() -> Counts {
    STATE.lock().counts
}

pub(super) fn is_draining() -> bool {
    STATE.lock().is_draining
}

/// Waits until no refresh is under way or the instant comes. Returns how many are.
pub(super) fn drain(until: Option<Instant>) -> usize {
    let mut state = STATE.lock();
    state.is_draining = true;
    while state.counts.under_way > 0 {
        let Some(until) = until else {
            ENDED.wait(&mut state);
            continue;
        };
        if ENDED.wait_until(&mut state, until).timed_out() {
            break;
        }
    }
    state.counts.under_way
}
