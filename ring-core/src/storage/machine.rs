//! Machines: the steps of a call, decided without I/O. A driver executes each step, blocking or awaited, and passes
//! the result to the machine.

use std::ops::ControlFlow::{self, Break, Continue};
use std::time::{Duration, Instant};

use super::lease::{Acquired, LeaseRequest};
use crate::flights::LeaseToken;
use crate::key::EncodedKey;
use crate::sync::EventListener;

/// The driver's next step: an operation on the entry of the machine's key. It ends at the instant, if there is one.
pub(crate) enum Step<T> {
    /// Waits for the event, until the instant comes.
    Wait(EventListener, Option<Instant>),
    /// Reads the entry.
    Read(Option<Instant>),
    /// Writes this value with this expiry.
    Write(T, Option<Duration>, Option<Instant>),
    /// Writes as `Write`, if the lease of the key has this token.
    WriteLeased(T, Option<Duration>, LeaseToken, Option<Instant>),
    /// Asks for the lease of the key.
    Acquire(LeaseRequest, Option<Instant>),
    /// Restarts the life of the entry.
    Renew(Duration, Option<Instant>),
    /// Removes the entry.
    Remove(Option<Instant>),
}

/// The result of the last step.
pub(crate) enum Event<T> {
    /// Nothing was executed yet.
    Start,
    /// Whether the event happened in time.
    Woken(bool),
    /// The value that was read.
    Read(Option<T>),
    /// Whether there was an entry whose life was restarted.
    Renewed(bool),
    /// The answer to the request for a lease.
    Acquired(Acquired<T>),
    /// Whether the lease was there, and the value was written.
    WrittenLeased(bool),
    /// The storage was changed.
    Changed,
    /// The storage failed.
    Failed,
}

impl<T> Event<T> {
    /// The result of a change of the storage.
    pub(crate) fn of_change<E>(changed: &Result<(), E>) -> Self {
        match changed {
            Ok(()) => Event::Changed,
            Err(_) => Event::Failed,
        }
    }
}

/// A sequence of steps on the entry of one key.
pub(crate) trait Machine<T> {
    /// The result.
    type Output;

    /// The key.
    fn key(&self) -> &EncodedKey;

    /// The part of an entry's life in which it is treated as absent.
    fn stale(&self) -> Duration {
        Duration::ZERO
    }

    /// The step after this event, or the result.
    fn next(&mut self, event: Event<T>) -> ControlFlow<Self::Output, Step<T>>;
}

/// A machine that runs until it waits, and continues later. Its result is then `None`.
pub(super) struct UntilWait<'m, M>(pub(super) &'m mut M);

impl<T, M: Machine<T>> Machine<T> for UntilWait<'_, M> {
    type Output = Option<M::Output>;

    fn key(&self) -> &EncodedKey {
        self.0.key()
    }

    fn stale(&self) -> Duration {
        self.0.stale()
    }

    fn next(&mut self, event: Event<T>) -> ControlFlow<Option<M::Output>, Step<T>> {
        match self.0.next(event) {
            Continue(Step::Wait(..)) => Break(None),
            step => step.map_break(Some),
        }
    }
}
