//! One storage, the truth that bodies compute from, and the record of their computations.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::time::Duration;

use parking_lot::Mutex;
use ring_cache_core::clock::ManualClock;
use ring_cache_core::{Lru, Output, Ring};

use crate::processes::{OfTasks, OfThreads, Processes};
use crate::storages::{Awaited, Slow};

/// Others may run here.
pub(crate) fn others_may_run() {
    shuttle::thread::sleep(Duration::ZERO);
}

/// Others may run here, and a task may be dropped.
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

/// A number below `bound`, which is part of the schedule.
pub(crate) fn any(bound: usize) -> usize {
    use shuttle::rand::Rng;
    shuttle::rand::thread_rng().gen_range(0..bound)
}

/// No call times out: a forgotten call is a deadlock.
static PATIENT: LazyLock<Ring> = LazyLock::new(|| {
    Ring::with_prefix("p")
        .flight_timeout(Duration::MAX)
        .write_timeout(Duration::MAX)
});

/// Any call may time out at any moment.
static HASTY: LazyLock<Ring> = LazyLock::new(|| Ring::with_prefix("p"));

/// Calls do not join.
static APART: LazyLock<Ring> = LazyLock::new(|| {
    Ring::with_prefix("p")
        .flight_timeout(Duration::MAX)
        .write_timeout(Duration::MAX)
        .coalesce(false)
});

/// Computations have leases, which end by themselves if a scenario says so.
static LEASED: LazyLock<Ring> = LazyLock::new(|| {
    Ring::with_prefix("p")
        .flight_timeout(Duration::MAX)
        .write_timeout(Duration::MAX)
        .lease(Duration::from_secs(3600))
});

/// The code of a cached method.
pub(crate) type Work<O> = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = O>>> + Send>;

/// The shared state of a scenario's threads and tasks. Its own counters are not steps of a schedule.
pub(crate) struct World<S> {
    pub(crate) storage: S,
    ring: Mutex<&'static Ring>,
    truth: AtomicU32,
    started: AtomicUsize,
    /// The time of the storage.
    pub(crate) clock: ManualClock,
    is_down: AtomicBool,
}

impl World<Lru<u32>> {
    /// Over the default storage: threads and tasks.
    pub(crate) fn memory() -> Arc<Self> {
        Self::with_capacity(8)
    }

    /// Over the default storage with capacity zero: as if every entry were evicted at once.
    pub(crate) fn full() -> Arc<Self> {
        Self::with_capacity(0)
    }

    fn with_capacity(capacity: usize) -> Arc<Self> {
        let clock = ManualClock::default();
        let lru = Lru::builder().capacity(capacity).clock(clock.clone());
        Self::over(lru.build(), clock)
    }
}

impl World<Slow> {
    /// Over a storage that takes time: threads and tasks.
    pub(crate) fn slow() -> Arc<Self> {
        let clock = ManualClock::default();
        Self::over(Slow::new(clock.clone()), clock)
    }
}

impl World<Awaited> {
    /// Over a storage that is awaited: tasks.
    pub(crate) fn awaited() -> Arc<Self> {
        let clock = ManualClock::default();
        Self::over(Awaited::new(clock.clone()), clock)
    }
}

impl World<Processes<OfThreads>> {
    /// Over three processes on a server with leases: threads and tasks.
    pub(crate) fn leased() -> Arc<Self> {
        Self::of_processes(Processes::new(3))
    }
}

impl World<Processes<OfTasks>> {
    /// Over three processes whose operations are awaited: tasks.
    pub(crate) fn leased_awaited() -> Arc<Self> {
        Self::of_processes(Processes::new(3))
    }
}

impl<P: 'static> World<Processes<P>> {
    fn of_processes(processes: Processes<P>) -> Arc<Self> {
        let world = Self::over(processes, ManualClock::default());
        *world.ring.lock() = &LEASED;
        world
    }
}

impl<S: 'static> World<S> {
    fn over(storage: S, clock: ManualClock) -> Arc<Self> {
        Arc::new(World {
            storage,
            ring: Mutex::new(&PATIENT),
            truth: AtomicU32::new(1),
            started: AtomicUsize::new(0),
            clock,
            is_down: AtomicBool::new(false),
        })
    }

    pub(crate) fn ring(&self) -> &'static Ring {
        *self.ring.lock()
    }

    /// From now on calls may time out at any moment.
    pub(crate) fn be_hasty(&self) {
        *self.ring.lock() = &HASTY;
    }

    /// From now on calls wait without a limit.
    pub(crate) fn be_patient(&self) {
        *self.ring.lock() = &PATIENT;
    }

    /// From now on calls do not join.
    pub(crate) fn stay_apart(&self) {
        *self.ring.lock() = &APART;
    }

    /// The value of a body that starts now: 1 at first.
    pub(crate) fn truth(&self) -> u32 {
        self.truth.load(Ordering::SeqCst)
    }

    /// From now on bodies compute another value.
    pub(crate) fn change_truth(&self, truth: u32) {
        self.truth.store(truth, Ordering::SeqCst);
    }

    /// From now on bodies fail.
    pub(crate) fn go_down(&self) {
        self.is_down.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_down(&self) -> bool {
        self.is_down.load(Ordering::SeqCst)
    }

    /// The number of started bodies.
    pub(crate) fn started(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }

    /// Counts a body that starts now. Returns the number of earlier ones.
    pub(crate) fn start(&self) -> usize {
        self.started.fetch_add(1, Ordering::SeqCst)
    }

    /// A body that computes the truth at its start, and takes time.
    pub(crate) fn work<R: Output<Value = u32>>(self: &Arc<Self>) -> Work<R::Out>
    where
        S: Send + Sync,
    {
        let world = Arc::clone(self);
        work(async move || {
            world.start();
            let truth = world.truth();
            pause().await;
            pause().await;
            R::found(truth)
        })
    }
}

/// Boxes the code of a cached method.
pub(crate) fn work<O, F, Fut>(code: F) -> Work<O>
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = O> + 'static,
{
    Box::new(|| Box::pin(code()))
}
