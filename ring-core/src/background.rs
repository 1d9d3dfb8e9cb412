//! Work in the background: refreshes of stale entries, and bodies that calls wait for with a `timeout`.
//!
//! Blocking methods are refreshed by threads of this module: as many as needed, at most four and at most as many as the
//! machine has cores. A thread that is idle for ten seconds ends. At most 1,024 refreshes wait for a thread; more are
//! dropped, and the next call that finds the stale entry tries again. Bodies of rings with `timeout` have threads of
//! their own, at most 512: one for each body that runs, also after its call has left.
//!
//! `async fn`s are refreshed and computed by tasks: of the spawner that was [`set`], or else of the tokio runtime that the
//! caller runs on (feature `tokio`). Without either, the caller does it itself, and so it does when all threads that refresh
//! are stuck in a body.
//!
//! A process does not wait for the background when it exits: [`drain`] does.

mod counts;
mod pool;
mod promise;
mod tasks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::time::Duration;

pub use counts::Counts;
pub(crate) use counts::Running;
pub use promise::Promised;
pub(crate) use promise::{Promise, Settled, Taken, promise};

use crate::flights::Claim;
use crate::switches;
use crate::wait::after;

/// Work in the background: of a blocking method.
pub type BlockingJob = Box<dyn FnOnce() + Send>;

/// Work in the background: of an `async fn`.
pub type AsyncJob = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a job in the background does.
#[doc(hidden)]
#[derive(Debug)]
pub enum Order<O> {
    /// It refreshes an entry.
    Refresh(Claim),
    /// It computes the result for a call that waits for a limited time.
    Compute(Promised<O>),
}

/// Spawns the work of `async fn`s by `spawner`, in place of the caller's tokio runtime. The last call holds.
///
/// If `spawner` panics, the job is dropped: a refresh has failed, so calls return the stale value, and one tries again after
/// `retry`.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::background;
///
/// background::set(|job| {
///     std::thread::spawn(|| futures_executor::block_on(job));
/// });
/// ```
pub fn set(spawner: impl Fn(AsyncJob) + Send + Sync + 'static) {
    tasks::set(Box::new(spawner));
}

/// Refuses new work in the background from now on, and waits at most for `patience` until what began has ended, what
/// waits for a thread included. Returns how much has not. Calls then refresh and compute themselves.
///
/// It blocks the thread.
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use std::time::Duration;
///
/// let left = ring_cache::background::drain(Duration::from_secs(5));
/// assert_eq!(left, 0);
/// ```
pub fn drain(patience: Duration) -> usize {
    counts::drain(after(Some(patience)))
}

/// What happened to work in the background since the process began.
pub fn counts() -> Counts {
    counts::read()
}

/// A job that may begin: a [drain](drain()) waits for it.
#[doc(hidden)]
pub struct Admitted<J> {
    job: J,
    place: Place,
}

/// Where a job runs.
pub(crate) enum Place {
    /// In the call: a test wants it.
    Inline,
    /// In the background.
    Elsewhere(Running),
}

impl Place {
    /// The job that runs here.
    pub(crate) fn of<J>(self, job: J) -> Admitted<J> {
        Admitted { job, place: self }
    }
}

/// A place for a job on a thread of the background, unless no job begins any more. For refreshes, not all threads have been
/// busy with one job for too long.
pub(crate) fn admit_blocking<O>(order: &Order<O>) -> Option<Place> {
    admit(|| match order {
        Order::Refresh(claim) => pool::REFRESHES.responds(claim.patience()),
        Order::Compute(_) => true,
    })
}

/// A place for a job as a task, unless nothing runs tasks here, or no job begins any more.
pub(crate) fn admit_async() -> Option<Place> {
    admit(tasks::can_spawn)
}

fn admit(can_run: impl FnOnce() -> bool) -> Option<Place> {
    if switches::is_inline() {
        return Some(Place::Inline);
    }
    let running = if can_run() { Running::begin() } else { None };
    if running.is_none() {
        counts::by_caller();
    }
    running.map(Place::Elsewhere)
}

/// Runs a refresh on a thread of the background.
pub(crate) fn spawn(job: Admitted<BlockingJob>) {
    spawn_on(&pool::REFRESHES, job);
}

/// Runs a computation that a call waits for on a thread of the background.
pub(crate) fn spawn_computation(job: Admitted<BlockingJob>) {
    spawn_on(&pool::COMPUTATIONS, job);
}

fn spawn_on(pool: &'static pool::Pool, Admitted { job, place }: Admitted<BlockingJob>) {
    match place {
        Place::Elsewhere(running) => pool.spawn(job, running),
        Place::Inline => _ = contain(job),
    }
}

/// Runs a job as a task.
pub(crate) async fn spawn_task(Admitted { job, place }: Admitted<AsyncJob>) {
    match place {
        Place::Elsewhere(running) => tasks::spawn(job, running),
        Place::Inline => tasks::contained(job).await,
    }
}

/// Runs code of the user whose panic must not reach the caller. Returns whether it ran to its end.
fn contain(run: impl FnOnce()) -> bool {
    let ran = catch_unwind(AssertUnwindSafe(run));
    let is_whole = ran.is_ok();
    // What a panic carries is the user's, and so is its `Drop`.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(ran))) {
        std::mem::forget(second);
    }
    is_whole
}
