//! The result of a background job, for the call that waits for it.
//!
//! A job that begins while its call waits takes the lead of the call's flight, and runs on even if the call leaves. If the
//! call has left before, the job looks the value up, and computes it if it is absent.

use std::fmt;
use std::panic::resume_unwind;
use std::thread::Result as Caught;
use std::time::Instant;

use crate::flights::{LeaseToken, Scopes};
use crate::sync::{Arc, Event, EventListener, Mutex};
use crate::wait::{block, event};

/// The lead that a job takes from the waiting call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The lead of this flight, and the lease of its key.
    Flight(u64, Option<LeaseToken>),
    /// A lead that no other call waits for, and the lease of its key.
    Lead(Option<LeaseToken>),
}

/// Makes the two ends of a promise.
pub(crate) fn promise<O>(taken: Taken) -> (Promise<O>, Promised<O>) {
    let shared = Arc::new(Shared {
        taken,
        scopes: Scopes::current(),
        state: Mutex::new(State {
            has_lead: false,
            is_left: false,
            settled: None,
        }),
        changed: Event::new(),
    });
    (Promise(Arc::clone(&shared)), Promised(shared))
}

struct Shared<O> {
    taken: Taken,
    /// The computations that contain the call: inside the job, too, their keys must not be waited for.
    scopes: Scopes,
    state: Mutex<State<O>>,
    changed: Event,
}

struct State<O> {
    /// Whether the job leads the flight of the call.
    has_lead: bool,
    is_left: bool,
    settled: Option<Settled<O>>,
}

/// The outcome of a job.
pub(crate) enum Settled<O> {
    /// It ended with this result, or a panic.
    Kept(Caught<O>),
    /// It was dropped.
    Broken,
    /// It runs on; the call's time is over.
    Late,
}

/// The call's end.
pub(crate) struct Promise<O>(Arc<Shared<O>>);

/// The job's end.
pub struct Promised<O>(Arc<Shared<O>>);

impl<O> Promise<O> {
    /// Waits for the outcome, until the instant at most.
    pub(crate) fn block(&self, until: Option<Instant>) -> Settled<O> {
        loop {
            let changed = match self.check() {
                Ok(settled) => return settled,
                Err(changed) => changed,
            };
            if !block(changed, until) {
                return self.check().unwrap_or(Settled::Late);
            }
        }
    }

    /// [`block`](Self::block), awaited.
    pub(crate) async fn settle(&self, until: Option<Instant>) -> Settled<O> {
        loop {
            let changed = match self.check() {
                Ok(settled) => return settled,
                Err(changed) => changed,
            };
            if !event(changed, until).await {
                return self.check().unwrap_or(Settled::Late);
            }
        }
    }

    /// The outcome, or an event that the job's end notifies.
    fn check(&self) -> Result<Settled<O>, EventListener> {
        let changed = self.0.changed.listen();
        self.0.state.lock().settled.take().ok_or(changed)
    }

    /// Leaves the job. Returns whether the job leads the flight of the call; false before it began.
    pub(crate) fn leave(&self) -> bool {
        let mut state = self.0.state.lock();
        state.is_left = true;
        let settled = state.settled.take();
        let has_lead = state.has_lead;
        drop(state);
        drop(settled);
        has_lead
    }
}

impl<O> Promised<O> {
    /// Begins the job. Returns the lead that `take` takes from the call: `None` if the call has left, or if its flight has
    /// ended.
    pub(crate) fn begin<L>(&self, take: impl FnOnce(Taken) -> Option<L>) -> Option<L> {
        let mut state = self.0.state.lock();
        if state.is_left {
            return None;
        }
        let lead = take(self.0.taken);
        state.has_lead = lead.is_some();
        lead
    }

    /// The computations that contain the call.
    pub(crate) fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }

    /// Ends the job with its result. If the call has left, a panic of the body resumes here.
    pub(crate) fn keep(self, caught: Caught<O>) {
        let mut state = self.0.state.lock();
        if !state.is_left {
            state.settled = Some(Settled::Kept(caught));
            return;
        }
        drop(state);
        if let Err(panic) = caught {
            resume_unwind(panic);
        }
    }
}

impl<O> Drop for Promised<O> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        if !state.is_left && state.settled.is_none() {
            state.settled = Some(Settled::Broken);
        }
        drop(state);
        self.0.changed.notify(usize::MAX);
    }
}

/// Omits the result.
impl<O> fmt::Debug for Promised<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promised").finish_non_exhaustive()
    }
}
