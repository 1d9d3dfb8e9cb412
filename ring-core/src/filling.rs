//! From a miss to a stored value: what single calls and bulk calls have in common.
//!
//! Blocking and async calls share this code: see [`colour`](crate::colour).

use std::pin::pin;
use std::time::Duration;

use crate::flights::{Joined, Landed, Ticket, leading};
use crate::keeping::{Keeping, Seen, is_kept};
use crate::key::EncodedKey;
use crate::returned::Returned;
use crate::storage::{AnyStorage, AsyncStorage, AsyncView};
use crate::writing::{Leftover, Writing};

/// A ticket with what is to be stored by it.
pub(crate) type Filled<'f, T> = (Ticket<'f, T>, T);

/// What a computation came to: a value to keep, or else what its call returns.
pub(crate) type Computed<R> = Result<<R as Returned>::Value, <R as Returned>::Out>;

/// How a call goes on that found nothing.
pub(crate) enum Begun<'f, V, T> {
    /// With the value that another call computed.
    Found(V),
    /// It computes for all, and lands with this ticket.
    Lead(Ticket<'f, T>),
    /// It computes for itself, without the cache.
    Aside,
}

/// What is to be done about a computed value.
pub(crate) enum Landing<T> {
    /// To store it.
    Store(T),
    /// To take away an older one in its place.
    Remove,
    /// To leave everything as it is.
    Leave,
}

/// A ticket, and what is still to be done by it.
type NotLanded<'f, T> = (Ticket<'f, T>, Landing<T>);

