//! The machine that asks for a lease: one computation of a key among processes.
//!
//! The leader of a flight asks for all calls of its process. If another process computes, it asks again and again, at most
//! for the life of a lease. Whatever the answer, the leader may compute: without the lease, its value is not stored. So no
//! answer of the storage, and no failure, keeps a call from its value.

use std::ops::ControlFlow::{self, Break, Continue};
use std::time::{Duration, Instant};

use super::context::{CallContext, Lookup, StorageError};
use super::fetch::{Fetch, Fetched};
use crate::error::Error;
use crate::flights::{Leader, LeaseToken, key_of};
use crate::key::EncodedKey;
use crate::storage::{Acquired, Event, LeaseRequest, Machine, Step, StorageBase, View, YieldsTo};
use crate::wait::{after, never};

/// The pause before a leader asks again. It doubles up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(160);

/// The machine that asks for the lease of a leader's key.
pub(crate) struct TakeLease<'c, V, S: View<V>> {
    context: &'c CallContext<V, S>,
    /// `None` when it is finished.
    leader: Option<Leader<'c, S::Stored>>,
    request: LeaseRequest,
    /// The rest of the storage's deadline.
    left: Option<Duration>,
    /// Whether the value being read is treated as absent.
    in_doubt: bool,
    /// Whether it waits for another process.
    waits: bool,
    /// The end of the wait, from the first pause on.
    patience: Option<Instant>,
    pause: Duration,
    /// The value that was found.
    found: Option<S::Stored>,
}

/// The answer to a leader.
pub(crate) enum Lease<'f, V, T> {
    /// There is an entry. The lead has ended.
    Found(V),
    /// The leader computes. Its value is stored if it has the lease.
    Lead(Leader<'f, T>, Option<Duration>),
    /// Another process computes.
    Busy(Leader<'f, T>, Option<Duration>),
}

/// The machine of a miss that then asks for the lease, if the ring has leases.
pub(crate) struct LeasedFetch<'c, V, S: View<V>> {
    context: &'c CallContext<V, S>,
    stage: Stage<'c, V, S>,
}

enum Stage<'c, V, S: View<V>> {
    Fetch(Fetch<'c, V, S>),
    Lease(TakeLease<'c, V, S>),
}

impl<'c, V, S: View<V>> LeasedFetch<'c, V, S> {
    /// Begins after a look-up that found nothing.
    pub(crate) fn new(context: &'c CallContext<V, S>, key: EncodedKey, lookup: Lookup) -> Self {
        LeasedFetch {
            context,
            stage: Stage::Fetch(Fetch::new(context, key, lookup)),
        }
    }

    /// Restarts the wait for another call, which lasts at most for `flight_timeout`.
    pub(crate) fn restart_wait(&mut self) {
        if let Stage::Fetch(fetch) = &mut self.stage {
            fetch.restart_wait();
        }
    }

    fn fetched(&mut self, fetched: Fetched<'c, V, S::Stored>) -> FetchStep<'c, V, S> {
        let Fetched::Lead(leader, left) = fetched else {
            return Break(fetched);
        };
        let yields_to = YieldsTo::Entry(self.context.ring.stale);
        match self.context.take_lease(leader, left, yields_to) {
            Ok(take) => {
                self.stage = Stage::Lease(take);
                self.next(Event::Start)
            }
            Err(leader) => Break(Fetched::Lead(leader, left)),
        }
    }
}

type FetchStep<'c, V, S> = ControlFlow<Fetched<'c, V, <S as View<V>>::Stored>, Step>;

impl<'c, V, S: View<V>> Machine<S::Stored> for LeasedFetch<'c, V, S> {
    type Output = Fetched<'c, V, S::Stored>;

    fn entry(&mut self) -> (&EncodedKey, &mut Option<S::Stored>) {
        match &mut self.stage {
            Stage::Fetch(fetch) => fetch.entry(),
            Stage::Lease(take) => take.entry(),
        }
    }

    fn stale(&self) -> Duration {
        self.context.ring.stale
    }

    fn next(&mut self, event: Event) -> FetchStep<'c, V, S> {
        match &mut self.stage {
            Stage::Fetch(fetch) => match fetch.next(event) {
                Break(fetched) => self.fetched(fetched),
                step => step,
            },
            Stage::Lease(take) => take.next(event).map_break(|lease| {
                if let Lease::Found(_) = lease {
                    self.context.count_coalesced();
                }
                lease.fetched()
            }),
        }
    }
}

impl<V, S: View<V>> CallContext<V, S> {
    /// Whether computations have leases. No storage that compares bytes has any.
    #[inline]
    pub(super) fn has_leases(&self) -> bool {
        S::Storage::TEXT_KEYS && self.ring.lease.is_some()
    }

    /// Gives a leader a token, with which it asks for the lease of its key, if the ring has leases.
    ///
    /// # Errors
    ///
    /// The leader is given back if the ring or its storage has no leases.
    pub(crate) fn take_lease<'c>(
        &'c self,
        mut leader: Leader<'c, S::Stored>,
        left: Option<Duration>,
        yields_to: YieldsTo,
    ) -> Result<TakeLease<'c, V, S>, Leader<'c, S::Stored>> {
        let Some(life) = self.ring.lease.filter(|_| self.has_leases()) else {
            return Err(leader);
        };
        let token = LeaseToken::random();
        leader.hold_lease(token, None);
        Ok(TakeLease {
            context: self,
            request: LeaseRequest {
                token,
                life,
                yields_to,
            },
            in_doubt: false,
            // A leader without a flight, as after an error, computes at once.
            waits: leader.flight().is_some(),
            leader: Some(leader),
            left,
            patience: None,
            pause: SHORTEST_PAUSE,
            found: None,
        })
    }

    /// The token that the lease must have when a leader's value is stored: one that no lease has, if the leader did not ask.
    pub(super) fn lease_token(&self, leader: &Leader<'_, S::Stored>) -> Option<LeaseToken> {
        if !self.has_leases() {
            return None;
        }
        Some(leader.lease_token().unwrap_or_else(LeaseToken::random))
    }

    /// The output of a machine that may ask for a lease. Counts its failure.
    pub(crate) fn count_lease<T>(&self, (output, failure): (T, Option<StorageError<V, S>>)) -> T {
        if let Some(failure) = failure {
            drop(self.count_failure(Err::<(), _>(failure)));
        }
        output
    }
}

