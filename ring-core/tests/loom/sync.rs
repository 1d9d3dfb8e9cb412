//! The types of `sync`, by loom. It has no event and no `OnceLock`.

mod arc;
pub(crate) mod readers;

pub(crate) use arc::Arc;
use loom::sync::MutexGuard;
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use readers::{RwLock, RwLockReadGuard, RwLockWriteGuard, fence, thread_slot};

/// parking_lot's `Mutex`, which is never poisoned.
#[derive(Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("no thread panics under a lock")
    }
}

/// A listener is woken only by notifications after its start.
pub(crate) struct Event {
    notified: loom::sync::Mutex<usize>,
    changed: loom::sync::Condvar,
}

pub(crate) struct Listener<'e> {
    event: &'e Event,
    since: usize,
}

impl Event {
    pub(crate) fn new() -> Self {
        Event {
            notified: loom::sync::Mutex::new(0),
            changed: loom::sync::Condvar::new(),
        }
    }

    pub(crate) fn listen(&self) -> Listener<'_> {
        Listener {
            event: self,
            since: *self.notified.lock().unwrap(),
        }
    }

    /// The crate wakes all listeners or none.
    pub(crate) fn notify(&self, listeners: usize) {
        assert_eq!(listeners, usize::MAX);
        *self.notified.lock().unwrap() += 1;
        self.changed.notify_all();
    }
}

impl Listener<'_> {
    pub(crate) fn wait(self) {
        let mut notified = self.event.notified.lock().unwrap();
        while *notified == self.since {
            notified = self.event.changed.wait(notified).unwrap();
        }
    }
}

/// The real cell holds the value. Its presence is seen as late as an acquiring load may see it; a failed second write
/// sees it.
pub(crate) struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    is_set: AtomicBool,
    setting: loom::sync::Mutex<()>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        OnceLock {
            value: std::sync::OnceLock::new(),
            is_set: AtomicBool::new(false),
            setting: loom::sync::Mutex::new(()),
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        let is_set = self.is_set.load(Ordering::Acquire);
        self.value.get().filter(|_| is_set)
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        let _setting = self.setting.lock().unwrap();
        self.value.set(value)?;
        self.is_set.store(true, Ordering::Release);
        Ok(())
    }
}
