//! How and where the value of a call is kept, and the verbs that need no more than that.
//!
//! Blocking and async calls share this code: see [`colour`](crate::colour).

use std::pin::pin;
use std::time::{Duration, Instant};

use crate::action::{Action, Ran};
use crate::colour::Wait;
use crate::error::{Error, Failure};
use crate::flights::{Flights, Ticket, leading};
use crate::key::{EncodedKey, Key, RingKey, hash_key};
use crate::returned::Returned;
use crate::ring::Ring;
use crate::storage::{AnyStorage, AnyView, AsyncStorage, AsyncView, AtOnce};
use crate::writing::Writing;

/// What the verbs of a call return that can fail only if its storage can: a `T`, or a `Result<T, Error>`.
pub type Outcome<R, S, T> = OutcomeOf<<R as Returned>::Value, S, T>;

/// [`Outcome`] for a storage of values `V`.
type OutcomeOf<V, S, T> = <StorageError<V, S> as Failure>::Outcome<T>;

/// How the storage of a view fails.
pub(crate) type StorageError<V, S> =
    <<S as AnyView<V>>::Storage as AnyStorage<<S as AnyView<V>>::Held>>::Error;

/// The result of an operation on the storage of a view.
pub(crate) type HeldResult<V, S, T> = Result<T, StorageError<V, S>>;

/// Whether a value with this expiry is stored at all.
pub(crate) fn is_kept(expiry: Option<Duration>) -> bool {
    expiry != Some(Duration::ZERO)
}

/// A look-up under way.
#[derive(Clone, Copy)]
pub(crate) struct LookUp {
    /// How many writes of tickets to its key, and to some others, had ended when it began.
    writes: u64,
    /// Whether what it finds is not to be trusted.
    in_doubt: bool,
    start: Start,
}

impl LookUp {
    /// What is known if the storage did not answer.
    #[inline]
    pub(crate) fn unanswered(self) -> Seen {
        Seen {
            writes: None,
            spent: self.start.elapsed(),
        }
    }
}

/// What a look-up that found nothing knows.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen {
    /// See [`LookUp`]. `None` if the storage did not answer.
    pub(crate) writes: Option<u64>,
    /// How long the look-up took, if the storage has a deadline.
    pub(crate) spent: Duration,
}

/// When an operation on a storage began. Not known for those without a deadline, whose operations are not timed.
#[derive(Clone, Copy)]
pub(crate) struct Start(Option<Instant>);

impl Start {
    /// The time since then.
    #[inline]
    pub(crate) fn elapsed(self) -> Duration {
        self.0.map_or(Duration::ZERO, |start| start.elapsed())
    }
}

/// All that is known of a call but its key and its body.
pub(crate) struct Keeping<V, S> {
    pub(crate) ring: &'static Ring,
    pub(crate) view: S,
    /// How many segments its keys have.
    pub(crate) segments: usize,
    pub(crate) expiry: Option<Duration>,
    pub(crate) unless: Option<fn(&V) -> bool>,
    /// Whether a value that is not to be stored takes an older one away.
    pub(crate) replaces: bool,
}

impl<V, S: Copy> Clone for Keeping<V, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V, S: Copy> Copy for Keeping<V, S> {}

impl<V, S> Keeping<V, S> {
    /// The same for a value that replaces what is there.
    pub(crate) fn replacing(self) -> Self {
        Keeping {
            replaces: true,
            ..self
        }
    }

    /// The same for the code that is async.
    pub(crate) fn at_once(self) -> Keeping<V, AtOnce<S, V>> {
        let Keeping {
            ring,
            view,
            segments,
            expiry,
            unless,
            replaces,
        } = self;
        Keeping {
            ring,
            view: AtOnce::new(view),
            segments,
            expiry,
            unless,
            replaces,
        }
    }
}

