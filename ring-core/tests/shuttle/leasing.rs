//! Processes that compute under leases, on a server that loses requests and answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use ring_cache_core::storage::{AsyncClear, AsyncStorage};
use ring_cache_core::{AsyncCache, Cache, Error, Plain};
use shuttle::future::block_on;

use crate::callers::{Caller, Verb, task, thread};
use crate::checking::scenario;
use crate::processes::{OfTasks, OfThreads, Processes};
use crate::world::{Work, World, any, others_may_run, pause, work};

/// A process as callers reach it.
pub(crate) trait Leased:
    AsyncStorage<u32, Error = Error> + AsyncClear<u32> + Clone + Send + Sync + 'static
{
    /// Runs a verb on the current thread, which may block.
    fn run(self, world: &World<Processes<Self>>, verb: Verb, work: Work<u32>) -> Done {
        block_on(awaited(self, world, verb, work))
    }
}

/// The value of a call, and whether a change of the server was acknowledged.
type Done = Result<Option<u32>, Error>;

impl Leased for OfTasks {}

impl Leased for OfThreads {
    fn run(self, world: &World<Processes<Self>>, verb: Verb, work: Work<u32>) -> Done {
        let cache: Cache<_> = Cache::new(world.ring(), &self);
        let call = cache.bind::<Plain<u32>, _, _>((1_u32,), move |_| block_on(work()));
        match verb {
            Verb::GetOrUpdate => Ok(Some(call.get_or_update())),
            Verb::Update => Ok(Some(call.update())),
            Verb::Get => call.get(),
            Verb::Set(value) => call.set(value).map(|()| None),
            Verb::Delete => call.delete().map(|_| None),
            Verb::Clear => cache.clear::<u32>().map(|()| None),
        }
    }
}

async fn awaited<P: Leased>(process: P, world: &World<Processes<P>>, verb: Verb, work: Work<u32>) -> Done {
    let cache = AsyncCache::new(world.ring(), &process);
    let call = cache.bind::<Plain<u32>, _, _, _>((1_u32,), move |_| work());
    match verb {
        Verb::GetOrUpdate => Ok(Some(call.get_or_update().await)),
        Verb::Update => Ok(Some(call.update().await)),
        Verb::Get => call.get().await,
        Verb::Set(value) => call.set(value).await.map(|()| None),
        Verb::Delete => call.delete().await.map(|_| None),
        Verb::Clear => cache.clear::<u32>().await.map(|()| None),
    }
}

impl<P: Leased> World<Processes<P>> {
    fn process(&self, nth: usize) -> P {
        self.storage.all[nth % self.storage.all.len()].clone()
    }

    /// A call in the process of this number, by a thread or a task.
    fn call(self: &Arc<Self>, nth: usize, verb: Verb, work: Work<u32>) -> Caller<Option<Done>> {
        let (world, process) = (Arc::clone(self), self.process(nth));
        if nth.is_multiple_of(2) {
            let run = move || process.run(&world, verb, work);
            thread(|| catch_unwind(AssertUnwindSafe(run)).ok())
        } else {
            task(async move {
                let mut future = Box::pin(awaited(process, &world, verb, work));
                let survive = std::future::poll_fn(|context| {
                    let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
                    polled.map_or(Poll::Ready(None), |polled| polled.map(Some))
                });
                survive.await
            })
        }
    }

    /// A body that may panic at its end.
    fn risky(self: &Arc<Self>) -> Work<u32> {
        let body = self.work::<Plain<u32>>();
        work(async move || {
            let value = body().await;
            assert!(any(6) > 0, "on purpose");
            value
        })
    }

    /// Runs a verb in the process of this number, after all others have ended.
    fn then(self: &Arc<Self>, nth: usize, verb: Verb) -> Option<u32> {
        for process in &self.storage.all {
            assert_eq!(process.flights().under_way(), 0, "no call is left");
        }
        self.storage.server.may_fail(0);
        let done = self.process(nth).run(self, verb, self.work::<Plain<u32>>());
        done.expect("the server answers")
    }
}

scenario!(one_process_computes_for_all over leased, leased_awaited);
fn one_process_computes_for_all<P: Leased>(world: &Arc<World<Processes<P>>>) {
    let calls: Vec<_> = (0..5)
        .map(|nth| world.call(nth, Verb::GetOrUpdate, world.work::<Plain<u32>>()))
        .collect();
    for call in calls {
        assert!(matches!(call.join(), Some(Some(Ok(Some(1))))));
    }
    assert_eq!(world.started(), 1);
    assert_eq!(world.then(0, Verb::Get), Some(1));
    assert_eq!(world.storage.server.leases(), 0, "it ended with the store");
}

