//! The tasks that refresh entries of `async fn`s.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::RwLock;

use super::AsyncJob;
use super::counts::{End, Running};

type Spawner = dyn Fn(AsyncJob) + Send + Sync;

static SPAWNER: RwLock<Option<Arc<Spawner>>> = RwLock::new(None);

pub(super) fn set(spawner: Box<Spawner>) {
    let replaced = SPAWNER.write().replace(spawner.into());
    drop(replaced);
}

pub(super) fn can_spawn() -> bool {
    SPAWNER.read().is_some() || runs_on_tokio()
}

/// Spawns a job. Without a spawner it is dropped.
pub(super) fn spawn(job: AsyncJob) {
    let job: AsyncJob = Box::pin(Counted {
        job: Some(job),
        running: Running::begin(),
    });
    let spawner = SPAWNER.read().clone();
    match spawner {
        Some(spawner) => spawner(job),
        None => spawn_on_tokio(job),
    }
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

/// A job that is counted, and whose panic ends it alone.
struct Counted {
    job: Option<AsyncJob>,
    running: Running,
}

impl Future for Counted {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(job) = &mut self.job else {
            return Poll::Ready(());
        };
        let polled = catch_unwind(AssertUnwindSafe(|| job.as_mut().poll(context)));
        self.running.end = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => End::Done,
            Err(_) => End::Panicked,
        };
        // A panic of its values' `Drop` is this job's as well.
        let job = self.job.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(job)));
        Poll::Ready(())
    }
}
