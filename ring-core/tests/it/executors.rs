//! Async calls need no runtime of their own: they work wherever futures are polled, and are `Send` if their content
//! is.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_executor::{LocalPool, block_on};
use futures_util::future::{join, join_all};
use futures_util::task::LocalSpawn;
use ring_cache_core::coder::{Cause, Coder};
use ring_cache_core::storage::Coded;
use ring_cache_core::{Action, AsyncCache, AsyncCalls, Fallible, KeyWriter, Lru, Plain, RingKey};

use crate::support::{
    AsyncRemote, Count, assert_quiet, async_call, drive, hold, leak, never_async, patient, pause, ring, run,
    run_on_one_thread,
};

/// Ten calls that wait for one, a bulk call that waits for it too, and the cached value at the end.
async fn herd() {
    let (ring, lru, runs) = (patient(), leak(Lru::new(10)), Count::default());
    let body = || async {
        let run = runs.next();
        for _ in 0..5 {
            pause().await;
        }
        run
    };
    let singles = join_all((0..10).map(|_| async_call(ring, lru, 1, body).get_or_update()));
    let calls = [async_call(ring, lru, 1, body), async_call(ring, lru, 2, body)];
    assert_eq!(
        join(singles, calls.get_or_update_many()).await,
        (vec![1; 10], vec![1, 2])
    );
    assert_quiet(lru);
}

