//! Async calls as generated code creates them, and tools to run, hold and release them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ring_cache_core::body::AsyncBody;
use ring_cache_core::storage::{AsyncStorage, StorageBase};
use ring_cache_core::{AsyncCache, AsyncCall, Fallible, Plain, Ring};
use tokio::sync::{Semaphore, oneshot};

use super::{keep, leak, never};

/// The longest time of a test, on any machine. A wait for a lost wake-up takes longer.
const LIMIT: Duration = Duration::from_secs(100);

/// `async fn method(id: u32) -> V`, cached.
pub(crate) fn async_call<'s, S: AsyncStorage<V>, V: Clone, Fut: Future<Output = V>>(
    ring: &'static Ring,
    storage: &'s S,
    id: u32,
    body: impl FnOnce() -> Fut,
) -> AsyncCall<Plain<V>, &'s S, impl AsyncBody<Out = V, Fut = Fut>> {
    AsyncCache::new(ring, storage).bind((id,), move |_| body())
}

/// `async fn method(id: u32) -> Result<V, &'static str>`, cached.
pub(crate) fn async_fallible<'s, S, V, Fut>(
    ring: &'static Ring,
    storage: &'s S,
    id: u32,
    body: impl FnOnce() -> Fut,
) -> AsyncCall<Fallible<V, &'static str>, &'s S, impl AsyncBody<Out = Result<V, &'static str>, Fut = Fut>>
where
    S: AsyncStorage<V>,
    V: Clone,
    Fut: Future<Output = Result<V, &'static str>>,
{
    AsyncCache::new(ring, storage).bind((id,), move |_| body())
}

/// A body that must not run.
pub(crate) async fn never_async<V>() -> V {
    never()
}

/// A ring whose calls wait for each other longer than any test.
pub(crate) fn patient() -> &'static Ring {
    keep(
        Ring::with_prefix("p")
            .flight_timeout(Duration::from_secs(3600))
            .write_timeout(Duration::from_secs(3600)),
    )
}

/// Counts the runs of a body.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn leaked() -> &'static Self {
        leak(Count::default())
    }

    /// The number of this run, from 1.
    pub(crate) fn next(&self) -> usize {
        self.0.fetch_add(1, SeqCst) + 1
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// Waits until there were this many runs.
    pub(crate) async fn reaches(&self, count: usize) {
        while self.get() < count {
            pause().await;
        }
    }
}

/// Waits until this many look-ups of the ring found nothing.
pub(crate) async fn misses_reach<S: StorageBase<V>, V: Clone>(ring: &'static Ring, storage: &S, count: u64) {
    while AsyncCache::new(ring, storage).stats::<V>().misses < count {
        pause().await;
    }
}

/// Yields once, under any executor.
pub(crate) async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A gate: a body stops there until it is released.
pub(crate) struct Gate {
    reached: Semaphore,
    open: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Gate {
            reached: Semaphore::new(0),
            open: Semaphore::new(0),
        }
    }
}

impl Gate {
    pub(crate) fn leaked() -> &'static Self {
        leak(Gate::default())
    }

    /// Stops until the gate is opened for this call.
    pub(crate) async fn pass(&self) {
        self.reached.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Waits until one more call has stopped.
    pub(crate) async fn reached(&self) {
        self.reached.acquire().await.unwrap().forget();
    }

    /// Lets this many calls pass.
    pub(crate) fn open(&self, count: usize) {
        self.open.add_permits(count);
    }
}

/// Runs a test, with threads for the tasks that it spawns.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    run_within(LIMIT, test)
}

pub(crate) fn run_within<T>(limit: Duration, test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(4).enable_time().build().unwrap();
    runtime.block_on(in_time(limit, test))
}

/// Runs a test on one thread.
pub(crate) fn run_on_one_thread<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .enable_time()
        .build()
        .unwrap()
        .block_on(in_time(LIMIT, test))
}

async fn in_time<T>(limit: Duration, test: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(limit, test).await;
    ended.unwrap_or_else(|_| panic!("it did not end in {limit:?}"))
}

/// Runs `what` on a separate thread, and waits for it without blocking.
pub(crate) fn on_a_thread<T: Send + 'static>(
    what: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = T> + Send {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || drop(tell.send(what())));
    async { told.await.expect("the thread panicked") }
}

/// A future that runs only when the test polls it.
pub(crate) type Held<'f, T> = Pin<Box<dyn Future<Output = T> + 'f>>;

pub(crate) fn hold<'f, T>(future: impl Future<Output = T> + 'f) -> Held<'f, T> {
    Box::pin(future)
}

pub(crate) fn poll_once<T>(future: &mut Held<'_, T>) -> Poll<T> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future as long as it does not wait for another one.
pub(crate) fn drive<T>(future: &mut Held<'_, T>) -> Poll<T> {
    struct Flag(AtomicBool);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, SeqCst);
        }
    }

    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&flag));
    while flag.0.swap(false, SeqCst) {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Poll::Ready(value);
        }
    }
    Poll::Pending
}

/// Drives a future that does not wait for others to its end.
pub(crate) fn finish<T>(mut future: Held<'_, T>) -> T {
    match drive(&mut future) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for another"),
    }
}

/// Drives futures that wait only for each other to their ends, and returns their outputs in that order.
pub(crate) fn drive_all<T>(mut futures: Vec<Held<'_, T>>) -> Vec<T> {
    let mut values = Vec::new();
    loop {
        let before = values.len();
        futures.retain_mut(|future| match drive(future) {
            Poll::Ready(value) => {
                values.push(value);
                false
            }
            Poll::Pending => true,
        });
        if futures.is_empty() {
            return values;
        }
        assert!(values.len() > before, "{} futures wait forever", futures.len());
    }
}
