//! Counts of background refreshes.

use std::process;
use std::time::Instant;

use parking_lot::{Condvar, Mutex, MutexGuard};

/// Counts of background refreshes: see [`counts`](super::counts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Refreshes that wait or run.
    pub under_way: usize,
    /// Refreshes that ended, also by an error of the body.
    pub ended: u64,
    /// Refreshes that were dropped: because too many waited, by the shutdown of a runtime, or by a spawner that panicked.
    pub dropped: u64,
    /// Refreshes whose body panicked.
    pub panicked: u64,
    /// Refreshes that the caller ran itself: without a runtime and spawner, with all threads stuck, or after
    /// [`drain`](super::drain).
    pub by_caller: u64,
}

struct State {
    counts: Counts,
    is_draining: bool,
    /// The counting process: after a fork, refreshes in flight belong to the parent.
    process: u32,
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
    process: 0,
});

static ENDED: Condvar = Condvar::new();

/// The end of a refresh.
#[derive(Clone, Copy)]
pub(super) enum End {
    Done,
    Dropped,
    Panicked,
}

/// A background refresh, counted until it is dropped.
pub(crate) struct Running {
    pub(super) end: End,
    process: u32,
}

impl Running {
    /// `None` if no more refreshes begin.
    pub(super) fn begin() -> Option<Self> {
        let mut state = lock();
        if state.is_draining {
            return None;
        }
        state.counts.under_way += 1;
        Some(Running {
            end: End::Dropped,
            process: state.process,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = lock();
        if state.process != self.process {
            return;
        }
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

fn lock() -> MutexGuard<'static, State> {
    let mut state = STATE.lock();
    let process = process::id();
    if state.process != process {
        state.process = process;
        state.counts.under_way = 0;
    }
    state
}

pub(super) fn by_caller() {
    lock().counts.by_caller += 1;
}

pub(super) fn read() -> Counts {
    lock().counts
}

/// Waits until no refresh is in flight or the instant comes. Returns the number in flight.
pub(super) fn drain(until: Option<Instant>) -> usize {
    let mut state = lock();
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
