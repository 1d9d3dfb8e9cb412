//! The machine of a write: it stores a value, unless a newer operation supersedes it.

use std::mem;
use std::ops::ControlFlow::{self, Break, Continue};
use std::time::{Duration, Instant};

use super::base::StorageBase;
use super::machine::{Event, Machine, Step, taken};
use crate::flights::{Leader, LeaseToken, Turn, UntypedLeader, key_of};
use crate::key::EncodedKey;
use crate::sync::EventListener;
use crate::wait::{after, remaining};

/// The machine of a write.
///
/// A write that takes too long is abandoned: other writes begin before it ends, and at its end it removes its entry. If
/// it cannot, because it is dropped or the storage fails, it marks the entry suspect.
pub(crate) struct Store<'c, S: StorageBase<T>, T> {
    storage: &'c S,
    /// `None` when it is finished.
    leader: Option<Leader<'c, T>>,
    /// The value to write; `None` removes the entry.
    value: Option<T>,
    writing: Writing,
}

/// The part of a [`Store`] that does not depend on the type of values: it decides the steps.
pub(crate) struct Writing {
    /// Whether there is a value that was not taken to be written.
    has_value: bool,
    is_removal: bool,
    /// Whether the entry already has this value; then only its life restarts.
    is_renewal: bool,
    /// The token that the lease of the key must have.
    token: Option<LeaseToken>,
    expiry: Option<Duration>,
    /// The write's time. It begins with the machine, which in bulk waits for other bodies.
    left: Option<Duration>,
    /// The storage's deadline, for a write without a time of its own.
    deadline: Option<Duration>,
    /// The end of the write's time.
    until: Option<Instant>,
    /// The longest wait for other writes.
    write_timeout: Duration,
    /// The end of that wait.
    patience: Option<Instant>,
    /// Taken before the last check of the other writes, so that none ends unnoticed in between.
    written: Option<EventListener>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waits for its turn.
    Turn,
    /// Restarts the life of the entry.
    Renew,
    /// Writes.
    Write,
    /// Removes the entry after the write was abandoned. The field: whether the write succeeded.
    Undo(bool),
}

impl<'c, S: StorageBase<T>, T> Store<'c, S, T> {
    /// Stores a computed value; without one it removes the entry.
    pub(crate) fn computed(
        storage: &'c S,
        leader: Leader<'c, T>,
        value: Option<T>,
        writing: Writing,
    ) -> Self {
        let value = unless_zero(value, writing.expiry);
        Store {
            storage,
            leader: Some(leader),
            writing: writing.of(value.is_some(), storage.deadline()),
            value,
        }
    }

    /// Stores a value given by the user, superseding any write or computation. Without a value it removes the entry.
    /// `None` if it has ended: in memory, at once.
    pub(crate) fn explicit(
        storage: &'c S,
        key: EncodedKey,
        value: Option<T>,
        expiry: Option<Duration>,
        write_timeout: Duration,
    ) -> Option<Self> {
        let value = unless_zero(value, expiry);
        let (key, value) = set_in_place(storage, key, value, expiry)?;
        Some(Store {
            storage,
            leader: Some(storage.flights().lead_explicit(key)),
            // Its operations apply the storage's own deadline.
            writing: Writing::new(expiry, None, write_timeout).of(value.is_some(), storage.deadline()),
            value,
        })
    }

    /// Ends the flight, whose waiters already have the outcome.
    pub(crate) fn finish(mut self) {
        if let Some(leader) = self.leader.take() {
            leader.fail();
        }
    }

    /// The key.
    pub(super) fn key(&self) -> &EncodedKey {
        key_of(&self.leader)
    }

    /// The value that is to be written.
    pub(super) fn take_value(&mut self) -> T {
        taken(&mut self.value)
    }
}

impl Writing {
    /// A write with this expiry, within the rest of the storage's deadline. It waits at most for `write_timeout` for others.
    pub(crate) fn new(expiry: Option<Duration>, left: Option<Duration>, write_timeout: Duration) -> Self {
        Writing {
            has_value: false,
            is_removal: false,
            is_renewal: false,
            token: None,
            expiry,
            left,
            deadline: None,
            until: None,
            write_timeout,
            patience: None,
            written: None,
            state: State::Turn,
        }
    }

    /// The same for an entry that already has this value: its life restarts, if it still exists.
    pub(crate) fn renewing(mut self, is_renewal: bool) -> Self {
        self.is_renewal = is_renewal && self.expiry.is_some();
        self
    }

