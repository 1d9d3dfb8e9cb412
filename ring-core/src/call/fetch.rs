//! The machine of a miss: from a look-up that found nothing to another call's value or to the right to compute.

use std::mem;
use std::ops::ControlFlow::{self, Break, Continue};
use std::time::{Duration, Instant};

use super::context::{CallContext, Lookup};
use crate::flights::{Leader, Role, WaitOutcome, Waiter};
use crate::key::EncodedKey;
use crate::storage::{Event, Machine, Step, View};
use crate::wait::{after, remaining};

/// The machine of a miss.
pub(crate) struct Fetch<'c, V, S: View<V>> {
    context: &'c CallContext<V, S>,
    key: EncodedKey,
    lookup: Lookup,
    /// The rest of the storage's deadline.
    left: Option<Duration>,
    /// Whether the value being read is treated as absent.
    in_doubt: bool,
    /// The value that was read.
    read: Option<S::Stored>,
    state: State<'c, S::Stored>,
}

enum State<'f, T> {
    /// The call has no role yet.
    Join,
    /// It has this role.
    Begin(Role<'f, T>),
    /// It waits for another call.
    Wait(Waiter<'f, T>),
    /// It leads, and reads again, until this instant.
    LookAgain(Leader<'f, T>, Option<Instant>),
    /// It reads again before it joins.
    Retry(Option<Instant>),
}

/// The result of a miss.
pub(crate) enum Fetched<'f, V, T> {
    /// The value of another call.
    Found(V),
    /// The right to compute for all, and the rest of the storage's deadline.
    Lead(Leader<'f, T>, Option<Duration>),
    /// The call computes without the cache.
    Bypass,
}

impl<V, S: View<V>> CallContext<V, S> {
    /// Starts a computation whose value replaces the entry.
    pub(crate) fn begin_update(&self, key: EncodedKey) -> Fetched<'_, V, S::Stored> {
        if !self.is_admitted() {
            self.count_conflict();
            return Fetched::Bypass;
        }
        Fetched::Lead(self.typed_flights().lead_alone(key).update(), self.deadline())
    }

    /// Joins the computation of the key's value or starts one, according to the ring's settings.
    #[inline(always)]
    pub(super) fn join(&self, key: EncodedKey) -> Role<'_, S::Stored> {
        let flights = self.typed_flights();
        if !self.is_admitted_by(flights.table()) {
            Role::Bypass
        } else if self.ring.coalesce {
            let version = self.version(&key);
            flights.join(key, version)
        } else if flights.table().is_computing(&key) {
            Role::Bypass
        } else {
            Role::Lead(flights.lead_alone(key))
        }
    }

    /// [`join`](Self::join) out of line.
    fn join_again(&self, key: EncodedKey) -> Role<'_, S::Stored> {
        self.join(key)
    }
}

impl<'c, V, S: View<V>> Fetch<'c, V, S> {
    /// Begins after a look-up that found nothing.
    pub(crate) fn new(context: &'c CallContext<V, S>, key: EncodedKey, lookup: Lookup) -> Self {
        Self::in_state(context, key, lookup, State::Join)
    }

