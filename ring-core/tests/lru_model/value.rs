//! Values that leave a trace when they are dropped.

use std::cell::{Cell, RefCell};

/// The lowest bits of a number say under which key the value lies.
pub(crate) const KEY_BITS: u32 = 12;

thread_local! {
    static ALIVE: Cell<usize> = const { Cell::new(0) };
    static DROPPED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// A value that is known by its number; its clones have the same.
pub(crate) struct Value(u64);

impl Value {
    pub(crate) fn new(number: u64) -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Value(number)
    }

    /// The number of a value that was handed out, which leaves no trace.
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

/// How many values of this thread there are.
pub(crate) fn alive() -> usize {
    ALIVE.get()
}

/// Empties the list of the values of this thread that were dropped, by their numbers.
pub(crate) fn with_dropped<R>(look: impl FnOnce(&mut Vec<u64>) -> R) -> R {
    DROPPED.with_borrow_mut(|dropped| {
        let result = look(dropped);
        dropped.clear();
        result
    })
}

/// Begins anew, after a failure.
pub(crate) fn reset() {
    ALIVE.set(0);
    with_dropped(|_| ());
}