scenario!(a_call_that_ends_without_a_value_keeps_no_process_waiting over leased, leased_awaited);
fn a_call_that_ends_without_a_value_keeps_no_process_waiting<P: Leased>(world: &Arc<World<Processes<P>>>) {
    let risky: Vec<_> = (0..2)
        .map(|nth| world.call(nth, Verb::GetOrUpdate, world.risky()))
        .collect();
    let dropped = world.call(3, Verb::GetOrUpdate, world.work::<Plain<u32>>());
    let staying = world.call(2, Verb::GetOrUpdate, world.work::<Plain<u32>>());
    (0..any(20)).for_each(|_| others_may_run());
    dropped.drop_it();
    assert!(matches!(staying.join(), Some(Some(Ok(Some(1))))));
    dropped.join();
    risky.into_iter().for_each(|call| _ = call.join());
    // A call that was dropped may have stored, and its lease have ended with that.
    assert!(matches!(world.then(0, Verb::Get), None | Some(1)));
    assert_eq!(world.storage.server.leases(), 0, "each was used or released");
}

/// While processes compute 1, another does this, after the truth has become 2. Returns whether that was acknowledged.
fn overtake<P: Leased>(world: &Arc<World<Processes<P>>>, verb: Verb) -> bool {
    let verbs = [Verb::GetOrUpdate, Verb::Update, Verb::GetOrUpdate];
    let calls: Vec<_> = verbs
        .into_iter()
        .enumerate()
        .map(|(nth, verb)| world.call(nth, verb, world.risky()))
        .collect();
    let dropped = world.call(1, Verb::GetOrUpdate, world.work::<Plain<u32>>());
    let ending = {
        let world = Arc::clone(world);
        task(async move {
            if any(2) == 0 {
                for _ in 0..any(20) {
                    pause().await;
                }
                world.storage.server.end_leases();
            }
        })
    };
    (0..any(20)).for_each(|_| others_may_run());
    world.change_truth(2);
    let process = world.process(2);
    let overtaken = process.run(world, verb, world.work::<Plain<u32>>());
    dropped.drop_it();
    dropped.join();
    ending.join();
    for call in calls {
        if let Some(Some(done)) = call.join() {
            assert!(matches!(done, Ok(Some(1 | 2))));
        }
    }
    overtaken.is_ok()
}

fn leaves_nothing_older<P: Leased>(world: &Arc<World<Processes<P>>>, verb: Verb) {
    let is_acknowledged = overtake(world, verb);
    let stored = world.then(0, Verb::Get);
    if is_acknowledged {
        assert_ne!(
            stored,
            Some(1),
            "it was out of date when the change was acknowledged"
        );
        assert_eq!(world.then(1, Verb::GetOrUpdate), Some(2));
    }
}

scenario!(nothing_older_than_a_delete_is_stored over leased, leased_awaited);
fn nothing_older_than_a_delete_is_stored<P: Leased>(world: &Arc<World<Processes<P>>>) {
    leaves_nothing_older(world, Verb::Delete);
}

scenario!(nothing_older_than_a_clear_is_stored over leased, leased_awaited);
fn nothing_older_than_a_clear_is_stored<P: Leased>(world: &Arc<World<Processes<P>>>) {
    leaves_nothing_older(world, Verb::Clear);
}

scenario!(nothing_older_than_a_set_is_stored over leased, leased_awaited);
fn nothing_older_than_a_set_is_stored<P: Leased>(world: &Arc<World<Processes<P>>>) {
    leaves_nothing_older(world, Verb::Set(2));
}

scenario!(nothing_older_than_an_update_is_stored over leased, leased_awaited);
fn nothing_older_than_an_update_is_stored<P: Leased>(world: &Arc<World<Processes<P>>>) {
    leaves_nothing_older(world, Verb::Update);
}

scenario!(what_the_server_loses_leaves_nothing_older over leased, leased_awaited);
fn what_the_server_loses_leaves_nothing_older<P: Leased>(world: &Arc<World<Processes<P>>>) {
    world.storage.server.may_fail(4);
    leaves_nothing_older(world, Verb::Delete);
}
