//! Many async calls at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures_util::future::join;
use ring_cache_core::{AsyncCache, AsyncCalls, ErrorKind, Lru};

use crate::support::{
    AsyncRemote, Count, Gate, assert_quiet, async_call, async_fallible, drive, finish, hold, leak,
    never_async, patient, pause, ring, run,
};

/// The number of bodies that are running, and its maximum.
#[derive(Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    /// Stays for a while.
    async fn join(&self) {
        let now = self.now.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(now, SeqCst);
        for _ in 0..5 {
            pause().await;
        }
        self.now.fetch_sub(1, SeqCst);
    }

    /// The maximum since the last request.
    fn most(&self) -> usize {
        assert_eq!(self.now.load(SeqCst), 0);
        self.most.swap(0, SeqCst)
    }
}

#[test]
fn values_come_in_the_order_of_the_calls_and_only_misses_are_computed() {
    run(async {
        let (ring, lru, computed) = (ring(), Lru::new(100), Mutex::new(Vec::new()));
        let calls = |ids: &[u32]| {
            let calls = ids.iter().map(|&id| {
                let computed = &computed;
                async_call(ring, &lru, id, move || async move {
                    // The first ones take longest.
                    for _ in id..10 {
                        pause().await;
                    }
                    computed.lock().unwrap().push(id);
                    10 * id
                })
            });
            calls.collect::<Vec<_>>()
        };
        let took = || {
            let mut computed = std::mem::take(&mut *computed.lock().unwrap());
            computed.sort_unstable();
            computed
        };
        assert_eq!(calls(&[3, 1]).get_or_update_many().await, [30, 10]);
        assert_eq!(took(), [1, 3]);
        assert_eq!(
            calls(&[5, 1, 4, 3, 2]).get_or_update_many().await,
            [50, 10, 40, 30, 20]
        );
        assert_eq!(took(), [2, 4, 5]);
        assert_eq!(calls(&[2, 1]).update_many().await, [20, 10]);
        assert_eq!(took(), [1, 2]);
        assert_eq!(calls(&[2, 9]).execute_many().await, [20, 90]);
        assert_eq!(took(), [2, 9]);
        assert_eq!(
            calls(&[7, 2, 8]).at_most(2).get_or_update_many().await,
            [70, 20, 80]
        );
        assert_eq!(calls(&[7, 2, 8]).at_most(2).update_many().await, [70, 20, 80]);
        assert_eq!(calls(&[7, 2, 8]).at_most(2).execute_many().await, [70, 20, 80]);
        assert!(!lru.has(&calls(&[9])[0].key()));
        let stats = AsyncCache::new(ring, &lru).stats::<u32>();
        assert_eq!((stats.hits, stats.misses, stats.stores), (3, 7, 12));
        assert_quiet(&lru);
    });
}

#[test]
fn absent_values_are_computed_concurrently_up_to_the_limit() {
    run(async {
        let (ring, crowd) = (ring(), Crowd::default());
        for limit in [1, 2, 7, 200] {
            let (lru, remote) = (Lru::new(1000), AsyncRemote::new());
            macro_rules! calls {
                ($storage:expr) => {
                    (0..100).map(|id| {
                        let crowd = &crowd;
                        async_call(ring, $storage, id, move || async move {
                            crowd.join().await;
                            id
                        })
                    })
                };
            }
            let (expected, most) = ((0..100).collect::<Vec<_>>(), limit.min(100));
            assert_eq!(calls!(&lru).at_most(limit).get_or_update_many().await, expected);
            assert_eq!(crowd.most(), most);
            assert_eq!(
                calls!(&remote).at_most(limit).get_or_update_many().await,
                expected
            );
            assert_eq!(crowd.most(), most);
            assert_eq!(calls!(&remote).at_most(limit).update_many().await, expected);
            assert_eq!(crowd.most(), most);
            assert_eq!(calls!(&remote).at_most(limit).execute_many().await, expected);
            assert_eq!(crowd.most(), most);
            // Nothing is computed.
            assert_eq!(
                calls!(&remote).at_most(limit).get_or_update_many().await,
                expected
            );
            assert_eq!(crowd.most(), 0);
            let calls = calls!(&remote).collect::<Vec<_>>();
            assert_eq!(calls.update_many().await, expected);
            assert_eq!(crowd.most(), 64, "the default");
        }
    });
}

