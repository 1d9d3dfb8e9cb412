//! The miss of a plain call with a limited wait for the body: the option `timeout`.
//!
//! The leading call hands its lead to a background job, and waits for the job's result as other calls wait for the
//! flight. A call leaves when its time is over; the job runs on, and stores its value. If a job exceeds
//! `flight_timeout`, its waiters leave it, and the next call starts another computation.

use std::mem;
use std::ops::ControlFlow::{self, Break, Continue};
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

use super::blocking;
use super::context::{CallContext, Lookup};
use super::fetch::Fetched;
use super::lease::LeasedFetch;
use crate::background::{self, Order, Promise, Settled, Taken, promise};
use crate::body::Body;
use crate::flights::Leader;
use crate::key::EncodedKey;
use crate::output::Output;
use crate::stats::cells::Counter;
use crate::storage::awaited::run as run_awaited;
use crate::storage::blocking::run;
use crate::storage::{AsyncStorage, Event, Machine, Step, Storage, View};
use crate::sync::EventListener;
use crate::timeout::TimedOut;
use crate::wait::after;

/// A miss that waits for other calls until an instant. Its result is `None` if the instant comes first.
struct Limited<'c, V, S: View<V>> {
    fetch: LeasedFetch<'c, V, S>,
    until: Option<Instant>,
    /// Whether the last wait would end at `until`.
    is_last: bool,
}

impl<'c, V, S: View<V>> Limited<'c, V, S> {
    fn new(fetch: LeasedFetch<'c, V, S>, until: Option<Instant>) -> Self {
        Limited {
            fetch,
            until,
            is_last: false,
        }
    }

    fn wait(&mut self, event: EventListener, until: Option<Instant>) -> Next<'c, V, S> {
        let soonest = until.into_iter().chain(self.until).min();
        self.is_last = soonest == self.until;
        Continue(Step::Wait(event, soonest))
    }
}

type Next<'c, V, S> = ControlFlow<Option<Fetched<'c, V, <S as View<V>>::Stored>>, Step>;

impl<'c, V, S: View<V>> Machine<S::Stored> for Limited<'c, V, S> {
    type Output = Option<Fetched<'c, V, S::Stored>>;

    fn entry(&mut self) -> (&EncodedKey, &mut Option<S::Stored>) {
        self.fetch.entry()
    }

    fn stale(&self) -> Duration {
        self.fetch.stale()
    }

    fn next(&mut self, event: Event) -> Next<'c, V, S> {
        if mem::take(&mut self.is_last) && matches!(event, Event::Woken(false)) {
            return Break(None);
        }
        match self.fetch.next(event) {
            Continue(Step::Wait(event, until)) => self.wait(event, until),
            step => step.map_break(Some),
        }
    }
}

/// The lead of a call, until a job takes it. Dropped before, it passes to another call.
pub(super) struct HandedOver<'c, T, O> {
    /// `None` after its end.
    leader: Option<Leader<'c, T>>,
    promise: Promise<O>,
}

impl<'c, T, O> HandedOver<'c, T, O> {
    /// The lead, and the order for the job that takes it.
    pub(super) fn new(leader: Leader<'c, T>) -> (Self, Order<O>) {
        let token = leader.lease_token();
        let taken = match leader.flight() {
            Some(flight) => Taken::Flight(flight, token),
            None => Taken::Lead(token),
        };
        let (promise, promised) = promise(taken);
        let leader = Some(leader);
        (HandedOver { leader, promise }, Order::Compute(promised))
    }

    /// Takes the lead back, since no job takes it.
    pub(super) fn take_back(mut self) -> Leader<'c, T> {
        self.leader.take().expect("the lead is there until its end")
    }

    /// The result of the job. `None` if the instant comes first, or if the job was dropped.
    pub(super) async fn settle(self, until: Option<Instant>) -> Option<O> {
        settled(self.promise.settle(until).await)
    }

    fn block(self, until: Option<Instant>) -> Option<O> {
        settled(self.promise.block(until))
    }
}

impl<T, O> Drop for HandedOver<'_, T, O> {
    fn drop(&mut self) {
        let has_lead = self.promise.leave();
        match self.leader.take() {
            Some(leader) if has_lead => leader.resign(),
            leader => drop(leader),
        }
    }
}

/// The result of a job. Its panic resumes in the waiting call.
fn settled<O>(settled: Settled<O>) -> Option<O> {
    match settled {
        Settled::Kept(Ok(out)) => Some(out),
        Settled::Kept(Err(panic)) => resume_unwind(panic),
        Settled::Broken | Settled::Late => None,
    }
}

impl<V, S: View<V>> CallContext<V, S> {
    /// The instant until which a call that begins now waits for a body, if the ring has a `timeout`.
    pub(super) fn limit(&self) -> Option<Instant> {
        after(self.ring.timeout)
    }

    /// The error of a call that timed out.
    pub(super) fn timed_out(&self) -> TimedOut {
        TimedOut::new(self.ring.name().as_str(), self.ring.timeout.unwrap_or_default())
    }
}

/// The rest of a plain call after a miss.
pub(super) fn miss<R, S, B>(
    context: &CallContext<R::Value, S>,
    key: EncodedKey,
    body: B,
    lookup: Lookup,
) -> R::Out
where
    R: Output,
    S: View<R::Value, Storage: Storage<S::Stored>>,
    B: Body<Out = R::Out>,
{
    context.count(Counter::Miss);
    if !B::HAS_TIMEOUT {
        let fetched = blocking::fetch(context, key, lookup);
        return blocking::complete::<R, S, B>(context, fetched, body, lookup);
    }
    let until = context.limit();
    let mut fetch = Limited::new(LeasedFetch::new(context, key, lookup), until);
    let leader = match context.count_lease(run(context.storage(), &mut fetch)) {
        Some(Fetched::Found(value)) => return R::found(value),
        Some(Fetched::Bypass) => return body.run(),
        Some(Fetched::Lead(leader, _)) => leader,
        None => return overdue(context, body),
    };
    if let Some(out) = context.remembered(Some(body.failures()), leader.key(), lookup) {
        leader.fail();
        return out;
    }
    let (handed_over, order) = HandedOver::new(leader);
    let Ok(job) = body.job(order) else {
        let fetched = Fetched::Lead(handed_over.take_back(), context.deadline());
        return blocking::complete::<R, S, B>(context, fetched, body, lookup);
    };
    background::spawn_computation(job);
    match handed_over.block(until) {
        Some(out) => out,
        None => overdue(context, body),
    }
}

fn overdue<V, S: View<V>, B: Body>(context: &CallContext<V, S>, body: B) -> B::Out {
    B::overdue(context.timed_out()).unwrap_or_else(|| body.run())
}

/// The result of a miss of an awaited call. `None` if its wait for other calls timed out.
pub(super) async fn fetch_awaited<V, S>(
    context: &CallContext<V, S>,
    key: EncodedKey,
    lookup: Lookup,
    until: Option<Instant>,
) -> Option<Fetched<'_, V, S::Stored>>
where
    S: View<V, Storage: AsyncStorage<S::Stored>>,
{
    context.count(Counter::Miss);
    let mut fetch = Limited::new(LeasedFetch::new(context, key, lookup), until);
    let ran = run_awaited(context.storage(), &mut fetch).await;
    context.count_lease(ran)
}
