//! Writes and removals that go on although their callers are gone, and those that never begin.
//!
//! A thread that is at work cannot be stopped. Its call gives back its turn when it is dropped or out of time, and others
//! write meanwhile, perhaps past the wrapper, in the storage itself. So its keys are in doubt until its end, and what it
//! wrote is removed then if the key may have been changed meanwhile. A call that returns although its change has not begun
//! leaves an entry that is out of date: the storage is told not to trust it.

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

/// How far a change got, as its thread knows it.
pub(super) struct Progress<S: Storage<T>, T>(Arc<Change<S, T>>);

/// The same, as its caller knows it. Dropped while the thread is at work, it leaves a straggler.
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
    /// Not begun, and not to be if the caller goes.
    Waiting,
    AtWork,
    Ended,
    /// The caller went before it began.
    Left,
    /// The caller went while it was at work: the keys are in doubt.
    Straggling(Vec<Doubt>),
}

/// A change of `keys` that has not begun, as its thread and its caller know it.
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
    /// Does `work`, unless the caller is gone. If it goes meanwhile, what was written is removed.
    pub(super) fn pass<R>(self, work: impl FnOnce(&S) -> Result<R, S::Error>) -> Result<R, Error>
    where
        S::Error: Into<Error>,
    {
        let change = &*self.0;
        if !change.goes_on(Stage::Waiting, Stage::AtWork) {
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
    /// The work is over. A value that it wrote without a caller is removed, if the key may have been changed meanwhile.
    fn end(&self) {
        let stage = mem::replace(&mut *self.stage.lock(), Stage::Ended);
        let Stage::Straggling(doubts) = stage else { return };
        for (key, doubt) in self.keys.iter().zip(&doubts) {
            if self.effect == Effect::Writes && self.storage.flights().is_outdated(key, doubt) {
                self.clear_away(key);
            }
            self.storage.flights().end_doubt(key);
        }
    }

    /// Goes on to the next stage, if it is at this one.
    fn goes_on(&self, from: Stage, to: Stage) -> bool {
        let mut stage = self.stage.lock();
        let here = *stage == from;
        if here {
            *stage = to;
        }
        here
    }

    fn clear_away(&self, key: &EncodedKey) {
        let removed = catch_unwind(AssertUnwindSafe(|| self.storage.remove(key, None).is_ok()));
        if !removed.unwrap_or(false) {
            self.storage.mark_suspect(key);
        }
    }
}

impl<S: Storage<T>, T> Caller<S, T> {
    /// The caller was told that it failed: what was not even begun leaves behind what was there before.
    pub(super) fn was_refused(&self) {
        if self.0.goes_on(Stage::Waiting, Stage::Left) {
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