    /// The same for a ring with leases: the value is stored only if the lease has this token.
    pub(crate) fn leased(mut self, token: Option<LeaseToken>) -> Self {
        self.token = token;
        // A renewal would not ask for the token.
        self.is_renewal &= token.is_none();
        self
    }

    /// The same for a storage with this deadline.
    fn of(self, has_value: bool, deadline: Option<Duration>) -> Self {
        Writing {
            has_value,
            is_removal: !has_value,
            deadline,
            ..self
        }
    }

    /// The step after this event, or whether a value was stored.
    fn next(&mut self, leader: &mut UntypedLeader<'_>, event: Event) -> ControlFlow<bool, Step> {
        let succeeded = matches!(event, Event::Changed);
        match (self.state, event) {
            (State::Turn, Event::Start) => {
                self.begin();
                self.take_turn(leader, true)
            }
            (State::Turn, event) => self.take_turn(leader, !matches!(event, Event::Woken(false))),
            // The entry is gone.
            (State::Renew, Event::Renewed(false)) => self.write_value(),
            (State::Renew, event) => self.written(leader, matches!(event, Event::Renewed(true))),
            (State::Write, Event::WrittenLeased(was_leased)) => self.written_leased(leader, was_leased),
            (State::Write, _) => self.written(leader, succeeded),
            (State::Undo(_), _) => unreachable!("the store ends it"),
        }
    }

    fn begin(&mut self) {
        self.until = after(self.left);
        let patience = after(Some(self.write_timeout));
        self.patience = patience.into_iter().chain(self.until).min();
    }

    /// Takes the turn to write, or waits for it.
    fn take_turn(&mut self, leader: &mut UntypedLeader<'_>, in_time: bool) -> ControlFlow<bool, Step> {
        loop {
            match leader.try_begin_write() {
                Some(turn) => return self.write(turn),
                None if !in_time => break,
                None => {}
            }
            match self.written.take() {
                Some(written) => return Continue(Step::Wait(written, self.patience)),
                None => self.written = Some(leader.listen()),
            }
        }
        self.written = None;
        // Out of time: accept the other writer's value, except for an update.
        if self.gives_up_late(leader) {
            return Break(false);
        }
        let turn = leader.begin_write();
        self.write(turn)
    }

    /// Whether no time is left to store the computed value of a plain call.
    fn gives_up_late(&self, leader: &UntypedLeader<'_>) -> bool {
        let is_late = remaining(self.until).is_some_and(|left| left.is_zero());
        is_late && !leader.is_update() && !leader.is_explicit()
    }

    fn write(&mut self, turn: Turn) -> ControlFlow<bool, Step> {
        match turn {
            Turn::Superseded => return Break(false),
            Turn::Clear => (self.has_value, self.is_removal) = (false, true),
            Turn::Write => {}
        }
        if self.until.is_none() {
            self.until = after(self.deadline);
        }
        match self.expiry {
            Some(life) if self.is_renewal && self.has_value => {
                self.state = State::Renew;
                Continue(Step::Renew(life, self.until))
            }
            _ => self.write_value(),
        }
    }

    fn write_value(&mut self) -> ControlFlow<bool, Step> {
        self.state = State::Write;
        Continue(match (mem::take(&mut self.has_value), self.token) {
            (true, Some(token)) => Step::WriteLeased(self.expiry, token, self.until),
            (true, None) => Step::Write(self.expiry, self.until),
            (false, _) => Step::Remove(self.until),
        })
    }

    /// The lease is over. If it was over before the write, the value was not stored; an update then removes the old entry.
    fn written_leased(
        &mut self,
        leader: &mut UntypedLeader<'_>,
        was_leased: bool,
    ) -> ControlFlow<bool, Step> {
        leader.forget_lease();
        if was_leased || !leader.is_update() {
            return self.written(leader, was_leased);
        }
        self.is_removal = true;
        Continue(Step::Remove(self.until))
    }

    fn written(&mut self, leader: &mut UntypedLeader<'_>, succeeded: bool) -> ControlFlow<bool, Step> {
        if leader.end_write(succeeded) {
            self.state = State::Undo(succeeded);
            return Continue(Step::Remove(self.until));
        }
        self.state = State::Turn;
        Break(succeeded && !self.is_removal)
    }

    /// Ends the removal of the entry of an abandoned write, if it is under way. Returns whether that write stored a value.
    fn end_undo(&mut self) -> Option<bool> {
        let State::Undo(stored) = self.state else {
            return None;
        };
        self.state = State::Turn;
        Some(stored && !self.is_removal)
    }
}

/// With a zero expiry, the entry is removed.
fn unless_zero<T>(value: Option<T>, expiry: Option<Duration>) -> Option<T> {
    value.filter(|_| expiry != Some(Duration::ZERO))
}

