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
    /// The highest number of a write or change that took effect: nothing is left of what was there before it.
    done: u64,
    /// How many writes go on that others did not wait for: each may still put an older value there.
    stragglers: usize,
    /// The highest number of an update that returned without having written, as it gave way to something newer. Until
    /// something newer took effect, an older value may be found.
    promised: u64,
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
            stragglers: 0,
            promised: 0,
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

    /// A change ended, or was given up. If it took effect, [`took_effect`](Self::took_effect) says so.
    pub(super) fn end_change(&mut self) {
        self.changes -= 1;
    }

    /// The write or change with this number took effect.
    pub(super) fn took_effect(&mut self, number: u64) {
        self.done = self.done.max(number);
    }

    /// Whether something newer than the ticket with this number, which may not write, has taken effect. Until then
    /// something older may still be there.
    pub(super) fn is_outdone(&self, number: u64) -> bool {
        self.done > number
    }

    /// Whether nothing is written or changed just now.
    pub(super) fn is_at_rest(&self) -> bool {
        self.changes == 0 && self.writer.is_none()
    }

    /// The update with this number returns, and relies on something newer that has not taken effect yet.
    pub(super) fn rely(&mut self, number: u64) {
        self.promised = self.promised.max(number);
    }

    /// Whether an older value may be found than was promised, now or later. Look-ups do not trust what they find.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.stragglers > 0 || self.promised > self.done
    }

    /// A write goes on that nobody waits for.
    pub(super) fn begin_straggling(&mut self) {
        self.stragglers += 1;
    }

    /// It has ended, and what it left is gone or was reported.
    pub(super) fn end_straggling(&mut self) {
        self.stragglers -= 1;
    }

    /// Takes the turn from whoever writes.
    pub(super) fn take_turn(&mut self, number: u64) {
        if self.writer.replace(number).is_some() {
            self.begin_straggling();
        }
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
        if self.is_written_before(barrier) {
            self.writer = None;
            self.begin_straggling();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work() -> Work<()> {
        Work::new(EncodedKey::of(&1))
    }

    #[test]
    fn a_ticket_is_outdone_by_what_is_newer_and_took_effect() {
        let mut work = work();
        work.take_turn(7);
        work.took_effect(5);
        assert!(work.is_outdone(4));
        assert!(!work.is_outdone(5), "its own write");
        assert!(
            !work.is_outdone(6) && !work.is_at_rest(),
            "the seventh still writes"
        );
        work.writer = None;
        assert!(
            !work.is_outdone(6) && work.is_at_rest(),
            "the seventh was given up"
        );
    }

    #[test]
    fn there_is_rest_when_each_change_that_began_has_ended() {
        let mut work = work();
        work.begin_change(2);
        work.begin_change(3);
        work.end_change();
        assert!(!work.is_at_rest(), "one is under way");
        work.end_change();
        assert!(work.is_at_rest());
    }

    #[test]
    fn a_doubt_lasts_until_nothing_older_can_come() {
        let mut work = work();
        work.take_turn(1);
        work.take_turn(2);
        work.writer = None;
        assert!(work.is_in_doubt(), "the first may still write");
        work.end_straggling();
        assert!(!work.is_in_doubt());

        work.begin_change(4);
        work.rely(3);
        work.end_change();
        assert!(work.is_in_doubt(), "the change was given up");
        work.took_effect(5);
        assert!(!work.is_in_doubt());
    }

    #[test]
    fn what_began_before_a_write_is_joined_no_more() {
        let flight = |number| Some(Flight::new(number));
        let mut work = work();
        work.flight = flight(3);
        for number in [2, 3] {
            work.outdate(number, None);
            assert!(work.flight.is_some(), "it did not begin before");
        }
        work.outdate(4, work.flight.clone().as_ref());
        assert!(work.flight.is_some(), "it is the writer's own");
        work.outdate(4, flight(1).as_ref());
        assert!(work.flight.is_none());
        work.outdate(2, None);
        assert_eq!(work.barrier, 4);
    }

    #[test]
    fn a_barrier_concerns_writers_before_it() {
        let mut work = work();
        assert!(!work.is_written_before(5));
        for (writer, before) in [(4, true), (5, false), (6, false)] {
            work.writer = Some(writer);
            assert_eq!(work.is_written_before(5), before);
            work.pass_over(5);
            assert_eq!(work.writer.is_none(), before);
        }
    }
}
