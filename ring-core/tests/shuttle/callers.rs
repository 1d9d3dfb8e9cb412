//! Threads and tasks that make calls.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ring_cache_core::storage::{AsyncClear, AsyncStorage, Clear, Storage};
use ring_cache_core::{AsyncCache, AsyncCalls, Cache, Calls, Fallible, Lru, Output, Plain};
use shuttle::future::block_on;

use crate::storages::{Awaited, Slow};
use crate::world::{Work, World};

/// The operation of a caller on a key.
#[derive(Clone, Copy)]
pub(crate) enum Verb {
    GetOrUpdate,
    Update,
    Get,
    Set(u32),
    Delete,
    Clear,
}

/// A storage for tasks, and perhaps for threads.
pub(crate) trait Kept:
    AsyncStorage<u32, Error = Infallible> + AsyncClear<u32> + Clone + Send + Sync + 'static
{
    /// The number of pauses in a look-up.
    const PAUSES: usize = 0;

    /// The number of stored values, if it is known.
    fn writes(&self) -> Option<usize>;

    /// Runs a verb on the current thread, which may block.
    fn run<R: Output<Value = u32>>(
        world: &Arc<World<Self>>,
        verb: Verb,
        key: u32,
        work: Work<R::Out>,
    ) -> Option<R::Out> {
        block_on(awaited::<R, Self>(Arc::clone(world), verb, key, work))
    }

    /// Runs `get_or_update_many` on the current thread.
    fn run_many(world: &Arc<World<Self>>, calls: Vec<(u32, Work<u32>)>) -> Vec<u32> {
        block_on(many_awaited(Arc::clone(world), calls))
    }
}

impl Kept for Awaited {
    const PAUSES: usize = 2;

    fn writes(&self) -> Option<usize> {
        Some(self.0.writes())
    }
}

impl Kept for Lru<u32> {
    fn writes(&self) -> Option<usize> {
        None
    }

    fn run<R: Output<Value = u32>>(
        world: &Arc<World<Self>>,
        verb: Verb,
        key: u32,
        work: Work<R::Out>,
    ) -> Option<R::Out> {
        blocking::<R, Self>(world, verb, key, work)
    }

    fn run_many(world: &Arc<World<Self>>, calls: Vec<(u32, Work<u32>)>) -> Vec<u32> {
        many_blocking(world, calls)
    }
}

impl Kept for Slow {
    fn writes(&self) -> Option<usize> {
        Some(self.0.writes())
    }

    fn run<R: Output<Value = u32>>(
        world: &Arc<World<Self>>,
        verb: Verb,
        key: u32,
        work: Work<R::Out>,
    ) -> Option<R::Out> {
        blocking::<R, Self>(world, verb, key, work)
    }

    fn run_many(world: &Arc<World<Self>>, calls: Vec<(u32, Work<u32>)>) -> Vec<u32> {
        many_blocking(world, calls)
    }
}

fn blocking<R, S>(world: &World<S>, verb: Verb, key: u32, work: Work<R::Out>) -> Option<R::Out>
where
    R: Output<Value = u32>,
    S: Storage<u32, Error = Infallible> + Clear<u32> + 'static,
{
    let cache: Cache<_> = Cache::new(world.ring(), &world.storage);
    let call = cache.bind::<R, _, _>((key,), move |_| block_on(work()));
    match verb {
        Verb::GetOrUpdate => Some(call.get_or_update()),
        Verb::Update => Some(call.update()),
        Verb::Get => call.get().map(R::found),
        Verb::Set(value) => {
            call.set(value);
            None
        }
        Verb::Delete => {
            call.delete();
            None
        }
        Verb::Clear => {
            cache.clear::<u32>();
            None
        }
    }
}

async fn awaited<R, S>(world: Arc<World<S>>, verb: Verb, key: u32, work: Work<R::Out>) -> Option<R::Out>
where
    R: Output<Value = u32>,
    S: Kept,
{
    let cache = AsyncCache::new(world.ring(), &world.storage);
    let call = cache.bind::<R, _, _, _>((key,), move |_| work());
    match verb {
        Verb::GetOrUpdate => Some(call.get_or_update().await),
        Verb::Update => Some(call.update().await),
        Verb::Get => call.get().await.map(R::found),
        Verb::Set(value) => {
            call.set(value).await;
            None
        }
        Verb::Delete => {
            call.delete().await;
            None
        }
        Verb::Clear => {
            cache.clear::<u32>().await;
            None
        }
    }
}

