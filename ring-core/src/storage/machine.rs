//! Machines: the steps of a call, decided without I/O. A driver executes each step, blocking or awaited, and passes
//! the result to the machine.

use std::time::{Duration, Instant};

use super::lease::{Acquired, LeaseRequest};
use crate::flights::LeaseToken;
use crate::key::EncodedKey;
use crate::sync::EventListener;

/// The driver's next action. Operations end at the instant, if there is one.
pub(crate) enum Step<T, O> {
    /// Waits for the event, until the instant comes.
    Wait(EventListener, Option<Instant>),
    /// Reads the entry of the machine's key.
    Read(Option<Instant>),
    /// Writes this value with this expiry under the machine's key.
    Write(T, Option<Duration>, Option<Instant>),
    /// Writes as `Write`, if the lease of the machine's key has this token.
    WriteLeased(T, Option<Duration>, LeaseToken, Option<Instant>),
    /// Asks for the lease of the machine's key.
    Acquire(LeaseRequest, Option<Instant>),
    /// Restarts the life of the entry of the machine's key.
    Renew(Duration, Option<Instant>),
    /// Removes the entry of the machine's key.
    Remove(Option<Instant>),
    /// Nothing: the machine ended with this result.
    Done(O),
}

impl<T, O> Step<T, O> {
    /// The same step of a machine with another result.
    pub(crate) fn map<P>(self, map: impl FnOnce(O) -> P) -> Step<T, P> {
        match self {
            Step::Wait(event, until) => Step::Wait(event, until),
            Step::Read(until) => Step::Read(until),
            Step::Write(value, expiry, until) => Step::Write(value, expiry, until),
            Step::WriteLeased(value, expiry, token, until) => Step::WriteLeased(value, expiry, token, until),
            Step::Acquire(request, until) => Step::Acquire(request, until),
            Step::Renew(life, until) => Step::Renew(life, until),
            Step::Remove(until) => Step::Remove(until),
            Step::Done(output) => Step::Done(map(output)),
        }
    }
}

/// The result of the last step.
pub(crate) enum Event<T> {
    /// No step was executed yet.
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

    /// The result of a renewal.
    pub(crate) fn of_renewal<E>(renewed: &Result<bool, E>) -> Self {
        match renewed {
            Ok(was_there) => Event::Renewed(*was_there),
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

    /// The step after this event.
    fn next(&mut self, event: Event<T>) -> Step<T, Self::Output>;
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

    fn next(&mut self, event: Event<T>) -> Step<T, Option<M::Output>> {
        match self.0.next(event) {
            Step::Wait(..) => Step::Done(None),
            step => step.map(Some),
        }
    }
}
