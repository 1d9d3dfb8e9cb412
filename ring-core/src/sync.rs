//! The locks, events, timers and atomics of this crate, named in one place, so that a model checker can replace them:
//! `--cfg shuttle` selects those of `modelled`.

#[cfg(shuttle)]
mod modelled;
#[cfg(not(shuttle))]
mod readers_lock;
#[cfg_attr(
    shuttle,
    allow(dead_code, reason = "the lock that waits for slots is modelled")
)]
pub(crate) mod thread_slot;

#[cfg(shuttle)]
pub(crate) use modelled::*;

#[cfg(not(shuttle))]
pub(crate) use event_listener::{Event, EventListener, Listener};
#[cfg(not(shuttle))]
pub(crate) use futures_timer::Delay;
#[cfg(not(shuttle))]
pub(crate) use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
#[cfg(not(shuttle))]
pub(crate) use readers_lock::ReadersLock;
#[cfg(not(shuttle))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(not(shuttle))]
pub(crate) use std::sync::{Arc, OnceLock};
#[cfg(not(shuttle))]
pub(crate) use std::thread_local;

/// Real locks, for statics, which outlive one execution under a model checker. No thread waits for another while it holds
/// one.
pub(crate) mod lasting {
    pub(crate) use parking_lot::{Mutex, RwLock};
    pub(crate) use std::sync::OnceLock;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
}
