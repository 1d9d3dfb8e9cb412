//! The requirements of the readers' lock: a usual lock, fences that can be omitted, and slots for three threads.

use std::cell::{Cell, UnsafeCell};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::AtomicU8;

use loom::sync::atomic::Ordering;

/// The omitted fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum LeftOut {
    Nothing,
    FenceOfReaders,
    FenceOfWriters,
}

static LEFT_OUT: AtomicU8 = AtomicU8::new(LeftOut::Nothing as u8);

loom::thread_local! {
    static WRITES: Cell<bool> = Cell::new(false);
    static NUMBER: Cell<usize> = Cell::new(usize::MAX);
}

/// Omits a fence from now on.
pub(crate) fn leave_out(fence: LeftOut) {
    LEFT_OUT.store(fence as u8, Ordering::SeqCst);
}

/// Gives this thread a slot.
pub(crate) fn begin_thread(number: usize, writes: bool) {
    WRITES.with(|cell| cell.set(writes));
    NUMBER.with(|cell| cell.set(number));
}

pub(crate) fn fence(ordering: Ordering) {
    let own = if WRITES.with(Cell::get) {
        LeftOut::FenceOfWriters
    } else {
        LeftOut::FenceOfReaders
    };
    if LEFT_OUT.load(Ordering::SeqCst) != own as u8 {
        loom::sync::atomic::fence(ordering);
    }
}

/// parking_lot's `RwLock`.
pub(crate) struct RwLock<T> {
    lock: loom::sync::RwLock<()>,
    value: UnsafeCell<T>,
}

// SAFETY: as for std's lock, and loom sees every use of the values of these tests.
#[allow(unsafe_code)]
unsafe impl<T: Send + Sync> Sync for RwLock<T> {}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        RwLock {
            lock: loom::sync::RwLock::new(()),
            value: UnsafeCell::new(value),
        }
    }

    pub(crate) fn data_ptr(&self) -> *mut T {
        self.value.get()
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
        RwLockReadGuard {
            _lock: self.lock.read().unwrap(),
            value: &self.value,
        }
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard {
            _lock: self.lock.write().unwrap(),
            value: &self.value,
        }
    }
}

pub(crate) struct RwLockReadGuard<'l, T> {
    _lock: loom::sync::RwLockReadGuard<'l, ()>,
    value: &'l UnsafeCell<T>,
}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[allow(unsafe_code)]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held for reading.
        unsafe { &*self.value.get() }
    }
}

pub(crate) struct RwLockWriteGuard<'l, T> {
    _lock: loom::sync::RwLockWriteGuard<'l, ()>,
    value: &'l UnsafeCell<T>,
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[allow(unsafe_code)]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held for writing.
        unsafe { &*self.value.get() }
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    #[allow(unsafe_code)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held for writing.
        unsafe { &mut *self.value.get() }
    }
}

pub(crate) mod thread_slot {
    use std::cell::Cell;

    use loom::sync::atomic::AtomicUsize;

    use super::NUMBER;

    pub(crate) struct ThreadSlot {
        pub(crate) held: AtomicUsize,
    }

    fn slot() -> ThreadSlot {
        ThreadSlot {
            held: AtomicUsize::new(0),
        }
    }

    loom::lazy_static! {
        static ref ALL: [ThreadSlot; 3] = [slot(), slot(), slot()];
    }

    pub(crate) type OwnSlot = &'static ThreadSlot;

    pub(crate) fn current() -> OwnSlot {
        &ALL[NUMBER.with(Cell::get)]
    }

    pub(crate) fn current_or_new() -> OwnSlot {
        current()
    }

    pub(crate) fn all() -> &'static [ThreadSlot] {
        &ALL[..]
    }

    pub(crate) fn wait(_: u32) {
        loom::thread::yield_now();
    }
}
