//! An operation on one node: with a permit of its breaker, after its repairs, until the deadline.

#[cfg(feature = "tokio")]
use std::future::poll_fn;
#[cfg(feature = "tokio")]
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(feature = "tokio")]
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use event_listener::Listener;
use ring_cache_core::Error;
use ring_cache_core::storage::{AfterWrite, LeaseRequest, LeaseToken};
#[cfg(feature = "tokio")]
use tokio::time::Timeout;

#[cfg(feature = "tokio")]
use super::AsyncServer;
use super::breaker::Permit;
use super::repairs::{Change, RepairStep, Repairs};
use super::{BlockingServer, Entry, Fault, Found, LeaseAnswer, LeasedEntry, Nodes, Remote, Server, located};
use crate::pending_deletes::PendingDeletes;
#[cfg(feature = "tokio")]
use crate::process::KnownProcess;
use crate::process::WithoutFork;
#[cfg(feature = "tokio")]
use crate::real_time;

/// Builds the request for items.
type Build<S, I, T> = fn(&[I]) -> Result<<S as Server>::Request<T>, Fault>;

/// An operation on items, each of which has a key, with one result of type `T` for each.
pub(super) struct Operation<S: Server, I, T: Send + 'static> {
    name: &'static str,
    pub(super) key: fn(&I) -> &S::StoredKey,
    request: Build<S, I, T>,
    /// Whether entries are suspect if it fails.
    mutates: bool,
    /// Whether its results show that it changed all entries.
    changed: fn(&[T]) -> bool,
}

impl<S: Server, I, T: Send + 'static> Operation<S, I, T> {
    fn query(name: &'static str, key: fn(&I) -> &S::StoredKey, request: Build<S, I, T>) -> Self {
        Operation {
            name,
            key,
            request,
            mutates: false,
            changed: |_| true,
        }
    }

    fn mutation(name: &'static str, key: fn(&I) -> &S::StoredKey, request: Build<S, I, T>) -> Self {
        Operation {
            mutates: true,
            ..Operation::query(name, key, request)
        }
    }
}

impl<S: Server, I, T: Send + 'static> Operation<S, I, T> {
    /// Whether any of these entries is pending deletion.
    fn is_on_any(&self, pending: &PendingDeletes<S::StoredKey>, items: &[I]) -> bool {
        items.iter().any(|item| pending.contains((self.key)(item)))
    }

    /// Whether each key of a query is pending deletion, so that its entry may be out of date; empty if none is. When the
    /// write failed, a key may have been on another node.
    fn suspects(&self, nodes: &Nodes<S::StoredKey>, items: &[I]) -> Vec<bool> {
        let pending = || {
            let nodes = nodes.nodes.iter();
            nodes
                .map(|node| node.repairs.pending())
                .filter(|pending| pending.len() > 0)
        };
        if self.mutates || pending().next().is_none() {
            return Vec::new();
        }
        let keys = items.iter().map(self.key);
        keys.map(|key| pending().any(|pending| pending.contains(key)))
            .collect()
    }
}

pub(super) type Keys<S, T> = Operation<S, <S as Server>::StoredKey, T>;

pub(super) fn read<S: Server>(name: &'static str) -> Keys<S, Option<Vec<u8>>> {
    Operation::query(name, |key| key, S::read)
}

pub(super) fn read_expiring<S: Server>(name: &'static str) -> Keys<S, Option<Found>> {
    Operation::query(name, |key| key, S::read_expiring)
}

pub(super) fn contains<S: Server>(name: &'static str) -> Keys<S, bool> {
    Operation::query(name, |key| key, S::contains)
}

/// If it fails, the entry expires early or late, but is not out of date.
pub(super) fn touch<S: Server>(name: &'static str) -> Operation<S, (S::StoredKey, Duration), bool> {
    Operation::query(name, |(key, _)| key, S::touch)
}

pub(super) fn write<S: Server>(name: &'static str) -> Operation<S, Entry<S::StoredKey>, ()> {
    Operation::mutation(name, |(key, ..)| key, S::write)
}

/// If it fails, no entry is out of date: at most there is one where there was none.
pub(super) fn write_if_absent<S: Server>(name: &'static str) -> Operation<S, Entry<S::StoredKey>, bool> {
    Operation::query(name, |(key, ..)| key, S::write_if_absent)
}

pub(super) fn remove<S: Server>(name: &'static str) -> Keys<S, bool> {
    Operation::mutation(name, |key| key, S::remove)
}

