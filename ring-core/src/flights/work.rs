//! What is known of a key that somebody works on.

use super::flight::Flight;
use crate::key::EncodedKey;
use crate::sync::Arc;

/// The work on one key.
pub(super) struct Work<T> {
    pub(super) key: EncodedKey,
    /// How many tickets and waiters there are.
    pub(super) hands: usize,
    /// Tickets with smaller numbers may not write.
    pub(super) barrier: u64,
    /// The number of the ticket that is writing just now.
    pub(super) writer: Option<u64>,
    /// How many removals and values that users set are under way: each raised the barrier when it began.
    changes: usize,
    /// The highest number of a write or change that is done: nothing is left of what was there before it.
    done: u64,
    /// The flight that newcomers join.
    pub(super) flight: Option<Arc<Flight<T>>>,
}

impl<T> Work<T> {
    pub(super) fn new(key: EncodedKey) -> Self {
        Work {
            key,
            hands: 0,
            barrier: 0,
            writer: None,
            changes: 0,
            done: 0,
            flight: None,
        }
    }

    /// Whether `flight` is the one that newcomers join.
    pub(super) fn joins(&self, flight: &Arc<Flight<T>>) -> bool {
        self.flight
            .as_ref()
            .is_some_and(|joined| Arc::ptr_eq(joined, flight))
    }

    /// Lets nobody join `flight` from now on.
    pub(super) fn detach(&mut self, flight: &Arc<Flight<T>>) {
        if self.joins(flight) {
            self.flight = None;
        }
    }

    /// Lets no ticket with a smaller number write from now on, and newcomers start afresh.
    pub(super) fn forget(&mut self, barrier: u64) {
        self.barrier = self.barrier.max(barrier);
        self.flight = None;
    }

    /// [`forget`](Self::forget) for a change that is to be [ended](Self::end_change). Returns its number.
    pub(super) fn begin_change(&mut self, number: u64) -> u64 {
        self.forget(number);
        self.changes += 1;
        number
    }

    /// The change with this number is done, or was given up.
    pub(super) fn end_change(&mut self, number: u64) {
        self.changes -= 1;
        self.end_write(number);
    }

    /// The write with this number is done, or was given up.
    pub(super) fn end_write(&mut self, number: u64) {
        self.done = self.done.max(number);
    }

    /// Whether something newer than the ticket with this number, which may not write, has taken effect or never will. Until
    /// then something older may still be there.
    pub(super) fn is_outdone(&self, number: u64) -> bool {
        self.done > number || (self.changes == 0 && self.writer.is_none())
    }

    /// Lets no ticket with a smaller number write from now on, and nobody join a flight that began before, other than the
    /// ticket's `own`.
    pub(super) fn outdate(&mut self, number: u64, own: Option<&Arc<Flight<T>>>) {
        self.barrier = self.barrier.max(number);
        let older = |flight: &Arc<Flight<T>>| {
            flight.first < number && !own.is_some_and(|own| Arc::ptr_eq(own, flight))
        };
        if self.flight.as_ref().is_some_and(older) {
            self.flight = None;
        }
    }

    /// Whether an outdated ticket writes just now, so that what it writes must be removed after it.
    pub(super) fn is_written_before(&self, barrier: u64) -> bool {
        self.writer.is_some_and(|writer| writer < barrier)
    }

    /// Does not wait any longer for a writer with a smaller number: it clears away what it wrote when it is done.
    pub(super) fn pass_over(&mut self, barrier: u64) {
        self.writer = self.writer.filter(|writer| *writer >= barrier);
    }
}