impl<V, S> Keeping<V, S>
where
    S: AsyncView<V>,
{
    /// Starts a computation whose value replaces what is there.
    pub(crate) fn begin_update(&self, key: EncodedKey) -> Ticket<'_, S::Held> {
        self.admit_writing();
        self.flights().alone(key).replacing()
    }

    /// Looks up, unless that was done, and [begins](Self::begin) if there is nothing.
    pub(crate) async fn look_up_and_begin(
        &self,
        key: EncodedKey,
        looked_up: Option<Seen>,
    ) -> Begun<'_, V, S::Held> {
        let seen = match looked_up {
            Some(seen) => seen,
            None => match self.look_up(&key).await {
                Ok(value) => return Begun::Found(value),
                Err(seen) => seen,
            },
        };
        self.begin(key, seen).await
    }

    /// After a look-up that found nothing, joins another computation, or gets the ticket for one.
    pub(crate) async fn begin(&self, key: EncodedKey, seen: Seen) -> Begun<'_, V, S::Held> {
        self.ring.counters.miss();
        self.admit_writing();
        let (mut ticket, looks_again) = match self.join(key) {
            Joined::Recursive => return Begun::Aside,
            Joined::Wait(waiter) => match waiter.wait(Self::WAIT, self.ring.flight_timeout).await {
                Landed::Value(held) => return self.given(held),
                Landed::Compute(ticket) => (ticket, true),
            },
            Joined::Lead(ticket) => {
                let looks_again = self.may_be_there(&ticket, seen);
                (ticket, looks_again)
            }
        };
        ticket.spend(seen.spent);
        if looks_again {
            self.look_again(ticket).await
        } else {
            Begun::Lead(ticket)
        }
    }

    async fn look_up(&self, key: &EncodedKey) -> Result<V, Seen> {
        let look_up = self.begin_look_up(key);
        self.found(self.storage().read(key).await, look_up)
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

    /// Takes the value of another computation, or the ticket to compute after all.
    ///
    /// Those who wait look for themselves: some may have come after a delete that their look-up came before.
    pub(crate) async fn go_on<'f>(&self, landed: Landed<'f, S::Held>, seen: Seen) -> Begun<'f, V, S::Held> {
        match landed {
            Landed::Value(held) => self.given(held),
            Landed::Compute(mut ticket) => {
                ticket.spend(seen.spent);
                self.look_again(ticket).await
            }
        }
    }

    /// Goes on with the value that another call hands over.
    fn given<'f>(&self, held: S::Held) -> Begun<'f, V, S::Held> {
        self.take(held).map_or(Begun::Aside, Begun::Found)
    }

    /// The value that another call hands over.
    pub(crate) fn take(&self, held: S::Held) -> Option<V> {
        let value = self.ring.count_errors(self.view.value(held))?;
        self.ring.counters.coalesced();
        Some(value)
    }

    /// Looks again if another computation may have ended between this call's look-up and its ticket.
    pub(crate) async fn look_again_if_need_be<'f>(
        &self,
        mut ticket: Ticket<'f, S::Held>,
        seen: Seen,
    ) -> Begun<'f, V, S::Held> {
        ticket.spend(seen.spent);
        if self.may_be_there(&ticket, seen) {
            self.look_again(ticket).await
        } else {
            Begun::Lead(ticket)
        }
    }

    /// Whether another computation may have ended between a call's look-up and its ticket. In memory that is so in any
    /// case, which is cheaper than to count for every hit.
    fn may_be_there(&self, ticket: &Ticket<'_, S::Held>, seen: Seen) -> bool {
        let written =
            |seen| !S::Storage::TEXT_KEYS || self.flights().writes(ticket.key().hash_value()) != seen;
        self.ring.coalesce && seen.writes.is_some_and(written)
    }

    /// Takes what a second look-up finds, or keeps the ticket.
    async fn look_again<'f>(&self, mut ticket: Ticket<'f, S::Held>) -> Begun<'f, V, S::Held> {
        let (limited, start) = (self.limited(ticket.spent()), self.start());
        let storage = limited.as_ref().unwrap_or_else(|| self.storage());
        let is_in_doubt = self.is_in_doubt(ticket.key());
        let found = storage.read(ticket.key()).await.ok().flatten();
        let found = found.filter(|_| !is_in_doubt);
        ticket.spend(start.elapsed());
        match found.and_then(|held| self.view.value(held).ok()) {
            Some(value) => {
                ticket.release();
                self.ring.counters.coalesced();
                Begun::Found(value)
            }
            None => Begun::Lead(ticket),
        }
    }

    /// Computes, stores, and tells those who wait.
    pub(crate) async fn compute<R, F>(&self, ticket: Ticket<'_, S::Held>, body: F) -> R::Out
    where
        R: Returned<Value = V>,
        F: Future<Output = R::Out> + Unpin,
    {
        let value = match R::value(leading(ticket.computing(), body).await) {
            Ok(value) => value,
            Err(out) => {
                ticket.release();
                return out;
            }
        };
        let landing = self.landing(&value);
        R::found(self.land(ticket, landing, value).await)
    }

    /// Computes a value that the caller stores later, if there is one to store. Those who come until then are given it.
    pub(crate) async fn compute_ahead<'f, R, F>(
        &self,
        ticket: Ticket<'f, S::Held>,
        body: F,
    ) -> (Computed<R>, Option<Filled<'f, S::Held>>)
    where
        R: Returned<Value = V>,
        F: Future<Output = R::Out> + Unpin,
    {
        let value = match R::value(leading(ticket.computing(), body).await) {
            Ok(value) => value,
            Err(out) => {
                ticket.release();
                return (Err(out), None);
            }
        };
        match self.landing(&value) {
            Landing::Store(held) => {
                ticket.publish(|| Some(held.clone()));
                (Ok(value), Some((ticket, held)))
            }
            landing => (Ok(self.land(ticket, landing, value).await), None),
        }
    }

    /// What is to be done about a computed value.
    pub(crate) fn landing(&self, value: &V) -> Landing<S::Held> {
        if self.unless.is_some_and(|unless| unless(value)) {
            return if self.replaces {
                Landing::Remove
            } else {
                Landing::Leave
            };
        }
        // What cannot be held must not leave an older value in its place.
        self.hold(value).map_or(Landing::Remove, Landing::Store)
    }

    /// Does what is to be done about a computed value, and tells those who wait.
    ///
    /// Nothing borrows the value while others may run, so that it need not be `Sync`; and an error, which is not kept,
    /// does not come here, so that it need not be `Send`.
    pub(crate) async fn land(&self, ticket: Ticket<'_, S::Held>, landing: Landing<S::Held>, value: V) -> V {
        let (ticket, landing) = match self.land_in_place(ticket, landing, &value) {
            Ok(()) => return value,
            Err(not_landed) => not_landed,
        };
        let share = || match &landing {
            Landing::Store(held) => Some(held.clone()),
            _ => self.hold(&value),
        };
        // Who comes while a storage takes its time has spent time on it already.
        if matches!(landing, Landing::Store(_)) && self.storage().deadline().is_some() {
            ticket.publish(share);
        } else {
            ticket.announce(share);
        }
        let held = match landing {
            Landing::Store(held) => Some(Some(held)),
            Landing::Remove => Some(None),
            Landing::Leave => None,
        };
        if let Some(held) = held {
            self.store(&ticket, held, self.ring.write_timeout).await;
        }
        ticket.pass_on(|| self.hold(&value));
        value
    }

    /// [`land`](Self::land) in a storage that is written in place.
    ///
    /// # Errors
    ///
    /// The ticket, and what is still to be done.
    fn land_in_place<'f>(
        &self,
        ticket: Ticket<'f, S::Held>,
        landing: Landing<S::Held>,
        value: &V,
    ) -> Result<(), NotLanded<'f, S::Held>> {
        let (held, storage) = match (landing, self.storage().in_place()) {
            (Landing::Store(held), Some(storage)) => (held, storage),
            (landing, _) => return Err((ticket, landing)),
        };
        let Some(deadline) = storage.deadline(self.expiry) else {
            return Err((ticket, Landing::Store(held)));
        };
        let count = |stored| {
            if stored {
                self.ring.counters.store();
            }
        };
        ticket
            .store_in_place(storage, held, deadline, count, || self.hold(value))
            .map_err(|(ticket, held)| (ticket, Landing::Store(held)))
    }

    /// Stores a value in the ticket's turn, if that comes, or removes what is there. Returns how long that kept the
    /// storage busy, if it has a deadline.
    pub(crate) async fn store(
        &self,
        ticket: &Ticket<'_, S::Held>,
        held: Option<S::Held>,
        patience: Duration,
    ) -> Duration {
        let start = self.start();
        let (tried, waited) = match ticket.try_turn() {
            Some(turn) => (Some(turn), Duration::ZERO),
            // To wait takes of the deadline as well.
            None => {
                let patience = patience.min(self.left(ticket.spent()));
                let tried = self.flights().until(|| ticket.try_turn(), Self::WAIT, patience);
                (tried.await, start.elapsed())
            }
        };
        // Out of time: another's value is as good, except for updates.
        let spent = ticket.spent() + waited;
        let is_late = tried.is_none() && self.left(spent).is_zero() && !self.replaces;
        if is_late {
            return waited;
        }
        let Some(turn) = ticket.turn(tried) else {
            return waited;
        };
        let limited = self.limited(spent);
        let storage = limited.as_ref().unwrap_or_else(|| self.storage());
        let held = held.filter(|_| !turn.only_clears());
        let (turn, key) = (Writing::new(storage, turn), ticket.key());
        // Asked for in the turn, not before: the storage may begin at once.
        let writing = async {
            match held {
                Some(held) => storage.write(key, held, self.expiry).await.map(|()| true),
                None => storage.remove(key).await.map(|_| false),
            }
        };
        let written = leading(self.flights().writing(), pin!(writing)).await;
        if let Some(left) = turn.end(written.is_ok()) {
            self.clear_away(left, ticket.spent() + start.elapsed()).await;
        }
        let spent = start.elapsed();
        if self.ring.count_errors(written) == Some(true) && is_kept(self.expiry) {
            self.ring.counters.store();
        }
        spent
    }

    /// Removes what a writer left that was passed over, in what is left of a deadline of which so much is spent.
    pub(crate) async fn clear_away(&self, left: Leftover<'_, '_, S::Storage, S::Held>, spent: Duration) {
        let limited = self.limited(spent);
        let storage = limited.as_ref().unwrap_or_else(|| self.storage());
        let removed = self.ring.count_errors(storage.remove(left.key()).await);
        if removed.is_some() {
            left.removed();
        }
    }

    /// [`clear_away`](Self::clear_away) for many at once.
    pub(crate) async fn clear_all_away(
        &self,
        left: Vec<Leftover<'_, '_, S::Storage, S::Held>>,
        spent: Duration,
    ) {
        if left.is_empty() {
            return;
        }
        let limited = self.limited(spent);
        let storage = limited.as_ref().unwrap_or_else(|| self.storage());
        let keys: Vec<_> = left.iter().map(Leftover::key).collect();
        let removed = self.ring.count_errors(storage.remove_many(&keys).await);
        if removed.is_some() {
            left.into_iter().for_each(Leftover::removed);
        }
    }

    pub(crate) fn count_stores(&self, count: usize, stored: bool) {
        for _ in 0..count {
            if stored {
                self.ring.counters.store();
            } else {
                self.ring.counters.error();
            }
        }
    }
}
