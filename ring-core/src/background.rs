//! Work in the background: refreshes of stale entries, and bodies that calls wait for with a `timeout`.
//!
//! Blocking methods are refreshed by threads of this module: as many as needed, at most four and at most as many as the
//! machine has cores. A thread that is idle for ten seconds ends. At most 1,024 refreshes wait for a thread; more are
//! dropped, and the next call that finds the stale entry tries again. Bodies of rings with `timeout` have threads of
//! their own, at most 512: as many as calls wait, and those that nobody waits for any more.
//!
//! `async fn`s are refreshed and computed by tasks: of the spawner that was [`set`], or else of the tokio runtime that the
//! caller runs on (feature `tokio`). Without either, the caller does it itself.
//!
//! A process does not wait for the background when it exits: [`drain`] does.

mod counts;
mod pool;
mod promise;
mod tasks;

use std::pin::Pin;
use std::time::Duration;

pub use counts::Counts;
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

/// Refuses new work in the background from now on, and waits at most for `patience` until what began has ended. Returns
/// how much has not. Calls then refresh and compute themselves.
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

/// Whether threads of the background take such a job. For refreshes, not all of them have been busy for too long.
pub(crate) fn has_threads<O>(order: &Order<O>) -> bool {
    if switches::is_inline() {
        return true;
    }
    let responds = match order {
        Order::Refresh(claim) => pool::REFRESHES.responds(claim.patience()),
        Order::Compute(_) => true,
    };
    responds && !counts::is_draining()
}

/// Whether tasks can be spawned here.
pub(crate) fn has_spawner() -> bool {
    let can = switches::is_inline() || (!counts::is_draining() && tasks::can_spawn());
    if !can {
        counts::by_caller();
    }
    can
}

/// Runs a refresh on a thread of the background.
pub(crate) fn spawn(job: BlockingJob) {
    spawn_on(&pool::REFRESHES, job);
}

/// Runs a computation that a call waits for on a thread of the background.
pub(crate) fn spawn_computation(job: BlockingJob) {
    spawn_on(&pool::COMPUTATIONS, job);
}

fn spawn_on(pool: &'static pool::Pool, job: BlockingJob) {
    if switches::is_inline() {
        job();
    } else {
        pool.spawn(job);
    }
}

/// Runs a job as a task.
pub(crate) async fn spawn_task(job: AsyncJob) {
    if switches::is_inline() {
        job.await;
    } else {
        tasks::spawn(job);
    }
}
