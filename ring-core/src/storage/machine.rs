//! Machines: the steps of a call, decided without I/O. A driver does what a step says, by blocking or by awaiting, and
//! tells the machine what came of it.

use std::time::{Duration, Instant};

use crate::key::EncodedKey;
use crate::sync::EventListener;

/// What the driver does next. Operations end at the instant, if there is one.
pub(crate) enum Step<T, O> {
    /// Waits for the event, until the instant comes.
    Wait(EventListener, Option<Instant>),
    /// Reads the entry of the machine's key.
    Read(Option<Instant>),
    /// Writes this value with this expiry under the machine's key.
    Write(T, Option<Duration>, Option<Instant>),
    /// Removes the entry of the machine's key.
    Remove(Option<Instant>),
    /// Nothing: this is what the machine came to.
    Done(O),
}

/// What came of the last step.
pub(crate) enum Event<T> {
    /// There was none.
    Start,
    /// Whether the event happened in time.
    Woken(bool),
    /// What was read.
    Read(Option<T>),
    /// The storage was changed.
    Changed,
    /// The storage failed.
    Failed,
}

impl<T> Event<T> {
    /// What came of a change of the storage.
    pub(crate) fn of_change<E>(changed: &Result<(), E>) -> Self {
        match changed {
            Ok(()) => Event::Changed,
            Err(_) => Event::Failed,
        }
    }
}

/// A sequence of steps on the entry of one key.
pub(crate) trait Machine<T> {
    /// What it comes to.
    type Output;

    /// The key.
    fn key(&self) -> &EncodedKey;

    /// The step after this event.
    fn next(&mut self, event: Event<T>) -> Step<T, Self::Output>;
}
