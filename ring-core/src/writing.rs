//! A turn in which a storage is written to, and what becomes of a write that is abandoned.

use crate::flights::Turn;
use crate::storage::AnyStorage;

/// A ticket's turn, held while `storage` is written to.
///
/// A write that lasts too long is passed over: others write before it has ended, and then it has to clear away what it
/// wrote. One that is dropped in the middle cannot do that any more, and leaves word with the storage.
pub(crate) struct Writing<'w, 't, 'f, S: AnyStorage<T>, T> {
    storage: &'w S,
    turn: Option<Turn<'t, 'f, T>>,
}

impl<'w, 't, 'f, S: AnyStorage<T>, T> Writing<'w, 't, 'f, S, T> {
    pub(crate) fn new(storage: &'w S, turn: Turn<'t, 'f, T>) -> Self {
        Writing {
            storage,
            turn: Some(turn),
        }
    }

    /// Ends the turn. Returns whether what was written must be cleared away.
    pub(crate) fn end(mut self) -> bool {
        self.turn.take().is_some_and(Turn::end)
    }

    /// [`end`](Self::end), outdating all computations that began while this write went on.
    pub(crate) fn end_and_forget(mut self) -> bool {
        self.turn.take().is_some_and(Turn::end_and_forget)
    }
}

impl<S: AnyStorage<T>, T> Drop for Writing<'_, '_, '_, S, T> {
    fn drop(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        let key = turn.key();
        if turn.end() {
            self.storage.distrust(key);
        }
    }
}
