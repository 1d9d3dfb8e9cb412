//! What stands in for locks, events, timers and atomics while shuttle checks schedules.
//!
//! Shuttle runs all threads and tasks of a test on one thread, decides at every use of one of these who goes on, and
//! so tries orders of events that seldom come by chance. Locks and atomics are shuttle's own, the latter all
//! sequentially consistent. It has no event, no timer and no `OnceLock`: those here behave as the real ones do, by
//! steps between which shuttle may let others run.
//!
//! Time is not modelled: a deadline may come at any moment, and does come in the end.

mod event;
mod lock;
mod once;
mod timer;

pub(crate) use event::{Event, EventListener, Listener};
pub(crate) use lock::{Mutex, ReadersLock, RwLock};
pub(crate) use once::OnceLock;
pub(crate) use shuttle::sync::Arc;
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use shuttle::thread_local;
pub(crate) use timer::Delay;

/// Shuttle may let others run here. Its `sleep` is that and nothing more.
fn others_may_run() {
    shuttle::thread::sleep(std::time::Duration::ZERO);
}