impl<V, S> Keeping<V, S>
where
    S: AnyView<V>,
{
    #[inline]
    pub(crate) fn storage(&self) -> &S::Storage {
        self.view.storage()
    }

    pub(crate) fn flights(&self) -> &Flights<S::Held> {
        self.storage().flights()
    }

    /// Makes sure, before a value is stored, that no other ring shares a key with this one.
    pub(crate) fn admit_writing(&self) {
        self.flights().admit(self.ring.name(), self.segments);
    }

    /// On a storage that knows keys by their text, makes sure that no other ring could come to this one's keys. Where
    /// bytes are compared, they cannot; the entry is checked when it is written.
    #[inline]
    pub(crate) fn admit(&self) {
        if S::Storage::TEXT_KEYS {
            self.admit_writing();
        }
    }

    /// To be called before a look-up, for [`found`](Self::found). Look-ups that compare bytes do not count writes.
    #[inline]
    pub(crate) fn begin_look_up<K: RingKey>(&self, key: &K) -> LookUp {
        self.admit();
        let writes = if S::Storage::TEXT_KEYS {
            self.flights().writes(hash_key(key))
        } else {
            0
        };
        let in_doubt = self.is_in_doubt(key);
        let start = self.start();
        LookUp {
            writes,
            in_doubt,
            start,
        }
    }

    /// Whether what is found under `key` is not to be trusted: to be asked before it is looked for. Storages that compare
    /// bytes are written in place, where no write comes late.
    #[inline]
    pub(crate) fn is_in_doubt<K: RingKey>(&self, key: &K) -> bool {
        S::Storage::TEXT_KEYS && self.flights().is_in_doubt(key)
    }

    /// To be called before an operation whose time counts.
    #[inline]
    pub(crate) fn start(&self) -> Start {
        Start(self.storage().deadline().map(|_| Instant::now()))
    }

    /// The storage for the rest of a call that has spent so much of its deadline, if it has one.
    pub(crate) fn limited(&self, spent: Duration) -> Option<S::Storage> {
        if spent.is_zero() {
            return None;
        }
        let deadline = self.storage().deadline()?;
        self.storage().limited(deadline.saturating_sub(spent))
    }

    /// What is left of the deadline of a call that has spent so much of it; without end if the storage has none.
    pub(crate) fn left(&self, spent: Duration) -> Duration {
        let deadline = self.storage().deadline().unwrap_or(Duration::MAX);
        deadline.saturating_sub(spent)
    }

    /// Counts a miss, and hands on what it saw.
    pub(crate) fn missed(&self, seen: Seen) -> Seen {
        self.ring.counters.miss();
        seen
    }

    /// The value that a look-up came to, or what is to be known to compute one.
    #[inline]
    pub(crate) fn found(&self, read: HeldResult<V, S, Option<S::Held>>, look_up: LookUp) -> Result<V, Seen> {
        let read = self.ring.count_errors(read);
        let writes = read.is_some().then_some(look_up.writes);
        match self.decode(read.flatten().filter(|_| !look_up.in_doubt)) {
            Some(value) => {
                self.ring.counters.hit();
                Ok(value)
            }
            None => Err(Seen {
                writes,
                ..look_up.unanswered()
            }),
        }
    }

    /// The value of what a look-up found, which is counted.
    pub(crate) fn decode_found(&self, held: Option<S::Held>) -> Option<V> {
        let value = self.decode(held);
        match value {
            Some(_) => self.ring.counters.hit(),
            None => self.ring.counters.miss(),
        }
        value
    }

    #[inline]
    fn decode(&self, held: Option<S::Held>) -> Option<V> {
        held.and_then(|held| self.ring.count_errors(self.view.value(held)))
    }

    pub(crate) fn hold(&self, value: &V) -> Option<S::Held> {
        self.ring.count_errors(self.view.hold(value))
    }

    /// How long a call that began to write at `start` may still wait for others that write.
    pub(crate) fn write_patience_since(&self, start: Instant) -> Duration {
        self.ring.write_timeout.saturating_sub(start.elapsed())
    }

    /// Hands over what a verb came to.
    pub(crate) fn outcome<T>(&self, result: HeldResult<V, S, T>) -> OutcomeOf<V, S, T> {
        Failure::outcome(self.ring.count_failure(result), self.ring.name().as_str())
    }

    /// What a verb returns whose value could not be encoded: on a storage that cannot fail, a counter must do.
    fn refused(&self, error: Error) -> HeldResult<V, S, ()> {
        match Failure::from_error(error) {
            Some(error) => Err(error),
            None => {
                self.ring.counters.error();
                Ok(())
            }
        }
    }
}

