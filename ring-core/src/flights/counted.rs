//! The state of a key, changed under the lock of its shard.

use std::ops::{Deref, DerefMut};

use super::key_state::KeyState;
use crate::sync::{AtomicUsize, Ordering};

/// The state of a key. When it is dropped, a doubt that began or ended meanwhile is counted.
pub(super) struct CountedState<'s, T> {
    state: &'s mut KeyState<T>,
    doubts: &'s AtomicUsize,
    was_in_doubt: bool,
}

impl<'s, T> CountedState<'s, T> {
    /// Requires the lock of the key's shard. `doubts` is the number of keys in doubt.
    pub(super) fn new(state: &'s mut KeyState<T>, doubts: &'s AtomicUsize) -> Self {
        let was_in_doubt = state.is_in_doubt();
        CountedState {
            state,
            doubts,
            was_in_doubt,
        }
    }
}

impl<T> Deref for CountedState<'_, T> {
    type Target = KeyState<T>;

    fn deref(&self) -> &KeyState<T> {
        self.state
    }
}

impl<T> DerefMut for CountedState<'_, T> {
    fn deref_mut(&mut self) -> &mut KeyState<T> {
        self.state
    }
}

impl<T> Drop for CountedState<'_, T> {
    fn drop(&mut self) {
        match (self.was_in_doubt, self.state.is_in_doubt()) {
            (false, true) => _ = self.doubts.fetch_add(1, Ordering::SeqCst),
            (true, false) => _ = self.doubts.fetch_sub(1, Ordering::SeqCst),
            _ => {}
        }
    }
}