pub(super) fn acquire<S: Server>(
    name: &'static str,
) -> Operation<S, (S::StoredKey, LeaseRequest), LeaseAnswer> {
    Operation::query(name, |(key, _)| key, S::acquire)
}

/// An entry that was not written was changed by another computation.
pub(super) fn write_leased<S: Server>(
    name: &'static str,
    after: AfterWrite,
) -> Operation<S, LeasedEntry<S::StoredKey>, bool> {
    let request = match after {
        AfterWrite::EndLease => |entries: &[_]| S::write_leased(entries, AfterWrite::EndLease),
        AfterWrite::KeepLease => |entries: &[_]| S::write_leased(entries, AfterWrite::KeepLease),
    };
    Operation {
        changed: |written| written.iter().all(|written| *written),
        ..Operation::mutation(name, |(key, ..)| key, request)
    }
}

pub(super) fn lease_tokens<S: Server>(name: &'static str) -> Keys<S, Option<LeaseToken>> {
    Operation::query(name, |key| key, S::lease_tokens)
}

/// One operation on one node, with its permit.
struct Attempt<'r, S: Server> {
    remote: &'r Remote<S>,
    nodes: &'r Nodes<S::StoredKey>,
    operation: &'static str,
    node: usize,
    permit: Permit<'r>,
    began: Instant,
}

/// A change of entries. If it fails or is dropped, they are repaired.
struct Mutation<'r, S: Server> {
    remote: &'r Remote<S>,
    node: usize,
    /// `None` after the change was made.
    change: Option<Change<'r, S::StoredKey>>,
}

impl<S: Server> Mutation<'_, S> {
    fn ended(mut self, was_made: bool) {
        match self.change.take() {
            Some(change) if was_made => change.made(),
            Some(change) => change.was_not_made(),
            None => {}
        }
    }
}

impl<S: Server> Drop for Mutation<'_, S> {
    fn drop(&mut self) {
        if self.change.take().is_some() {
            self.remote.start_repairs(self.node);
        }
    }
}

/// A timer this late shows a busy runtime, not a slow server.
#[cfg(feature = "tokio")]
const LATE: Duration = Duration::from_millis(25);
/// The time that an operation then gets to read the reply.
#[cfg(feature = "tokio")]
const GRACE: Duration = Duration::from_millis(5);
/// The turns of a runtime in which it reads a reply that is there: one to notice that something came, one for the task of
/// the connection, and one for the operation.
#[cfg(feature = "tokio")]
const TURNS: u32 = 3;

/// Longer than any deadline.
const LONGEST_DEADLINE: Duration = Duration::from_secs(60 * 60 * 24 * 365);

impl<S: Server> Remote<S> {
    /// The end of an operation that begins now: `until`, or the storage's own deadline.
    pub(super) fn until(&self, until: Option<Instant>) -> Instant {
        until.unwrap_or_else(|| Instant::now() + self.deadline.min(LONGEST_DEADLINE))
    }

    fn attempt<'r>(
        &'r self,
        nodes: &'r Nodes<S::StoredKey>,
        operation: &'static str,
        node: usize,
        until: Instant,
    ) -> Result<Attempt<'r, S>, Error> {
        let now = Instant::now();
        let left = until.saturating_duration_since(now);
        if left.is_zero() {
            let error = Error::deadline(S::NAME, operation, self.deadline);
            return Err(located(error, self.server.address(node)));
        }
        let Some(permit) = nodes.nodes[node].breaker.admit(left) else {
            nodes.counts.spared.fetch_add(1, Ordering::Relaxed);
            let cause = format!("the breaker is open: {}", *nodes.nodes[node].last_fault.lock());
            let error = Error::unavailable(S::NAME, operation, cause);
            return Err(located(error, self.server.address(node)));
        };
        Ok(Attempt {
            remote: self,
            nodes,
            operation,
            node,
            permit,
            began: now,
        })
    }

    fn begin_change<'r, I, T: Send>(
        &'r self,
        nodes: &'r Nodes<S::StoredKey>,
        operation: &Operation<S, I, T>,
        node: usize,
        items: &[I],
    ) -> Option<Mutation<'r, S>> {
        let keys = || items.iter().map(|item| (operation.key)(item).clone()).collect();
        operation.mutates.then(|| Mutation {
            remote: self,
            node,
            change: Some(nodes.nodes[node].repairs.begin_change(keys())),
        })
    }

    /// One result for each item, however many the server returned. A query's result for a suspect key counts as absent,
    /// whether the key was suspect before the request, and may be deleted by now, or became so since.
    fn results<I, T: Default + Send>(
        nodes: &Nodes<S::StoredKey>,
        operation: &Operation<S, I, T>,
        items: &[I],
        (before, mut results): (Vec<bool>, Vec<T>),
    ) -> Vec<T> {
        results.resize_with(items.len(), T::default);
        for suspects in [before, operation.suspects(nodes, items)] {
            let suspects = results.iter_mut().zip(suspects);
            suspects
                .filter(|(_, is_suspect)| *is_suspect)
                .for_each(|(result, _)| *result = T::default());
        }
        results
    }
}

