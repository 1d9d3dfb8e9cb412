//! Calls of a ring that keeps stale entries, of one key.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ring_cache_core::background::{self, AsyncJob};
use ring_cache_core::generated::Order;
use ring_cache_core::storage::{Clear, Storage, TellsLife};
use ring_cache_core::{AsyncCache, Cache, Lookup, Lru, Ring};
use shuttle::future::{JoinHandle, block_on, spawn_local};

use crate::callers::{Caller, Failing, Kept, task, thread};
use crate::storages::{Awaited, Slow};
use crate::world::{World, pause};

const FRESH: Duration = Duration::from_secs(10);
const STALE: Duration = Duration::from_secs(60);

/// The result of a body: the truth, or an error.
pub(crate) type Answer = Result<u32, u32>;

fn ring() -> Ring {
    Ring::with_prefix("s")
        .flight_timeout(Duration::MAX)
        .write_timeout(Duration::MAX)
        .retry(Duration::MAX)
        .stale(STALE)
}

/// Calls do not wait for the new value.
pub(crate) static AT_ONCE: LazyLock<Ring> = LazyLock::new(ring);

/// Calls wait for the new value.
pub(crate) static PATIENT: LazyLock<Ring> = LazyLock::new(|| ring().wait(None));

/// Each refresh takes too long, and calls wait for none.
pub(crate) static HASTY: LazyLock<Ring> = LazyLock::new(|| {
    ring()
        .flight_timeout(Duration::ZERO)
        .write_timeout(Duration::ZERO)
});

/// An operation on the key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verb {
    GetOrUpdate,
    Update,
    Set(u32),
    Delete,
    Clear,
    Expire,
    Lookup,
}

/// The result of a [`Verb`], if it has one.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    Answer(Answer),
    Found(Lookup<u32>),
    Done,
}

async fn body<S: 'static>(world: Arc<World<S>>) -> Answer {
    world.start();
    let answer = if world.is_down() {
        Err(0)
    } else {
        Ok(world.truth())
    };
    pause().await;
    pause().await;
    answer
}

