//! Machines: the steps of a call, decided without I/O. A driver executes each step, blocking or awaited, and passes
//! the result to the machine. Values pass beside steps and events, so that these do not depend on their type.

use std::ops::ControlFlow::{self, Break, Continue};
use std::time::{Duration, Instant};

use super::lease::{Acquired, LeaseRequest};
use crate::flights::LeaseToken;
use crate::key::EncodedKey;
use crate::sync::EventListener;

/// The driver's next step: an operation on the entry of the machine's key. It ends at the instant, if there is one.
pub(crate) enum Step {
    /// Waits for the event, until the instant comes.
    Wait(EventListener, Option<Instant>),
    /// Reads the entry into the machine's place.
    Read(Option<Instant>),
    /// Takes the value out of the machine's place, and writes it with this expiry.
    Write(Option<Duration>, Option<Instant>),
    /// Writes as `Write`, if the lease of the key has this token.
    WriteLeased(Option<Duration>, LeaseToken, Option<Instant>),
    /// Asks for the lease of the key.
    Acquire(LeaseRequest, Option<Instant>),
    /// Restarts the life of the entry.
    Renew(Duration, Option<Instant>),
    /// Removes the entry.
    Remove(Option<Instant>),
}

/// The result of the last step.
pub(crate) enum Event {
    /// Nothing was executed yet.
    Start,
    /// Whether the event happened in time.
    Woken(bool),
    /// The entry was read: its value is in the machine's place, if there is one.
    Read,
    /// Whether there was an entry whose life was restarted.
    Renewed(bool),
    /// The answer to the request for a lease. A found value is in the machine's place.
    Acquired(Acquired<()>),
    /// Whether the lease was there, and the value was written.
    WrittenLeased(bool),
    /// The storage was changed.
    Changed,
    /// The storage failed.
    Failed,
}

impl Event {
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

    /// The key, and the place of the value that the last step read or the next one writes.
    fn entry(&mut self) -> (&EncodedKey, &mut Option<T>);

    /// The part of an entry's life in which it is treated as absent.
    fn stale(&self) -> Duration {
        Duration::ZERO
    }

    /// The step after this event, or the result.
    fn next(&mut self, event: Event) -> ControlFlow<Self::Output, Step>;
}

/// The event of a read, whose value is put into its place.
pub(super) fn read_into<T, E>(place: &mut Option<T>, read: Result<Option<T>, E>) -> Event {
    match read {
        Ok(found) => {
            *place = found;
            Event::Read
        }
        Err(_) => Event::Failed,
    }
}

/// The value that is to be written.
pub(super) fn taken<T>(place: &mut Option<T>) -> T {
    match place.take() {
        Some(value) => value,
        None => unreachable!("a machine that writes has a value"),
    }
}

/// A machine that runs until it waits, and continues later. Its result is then `None`.
pub(super) struct UntilWait<'m, M>(pub(super) &'m mut M);

impl<T, M: Machine<T>> Machine<T> for UntilWait<'_, M> {
    type Output = Option<M::Output>;

    fn entry(&mut self) -> (&EncodedKey, &mut Option<T>) {
        self.0.entry()
    }

    fn stale(&self) -> Duration {
        self.0.stale()
    }

    fn next(&mut self, event: Event) -> ControlFlow<Option<M::Output>, Step> {
        match self.0.next(event) {
            Continue(Step::Wait(..)) => Break(None),
            step => step.map_break(Some),
        }
    }
}
