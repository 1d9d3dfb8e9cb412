//! The locks, events, timers and atomics of this crate, named in one place, so that a model checker can stand in for
//! them.

pub(crate) use event_listener::{Event, EventListener, Listener};
pub(crate) use futures_timer::Delay;
pub(crate) use parking_lot::{Mutex, RwLock};
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, OnceLock};
