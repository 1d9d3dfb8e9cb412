//! The tasks that refresh entries of `async fn`s.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::RwLock;

use super::counts::{End, Running};
use super::{AsyncJob, contain};

type Spawner = dyn Fn(AsyncJob) + Send + Sync;

static SPAWNER: RwLock<Option<Arc<Spawner>>> = RwLock::new(None);

pub(super) fn set(spawner: Box<Spawner>) {
    let replaced = SPAWNER.write().replace(spawner.into());
    drop(replaced);
}

pub(super) fn can_spawn() -> bool {
    SPAWNER.read().is_some() || runs_on_tokio()
}

/// Spawns a job. Drops it without a spawner, and if the spawner panics.
pub(super) fn spawn(job: AsyncJob, running: Running) {
    let job: AsyncJob = Box::pin(counted(job, running));
    let spawner = SPAWNER.read().clone();
    contain(move || match spawner {
        Some(spawner) => spawner(job),
        None => spawn_on_tokio(job),
    });
}

#[cfg(feature = "tokio")]
fn runs_on_tokio() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
}

#[cfg(feature = "tokio")]
fn spawn_on_tokio(job: AsyncJob) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(job);
    }
}

#[cfg(not(feature = "tokio"))]
fn runs_on_tokio() -> bool {
    false
}

#[cfg(not(feature = "tokio"))]
fn spawn_on_tokio(job: AsyncJob) {
    drop(job);
}

/// A job whose panic ends only itself.
pub(super) async fn contained(job: AsyncJob) {
    let _ = Contained { job: Some(job) }.await;
}

/// [`contained`], counted until it is dropped.
async fn counted(job: AsyncJob, mut running: Running) {
    let is_whole = Contained { job: Some(job) }.await;
    running.end = if is_whole { End::Done } else { End::Panicked };
}

/// Whether a job ran to its end without a panic.
struct Contained {
    job: Option<AsyncJob>,
}

impl Future for Contained {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        let Some(job) = &mut self.job else {
            return Poll::Ready(true);
        };
        let mut polled = Poll::Pending;
        let is_whole = contain(|| polled = job.as_mut().poll(context));
        if is_whole && polled.is_pending() {
            return Poll::Pending;
        }
        // A panic of a `Drop` of its values counts as the job's.
        let job = self.job.take();
        Poll::Ready(contain(|| drop(job)) && is_whole)
    }
}
