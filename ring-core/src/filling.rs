//! From a miss to a stored value: what single calls and bulk calls have in common.

use std::time::Duration;

use crate::body::Body;
use crate::flights::{Flights, Joined, Landed, Ticket, Waiter, leading};
use crate::key::{EncodedKey, KeyParts};
use crate::returned::Returned;
use crate::ring::Ring;
use crate::storage::{Storage, View};

/// What is left of a call when its body was taken: all that is needed to store the value.
pub(crate) struct Filling<R: Returned, S> {
    pub(crate) ring: &'static Ring,
    pub(crate) view: S,
    pub(crate) expiry: Option<Duration>,
    pub(crate) unless: Option<fn(&R::Value) -> bool>,
}

impl<R, S> Filling<R, S>
where
    R: Returned,
    S: View<R::Value>,
{
    pub(crate) fn flights(&self) -> &Flights<S::Held> {
        self.view.storage().flights()
    }

    /// Makes sure that no other ring shares a key with this one.
    pub(crate) fn admit<B: Body>(&self) {
        self.flights().admit(self.ring.name(), B::Parts::SEGMENTS);
    }

    /// Takes another call's value, or computes one.
    pub(crate) fn get_or_compute<B: Body<Out = R::Out>>(&self, key: EncodedKey, body: B) -> R::Out {
        self.admit::<B>();
        if !self.ring.coalesce {
            return self.compute(self.flights().alone(key), body);
        }
        match self.flights().join(key) {
            Joined::Recursive => body.run(),
            Joined::Lead(ticket) => self.compute_unless_there(ticket, body),
            Joined::Wait(waiter) => self.wait(waiter, body),
        }
    }

    /// Takes the value of the computation that `waiter` waits for, or computes after all.
    pub(crate) fn wait<B: Body<Out = R::Out>>(&self, waiter: Waiter<'_, S::Held>, body: B) -> R::Out {
        match waiter.wait(self.ring.flight_timeout) {
            Landed::Compute(ticket) => self.compute_unless_there(ticket, body),
            Landed::Value(held) => self.take(held).unwrap_or_else(|| body.run()),
        }
    }

    /// What a call returns that was given another's value.
    pub(crate) fn take(&self, held: S::Held) -> Option<R::Out> {
        let value = self.ring.count_errors(self.view.value(held))?;
        self.ring.counters.coalesced();
        Some(R::found(value))
    }

    /// Computes, unless another computation ended between this call's look-up and its ticket.
    fn compute_unless_there<B: Body<Out = R::Out>>(&self, ticket: Ticket<'_, S::Held>, body: B) -> R::Out {
        let read = self.view.storage().read(ticket.key()).ok().flatten();
        match read.and_then(|held| self.take(held.clone()).map(|out| (held, out))) {
            Some((held, out)) => {
                ticket.pass_on(|| Some(held));
                out
            }
            None => self.compute(ticket, body),
        }
    }

    /// Computes, stores, and tells those who wait.
    pub(crate) fn compute<B: Body<Out = R::Out>>(&self, ticket: Ticket<'_, S::Held>, body: B) -> R::Out {
        let out = leading(ticket.flight(), || body.run());
        self.land(ticket, &out);
        out
    }

    /// Stores what of `out` is to be stored, and tells those who wait.
    fn land(&self, ticket: Ticket<'_, S::Held>, out: &R::Out) {
        let Some((ticket, held)) = self.prepare(ticket, out) else {
            return;
        };
        let share = || R::value(out).and_then(|value| self.hold(value));
        let written = ticket.fill(share, |key| self.view.storage().write(key, held, self.expiry));
        if let Some(result) = written {
            self.count_store(result.is_ok());
        }
    }

    /// What is to be stored of `out`. If that is nothing, those who wait are told.
    pub(crate) fn prepare<'f>(
        &self,
        ticket: Ticket<'f, S::Held>,
        out: &R::Out,
    ) -> Option<(Ticket<'f, S::Held>, S::Held)> {
        let Some(value) = R::value(out) else {
            ticket.release();
            return None;
        };
        if self.unless.is_some_and(|unless| unless(value)) {
            ticket.pass_on(|| self.hold(value));
            return None;
        }
        ticket.announce(|| self.hold(value));
        match self.hold(value) {
            Some(held) => Some((ticket, held)),
            None => {
                // What cannot be held must not leave an older value in its place.
                ticket.fill(
                    || None,
                    |key| self.ring.count_errors(self.view.storage().remove(key)),
                );
                None
            }
        }
    }

    pub(crate) fn hold(&self, value: &R::Value) -> Option<S::Held> {
        self.ring.count_errors(self.view.hold(value))
    }

    pub(crate) fn count_store(&self, stored: bool) {
        if stored {
            self.ring.counters.store();
        } else {
            self.ring.counters.error();
        }
    }
}