fn many_blocking<S>(world: &World<S>, calls: Vec<(u32, Work<u32>)>) -> Vec<u32>
where
    S: Storage<u32, Error = Infallible> + 'static,
{
    let cache: Cache<_> = Cache::new(world.ring(), &world.storage);
    let calls = calls.into_iter();
    let calls = calls.map(|(key, work)| cache.bind::<Plain<u32>, _, _>((key,), move |_| block_on(work())));
    calls.get_or_update_many()
}

async fn many_awaited<S: Kept>(world: Arc<World<S>>, calls: Vec<(u32, Work<u32>)>) -> Vec<u32> {
    let cache = AsyncCache::new(world.ring(), &world.storage);
    let calls = calls.into_iter();
    let calls = calls.map(|(key, work)| cache.bind::<Plain<u32>, _, _, _>((key,), move |_| work()));
    calls.get_or_update_many().await
}

/// A thread or a task that makes a call.
pub(crate) enum Caller<T> {
    Thread(shuttle::thread::JoinHandle<T>),
    Task(shuttle::future::JoinHandle<T>),
}

impl<T> Caller<T> {
    /// The result of the call, unless it was dropped.
    pub(crate) fn join(self) -> Option<T> {
        match self {
            Caller::Thread(thread) => thread.join().ok(),
            Caller::Task(task) => block_on(task).ok(),
        }
    }

    /// Drops the call at an await, unless it is done before. Threads cannot be dropped.
    pub(crate) fn drop_it(&self) {
        match self {
            Caller::Thread(_) => panic!("a thread cannot be dropped"),
            Caller::Task(task) => task.abort(),
        }
    }
}

/// Runs on a separate thread.
pub(crate) fn thread<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Caller<T> {
    Caller::Thread(shuttle::thread::spawn(run))
}

/// Runs as a separate task.
pub(crate) fn task<T: 'static>(future: impl Future<Output = T> + 'static) -> Caller<T> {
    Caller::Task(shuttle::future::spawn_local(future))
}

impl<S: Kept> World<S> {
    /// The first, third and so on of several callers is a thread if the storage allows it; the others are tasks.
    pub(crate) fn caller(self: &Arc<Self>, nth: usize, verb: Verb, key: u32) -> Caller<Option<u32>> {
        let work = self.work::<Plain<u32>>();
        self.caller_with::<Plain<u32>>(nth, verb, key, work)
    }

