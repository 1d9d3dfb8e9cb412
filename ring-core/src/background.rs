//! Background work: refreshes of stale entries, and bodies of calls with a `timeout`.
//!
//! Threads of this module refresh blocking methods: at most four, and at most one per core, started on demand. A thread ends
//! after ten idle seconds. At most 1,024 refreshes wait for a thread; more are dropped, and the next call that finds the
//! stale entry tries again. Bodies of rings with `timeout` have their own threads, at most 512: one for each running body,
//! also after its call has left.
//!
//! Tasks refresh and compute `async fn`s: tasks of the spawner that was [`set`], or else of the caller's tokio runtime
//! (feature
//! `tokio`). Without either, the caller does the work itself, and also when all threads that refresh are stuck in a body.
//!
//! A process does not wait for background work when it exits: [`drain`] does.

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

/// Background work of a blocking method.
pub type BlockingJob = Box<dyn FnOnce() + Send>;

/// Background work of an `async fn`.
pub type AsyncJob = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The work of a background job.
#[doc(hidden)]
#[derive(Debug)]
pub enum Order<O> {
    /// It refreshes an entry.
    Refresh(Claim),
    /// It computes the result for a call that waits for a limited time.
    Compute(Promised<O>),
}

/// Sets the spawner of background work of `async fn`s, instead of the caller's tokio runtime. The last call counts.
///
/// If `spawner` panics, the job is dropped: the refresh has failed, so calls return the stale value, and one tries again
/// after `retry`.
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

/// Refuses new background work from now on, and waits at most for `patience` until the accepted work has ended. Returns the
/// number of unfinished jobs. From then on, calls refresh and compute themselves.
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

/// Counts of background work since the process began.
pub fn counts() -> Counts {
    counts::read()
}

/// A job that may begin; [drain](drain()) waits for it.
#[doc(hidden)]
pub struct Admitted<J> {
    job: J,
    place: Place,
}

/// The place of a job.
pub(crate) enum Place {
    /// In the call, by request of a test.
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

/// A place for a job on a background thread. `None` while draining and, for refreshes, if each thread has been busy with one
/// job for too long.
pub(crate) fn admit_blocking<O>(order: &Order<O>) -> Option<Place> {
    admit(|| match order {
        Order::Refresh(claim) => pool::REFRESHES.responds(claim.patience()),
        Order::Compute(_) => true,
    })
}

/// A place for a job as a task. `None` while draining, or if nothing runs tasks here.
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

/// Runs a refresh on a background thread.
pub(crate) fn spawn(job: Admitted<BlockingJob>) {
    spawn_on(&pool::REFRESHES, job);
}

/// Runs a computation that a call waits for on a background thread.
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

/// Contains a panic of user code. Returns whether the code ran to its end.
fn contain(run: impl FnOnce()) -> bool {
    let ran = catch_unwind(AssertUnwindSafe(run));
    let is_whole = ran.is_ok();
    // The panic's payload is the user's, and so is its `Drop`.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(ran))) {
        std::mem::forget(second);
    }
    is_whole
}
