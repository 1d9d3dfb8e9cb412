//! Replacements of locks, events, timers and atomics, while shuttle checks schedules.
//!
//! Shuttle runs all threads and tasks of a test on one thread. At every use of one of these it decides which goes on,
//! so it tries rare orders of events. Locks and atomics are shuttle's own; its atomics are sequentially consistent.
//! Shuttle has no event, no timer and no `OnceLock`. Those here behave like the real ones, in steps between which
//! shuttle may switch.
//!
//! Time is not modelled: a deadline may expire at any moment, and always expires in the end.

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

/// Shuttle may switch here. Its `sleep` does nothing else.
fn others_may_run() {
    shuttle::thread::sleep(std::time::Duration::ZERO);
}