impl<V, S> Keeping<V, S>
where
    S: AsyncView<V>,
{
    /// How calls wait for each other here.
    pub(crate) const WAIT: Wait = S::Storage::WAIT;

    /// Runs the verb that `action` names, unless it is one that runs the body.
    pub(crate) async fn run<O>(&self, key: &Key, action: Action) -> HeldResult<V, S, Option<Ran<V, O>>> {
        Ok(Some(match action {
            Action::Get => Ran::Cached(self.get(key).await?),
            Action::Delete => Ran::Existed(self.delete(key).await?),
            Action::Has => Ran::Existed(self.has(key).await?),
            Action::Touch => Ran::Existed(self.touch(key).await?),
            Action::Key => Ran::Key(key.clone()),
            Action::GetOrUpdate | Action::Update | Action::Execute => return Ok(None),
        }))
    }

    pub(crate) async fn get<K: RingKey>(&self, key: &K) -> HeldResult<V, S, Option<V>> {
        self.admit();
        let in_doubt = self.is_in_doubt(key);
        let held = self.storage().read(key).await?;
        Ok(self.decode_found(held.filter(|_| !in_doubt)))
    }

    /// Stores a value in the place of all that is there, being computed or being written.
    pub(crate) async fn set(&self, key: EncodedKey, value: V) -> HeldResult<V, S, ()> {
        self.admit_writing();
        let ticket = self.flights().supersede(key);
        self.set_in_turn(&ticket, self.view.keep(value), self.ring.write_timeout)
            .await
    }

    /// Stores what a ticket superseded all others for.
    pub(crate) async fn set_in_turn(
        &self,
        ticket: &Ticket<'_, S::Held>,
        held: Result<S::Held, Error>,
        patience: Duration,
    ) -> HeldResult<V, S, ()> {
        let tried = self.flights().until(|| ticket.try_turn(), Self::WAIT, patience);
        let Some(turn) = ticket.turn(tried.await) else {
            return Ok(());
        };
        let (storage, key, start) = (self.storage(), ticket.key(), self.start());
        let turn = Writing::new(storage, turn);
        let writing = async {
            match held {
                Ok(held) => storage.write(key, held, self.expiry).await.map(|()| None),
                // What cannot be stored must not leave the old value in its place.
                Err(error) => storage.remove(key).await.map(|_| Some(error)),
            }
        };
        let written = leading(self.flights().writing(), pin!(writing)).await;
        if let Some(left) = turn.end_and_forget(written.is_ok()) {
            self.clear_away(left, start.elapsed()).await;
        }
        match written? {
            Some(error) => self.refused(error),
            None => {
                if is_kept(self.expiry) {
                    self.ring.counters.store();
                }
                Ok(())
            }
        }
    }

    pub(crate) async fn delete<K: RingKey>(&self, key: &K) -> HeldResult<V, S, bool> {
        self.admit();
        let (flights, patience) = (self.flights(), self.ring.write_timeout);
        let removal = flights.forget_key(key, Self::WAIT, patience).await;
        removal.by(self.storage().remove(key)).await
    }

    pub(crate) async fn has<K: RingKey>(&self, key: &K) -> HeldResult<V, S, bool> {
        self.admit();
        let in_doubt = self.is_in_doubt(key);
        let there = self.storage().contains(key).await?;
        Ok(there && !in_doubt)
    }

    pub(crate) async fn touch<K: RingKey>(&self, key: &K) -> HeldResult<V, S, bool> {
        let Some(expiry) = self.expiry else {
            return self.has(key).await;
        };
        self.admit();
        let in_doubt = self.is_in_doubt(key);
        let there = self.storage().renew(key, expiry).await?;
        Ok(there && !in_doubt)
    }
}