impl<'c, V, S: View<V>> TakeLease<'c, V, S> {
    /// The same without a wait for another process.
    pub(crate) fn at_once(mut self) -> Self {
        self.waits = false;
        self
    }

    fn leader(&mut self) -> Leader<'c, S::Stored> {
        self.leader
            .take()
            .unwrap_or_else(|| unreachable!("it is taken at the end"))
    }

    fn ask(&mut self) -> Next<'c, V, S> {
        self.in_doubt = self.context.is_in_doubt(self.key());
        if self.in_doubt && self.request.yields_to != YieldsTo::Nothing {
            self.request.yields_to = YieldsTo::Lease;
        }
        let (token, storage) = (self.request.token, self.context.storage().leases());
        if storage.is_none() {
            self.context.failed(&Error::no_leases());
        }
        if let Some(leader) = &mut self.leader {
            leader.hold_lease(token, storage);
        }
        Continue(Step::Acquire(self.request, after(self.left)))
    }

    fn key(&self) -> &EncodedKey {
        key_of(&self.leader)
    }

    fn answered(&mut self, answer: Acquired<()>) -> Next<'c, V, S> {
        match answer {
            Acquired::Found(_) => self.found(),
            Acquired::Won(token) => {
                let mut leader = self.leader();
                leader.hold_lease(token, self.context.storage().leases());
                Break(Lease::Lead(leader, self.left))
            }
            Acquired::Busy => self.busy(),
        }
    }

    fn found(&mut self) -> Next<'c, V, S> {
        let Some(value) = self.context.decode(key_of(&self.leader), self.found.take()) else {
            // The entry cannot be decoded, so one process computes its value anew.
            self.request.yields_to = YieldsTo::Lease;
            return self.ask();
        };
        let mut leader = self.leader();
        leader.forget_lease();
        // A waiter may have come after a delete that this read preceded, so it reads again.
        leader.retry();
        Break(Lease::Found(value))
    }

    fn busy(&mut self) -> Next<'c, V, S> {
        let now = Instant::now();
        let patience = self.patience.or_else(|| now.checked_add(self.request.life));
        self.patience = patience;
        let is_over = patience.is_some_and(|patience| patience <= now);
        let mut leader = self.leader();
        leader.forget_lease();
        if is_over || !self.waits {
            return Break(Lease::Busy(leader, self.left));
        }
        self.leader = Some(leader);
        let pause = self.pause.mul_f64(0.75 + fastrand::f64() / 2.0);
        self.pause = LONGEST_PAUSE.min(self.pause * 2);
        Continue(Step::Wait(
            never(),
            now.checked_add(pause).into_iter().chain(patience).min(),
        ))
    }
}

type Next<'c, V, S> = ControlFlow<Lease<'c, V, <S as View<V>>::Stored>, Step>;

impl<'c, V, S: View<V>> Machine<S::Stored> for TakeLease<'c, V, S> {
    type Output = Lease<'c, V, S::Stored>;

    fn entry(&mut self) -> (&EncodedKey, &mut Option<S::Stored>) {
        (key_of(&self.leader), &mut self.found)
    }

    fn next(&mut self, event: Event) -> Next<'c, V, S> {
        match event {
            Event::Start => self.ask(),
            Event::Woken(_) => {
                // The deadline is for one operation; the wait for another process has its own end.
                self.left = self.context.deadline();
                self.ask()
            }
            Event::Acquired(answer) => self.answered(answer),
            // The lease may have been given nevertheless: the value is stored if it was.
            _ => Break(Lease::Lead(self.leader(), self.left)),
        }
    }
}

impl<'f, V, T> Lease<'f, V, T> {
    /// The lead of a refresh, or else a fresh value, or neither if another process refreshes the entry.
    pub(crate) fn refresh(self) -> Result<Leader<'f, T>, Option<V>> {
        match self {
            Lease::Lead(leader, _) => Ok(leader),
            Lease::Found(value) => Err(Some(value)),
            Lease::Busy(leader, _) => {
                leader.retry();
                Err(None)
            }
        }
    }

    /// The result of a miss: without the lease, the leader computes all the same.
    pub(crate) fn fetched(self) -> Fetched<'f, V, T> {
        match self {
            Lease::Found(value) => Fetched::Found(value),
            Lease::Lead(leader, left) | Lease::Busy(leader, left) => Fetched::Lead(leader, left),
        }
    }
}