impl<S: Server> Attempt<'_, S> {
    /// Reports the outcome to the breaker, and counts it.
    fn end<T>(self, result: Result<T, Fault>) -> Result<T, Error> {
        let (remote, nodes, node) = (self.remote, self.nodes, self.node);
        let result = result.map_err(|fault| match fault {
            // It answered others meanwhile: it was busy, not down.
            Fault::Timeout if remote.server.answered(node) >= Some(self.began) => {
                Fault::Busy("the server answered others, and not in time".into())
            }
            fault => fault,
        });
        match &result {
            Err(fault) if fault.is_failure() => {
                let fault = fault.to_string();
                *nodes.nodes[node].last_fault.lock() = fault;
                self.permit.failed();
            }
            // The server was not asked.
            Err(Fault::Busy(_) | Fault::Full(_)) => drop(self.permit),
            Ok(_) | Err(_) => self.permit.answered(),
        }
        result.map_err(|fault| {
            let place = (S::NAME, remote.server.address(node));
            fault.into_error(&nodes.counts, place, self.operation, remote.deadline)
        })
    }
}

/// Fails if it is too late to begin.
fn in_time(until: Instant) -> Result<(), Fault> {
    let busy = || Fault::Busy("repairs of other entries took all the time".into());
    (Instant::now() < until).then_some(()).ok_or_else(busy)
}

impl<S: BlockingServer> Remote<S> {
    /// Executes an operation on items whose keys are on one node.
    pub(super) fn execute<I, T: Default + Send>(
        &self,
        operation: &Operation<S, I, T>,
        items: &[I],
        until: Instant,
    ) -> Result<Vec<T>, Error> {
        let _part = WithoutFork::enter();
        self.repair_by_itself();
        let nodes = self.nodes();
        let node = self.node_of(nodes.nodes.len(), operation, items);
        let change = self.begin_change(nodes, operation, node, items);
        let attempt = self.attempt(nodes, operation.name, node, until)?;
        let repairs = &nodes.nodes[node].repairs;
        let repaired = repair(&*self.server, repairs, node, until, |pending| {
            operation.is_on_any(pending, items)
        });
        let sent = repaired.and_then(|()| {
            let suspects = operation.suspects(nodes, items);
            let results = self.server.send(node, (operation.request)(items)?, until)?;
            Ok((suspects, results))
        });
        let results = attempt.end(sent)?;
        if let Some(change) = change {
            change.ended((operation.changed)(&results.1));
        }
        Ok(Self::results(nodes, operation, items, results))
    }

    /// Runs work without a deadline, if the breaker permits it.
    pub(super) fn without_deadline<T>(
        &self,
        operation: &'static str,
        act: impl FnOnce(&S) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        let attempt = self.attempt(self.nodes(), operation, 0, self.until(None))?;
        attempt.end(act(&self.server))
    }
}

/// Deletes the entries of a node that may be out of date.
pub(super) fn repair<S: BlockingServer>(
    server: &S,
    repairs: &Repairs<S::StoredKey>,
    node: usize,
    until: Instant,
    concerns: impl Fn(&PendingDeletes<S::StoredKey>) -> bool,
) -> Result<(), Fault> {
    loop {
        match repairs.step(until, &concerns) {
            RepairStep::Nothing => return Ok(()),
            RepairStep::Wait(ended, over) => drop(ended.wait_deadline(over.min(until))),
            RepairStep::Delete(batch) => match server.send(node, S::remove(&batch.keys)?, until) {
                Ok(_) => batch.deleted(),
                Err(Fault::Refused(_)) => batch.refused(),
                Err(fault) => return Err(fault),
            },
        }
        in_time(until)?;
    }
}

