//! Work for a thread that may block: one of tokio's or, if none begins it soon, one of our own. Tokio's threads may all be
//! busy, or wait for this work.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::real_time;

/// The first wait for a thread of tokio's. It doubles each time.
const PATIENCE: Duration = Duration::from_millis(5);
/// The longest interval between checks whether a thread has begun.
const MAX_PATIENCE: Duration = Duration::from_millis(80);
/// The most own threads at a time.
const MAX_THREADS: usize = 16;

static THREADS: AtomicUsize = AtomicUsize::new(0);

type Work = Box<dyn FnOnce() + Send>;

/// The work, until a thread begins it.
pub(super) struct Job(Mutex<Option<Work>>);

/// The outcome of the work.
pub(super) enum Outcome<R> {
    Done(R),
    /// No thread ran it.
    Dropped,
    /// It did not end in time.
    Late,
}

impl Job {
    /// Without work: it waits for its turn.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Job(Mutex::new(None)))
    }

    /// Queues `work` for a thread of tokio's, or drops it if there is none.
    ///
    /// If no thread can be created, tokio panics, and keeps the work in its queue.
    pub(super) fn queue(self: &Arc<Self>, runtime: &Handle, work: impl FnOnce() + Send + 'static) {
        *self.0.lock() = Some(Box::new(work));
        let queued = Queued(Arc::clone(self));
        let spawned = catch_unwind(AssertUnwindSafe(|| {
            runtime.spawn_blocking(move || queued.0.begin())
        }));
        if spawned.is_err() {
            self.give_up();
        }
    }

    fn give_up(&self) {
        let work = self.0.lock().take();
        drop(work);
    }

    fn begin(&self) {
        let work = self.0.lock().take();
        if let Some(work) = work {
            work();
        }
    }

    /// Waits for the result until `limit`. If the runtime has no timers, waits without limit.
    pub(super) async fn outcome<R>(
        self: &Arc<Self>,
        mut result: oneshot::Receiver<R>,
        limit: Option<Instant>,
    ) -> Outcome<R> {
        let mut patience = PATIENCE;
        loop {
            let left = limit.map(|limit| limit.saturating_duration_since(Instant::now()));
            let step = left.into_iter().chain([patience]).min().unwrap_or(patience);
            match within(step, &mut result).await {
                Some(Ok(done)) => return Outcome::Done(done),
                Some(Err(_)) => return Outcome::Dropped,
                None if left.is_some_and(|left| left <= patience) => return Outcome::Late,
                None => self.begin_on_own_thread(),
            }
            patience = MAX_PATIENCE.min(patience * 2);
        }
    }

    /// Begins work that is still queued.
    fn begin_on_own_thread(self: &Arc<Self>) {
        if self.0.lock().is_none() {
            return;
        }
        let Some(thread) = OwnThread::count() else { return };
        let job = Arc::clone(self);
        let work = move || {
            let _thread = thread;
            job.begin();
        };
        // Without a thread, the work stays in tokio's queue.
        drop(
            thread::Builder::new()
                .name("ring-cache blocking".into())
                .spawn(work),
        );
    }
}

/// Work in tokio's queue. It is dropped with the runtime.
struct Queued(Arc<Job>);

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

/// An own thread, counted until this is dropped.
struct OwnThread;

impl OwnThread {
    /// `None` if there are too many.
    fn count() -> Option<Self> {
        let thread = OwnThread;
        (THREADS.fetch_add(1, Ordering::Relaxed) < MAX_THREADS).then_some(thread)
    }
}

impl Drop for OwnThread {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The output of `work`, or `None` after `time`. Tokio panics if the runtime has no timers or is shut down: then there is no
/// limit.
async fn within<F: Future + Unpin>(time: Duration, work: &mut F) -> Option<F::Output> {
    let until = Instant::now() + time;
    let mut timer = without_panic(|| Box::pin(sleep(time)));
    let output = poll_fn(|context| {
        if let Poll::Ready(output) = Pin::new(&mut *work).poll(context) {
            return Poll::Ready(Some(output));
        }
        let polled = timer
            .as_mut()
            .map(|timer| without_panic(|| timer.as_mut().poll(context)));
        match polled {
            Some(Some(Poll::Ready(()))) => return Poll::Ready(None),
            Some(None) => std::mem::forget(timer.take()),
            _ => {}
        }
        Poll::Pending
    })
    .await;
    match output {
        Some(output) => Some(output),
        None => real_time::rest(until, work).await,
    }
}

fn without_panic<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
