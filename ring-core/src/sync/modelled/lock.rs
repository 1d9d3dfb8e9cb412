//! Shuttle's locks with the methods of parking_lot's, which are never poisoned.

use std::sync::PoisonError;

use shuttle::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};

use crate::sync::thread_slot::OwnSlot;

/// parking_lot's `Mutex`.
#[derive(Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Mutex(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// parking_lot's `RwLock`.
#[derive(Default)]
pub(crate) struct RwLock<T>(shuttle::sync::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        RwLock(shuttle::sync::RwLock::new(value))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A readers' lock without a bias: `tests/loom` models the real one.
#[derive(Default)]
pub(crate) struct ReadersLock<T>(RwLock<T>);

impl<T> ReadersLock<T> {
    pub(crate) fn new(value: T) -> Self {
        ReadersLock(RwLock::new(value))
    }

    pub(crate) fn try_read_biased(&self, _: OwnSlot) -> Option<RwLockReadGuard<'_, T>> {
        Some(self.0.read())
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read()
    }

    pub(crate) fn expect_reads(&self, _guard: &RwLockReadGuard<'_, T>) {}

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write()
    }
}
