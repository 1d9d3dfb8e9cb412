//! Work in the background: refreshes of stale entries, for rings with `stale` and without `refresh = caller`.
//!
//! Blocking methods are refreshed by threads of this module: as many as needed, at most four and at most as many as the
//! machine has cores. A thread that is idle for ten seconds ends. At most 1,024 refreshes wait for a thread; more are
//! dropped, and the next call that finds the stale entry tries again.
//!
//! `async fn`s are refreshed by tasks: of the spawner that was [`set`], or else of the tokio runtime that the caller
//! runs on (feature `tokio`). Without either, the caller refreshes the entry itself.
//!
//! A process does not wait for the background when it exits: [`drain`] does.

mod counts;
mod pool;
mod tasks;

use std::pin::Pin;
use std::time::Duration;

pub use counts::Counts;

use crate::switches;
use crate::wait::after;

/// A refresh in the background: of a blocking method.
pub type BlockingJob = Box<dyn FnOnce() + Send>;

/// A refresh in the background: of an `async fn`.
pub type AsyncJob = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Spawns the refreshes of `async fn`s by `spawner`, in place of the caller's tokio runtime. The last call holds.
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

/// Refuses new refreshes in the background from now on, and waits at most for `patience` until those that began have
/// ended. Returns how many have not. Calls that find a stale entry then refresh it themselves.
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

/// What happened to refreshes in the background since the process began.
pub fn counts() -> Counts {
    counts::read()
}

/// Whether a thread of the background will run a job: not all of them have been busy for `patience`.
pub(crate) fn has_threads(patience: Duration) -> bool {
    switches::is_inline() || (!counts::is_draining() && pool::POOL.responds(patience))
}

/// Whether tasks can be spawned here.
pub(crate) fn has_spawner() -> bool {
    let can = switches::is_inline() || (!counts::is_draining() && tasks::can_spawn());
    if !can {
        counts::by_caller();
    }
    can
}

/// Runs a job on a thread of the background.
pub(crate) fn spawn(job: BlockingJob) {
    if switches::is_inline() {
        job();
    } else {
        pool::POOL.spawn(job);
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