#[test]
fn the_limit_holds_for_failing_and_waiting_calls() {
    let (ring, lru, crowd) = (patient(), Lru::new(100), Crowd::default());
    // Equal calls; an error makes each compute for itself.
    let calls = || {
        (0..20).map(|id| {
            async_fallible(ring, &lru, id % 4, || async {
                crowd.join().await;
                Err::<u32, _>("no")
            })
        })
    };
    assert_eq!(
        finish(hold(calls().at_most(3).get_or_update_many())),
        [Err("no"); 20]
    );
    assert_eq!(crowd.most(), 3);
    // Waiters of a lost leader compute after all.
    let mut leaders = hold(
        (0..20)
            .map(|id| async_fallible(ring, &lru, id, std::future::pending))
            .get_or_update_many(),
    );
    assert!(drive(&mut leaders).is_pending());
    let mut waiting = hold(calls().at_most(3).get_or_update_many());
    assert!(drive(&mut waiting).is_pending());
    drop(leaders);
    assert_eq!(finish(waiting), [Err("no"); 20]);
    assert_eq!(crowd.most(), 3);
    assert_quiet(&lru);
}

#[test]
#[should_panic(expected = "`at_most` must allow at least one computation at a time")]
fn a_limit_of_zero_panics() {
    let (ring, lru) = (ring(), Lru::<u32>::new(1));
    drop([async_call(ring, &lru, 1, never_async)].at_most(0));
}

#[test]
fn equal_calls_are_computed_once() {
    run(async {
        let (ring, lru, runs) = (ring(), Lru::new(100), Count::default());
        let calls = || {
            [1_u32, 2, 1, 1, 2].map(|id| {
                let runs = &runs;
                async_call(ring, &lru, id, move || async move {
                    runs.next();
                    pause().await;
                    10 * id
                })
            })
        };
        assert_eq!(calls().get_or_update_many().await, [10, 20, 10, 10, 20]);
        assert_eq!(runs.get(), 2);
        assert_eq!(calls().update_many().await, [10, 20, 10, 10, 20]);
        assert_eq!(runs.get(), 4);
        assert_eq!(calls().execute_many().await, [10, 20, 10, 10, 20]);
        assert_eq!(runs.get(), 9);
        assert_quiet(&lru);
    });
}

#[test]
fn calls_that_share_a_storage_cost_one_look_up_and_one_store() {
    run(async {
        let (ring, remotes) = (
            ring(),
            [AsyncRemote::new(), AsyncRemote::new(), AsyncRemote::new()],
        );
        let calls = || {
            (0..9_u32).map(|id| {
                let body = move || async move {
                    pause().await;
                    10 * id
                };
                async_call(ring, &remotes[id as usize % 3], id, body)
            })
        };
        let expected: Vec<u32> = (0..9).map(|id| 10 * id).collect();
        let each = |operations: &[&str]| {
            remotes
                .iter()
                .for_each(|remote| assert_eq!(remote.operations(), operations));
        };
        assert_eq!(calls().get_or_update_many().await, expected);
        each(&["read_many", "write_many"]);
        assert_eq!(calls().get_or_update_many().await, expected);
        each(&["read_many"]);
        assert_eq!(
            calls().get_many().await.unwrap(),
            expected.iter().copied().map(Some).collect::<Vec<_>>()
        );
        each(&["read_many"]);
        assert_eq!(calls().update_many().await, expected);
        each(&["write_many"]);
        calls().set_many(expected.clone()).await.unwrap();
        each(&["write_many"]);
        assert_eq!(calls().delete_many().await.unwrap(), [true; 9]);
        each(&["remove_many"]);
        remotes.iter().for_each(assert_quiet);
    });
}

#[test]
fn the_failure_of_one_storage_does_not_affect_the_others() {
    run(async {
        let (ring, remotes) = (ring(), [AsyncRemote::new(), AsyncRemote::new()]);
        let calls = || {
            (0..4_u32).map(|id| async_call(ring, &remotes[id as usize % 2], id, move || async move { id }))
        };
        calls().update_many().await;
        remotes[0].fail(&["write_many", "remove_many", "read_many"]);
        assert_eq!(calls().get_or_update_many().await, [0, 1, 2, 3]);
        assert!(calls().set_many([10, 11, 12, 13]).await.is_err());
        assert_eq!(remotes[1].entries.lock().unwrap()["p:3"], 13);
        assert!(calls().delete_many().await.is_err());
        assert!(remotes[1].entries.lock().unwrap().is_empty());
        assert!(calls().get_many().await.is_err());
    });
}

