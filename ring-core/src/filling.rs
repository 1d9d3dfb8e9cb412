//! From a miss to a stored value: what single calls and bulk calls have in common.
//!
//! Blocking and async calls share this code: see [`colour`](crate::colour).

use std::time::Duration;

use crate::action::{Action, Ran};
use crate::body::AsyncBody;
use crate::flights::{Joined, Landed, Ticket, Waiter, leading};
use crate::keeping::{HeldResult, Keeping, Seen};
use crate::key::{EncodedKey, Key};
use crate::returned::Returned;
use crate::storage::{AnyStorage, AsyncStorage, AsyncView};

/// A ticket with what is to be stored by it.
pub(crate) type Filled<'f, T> = (Ticket<'f, T>, T);

/// What a computation came to: a value to keep, or else what its call returns.
pub(crate) type Computed<R> = Result<<R as Returned>::Value, <R as Returned>::Out>;

/// What is to be done about a computed value.
enum Landing<T> {
    /// To store it.
    Store(T),
    /// To take away an older one in its place.
    Remove,
    /// To leave everything as it is.
    Leave,
}

impl<R, S> Keeping<R, S>
where
    R: Returned,
    S: AsyncView<R::Value>,
{
    /// Takes another call's value, or computes one. `seen` is of the look-up that found none.
    pub(crate) async fn get_or_compute<B>(&self, key: EncodedKey, body: B, seen: Seen) -> R::Out
    where
        B: AsyncBody<Out = R::Out>,
    {
        self.admit_writing();
        match self.join(key) {
            Joined::Recursive => body.run().await,
            Joined::Lead(ticket) if self.must_look_again(ticket.key(), seen) => {
                self.compute_unless_there(ticket, body).await
            }
            Joined::Lead(ticket) => self.compute(ticket, body).await,
            Joined::Wait(waiter) => self.wait(waiter, self.ring.flight_timeout, body).await,
        }
    }

    /// Runs the verb that `action` names.
    pub(crate) async fn run<B>(
        self,
        key: Key,
        body: B,
        action: Action,
    ) -> HeldResult<R, S, Ran<R::Value, R::Out>>
    where
        B: AsyncBody<Out = R::Out>,
    {
        let encoded = EncodedKey::of(&key);
        Ok(match action {
            Action::Get => Ran::Cached(self.get(&encoded).await?),
            Action::GetOrUpdate => Ran::Returned(self.get_or_update(encoded, body).await),
            Action::Update => Ran::Returned(self.update(encoded, body).await),
            Action::Delete => Ran::Existed(self.delete(&encoded).await?),
            Action::Has => Ran::Existed(self.has(&encoded).await?),
            Action::Touch => Ran::Existed(self.touch(&encoded).await?),
            Action::Execute => Ran::Returned(body.run().await),
            Action::Key => Ran::Key(key),
        })
    }

    /// Looks up, and computes if nothing is there.
    pub(crate) async fn get_or_update<B>(&self, key: EncodedKey, body: B) -> R::Out
    where
        B: AsyncBody<Out = R::Out>,
    {
        let writes = self.begin_look_up(&key);
        let read = self.storage().read(&key).await;
        match self.found(read, writes) {
            Ok(value) => R::found(value),
            Err(seen) => self.get_or_compute(key, body, self.missed(seen)).await,
        }
    }

    /// Computes and stores, whatever is there.
    pub(crate) async fn update<B>(mut self, key: EncodedKey, body: B) -> R::Out
    where
        B: AsyncBody<Out = R::Out>,
    {
        self.replaces = true;
        self.admit_writing();
        self.compute(self.flights().alone(key), body).await
    }

    /// Whether a look-up may find now what it did not find before. In memory it is repeated in any case, which is
    /// cheaper than to count for every hit.
    pub(crate) fn must_look_again(&self, key: &EncodedKey, seen: Seen) -> bool {
        let written = |seen| !S::Storage::TEXT_KEYS || self.flights().writes(key.hash_value()) != seen;
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
    pub(crate) async fn wait<B>(&self, waiter: Waiter<'_, S::Held>, timeout: Duration, body: B) -> R::Out
    where
        B: AsyncBody<Out = R::Out>,
    {
        match waiter.wait(Self::WAIT, timeout).await {
            Landed::Compute(ticket) => self.compute_unless_there(ticket, body).await,
            Landed::Value(held) => match self.take(held) {
                Some(value) => R::found(value),
                None => body.run().await,
            },
        }
    }

    /// The value that another call hands over.
    pub(crate) fn take(&self, held: S::Held) -> Option<R::Value> {
        let value = self.ring.count_errors(self.view.value(held))?;
        self.ring.counters.coalesced();
        Some(value)
    }

    /// Computes, unless another computation ended between this call's look-up and its ticket.
    ///
    /// Those who wait look for themselves: some may have come after a delete that this look-up came before.
    async fn compute_unless_there<B>(&self, ticket: Ticket<'_, S::Held>, body: B) -> R::Out
    where
        B: AsyncBody<Out = R::Out>,
    {
        match self.look_again(ticket).await {
            Ok(value) => R::found(value),
            Err(ticket) => self.compute(ticket, body).await,
        }
    }

    /// Takes what a second look-up finds, or gives the ticket back.
    pub(crate) async fn look_again<'f>(
        &self,
        ticket: Ticket<'f, S::Held>,
    ) -> Result<R::Value, Ticket<'f, S::Held>> {
        let found = self.storage().read(ticket.key()).await.ok().flatten();
        match found.and_then(|held| self.view.value(held).ok()) {
            Some(value) => {
                ticket.release();
                self.ring.counters.coalesced();
                Ok(value)
            }
            None => Err(ticket),
        }
    }

    /// Computes, stores, and tells those who wait.
    pub(crate) async fn compute<B>(&self, ticket: Ticket<'_, S::Held>, body: B) -> R::Out
    where
        B: AsyncBody<Out = R::Out>,
    {
        let value = match Self::run_body(&ticket, body).await {
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
    pub(crate) async fn compute_ahead<'f, B>(
        &self,
        ticket: Ticket<'f, S::Held>,
        body: B,
    ) -> (Computed<R>, Option<Filled<'f, S::Held>>)
    where
        B: AsyncBody<Out = R::Out>,
    {
        let value = match Self::run_body(&ticket, body).await {
            Ok(value) => value,
            Err(out) => {
                ticket.release();
                return (Err(out), None);
            }
        };
        match self.landing(&value) {
            Landing::Store(held) => {
                ticket.publish(|| held.clone());
                (Ok(value), Some((ticket, held)))
            }
            landing => (Ok(self.land(ticket, landing, value).await), None),
        }
    }

    async fn run_body<B>(ticket: &Ticket<'_, S::Held>, body: B) -> Computed<R>
    where
        B: AsyncBody<Out = R::Out>,
    {
        R::value(leading(ticket.computing(), async move { body.run().await }).await)
    }

    /// What is to be done about a computed value.
    fn landing(&self, value: &R::Value) -> Landing<S::Held> {
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

    /// Does it, and tells those who wait.
    ///
    /// Nothing borrows the value while others may run, so that it need not be `Sync`; and an error, which is not kept,
    /// does not come here, so that it need not be `Send`.
    async fn land(
        &self,
        ticket: Ticket<'_, S::Held>,
        landing: Landing<S::Held>,
        value: R::Value,
    ) -> R::Value {
        ticket.announce(|| match &landing {
            Landing::Store(held) => Some(held.clone()),
            _ => self.hold(&value),
        });
        match landing {
            Landing::Store(held) => self.store(&ticket, held).await,
            Landing::Remove => self.remove(&ticket).await,
            Landing::Leave => {}
        }
        ticket.pass_on(|| self.hold(&value));
        value
    }

    /// Stores a value in the ticket's turn, if that comes.
    pub(crate) async fn store(&self, ticket: &Ticket<'_, S::Held>, held: S::Held) {
        // Asked for in the turn, not before: the storage may begin at once.
        let writing = async { self.storage().write(ticket.key(), held, self.expiry).await };
        if let Some(written) = self.in_turn(ticket, writing).await {
            self.count_stores(1, written.is_ok());
        }
    }

    async fn remove(&self, ticket: &Ticket<'_, S::Held>) {
        let removing = async { self.storage().remove(ticket.key()).await };
        if let Some(removed) = self.in_turn(ticket, removing).await {
            self.ring.count_errors(removed);
        }
    }

    async fn in_turn<T>(
        &self,
        ticket: &Ticket<'_, S::Held>,
        operation: impl Future<Output = T>,
    ) -> Option<T> {
        let turn = ticket.turn(Self::WAIT, self.ring.flight_timeout).await?;
        let result = leading(turn.writing(), operation).await;
        if turn.end() {
            self.ring.count_errors(self.storage().remove(ticket.key()).await);
        }
        Some(result)
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
