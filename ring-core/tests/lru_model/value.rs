//! Values that record their drops.

use std::cell::{Cell, RefCell};

/// The lowest bits of a number are the key of the value.
pub(crate) const KEY_BITS: u32 = 12;

thread_local! {
    static ALIVE: Cell<usize> = const { Cell::new(0) };
    static DROPPED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// A value with a number; its clones have the same number.
pub(crate) struct Value(u64);

impl Value {
    pub(crate) fn new(number: u64) -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Value(number)
    }

    /// The number of a returned value, whose drop is not recorded.
    pub(crate) fn number(self) -> u64 {
        ALIVE.set(ALIVE.get() - 1);
        let number = self.0;
        std::mem::forget(self);
        number
    }

    /// Whether `unless` refuses it.
    pub(crate) fn is_refused(&self) -> bool {
        (self.0 >> KEY_BITS).is_multiple_of(4)
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        Value::new(self.0)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

/// The number of live values of this thread.
pub(crate) fn alive() -> usize {
    ALIVE.get()
}

/// Empties the list of this thread's dropped values, by their numbers.
pub(crate) fn with_dropped<R>(look: impl FnOnce(&mut Vec<u64>) -> R) -> R {
    DROPPED.with_borrow_mut(|dropped| {
        let result = look(dropped);
        dropped.clear();
        result
    })
}

/// Resets the state, after a failure.
pub(crate) fn reset() {
    ALIVE.set(0);
    with_dropped(|_| ());
}
