//! From a miss to a stored value: what single calls and bulk calls have in common.

use std::time::Duration;

use crate::body::Body;
use crate::flights::{Flights, Joined, Landed, Ticket, Waiter, leading};
use crate::key::{EncodedKey, KeyParts};
use crate::returned::Returned;
use crate::ring::Ring;
use crate::storage::{Storage, View};

/// What a look-up that found nothing knows: how many writes of tickets had ended before it. `None` if the storage did not
/// answer.
pub(crate) type Seen = Option<u64>;

/// A ticket with what is to be stored by it.
pub(crate) type Filled<'f, T> = (Ticket<'f, T>, T);

/// What is left of a call when its body was taken: all that is needed to store the value.
pub(crate) struct Filling<R: Returned, S> {
    pub(crate) ring: &'static Ring,
    pub(crate) view: S,
    pub(crate) expiry: Option<Duration>,
    pub(crate) unless: Option<fn(&R::Value) -> bool>,
    /// Whether a value that is not to be stored takes an older one away.
    pub(crate) replaces: bool,
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

    /// Takes another call's value, or computes one. `seen` is of the look-up that found none.
    pub(crate) fn get_or_compute<B: Body<Out = R::Out>>(
        &self,
        key: EncodedKey,
        body: B,
        seen: Seen,
    ) -> R::Out {
        self.admit::<B>();
        match self.join(key) {
            Joined::Recursive => body.run(),
            Joined::Lead(ticket) if self.must_look_again(seen) => self.compute_unless_there(ticket, body),
            Joined::Lead(ticket) => self.compute(ticket, body),
            Joined::Wait(waiter) => self.wait(waiter, self.ring.flight_timeout, body),
        }
    }

    /// Whether a look-up may find now what it did not find before. In memory it is repeated in any case, which is
    /// cheaper than to count for every hit.
    pub(crate) fn must_look_again(&self, seen: Seen) -> bool {
        let written = |seen| !S::Storage::TEXT_KEYS || self.flights().writes() != seen;
        self.ring.coalesce && seen.is_some_and(written)
    }

    /// Joins the computation of a key's value, or starts it, as the ring wants it.
    pub(crate) fn join(&self, key: EncodedKey) -> Joined<'_, S::Held> {
        if self.ring.coalesce {
            self.flights().join(key)
        } else if self.flights().is_computing(&key) {
            Joined::Recursive
        } else {
            Joined::Lead(self.flights().alone(key))
        }
    }

    /// Takes the value of the computation that `waiter` waits for, or computes after all.
    pub(crate) fn wait<B: Body<Out = R::Out>>(
        &self,
        waiter: Waiter<'_, S::Held>,
        timeout: Duration,
        body: B,
    ) -> R::Out {
        match waiter.wait(timeout) {
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
    ///
    /// Those who wait look for themselves: some may have come after a delete that this look-up came before.
    fn compute_unless_there<B: Body<Out = R::Out>>(&self, ticket: Ticket<'_, S::Held>, body: B) -> R::Out {
        let read = self.view.storage().read(ticket.key()).ok().flatten();
        match self.yield_to(ticket, read) {
            Ok(out) => out,
            Err(ticket) => self.compute(ticket, body),
        }
    }

    /// Takes what a second look-up found, or gives the ticket back.
    pub(crate) fn yield_to<'f>(
        &self,
        ticket: Ticket<'f, S::Held>,
        found: Option<S::Held>,
    ) -> Result<R::Out, Ticket<'f, S::Held>> {
        match found.and_then(|held| self.view.value(held).ok()) {
            Some(value) => {
                ticket.release();
                self.ring.counters.coalesced();
                Ok(R::found(value))
            }
            None => Err(ticket),
        }
    }

    /// Computes, stores, and tells those who wait.
    pub(crate) fn compute<B: Body<Out = R::Out>>(&self, ticket: Ticket<'_, S::Held>, body: B) -> R::Out {
        let out = leading([ticket.computing()], || body.run());
        self.land(ticket, &out);
        out
    }

    /// Computes a value that the caller stores later, if there is one to store. Those who come until then are given it.
    pub(crate) fn compute_ahead<'f, B: Body<Out = R::Out>>(
        &self,
        ticket: Ticket<'f, S::Held>,
        body: B,
    ) -> (R::Out, Option<Filled<'f, S::Held>>) {
        let out = leading([ticket.computing()], || body.run());
        let prepared = self.prepare(ticket, &out);
        if let Some((ticket, held)) = &prepared {
            ticket.publish(|| held.clone());
        }
        (out, prepared)
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
    ) -> Option<Filled<'f, S::Held>> {
        let Some(value) = R::value(out) else {
            ticket.release();
            return None;
        };
        if self.unless.is_some_and(|unless| unless(value)) {
            if self.replaces {
                ticket.fill(|| self.hold(value), |key| self.remove(key));
            } else {
                ticket.pass_on(|| self.hold(value));
            }
            return None;
        }
        match self.hold(value) {
            Some(held) => {
                ticket.announce(|| Some(held.clone()));
                Some((ticket, held))
            }
            None => {
                // What cannot be held must not leave an older value in its place.
                ticket.fill(|| None, |key| self.remove(key));
                None
            }
        }
    }

    fn remove(&self, key: &EncodedKey) {
        self.ring.count_errors(self.view.storage().remove(key));
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