/// Stores in a storage that is written in place. Returns the key and the value if it is not.
fn set_in_place<S: StorageBase<T>, T>(
    storage: &S,
    key: EncodedKey,
    value: Option<T>,
    expiry: Option<Duration>,
) -> Option<(EncodedKey, Option<T>)> {
    let (value, in_place) = match (value, storage.in_place()) {
        (Some(value), Some(in_place)) => (value, in_place),
        (value, _) => return Some((key, value)),
    };
    let Some(terms) = in_place.terms(&value, expiry) else {
        return Some((key, Some(value)));
    };
    let set = storage.flights().set_in_place(key, in_place, value, terms);
    set.err().map(|(key, value)| (key, Some(value)))
}

impl<S: StorageBase<T>, T> Machine<T> for Store<'_, S, T> {
    /// Whether a value was stored.
    type Output = bool;

    fn entry(&mut self) -> (&EncodedKey, &mut Option<T>) {
        (key_of(&self.leader), &mut self.value)
    }

    fn next(&mut self, event: Event) -> ControlFlow<bool, Step> {
        let Some(leader) = &mut self.leader else {
            unreachable!("it is taken at the end")
        };
        // It has ended before the storage is told, whose code may panic.
        if let Some(stored) = self.writing.end_undo() {
            if !matches!(event, Event::Changed) {
                self.storage.mark_suspect(leader.key());
            }
            leader.end_abandoned_write();
            return Break(stored);
        }
        let step = self.writing.next(leader, event);
        if self.writing.is_removal {
            self.value = None;
        }
        step
    }
}

impl<S: StorageBase<T>, T> Drop for Store<'_, S, T> {
    fn drop(&mut self) {
        let Some(leader) = &mut self.leader else { return };
        let undoes = self.writing.end_undo().is_some();
        if leader.drop_write() || undoes {
            self.storage.mark_suspect(leader.key());
            leader.end_abandoned_write();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::base::{ChangeObserver, EvictionCounts};
    use super::*;
    use crate::error::Error;
    use crate::flights::Flights;
    use crate::key::RingKey;

    /// Its code that marks an entry suspect panics.
    #[derive(Default)]
    struct Panicking {
        flights: Flights<u32>,
        suspects: AtomicU32,
    }

    impl StorageBase<u32> for Panicking {
        type Error = Error;

        fn flights(&self) -> &Flights<u32> {
            &self.flights
        }

        fn namespace(&self) -> &str {
            ""
        }

        fn stored_key<K: RingKey + ?Sized>(&self, _: &K) -> String {
            String::new()
        }

        fn deadline(&self) -> Option<Duration> {
            None
        }

        fn eviction_counts(&self) -> EvictionCounts {
            EvictionCounts::default()
        }

        fn watch(&self, _: Arc<dyn ChangeObserver>) -> bool {
            false
        }

        fn mark_suspect(&self, _: &EncodedKey) {
            self.suspects.fetch_add(1, Ordering::SeqCst);
            resume_unwind(Box::new("intended"));
        }
    }

    #[test]
    fn a_panic_of_the_storage_that_marks_an_entry_does_not_come_twice() {
        let (storage, key) = (Panicking::default(), EncodedKey::of(&1));
        let mut abandoned =
            Store::explicit(&storage, key.clone(), Some(1), None, Duration::MAX).expect("it takes time");
        assert!(matches!(abandoned.next(Event::Start), Continue(Step::Write(..))));
        assert_eq!(abandoned.take_value(), 1);
        let mut other = storage.flights.lead_explicit(key);
        assert_eq!(other.begin_write(), Turn::Write, "the first does not end");
        assert!(matches!(
            abandoned.next(Event::Changed),
            Continue(Step::Remove(_))
        ));
        let ended = catch_unwind(AssertUnwindSafe(move || abandoned.next(Event::Failed)));
        assert!(ended.is_err());
        assert_eq!(storage.suspects.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_value_that_is_not_written_is_dropped_when_that_is_known() {
        let (storage, key) = (Panicking::default(), EncodedKey::of(&1));
        let leader = storage.flights.lead_alone(key.clone()).update();
        let writing = Writing::new(None, None, Duration::MAX);
        let mut store = Store::computed(&storage, leader, Some(1), writing);
        let overtaking = storage.flights.lead_explicit(key);
        // The operation that overtook the update ends without an effect.
        drop(overtaking);
        assert!(matches!(store.next(Event::Start), Continue(Step::Remove(_))));
        assert_eq!(store.entry().1.as_ref(), None);
    }
}