#[test]
fn results_are_independent() {
    run(async {
        let (ring, lru) = (ring(), Lru::new(10));
        let calls = |ids: &[u32]| {
            let calls = ids.iter().map(|&id| {
                async_fallible(ring, &lru, id, move || async move {
                    pause().await;
                    if id % 2 == 0 { Ok(id) } else { Err("odd") }
                })
            });
            calls.collect::<Vec<_>>()
        };
        let expected = [Ok(0), Err("odd"), Ok(2), Err("odd"), Ok(2), Err("odd")];
        assert_eq!(calls(&[0, 1, 2, 3, 2, 1]).get_or_update_many().await, expected);
        assert_eq!(calls(&[0, 1, 2, 3, 2, 1]).update_many().await, expected);
        assert_eq!(lru.len(), 2);
        assert_eq!(calls(&[0, 1, 2]).get_many().await, [Some(0), None, Some(2)]);
        assert_eq!(calls(&[0, 1]).execute_many().await, [Ok(0), Err("odd")]);
        assert_quiet(&lru);
    });
}

#[test]
fn the_other_verbs_answer_in_the_order_of_the_calls() {
    run(async {
        let (ring, remote) = (ring(), AsyncRemote::new());
        let calls = || [1, 2, 3].map(|id| async_call(ring, &remote, id, never_async));
        async_call(ring, &remote, 2, never_async).set(20).await.unwrap();
        assert_eq!(calls().get_many().await.unwrap(), [None, Some(20), None]);
        assert_eq!(calls().has_many().await.unwrap(), [false, true, false]);
        assert_eq!(calls().touch_many().await.unwrap(), [false, true, false]);
        assert_eq!(calls().key_many(), ["p:1", "p:2", "p:3"]);
        assert_eq!(calls().delete_many().await.unwrap(), [false, true, false]);
        let error = calls().set_many([1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Lengths);
        assert!(remote.entries.lock().unwrap().is_empty());
        // Iterators, vectors and arrays; an empty one.
        assert_eq!(Vec::from(calls()).get_many().await.unwrap(), [None; 3]);
        assert_eq!(calls().into_iter().skip(3).get_many().await.unwrap(), []);
        assert_eq!(calls().into_iter().skip(3).get_or_update_many().await, [0; 0]);
        assert_eq!(
            calls().into_iter().skip(3).at_most(1).execute_many().await,
            [0; 0]
        );
        calls().into_iter().skip(3).set_many([]).await.unwrap();
    });
}

#[test]
fn bulk_calls_that_overlap_in_opposite_order_compute_each_key_once() {
    run(async {
        for limit in [1, 3, 64] {
            let (ring, remote, runs) = (patient(), leak(AsyncRemote::new()), Count::leaked());
            let tasks = [false, true].map(|back| {
                let mut ids: Vec<u32> = (0..40).collect();
                if back {
                    ids.reverse();
                }
                tokio::spawn(async move {
                    let calls = ids.iter().map(|&id| {
                        async_call(ring, remote, id, move || async move {
                            runs.next();
                            pause().await;
                            id
                        })
                    });
                    let calls = calls.collect::<Vec<_>>();
                    assert_eq!(calls.at_most(limit).get_or_update_many().await, ids);
                })
            });
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(runs.get(), 40);
            assert_quiet(remote);
        }
    });
}

#[test]
fn a_waiter_for_one_value_of_a_bulk_call_does_not_wait_for_the_others() {
    let (ring, lru, gate) = (patient(), Lru::new(10), Gate::default());
    let mut bulk = hold(
        [1, 2]
            .map(|id| {
                let gate = &gate;
                async_call(ring, &lru, id, move || async move {
                    if id == 2 {
                        gate.pass().await;
                    }
                    pause().await;
                    id
                })
            })
            .get_or_update_many(),
    );
    let mut waiter = hold(join(
        async_call(ring, &lru, 1, never_async).get_or_update(),
        [async_call(ring, &lru, 1, never_async)].get_or_update_many(),
    ));
    let first_poll = crate::support::poll_once(&mut bulk);
    assert!(first_poll.is_pending() && drive(&mut waiter).is_pending());
    assert!(drive(&mut bulk).is_pending());
    assert_eq!(finish(waiter), (1, vec![1]));
    gate.open(1);
    assert_eq!(finish(bulk), [1, 2]);
    assert_quiet(&lru);
}