    /// [`caller`](Self::caller) with another body.
    pub(crate) fn caller_with<R: Output<Value = u32, Out: Send> + 'static>(
        self: &Arc<Self>,
        nth: usize,
        verb: Verb,
        key: u32,
        work: Work<R::Out>,
    ) -> Caller<Option<R::Out>> {
        self.caller_after::<R>(nth, verb, key, work, || {})
    }

    /// [`caller_with`](Self::caller_with) after another action.
    pub(crate) fn caller_after<R: Output<Value = u32, Out: Send> + 'static>(
        self: &Arc<Self>,
        nth: usize,
        verb: Verb,
        key: u32,
        work: Work<R::Out>,
        before: impl FnOnce() + Send + 'static,
    ) -> Caller<Option<R::Out>> {
        let world = Arc::clone(self);
        if nth.is_multiple_of(2) {
            thread(move || {
                before();
                S::run::<R>(&world, verb, key, work)
            })
        } else {
            task(async move {
                before();
                awaited::<R, S>(world, verb, key, work).await
            })
        }
    }

    /// A plain call whose body may panic: then there is no outcome.
    pub(crate) fn surviving_caller(
        self: &Arc<Self>,
        nth: usize,
        key: u32,
        work: Work<u32>,
    ) -> Caller<Option<u32>> {
        let world = Arc::clone(self);
        if nth.is_multiple_of(2) {
            let run = move || S::run::<Plain<u32>>(&world, Verb::GetOrUpdate, key, work);
            thread(|| catch_unwind(AssertUnwindSafe(run)).ok().flatten())
        } else {
            task(survive(awaited::<Plain<u32>, S>(
                world,
                Verb::GetOrUpdate,
                key,
                work,
            )))
        }
    }

    /// A plain call as a task that runs `waits` when it waits for another.
    pub(crate) fn noticed_waiter<R: Output<Value = u32> + 'static>(
        self: &Arc<Self>,
        key: u32,
        work: Work<R::Out>,
        waits: impl FnOnce() + 'static,
    ) -> Caller<Option<R::Out>> {
        let mut future = Box::pin(awaited::<R, S>(Arc::clone(self), Verb::GetOrUpdate, key, work));
        let (mut pauses, mut waits) = (0, Some(waits));
        task(std::future::poll_fn(move |context| {
            let polled = future.as_mut().poll(context);
            pauses += 1;
            if polled.is_pending()
                && pauses > S::PAUSES
                && let Some(waits) = waits.take()
            {
                waits();
            }
            polled
        }))
    }

    /// A plain call as a task, which can be dropped.
    pub(crate) fn droppable(self: &Arc<Self>, key: u32) -> Caller<Option<u32>> {
        self.caller(1, Verb::GetOrUpdate, key)
    }

    /// A plain call as a future that is polled by hand.
    pub(crate) fn held(self: &Arc<Self>, key: u32) -> Held {
        let future = Box::pin(self.plain(key, self.work::<Plain<u32>>()));
        Held { future, out: None }
    }

    /// A plain call as a future.
    pub(crate) fn plain(
        self: &Arc<Self>,
        key: u32,
        work: Work<u32>,
    ) -> impl Future<Output = Option<u32>> + use<S> {
        awaited::<Plain<u32>, S>(Arc::clone(self), Verb::GetOrUpdate, key, work)
    }

    /// Runs a verb on the current thread.
    pub(crate) fn run(self: &Arc<Self>, verb: Verb, key: u32) -> Option<u32> {
        S::run::<Plain<u32>>(self, verb, key, self.work::<Plain<u32>>())
    }

    /// Runs plain calls of several keys at once on the current thread.
    pub(crate) fn run_many(self: &Arc<Self>, calls: Vec<(u32, Work<u32>)>) -> Vec<u32> {
        S::run_many(self, calls)
    }

    /// Plain calls of several keys at once, by a thread or a task as [`caller`](Self::caller).
    pub(crate) fn bulk_caller(
        self: &Arc<Self>,
        nth: usize,
        calls: Vec<(u32, Work<u32>)>,
    ) -> Caller<Vec<u32>> {
        let world = Arc::clone(self);
        if nth.is_multiple_of(2) {
            thread(move || S::run_many(&world, calls))
        } else {
            task(many_awaited(world, calls))
        }
    }

    /// Exactly this many values were stored.
    pub(crate) fn assert_writes(&self, count: usize) {
        assert!(
            self.storage.writes().is_none_or(|writes| writes == count),
            "nothing is stored twice"
        );
    }

    /// The entry of `key` after all calls have ended; no state of a call may be left.
    pub(crate) fn stored(self: &Arc<Self>, key: u32) -> Option<u32> {
        assert_eq!(self.storage.flights().under_way(), 0, "no call is left");
        self.run(Verb::Get, key)
    }
}

/// A future that is polled by hand.
pub(crate) struct Held {
    future: Pin<Box<dyn Future<Output = Option<u32>>>>,
    out: Option<u32>,
}

impl Held {
    /// Polls it this many times, or until it is done.
    pub(crate) fn poll(&mut self, times: usize) {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..times {
            if self.out.is_none()
                && let Poll::Ready(out) = self.future.as_mut().poll(&mut context)
            {
                self.out = out;
            }
        }
    }

    /// Runs it to its end.
    pub(crate) async fn finish(self) -> Option<u32> {
        match self.out {
            Some(out) => Some(out),
            None => self.future.await,
        }
    }
}

async fn survive(future: impl Future<Output = Option<u32>>) -> Option<u32> {
    let mut future = Box::pin(future);
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        polled.unwrap_or(Poll::Ready(None))
    })
    .await
}

/// The return type of `Result<u32, u32>` methods.
pub(crate) type Failing = Fallible<u32, u32>;