    /// Begins with the role of the call.
    ///
    /// # Errors
    ///
    /// The result, if there is nothing to wait for.
    pub(crate) fn with_role(
        context: &'c CallContext<V, S>,
        role: Role<'c, S::Stored>,
        lookup: Lookup,
    ) -> Result<Self, Fetched<'c, V, S::Stored>> {
        let key = match &role {
            Role::Bypass => return Err(Fetched::Bypass),
            Role::Lead(leader) => leader.key().clone(),
            Role::Wait(waiter) => waiter.key().clone(),
        };
        Ok(Self::in_state(context, key, lookup, State::Begin(role)))
    }

    fn in_state(
        context: &'c CallContext<V, S>,
        key: EncodedKey,
        lookup: Lookup,
        state: State<'c, S::Stored>,
    ) -> Self {
        Fetch {
            context,
            key,
            lookup,
            left: remaining(lookup.until),
            in_doubt: false,
            read: None,
            state,
        }
    }

    /// Restarts the wait for another call, which lasts at most for `flight_timeout`.
    pub(crate) fn restart_wait(&mut self) {
        if let State::Wait(waiter) = &mut self.state {
            waiter.start(self.context.ring.flight_timeout);
        }
    }

    /// Goes on with a role.
    fn begin(&mut self, role: Role<'c, S::Stored>) -> Next<'c, V, S> {
        match role {
            Role::Bypass => Break(Fetched::Bypass),
            Role::Wait(mut waiter) => {
                waiter.start(self.context.ring.flight_timeout);
                self.wait(waiter, true)
            }
            Role::Lead(leader) if self.context.may_be_stored(&leader, self.lookup) => self.look_again(leader),
            Role::Lead(leader) => Break(Fetched::Lead(leader, self.left)),
        }
    }

    fn wait(&mut self, mut waiter: Waiter<'c, S::Stored>, in_time: bool) -> Next<'c, V, S> {
        let outcome = match waiter.next(in_time) {
            WaitOutcome::Wait(event, until) => {
                self.state = State::Wait(waiter);
                return Continue(Step::Wait(event, until));
            }
            outcome => outcome,
        };
        // The last waiter drops the leader's value. Dropped before the outcome is used: a panic of the drop would
        // lose it.
        drop(waiter);
        match outcome {
            WaitOutcome::Value(held) => Break(match self.context.take(&self.key, held) {
                Some(value) => Fetched::Found(value),
                None => Fetched::Bypass,
            }),
            // This call may have come after a delete that the leader's look-up preceded, so it reads again.
            WaitOutcome::Lead(leader) => self.look_again(leader),
            WaitOutcome::Retry | WaitOutcome::Wait(..) => {
                let until = self.begin_read();
                self.state = State::Retry(until);
                Continue(Step::Read(until))
            }
        }
    }

    fn look_again(&mut self, leader: Leader<'c, S::Stored>) -> Next<'c, V, S> {
        let until = self.begin_read();
        self.state = State::LookAgain(leader, until);
        Continue(Step::Read(until))
    }

    fn begin_read(&mut self) -> Option<Instant> {
        self.in_doubt = self.context.is_in_doubt(&self.key);
        after(self.left)
    }

    fn read(&mut self) -> Next<'c, V, S> {
        let held = self.read.take().filter(|_| !self.in_doubt);
        let value = held.and_then(|held| self.context.view.decode(held, &self.key).ok());
        match (mem::replace(&mut self.state, State::Join), value) {
            (State::LookAgain(leader, _), Some(value)) => {
                // A waiter may have come after a delete that this read preceded, so it reads again.
                leader.retry();
                self.found(value)
            }
            (State::LookAgain(leader, until), None) => {
                self.left = remaining(until);
                Break(Fetched::Lead(leader, self.left))
            }
            (_, Some(value)) => self.found(value),
            (State::Retry(until), None) => {
                self.left = remaining(until);
                let role = self.context.join_again(self.key.clone());
                self.begin(role)
            }
            _ => unreachable!("only these states read"),
        }
    }

    fn found(&self, value: V) -> Next<'c, V, S> {
        self.context.count_coalesced();
        Break(Fetched::Found(value))
    }
}

type Next<'c, V, S> = ControlFlow<Fetched<'c, V, <S as View<V>>::Stored>, Step>;

impl<'c, V, S: View<V>> Machine<S::Stored> for Fetch<'c, V, S> {
    type Output = Fetched<'c, V, S::Stored>;

    fn entry(&mut self) -> (&EncodedKey, &mut Option<S::Stored>) {
        (&self.key, &mut self.read)
    }

    fn stale(&self) -> Duration {
        self.context.ring.stale
    }

    fn next(&mut self, event: Event) -> Next<'c, V, S> {
        match event {
            Event::Start => {
                let role = match mem::replace(&mut self.state, State::Join) {
                    State::Begin(role) => role,
                    _ => self.context.join_again(self.key.clone()),
                };
                self.begin(role)
            }
            Event::Woken(in_time) => match mem::replace(&mut self.state, State::Join) {
                State::Wait(waiter) => self.wait(waiter, in_time),
                _ => unreachable!("only this state waits"),
            },
            // A read, or its failure.
            _ => self.read(),
        }
    }
}
