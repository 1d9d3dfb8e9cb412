//! The state of one key while calls compute or change its value.

use super::flight::Flight;
use crate::key::EncodedKey;
use crate::sync::Arc;

/// The state of one key. It exists while a leader, a waiter or an invalidation refers to it.
///
/// Every leader and every invalidation has an *epoch*, a number that rises with each.
pub(super) struct KeyState {
    pub(super) key: EncodedKey,
    /// The number of leaders, waiters and invalidations.
    pub(super) ref_count: usize,
    /// Leaders with an epoch below this may not write.
    pub(super) min_epoch: u64,
    /// The epoch of the leader that is writing.
    pub(super) writer: Option<u64>,
    /// The number of invalidations and explicit writes under way: each raised `min_epoch` when it began.
    changes: usize,
    /// The highest epoch of a write or change that took effect: no older value is left in the storage.
    done_epoch: u64,
    /// The number of abandoned writes under way: each may still store an older value.
    abandoned_writes: usize,
    /// The highest epoch of an update that returned without a write, because a newer operation was to overtake it.
    /// Until a newer operation takes effect, the storage may hold an older value.
    promised_epoch: u64,
    /// The flight that newcomers join.
    pub(super) flight: Option<Arc<Flight>>,
}

impl KeyState {
    #[inline]
    pub(super) fn new(key: EncodedKey) -> Self {
        KeyState {
            key,
            ref_count: 0,
            min_epoch: 0,
            writer: None,
            changes: 0,
            done_epoch: 0,
            abandoned_writes: 0,
            promised_epoch: 0,
            flight: None,
        }
    }

    /// Whether only one call refers to it, and no write or invalidation of the key has begun: then the state need not
    /// be kept.
    #[inline]
    pub(super) fn is_of_one_call(&self) -> bool {
        self.ref_count == 1 && self.min_epoch == 0
    }

    /// Whether newcomers join `flight`.
    #[inline]
    pub(super) fn joins(&self, flight: &Arc<Flight>) -> bool {
        self.flight
            .as_ref()
            .is_some_and(|joined| Arc::ptr_eq(joined, flight))
    }

    /// Newcomers do not join `flight` any more.
    pub(super) fn detach(&mut self, flight: &Arc<Flight>) {
        if self.joins(flight) {
            self.flight = None;
        }
    }

    /// Forbids leaders with a smaller epoch to write. Newcomers start a new computation.
    pub(super) fn invalidate_before(&mut self, epoch: u64) {
        self.min_epoch = self.min_epoch.max(epoch);
        self.flight = None;
    }

    /// [`invalidate_before`](Self::invalidate_before), for a change that [ends](Self::end_change) later.
    pub(super) fn begin_change(&mut self, epoch: u64) {
        self.invalidate_before(epoch);
        self.changes += 1;
    }

    /// A change ended, or was abandoned. [`took_effect`](Self::took_effect) says whether it was made.
    pub(super) fn end_change(&mut self) {
        self.changes -= 1;
    }

    /// The write or change of this epoch took effect.
    pub(super) fn took_effect(&mut self, epoch: u64) {
        self.done_epoch = self.done_epoch.max(epoch);
    }

    /// Whether an operation newer than the leader of this epoch took effect. Until then the storage may hold an older
    /// value.
    pub(super) fn is_superseded(&self, epoch: u64) -> bool {
        self.done_epoch > epoch
    }

    /// Whether there is no write and no change under way.
    pub(super) fn is_at_rest(&self) -> bool {
        self.changes == 0 && self.writer.is_none()
    }

    /// The update of this epoch returns, and relies on a newer operation that has not taken effect yet.
    pub(super) fn promise(&mut self, epoch: u64) {
        self.promised_epoch = self.promised_epoch.max(epoch);
    }

