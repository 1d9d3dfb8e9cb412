//! The state of a key, changed under the lock of its shard.

use std::ops::{Deref, DerefMut};

use super::key_state::KeyState;
use crate::sync::{AtomicUsize, Ordering};

/// The state of a key. When it is dropped, a doubt that began or ended meanwhile is counted.
pub(super) struct CountedState<'s> {
    state: &'s mut KeyState,
    doubts: &'s AtomicUsize,
    was_in_doubt: bool,
}

impl<'s> CountedState<'s> {
    /// Requires the lock of the key's shard. `doubts` is the number of keys in doubt.
    pub(super) fn new(state: &'s mut KeyState, doubts: &'s AtomicUsize) -> Self {
        let was_in_doubt = state.is_in_doubt();
        CountedState {
            state,
            doubts,
            was_in_doubt,
        }
    }
}

impl Deref for CountedState<'_> {
    type Target = KeyState;

    fn deref(&self) -> &KeyState {
        self.state
    }
}

impl DerefMut for CountedState<'_> {
    fn deref_mut(&mut self) -> &mut KeyState {
        self.state
    }
}

impl Drop for CountedState<'_> {
    fn drop(&mut self) {
        match (self.was_in_doubt, self.state.is_in_doubt()) {
            (false, true) => _ = self.doubts.fetch_add(1, Ordering::SeqCst),
            (true, false) => _ = self.doubts.fetch_sub(1, Ordering::SeqCst),
            _ => {}
        }
    }
}
