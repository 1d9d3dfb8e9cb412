//! Asking a server: with leave of the breaker, after repairs, within the deadline.

#[cfg(feature = "tokio")]
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(feature = "tokio")]
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use event_listener::Listener;
use ring_cache_core::Error;

#[cfg(feature = "tokio")]
use tokio::time::Timeout;

#[cfg(feature = "tokio")]
use super::AsyncServer;
use super::breaker::Pass;
use super::repairs::Mending;
use super::{BlockingServer, Fault, Line, Remote, Server};

/// Leave to ask a server for one operation.
struct Asking<'r, S: Server> {
    remote: &'r Remote<S>,
    operation: &'static str,
    line: &'r Line<S::Place>,
    pass: Pass<'r>,
    until: Instant,
}

/// Later than any deadline.
const DISTANT: Duration = Duration::from_secs(60 * 60 * 24 * 365);

impl<S: Server> Remote<S> {
    /// Asks the node that these places lie on.
    fn ask(&self, operation: &'static str, places: &[S::Place]) -> Result<Asking<'_, S>, Error> {
        let line = self.line(places);
        if self.deadline.is_zero() {
            return Err(Error::deadline(S::NAME, operation, self.deadline));
        }
        let deadline = self.deadline.min(DISTANT);
        let Some(pass) = line.circuit.admit(deadline) else {
            self.lines.counts.spared.fetch_add(1, Ordering::Relaxed);
            let cause = format!("the breaker is open: {}", *line.last_fault.lock());
            return Err(Error::unavailable(S::NAME, operation, cause));
        };
        Ok(Asking {
            remote: self,
            operation,
            line,
            pass,
            until: Instant::now() + deadline,
        })
    }
}

/// An operation that begins too late is not begun.
fn in_time(until: Instant) -> Result<(), Fault> {
    (Instant::now() < until).then_some(()).ok_or(Fault::Silent)
}

impl<S: Server> Asking<'_, S> {
    fn concluded<T>(self, result: Result<T, Fault>) -> Result<T, Error> {
        let Asking {
            remote, operation, ..
        } = self;
        match &result {
            Ok(_) | Err(Fault::Refused(_)) => self.pass.answered(),
            Err(fault @ (Fault::Silent | Fault::Broken(_))) => {
                let fault = fault.to_string();
                *self.line.last_fault.lock() = fault;
                self.pass.failed();
            }
        }
        let counts = &remote.lines.counts;
        result.map_err(|fault| fault.into_error(counts, S::NAME, operation, remote.deadline))
    }
}

impl<S: BlockingServer> Remote<S> {
    /// Asks the server for what changes nothing at `places`, which lie on one node.
    pub(super) fn inquire<T>(
        &self,
        operation: &'static str,
        places: &[S::Place],
        act: impl FnOnce(&S, Instant) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        let asking = self.ask(operation, places)?;
        let mended = self.mend(asking.line, asking.until);
        let result = mended.and_then(|()| act(&self.server, asking.until));
        asking.concluded(result)
    }

    /// Asks the server to change what lies at `places`, which is not trusted any more if that fails.
    pub(super) fn change<T>(
        &self,
        operation: &'static str,
        places: &[S::Place],
        act: impl FnOnce(&S, Instant) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        let change = self.line(places).repairs.begin_change(places);
        let result = self.inquire(operation, places, act)?;
        change.made();
        Ok(result)
    }

    /// Asks the server for what takes as long as it takes.
    pub(super) fn unhurried<T>(
        &self,
        operation: &'static str,
        act: impl FnOnce(&S) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        let asking = self.ask(operation, &[])?;
        asking.concluded(act(&self.server))
    }

    /// Removes what may be out of date.
    fn mend(&self, line: &Line<S::Place>, until: Instant) -> Result<(), Fault> {
        loop {
            match line.repairs.begin(until) {
                Mending::Nothing => return Ok(()),
                Mending::Wait(mended, over) => drop(mended.wait_deadline(over.min(until))),
                Mending::Remove(batch) => match self.server.remove(&batch.places, until) {
                    Ok(_) => batch.removed(),
                    Err(Fault::Refused(_)) => batch.refused(),
                    Err(fault) => return Err(fault),
                },
            }
            in_time(until)?;
        }
    }
}

#[cfg(feature = "tokio")]
impl<S: AsyncServer> Remote<S> {
    /// [`inquire`](Self::inquire), awaited.
    pub(super) async fn inquire_async<T, F>(
        &self,
        operation: &'static str,
        places: &[S::Place],
        act: impl FnOnce(Instant) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        in_runtime(S::NAME, operation)?;
        let asking = self.ask(operation, places)?;
        let (line, until) = (asking.line, asking.until);
        // Pinned here: moved into the timeout, it would be copied.
        let work = pin!(async {
            if line.repairs.pending() > 0 {
                self.mend_async(line, until).await?;
            }
            act(until).await
        });
        let result = match timed(until, work) {
            Ok(work) => work.await.unwrap_or(Err(Fault::Silent)),
            Err(fault) => Err(fault),
        };
        asking.concluded(result)
    }

    /// [`change`](Self::change), awaited.
    pub(super) async fn change_async<T, F>(
        &self,
        operation: &'static str,
        places: &[S::Place],
        act: impl FnOnce(Instant) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let change = self.line(places).repairs.begin_change(places);
        let result = self.inquire_async(operation, places, act).await?;
        change.made();
        Ok(result)
    }

    /// [`unhurried`](Self::unhurried), awaited.
    pub(super) async fn unhurried_async<T>(
        &self,
        operation: &'static str,
        act: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Error> {
        in_runtime(S::NAME, operation)?;
        let asking = self.ask(operation, &[])?;
        asking.concluded(act.await)
    }

    async fn mend_async(&self, line: &Line<S::Place>, until: Instant) -> Result<(), Fault> {
        loop {
            match line.repairs.begin(until) {
                Mending::Nothing => return Ok(()),
                Mending::Wait(mended, over) => drop(tokio::time::timeout_at(over.into(), mended).await),
                Mending::Remove(batch) => match self.server.remove(&batch.places, until).await {
                    Ok(_) => batch.removed(),
                    Err(Fault::Refused(_)) => batch.refused(),
                    Err(fault) => return Err(fault),
                },
            }
        }
    }
}

/// Gives `work` so long. A runtime without timers makes tokio panic, which is a fault like others.
#[cfg(feature = "tokio")]
fn timed<F: Future>(until: Instant, work: F) -> Result<Timeout<F>, Fault> {
    let timed = catch_unwind(AssertUnwindSafe(|| tokio::time::timeout_at(until.into(), work)));
    timed.map_err(|_| Fault::Broken("the tokio runtime has no timers: build it with `enable_all()`".into()))
}

/// Says so if this is no task of tokio's, on which the clients of servers depend.
#[cfg(feature = "tokio")]
fn in_runtime(storage: &'static str, operation: &'static str) -> Result<(), Error> {
    let runtime = tokio::runtime::Handle::try_current();
    runtime
        .map(|_| ())
        .map_err(|error| Error::storage(storage, operation, error))
}