#[cfg(feature = "tokio")]
impl<S: AsyncServer> Remote<S> {
    /// [`execute`](Self::execute), awaited.
    pub(super) async fn execute_async<I, T: Default + Send>(
        &self,
        operation: &Operation<S, I, T>,
        items: &[I],
        until: Instant,
    ) -> Result<Vec<T>, Error> {
        let (part, nodes) = (WithoutFork::enter(), self.nodes());
        let process = part.pause();
        let node = self.node_of(nodes.nodes.len(), operation, items);
        let change = self.begin_change(nodes, operation, node, items);
        in_runtime(S::NAME, operation.name)?;
        let attempt = self.attempt(nodes, operation.name, node, until)?;
        // Pinned here: moving it into the timeout would copy it.
        let work = pin!(async {
            if nodes.nodes[node].repairs.pending().len() > 0 {
                let concerns = |pending: &PendingDeletes<_>| operation.is_on_any(pending, items);
                Box::pin(self.repair_async(node, until, concerns)).await?;
            }
            let suspects = operation.suspects(nodes, items);
            let request = (operation.request)(items)?;
            let results = Box::pin(self.server.send_async(node, request, until)).await?;
            Ok((suspects, results))
        });
        let sent = in_time_async(until, process, work).await;
        let results = attempt.end(sent)?;
        if let Some(change) = change {
            change.ended((operation.changed)(&results.1));
        }
        Ok(Self::results(nodes, operation, items, results))
    }

    /// [`without_deadline`](Self::without_deadline), awaited.
    pub(super) async fn without_deadline_async<T>(
        &self,
        operation: &'static str,
        act: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Error> {
        in_runtime(S::NAME, operation)?;
        let attempt = self.attempt(self.nodes(), operation, 0, self.until(None))?;
        attempt.end(act.await)
    }

    async fn repair_async(
        &self,
        node: usize,
        until: Instant,
        concerns: impl Fn(&PendingDeletes<S::StoredKey>) -> bool,
    ) -> Result<(), Fault> {
        let repairs = &self.nodes().nodes[node].repairs;
        loop {
            match repairs.step(until, &concerns) {
                RepairStep::Nothing => return Ok(()),
                RepairStep::Wait(ended, over) => drop(real_time::within(over, ended).await),
                RepairStep::Delete(batch) => {
                    let request = S::remove(&batch.keys)?;
                    match self.server.send_async(node, request, until).await {
                        Ok(_) => batch.deleted(),
                        Err(Fault::Refused(_)) => batch.refused(),
                        Err(fault) => return Err(fault),
                    }
                }
            }
        }
    }
}

/// The result of `work`. If a task was polled late, its reply may have arrived unread: then `work` is polled a little longer
/// after the deadline.
#[cfg(feature = "tokio")]
async fn in_time_async<T>(
    until: Instant,
    process: KnownProcess,
    mut work: Pin<&mut impl Future<Output = Result<T, Fault>>>,
) -> Result<T, Fault> {
    {
        let (mut timed, mut process) = (pin!(timed(until, work.as_mut())?), Some(process));
        let turn = poll_fn(|context| {
            let _part = process.take().map_or_else(WithoutFork::enter, WithoutFork::go_on);
            timed.as_mut().poll(context)
        });
        if let Ok(done) = turn.await {
            return done;
        }
    }
    if let Some(done) = real_time::rest(until, work.as_mut()).await {
        return done;
    }
    let over = Instant::now();
    let busy = || Fault::Busy("the runtime had no time for the operation".into());
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
        if let Some(done) = real_time::polled(work.as_mut()).await {
            return done;
        }
        if over.elapsed() > GRACE {
            return Err(busy());
        }
    }
    Err(if over > until + LATE {
        busy()
    } else {
        Fault::Timeout
    })
}

/// Limits the time of `work`. Tokio panics if the runtime has no timers; this becomes a fault.
#[cfg(feature = "tokio")]
fn timed<F: Future>(until: Instant, work: F) -> Result<Timeout<F>, Fault> {
    let timed = catch_unwind(AssertUnwindSafe(|| tokio::time::timeout_at(until.into(), work)));
    timed.map_err(|_| {
        Fault::Unreachable("the tokio runtime has no timers: build it with `enable_all()`".into())
    })
}

/// The clients work in tokio's runtimes only.
#[cfg(feature = "tokio")]
fn in_runtime(storage: &'static str, operation: &'static str) -> Result<(), Error> {
    let runtime = tokio::runtime::Handle::try_current();
    runtime
        .map(drop)
        .map_err(|error| Error::storage(storage, operation, error))
}