fn blocking<S>(world: &Arc<World<S>>, ring: &'static Ring, verb: Verb) -> Outcome
where
    S: Storage<u32, Error = Infallible> + Clear<u32> + TellsLife + 'static,
{
    let cache: Cache<_> = Cache::new(ring, &world.storage);
    let inner = Arc::clone(world);
    let call = cache.bind::<Failing, _, _>((1_u32,), move |_| block_on(body(inner)));
    let call = call.expire_in(FRESH).keeping_stale();
    match verb {
        Verb::GetOrUpdate => return Outcome::Answer(call.get_or_update()),
        Verb::Update => return Outcome::Answer(call.update()),
        Verb::Lookup => return Outcome::Found(call.lookup()),
        Verb::Set(value) => call.set(value),
        Verb::Delete => _ = call.delete(),
        Verb::Expire => _ = call.expire(),
        Verb::Clear => Cache::<_>::new(ring, &world.storage).clear::<u32>(),
    }
    Outcome::Done
}

/// By a task that refreshes itself, or in the background.
macro_rules! awaited {
    ($world:expr, $ring:expr, $verb:expr, $($how:tt)*) => {{
        let (world, ring) = ($world, $ring);
        let cache = AsyncCache::new(ring, &world.storage);
        let inner = Arc::clone(&world);
        let call = cache.bind::<Failing, _, _, _>((1_u32,), move |_| body(inner));
        let call = call.expire_in(FRESH).keeping_stale()$($how)*;
        match $verb {
            Verb::GetOrUpdate => return Outcome::Answer(call.get_or_update().await),
            Verb::Update => return Outcome::Answer(call.update().await),
            Verb::Lookup => return Outcome::Found(call.lookup().await),
            Verb::Set(value) => call.set(value).await,
            Verb::Delete => _ = call.delete().await,
            Verb::Expire => _ = call.expire().await,
            Verb::Clear => AsyncCache::new(ring, &world.storage).clear::<u32>().await,
        }
        Outcome::Done
    }};
}

thread_local! {
    /// The jobs in the background of one execution, all of whose threads run on one.
    static JOBS: RefCell<Vec<JoinHandle<()>>> = const { RefCell::new(Vec::new()) };
}

/// A storage that tells the remaining life.
pub(crate) trait KeptStale: Kept + TellsLife {
    /// Refreshes the entry as a task of the background.
    fn refresh(world: Arc<World<Self>>, ring: &'static Ring, order: Order<Answer>) -> AsyncJob;

    fn run_blocking(world: &Arc<World<Self>>, ring: &'static Ring, verb: Verb) -> Outcome {
        block_on(by_task(Arc::clone(world), ring, verb))
    }
}

async fn by_task<S: KeptStale>(world: Arc<World<S>>, ring: &'static Ring, verb: Verb) -> Outcome {
    awaited!(world, ring, verb,)
}

async fn by_background<S: KeptStale>(world: Arc<World<S>>, ring: &'static Ring, verb: Verb) -> Outcome {
    background::set(|job| JOBS.with_borrow_mut(|jobs| jobs.push(spawn_local(job))));
    let of_job = Arc::clone(&world);
    let job = move |_: &(u32,), order| S::refresh(Arc::clone(&of_job), ring, order);
    awaited!(world, ring, verb, .in_background(job))
}

/// [`KeptStale::refresh`]. In generic code the futures of storages are not known to be `Send`.
macro_rules! refresh {
    () => {
        fn refresh(world: Arc<World<Self>>, ring: &'static Ring, order: Order<Answer>) -> AsyncJob {
            Box::pin(async move {
                let inner = Arc::clone(&world);
                let cache = AsyncCache::new(ring, &world.storage);
                let call = cache.bind::<Failing, _, _, _>((1_u32,), move |_| body(inner));
                let call = call.expire_in(FRESH).keeping_stale();
                call.serve(order).await;
            })
        }
    };
}

impl KeptStale for Lru<u32> {
    refresh!();

    fn run_blocking(world: &Arc<World<Self>>, ring: &'static Ring, verb: Verb) -> Outcome {
        blocking(world, ring, verb)
    }
}

impl KeptStale for Slow {
    refresh!();

    fn run_blocking(world: &Arc<World<Self>>, ring: &'static Ring, verb: Verb) -> Outcome {
        blocking(world, ring, verb)
    }
}

impl KeptStale for Awaited {
    refresh!();
}

impl<S: KeptStale> World<S> {
    /// Runs a verb on the current thread.
    pub(crate) fn run_stale(self: &Arc<Self>, ring: &'static Ring, verb: Verb) -> Outcome {
        S::run_blocking(self, ring, verb)
    }

    /// The first, fourth and so on of several callers is a thread if the storage allows it. The others are tasks: one that
    /// refreshes itself, and one whose refresh is in the background.
    pub(crate) fn stale_caller(
        self: &Arc<Self>,
        nth: usize,
        ring: &'static Ring,
        verb: Verb,
    ) -> Caller<Outcome> {
        let world = Arc::clone(self);
        match nth % 3 {
            0 => thread(move || S::run_blocking(&world, ring, verb)),
            1 => task(by_background(world, ring, verb)),
            _ => task(by_task(world, ring, verb)),
        }
    }

    /// A plain call that is polled a few times, and not any more until the result is awaited.
    pub(crate) fn held_stale(
        self: &Arc<Self>,
        ring: &'static Ring,
        times: usize,
    ) -> impl Future<Output = Outcome> + use<S> {
        let mut call = Box::pin(by_task(Arc::clone(self), ring, Verb::GetOrUpdate));
        let mut context = Context::from_waker(Waker::noop());
        let mut out = None;
        for _ in 0..times {
            if out.is_none()
                && let Poll::Ready(ready) = call.as_mut().poll(&mut context)
            {
                out = Some(ready);
            }
        }
        async move {
            match out {
                Some(out) => out,
                None => poll_fn(|context| call.as_mut().poll(context)).await,
            }
        }
    }

    /// A value that was stored, is stale now, and was computed when the truth was 1; from now on it is 2.
    pub(crate) fn begin_stale(self: &Arc<Self>) {
        assert_eq!(
            self.run_stale(&AT_ONCE, Verb::GetOrUpdate),
            Outcome::Answer(Ok(1))
        );
        self.clock.advance(FRESH);
        self.change_truth(2);
    }

    /// The entry leaves the storage.
    pub(crate) fn end_life(&self) {
        self.clock.advance(STALE);
    }

    /// The entry after all calls have ended; no state of a call may be left.
    pub(crate) fn left_stale(self: &Arc<Self>) -> Lookup<u32> {
        for job in JOBS.take() {
            let _ = block_on(job);
        }
        assert_eq!(self.storage.flights().under_way(), 0, "no call is left");
        match self.run_stale(&AT_ONCE, Verb::Lookup) {
            Outcome::Found(found) => found,
            other => panic!("{other:?}"),
        }
    }
}

/// The answers of callers.
pub(crate) fn answers(callers: Vec<Caller<Outcome>>) -> Vec<Answer> {
    let answers = callers.into_iter().map(|caller| match caller.join() {
        Some(Outcome::Answer(answer)) => answer,
        other => panic!("{other:?}"),
    });
    answers.collect()
}
