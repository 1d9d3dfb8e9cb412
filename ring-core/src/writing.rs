//! A turn in which a storage is written to, and what becomes of a write that is abandoned.

use std::marker::PhantomData;

use crate::flights::Turn;
use crate::key::EncodedKey;
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

    /// Ends the turn. `done` says whether the write took effect. Returns what must be cleared away, if somebody did not wait
    /// for this write.
    pub(crate) fn end(mut self, done: bool) -> Option<Leftover<'w, 't, S, T>> {
        self.end_by(|turn| turn.end(done))
    }

    /// [`end`](Self::end), outdating all computations that began while this write went on.
    pub(crate) fn end_and_forget(mut self, done: bool) -> Option<Leftover<'w, 't, S, T>> {
        self.end_by(|turn| turn.end_and_forget(done))
    }

    fn end_by(&mut self, end: impl FnOnce(Turn<'t, 'f, T>) -> bool) -> Option<Leftover<'w, 't, S, T>> {
        let turn = self.turn.take()?;
        let (storage, key) = (self.storage, turn.key());
        // Made only if there is something left: it is not dropped without a word.
        end(turn).then(|| Leftover {
            storage,
            key,
            removed: false,
            value: PhantomData,
        })
    }
}

impl<S: AnyStorage<T>, T> Drop for Writing<'_, '_, '_, S, T> {
    fn drop(&mut self) {
        drop(self.end_by(|turn| turn.end(false)));
    }
}

/// What a write left that came too late, perhaps. Unless it is removed, the storage is told not to trust it: the call
/// that should have removed it may be dropped meanwhile, or the storage may fail.
pub(crate) struct Leftover<'w, 't, S: AnyStorage<T>, T> {
    storage: &'w S,
    key: &'t EncodedKey,
    removed: bool,
    value: PhantomData<fn() -> T>,
}

impl<'t, S: AnyStorage<T>, T> Leftover<'_, 't, S, T> {
    pub(crate) fn key(&self) -> &'t EncodedKey {
        self.key
    }

    /// It is gone.
    pub(crate) fn removed(mut self) {
        self.removed = true;
    }
}

impl<S: AnyStorage<T>, T> Drop for Leftover<'_, '_, S, T> {
    fn drop(&mut self) {
        if !self.removed {
            self.storage.distrust(self.key);
        }
        self.storage.flights().end_straggling(self.key);
    }
}