    /// Whether the storage may hold, now or later, an older value than a call that returned has promised. Look-ups
    /// treat found values as absent.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.abandoned_writes > 0 || self.promised_epoch > self.done_epoch
    }

    /// The smallest epoch that may write, by which a later change is noticed. `None` if a change or an abandoned
    /// write is under way.
    pub(super) fn mark(&self) -> Option<u64> {
        (self.changes == 0 && self.abandoned_writes == 0).then_some(self.min_epoch)
    }

    /// A write goes on without others waiting for it.
    pub(super) fn begin_abandoned_write(&mut self) {
        self.abandoned_writes += 1;
    }

    /// An abandoned write ended, and its entry was removed or reported.
    pub(super) fn end_abandoned_write(&mut self) {
        self.abandoned_writes -= 1;
    }

    /// Takes the write turn. A write that has the turn is abandoned.
    pub(super) fn take_turn(&mut self, epoch: u64) {
        if self.writer.replace(epoch).is_some() {
            self.begin_abandoned_write();
        }
    }

    /// Forbids leaders with a smaller epoch to write, and detaches a flight that began before, unless it is `own`.
    pub(super) fn begin_write(&mut self, epoch: u64, own: Option<&Arc<Flight>>) {
        self.min_epoch = self.min_epoch.max(epoch);
        let is_older = |flight: &Arc<Flight>| {
            flight.first_epoch() < epoch && !own.is_some_and(|own| Arc::ptr_eq(own, flight))
        };
        if self.flight.as_ref().is_some_and(is_older) {
            self.flight = None;
        }
    }

    /// Whether a leader with a smaller epoch is writing: its entry must be removed afterwards.
    pub(super) fn is_written_before(&self, epoch: u64) -> bool {
        self.writer.is_some_and(|writer| writer < epoch)
    }

    /// Stops waiting for a writer with a smaller epoch. That writer removes its entry when it ends.
    pub(super) fn abandon_writer(&mut self, epoch: u64) {
        if self.is_written_before(epoch) {
            self.writer = None;
            self.begin_abandoned_write();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> KeyState {
        KeyState::new(EncodedKey::of(&1))
    }

    #[test]
    fn a_leader_is_superseded_by_a_newer_write_that_took_effect() {
        let mut state = state();
        state.take_turn(7);
        state.took_effect(5);
        assert!(state.is_superseded(4));
        assert!(!state.is_superseded(5), "its own write");
        assert!(
            !state.is_superseded(6) && !state.is_at_rest(),
            "the seventh writes"
        );
        state.writer = None;
        assert!(
            !state.is_superseded(6) && state.is_at_rest(),
            "the seventh was abandoned"
        );
    }

    #[test]
    fn all_is_settled_when_each_begun_change_has_ended() {
        let mut state = state();
        state.begin_change(2);
        state.begin_change(3);
        state.end_change();
        assert!(!state.is_at_rest(), "one is under way");
        state.end_change();
        assert!(state.is_at_rest());
    }

    #[test]
    fn a_doubt_lasts_until_nothing_older_can_come() {
        let mut state = state();
        state.take_turn(1);
        state.take_turn(2);
        state.writer = None;
        assert!(state.is_in_doubt(), "the first may still write");
        state.end_abandoned_write();
        assert!(!state.is_in_doubt());

        state.promise(3);
        state.took_effect(3);
        state.promise(4);
        assert!(state.is_in_doubt(), "nothing newer took effect");
        state.took_effect(5);
        assert!(!state.is_in_doubt());
    }

    #[test]
    fn a_state_is_of_one_call_until_another_comes_or_changes_the_entry() {
        let mut state = state();
        state.ref_count = 1;
        assert!(state.is_of_one_call());
        state.ref_count = 2;
        assert!(!state.is_of_one_call(), "another call refers to it");
        state.ref_count = 1;
        state.invalidate_before(3);
        assert!(
            !state.is_of_one_call(),
            "another call changed the entry, and is gone"
        );
    }

    #[test]
    fn a_flight_that_began_before_a_write_is_not_joined_any_more() {
        let flight = |epoch| Some(Flight::new(epoch));
        let mut state = state();
        state.flight = flight(3);
        for epoch in [2, 3] {
            state.begin_write(epoch, None);
            assert!(state.flight.is_some(), "it did not begin before");
        }
        state.begin_write(4, state.flight.clone().as_ref());
        assert!(state.flight.is_some(), "it is the writer's own");
        state.begin_write(4, flight(1).as_ref());
        assert!(state.flight.is_none());
        state.begin_write(2, None);
        assert_eq!(state.min_epoch, 4);
    }

    #[test]
    fn an_epoch_concerns_the_writers_before_it() {
        let mut state = state();
        assert!(!state.is_written_before(5));
        for (writer, before) in [(4, true), (5, false), (6, false)] {
            state.writer = Some(writer);
            assert_eq!(state.is_written_before(5), before);
            state.abandon_writer(5);
            assert_eq!(state.writer.is_none(), before);
        }
    }
}