#[test]
fn many_threads_of_tokio() {
    run(async {
        let tasks: Vec<_> = (0..8).map(|_| tokio::spawn(herd())).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn one_thread_of_tokio() {
    run_on_one_thread(async {
        let tasks: Vec<_> = (0..8).map(|_| tokio::spawn(herd())).collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn no_runtime_at_all() {
    block_on(herd());
    let mut pool = LocalPool::new();
    for _ in 0..8 {
        pool.spawner().spawn_local_obj(Box::pin(herd()).into()).unwrap();
    }
    pool.run();
}

#[test]
fn the_timeout_needs_no_runtime() {
    let ring =
        leak(ring_cache_core::Ring::with_prefix("p").flight_timeout(std::time::Duration::from_millis(50)));
    let lru = Lru::new(10);
    let mut held = hold(async_call(ring, &lru, 1, || async { std::future::pending().await }).get_or_update());
    assert!(drive(&mut held).is_pending());
    assert_eq!(
        block_on(async_call(ring, &lru, 1, || async { 2 }).get_or_update()),
        2
    );
}

#[test]
fn values_for_one_thread_are_cached_on_one_thread() {
    let (ring, lru, runs) = (
        patient(),
        Rc::new(Lru::<Rc<Cell<u32>>>::new(10)),
        Rc::new(Count::default()),
    );
    let seen = Rc::new(RefCell::new(Vec::new()));
    let mut pool = LocalPool::new();
    for _ in 0..5 {
        let (lru, runs, seen) = (Rc::clone(&lru), Rc::clone(&runs), Rc::clone(&seen));
        let task = async move {
            let body = || async {
                pause().await;
                Rc::new(Cell::new(runs.next() as u32))
            };
            let value = async_call(ring, &*lru, 1, body).get_or_update().await;
            let many = [async_call(ring, &*lru, 1, never_async)]
                .get_or_update_many()
                .await;
            assert!(Rc::ptr_eq(&value, &many[0]));
            seen.borrow_mut().push(value);
        };
        pool.spawner().spawn_local_obj(Box::pin(task).into()).unwrap();
    }
    pool.run();
    let seen = seen.borrow();
    assert_eq!((seen.len(), runs.get()), (5, 1));
    assert!(seen.iter().all(|value| Rc::ptr_eq(value, &seen[0])));
    assert_quiet(&*lru);
}

#[test]
fn nothing_happens_before_the_first_poll() {
    let (ring, remote) = (ring(), AsyncRemote::<u32>::new());
    let one = || async_call(ring, &remote, 1, never_async);
    let cache = AsyncCache::new(ring, &remote);
    drop(one().get());
    drop(one().get_or_update());
    drop(one().update());
    drop(one().execute());
    drop(one().set(1));
    drop(one().delete());
    drop(one().has());
    drop(one().touch());
    drop(one().run(Action::Update));
    drop([one()].get_many());
    drop([one()].get_or_update_many());
    drop([one()].at_most(2).get_or_update_many());
    drop([one()].update_many());
    drop([one()].execute_many());
    drop([one()].set_many([1]));
    drop([one()].delete_many());
    drop([one()].has_many());
    drop([one()].touch_many());
    drop(cache.clear::<u32>());
    assert_eq!(remote.operations(), [""; 0]);
    assert_eq!(cache.stats::<u32>(), Default::default());
    assert_quiet(&remote);
}

/// An argument, an error, a value that may move between threads, but not be shared.
#[derive(Clone, Debug, PartialEq)]
struct Lonely(Cell<u32>);

impl RingKey for Lonely {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        self.0.get().ring_key(key);
    }
}

/// Writes [`Lonely`] as its number.
struct Bytes;

impl Coder<Lonely> for Bytes {
    fn encode(value: &Lonely) -> Result<Vec<u8>, Cause> {
        Ok(value.0.get().to_le_bytes().to_vec())
    }

    fn decode(bytes: &[u8]) -> Result<Lonely, Cause> {
        Ok(Lonely(Cell::new(u32::from_le_bytes(bytes.try_into()?))))
    }
}

fn send<F: Future + Send>(future: F) -> F {
    future
}

/// The futures of all verbs of a call, which must be `Send`.
macro_rules! all_send {
    ($call:expr, $value:expr) => {
        drop(send($call.get()));
        drop(send($call.get_or_update()));
        drop(send($call.update()));
        drop(send($call.execute()));
        drop(send($call.set($value)));
        drop(send($call.delete()));
        drop(send($call.has()));
        drop(send($call.touch()));
        drop(send($call.run(Action::GetOrUpdate)));
        drop(send([$call].get_many()));
        drop(send([$call].get_or_update_many()));
        drop(send([$call].at_most(2).get_or_update_many()));
        drop(send([$call].update_many()));
        drop(send([$call].at_most(2).update_many()));
        drop(send([$call].execute_many()));
        drop(send([$call].at_most(2).execute_many()));
        drop(send([$call].set_many([$value])));
        drop(send([$call].delete_many()));
        drop(send([$call].has_many()));
        drop(send([$call].touch_many()));
        drop(send((0..2).map(|_| $call).get_or_update_many()));
    };
}

#[test]
fn futures_are_send_if_their_content_is() {
    let (ring, lru, remote) = (ring(), Lru::<u32>::new(10), AsyncRemote::<u32>::new());
    let bytes = AsyncRemote::<Vec<u8>>::new();
    let lonely = || Lonely(Cell::new(1));
    // An argument by value, which the body takes and keeps across an await.
    macro_rules! plain {
        ($storage:expr) => {
            AsyncCache::new(ring, $storage).bind::<Plain<u32>, _, _, _>(
                (lonely(),),
                |(argument,)| async move {
                    pause().await;
                    argument.0.get()
                },
            )
        };
    }
    all_send!(plain!(&lru), 1);
    all_send!(plain!(&remote), 1);
    // An error.
    macro_rules! fails {
        ($storage:expr) => {
            AsyncCache::new(ring, $storage).bind::<Fallible<u32, Lonely>, _, _, _>((1_u32,), |_| async move {
                pause().await;
                Err(lonely())
            })
        };
    }
    all_send!(fails!(&lru), 1);
    all_send!(fails!(&remote), 1);
    // A value, of which a storage holds only bytes.
    let coded = || {
        AsyncCache::new(ring, Coded::<_, Bytes>::from(&bytes)).bind::<Plain<Lonely>, _, _, _>(
            (1_u32,),
            |_| async {
                pause().await;
                lonely()
            },
        )
    };
    all_send!(coded(), lonely());
    let cache = AsyncCache::new(ring, &remote);
    drop(send(cache.clear::<u32>()));
    // And they work.
    run(async {
        let none: [Result<u32, Lonely>; 1] = [Err(lonely())];
        assert_eq!([fails!(&remote)].get_or_update_many().await, none);
        assert_eq!(plain!(&remote).get_or_update().await, 1);
        assert_eq!(coded().get_or_update().await, lonely());
        assert_eq!(
            [coded(), coded()].get_or_update_many().await,
            [lonely(), lonely()]
        );
    });
}
