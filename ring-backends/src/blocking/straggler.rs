//! Stragglers: writes and removals that run on after their callers are gone, and changes that never begin.
//!
//! A running thread cannot be stopped. Its call gives up its turn when it is dropped or times out, and others may then
//! write, perhaps to the inner storage directly. So its keys are in doubt until the thread ends, and then its write is
//! removed if the key may have been changed meanwhile. If a call returns before its change began, the entry is out of date:
//! the storage is told to mark it suspect.

use std::marker::PhantomData;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::Mutex;
use ring_cache_core::Error;
use ring_cache_core::flights::Doubt;
use ring_cache_core::key::EncodedKey;
use ring_cache_core::storage::Storage;

/// The effect of a change on its entries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Writes,
    Removes,
}

/// The state of a change, held by its thread.
pub(super) struct Progress<S: Storage<T>, T>(Arc<Change<S, T>>);

/// The state of a change, held by its caller. Dropped while the thread runs, it leaves a straggler.
pub(super) struct Caller<S: Storage<T>, T>(Arc<Change<S, T>>);

struct Change<S, T> {
    storage: Arc<S>,
    effect: Effect,
    keys: Vec<EncodedKey>,
    stage: Mutex<Stage>,
    value: PhantomData<fn() -> T>,
}

#[derive(PartialEq, Eq)]
enum Stage {
    /// Not begun; it does not begin if the caller goes.
    Waiting,
    AtWork,
    Ended,
    /// The caller went before it began.
    Left,
    /// The caller went while it ran: the keys are in doubt.
    Straggling(Vec<Doubt>),
}

/// Begins a change of `keys`: the handles of its thread and of its caller.
pub(super) fn begin<S: Storage<T>, T>(
    storage: &Arc<S>,
    effect: Effect,
    keys: Vec<EncodedKey>,
) -> (Progress<S, T>, Caller<S, T>) {
    let change = Arc::new(Change {
        storage: Arc::clone(storage),
        effect,
        keys,
        stage: Mutex::new(Stage::Waiting),
        value: PhantomData,
    });
    (Progress(Arc::clone(&change)), Caller(change))
}

impl<S: Storage<T>, T> Progress<S, T> {
    /// Runs `work`, unless the caller is gone. If it goes meanwhile, the write is removed.
    pub(super) fn pass<R>(self, work: impl FnOnce(&S) -> Result<R, S::Error>) -> Result<R, Error>
    where
        S::Error: Into<Error>,
    {
        let change = &*self.0;
        if !change.enter(Stage::Waiting, Stage::AtWork) {
            return Err(Error::storage("blocking", "change", "its caller is gone"));
        }
        let done = catch_unwind(AssertUnwindSafe(|| work(&change.storage)));
        change.end();
        match done {
            Ok(done) => done.map_err(Into::into),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl<S: Storage<T>, T> Change<S, T> {
    /// The end of the work. A write without a caller is removed if the key may have been changed meanwhile.
    fn end(&self) {
        let stage = mem::replace(&mut *self.stage.lock(), Stage::Ended);
        let Stage::Straggling(doubts) = stage else { return };
        for (key, doubt) in self.keys.iter().zip(&doubts) {
            if self.effect == Effect::Writes && self.storage.flights().is_outdated(key, doubt) {
                self.remove_write(key);
            }
            self.storage.flights().end_doubt(key);
        }
    }

    /// Enters stage `to` if the stage is `from`. Returns whether it was.
    fn enter(&self, from: Stage, to: Stage) -> bool {
        let mut stage = self.stage.lock();
        let here = *stage == from;
        if here {
            *stage = to;
        }
        here
    }

    fn remove_write(&self, key: &EncodedKey) {
        let removed = catch_unwind(AssertUnwindSafe(|| self.storage.remove(key, None).is_ok()));
        if !removed.unwrap_or(false) {
            self.storage.mark_suspect(key);
        }
    }
}

impl<S: Storage<T>, T> Caller<S, T> {
    /// The caller got an error. If the change never began, marks its keys suspect: the old entries are still there.
    pub(super) fn was_refused(&self) {
        if self.0.enter(Stage::Waiting, Stage::Left) {
            self.0
                .keys
                .iter()
                .for_each(|key| self.0.storage.mark_suspect(key));
        }
    }
}

impl<S: Storage<T>, T> Drop for Caller<S, T> {
    fn drop(&mut self) {
        let change = &*self.0;
        let mut stage = change.stage.lock();
        match &*stage {
            Stage::Waiting => *stage = Stage::Left,
            Stage::AtWork => {
                let flights = change.storage.flights();
                let doubts = change.keys.iter().map(|key| flights.begin_doubt(key));
                *stage = Stage::Straggling(doubts.collect());
            }
            Stage::Ended | Stage::Left | Stage::Straggling(_) => {}
        }
    }
}
