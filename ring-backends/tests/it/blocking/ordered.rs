//! Operations on one key run in the order in which they were requested.

use ring_cache::storage::{AsyncClear, AsyncStorage, Storage};
use ring_cache::{Name, RingKey, ring_impl};
use tokio::runtime::Builder;

use crate::random::Random;

use super::{Slow, ask, eventually, one_thread, run, slow, within_patience};

#[test]
fn only_look_ups_run_in_parallel() {
    let storage = slow();
    run(async {
        storage.backend().close("read");
        let mut reads = [(); 2].map(|()| Box::pin(storage.read(&1_u32, None)));
        let mut write = Box::pin(storage.write(&1_u32, 7, None, None));
        let mut late = Box::pin(storage.read(&1_u32, None));
        for read in &mut reads {
            ask(read).await;
        }
        ask(&mut write).await;
        ask(&mut late).await;
        eventually(|| storage.backend().running() == 2).await;
        // Another key has its own order.
        storage.write(&2_u32, 8, None, None).await.unwrap();
        assert_eq!(storage.backend().begun(), ["read", "read", "write"]);
        storage.backend().open();
        for read in reads {
            assert_eq!(read.await.unwrap(), None);
        }
        // A look-up after the write finds its value, although the write's call is gone.
        assert_eq!(late.await.unwrap(), Some(7));
        write.await.unwrap();
    });
}

/// The last of many writes wins, whenever each is polled again.
#[test]
fn writes_keep_their_order() {
    let storage = slow();
    run(async {
        for round in 0..200_u32 {
            let mut writes: Vec<_> = (0..5)
                .map(|nth| Box::pin(storage.write(&round, nth, None, None)))
                .collect();
            storage.backend().close("write");
            for write in &mut writes {
                ask(write).await;
            }
            storage.backend().open();
            writes.reverse();
            for write in writes {
                write.await.unwrap();
            }
            assert_eq!(storage.read(&round, None).await.unwrap(), Some(4));
        }
    });
}

/// A `select!` may stop polling a task. This blocks no other operation.
#[test]
fn an_unpolled_operation_blocks_no_other() {
    let storage = slow();
    run(async {
        storage.backend().close("write");
        let mut write = Box::pin(storage.write(&1_u32, 7, None, None));
        let mut idle = Box::pin(storage.write(&1_u32, 8, None, None));
        ask(&mut write).await;
        ask(&mut idle).await;
        storage.backend().open();
        assert!(storage.remove(&1_u32, None).await.unwrap());
        assert_eq!(storage.backend().begun(), ["write", "write", "remove"]);
        idle.await.unwrap();
        assert_eq!(storage.backend().map.len(), 0);
    });
}

#[test]
fn operations_on_many_keys_wait_for_all_of_them() {
    let storage = slow();
    run(async {
        storage.backend().close("write");
        let mut one = Box::pin(storage.write(&1_u32, 1, None, None));
        let mut many = Box::pin(storage.remove_many(&[2_u32, 1, 2], None));
        let mut two = Box::pin(storage.contains(&2_u32, None));
        ask(&mut one).await;
        ask(&mut many).await;
        ask(&mut two).await;
        eventually(|| storage.backend().running() == 1).await;
        assert_eq!(storage.backend().begun(), ["write"]);
        storage.backend().open();
        assert_eq!(many.await.unwrap(), [false, true, false]);
        assert!(!two.await.unwrap());
        one.await.unwrap();
    });
}

/// Earlier operations are cleared, later ones are not.
#[test]
fn clearing_waits_for_all_and_all_wait_for_it() {
    let storage = slow();
    let name = Name::chosen("cleared");
    let ring = Sevens {
        storage: storage.clone(),
    };
    run(async {
        storage.backend().close("write");
        let mut early = Box::pin(ring.seven_ring(1).set(7));
        ask(&mut early).await;
        let mut clear = Box::pin(storage.clear_ring(name));
        ask(&mut clear).await;
        let mut late = Box::pin(ring.seven_ring(2).set(7));
        ask(&mut late).await;
        eventually(|| storage.backend().running() == 1).await;
        assert_eq!(storage.backend().begun(), ["write"]);
        storage.backend().open();
        late.await.unwrap();
        assert_eq!(storage.backend().begun(), ["write", "clear", "write"]);
        assert_eq!(storage.backend().map.keys(), ["cleared:Sevens:2"]);
        early.await.unwrap();
        clear.await.unwrap();
    });
}

#[derive(RingKey)]
struct Sevens {
    #[ring_key(skip)]
    storage: Slow,
}

#[ring_impl(storage = self.storage as Slow)]
impl Sevens {
    #[ring(key_prefix = "cleared")]
    async fn seven(&self, _key: u64) -> u32 {
        7
    }
}

/// Also with a single blocking thread: waiting operations occupy none.
#[test]
fn many_keys_in_all_orders() {
    for threads in [1, 8] {
        let storage = slow();
        let runtime = Builder::new_multi_thread()
            .worker_threads(4)
            .max_blocking_threads(threads)
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let tasks = (0..8).map(|seed| {
                let (storage, mut random) = (storage.clone(), Random::seeded(seed));
                tokio::spawn(async move {
                    for _ in 0..100 {
                        let keys: Vec<_> = (0..6).map(|_| random.below(5) as u32).collect();
                        match random.below(4) {
                            0 => drop(storage.read_many(&keys, None).await.unwrap()),
                            1 => drop(storage.remove_many(&keys, None).await.unwrap()),
                            2 => storage.write(&keys[0], 1, None, None).await.unwrap(),
                            _ => {
                                let entries = keys.iter().map(|key| (*key, *key, None)).collect();
                                storage.write_many(entries, None).await.unwrap();
                            }
                        }
                    }
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                within_patience(task).await.unwrap();
            }
        });
    }
}

/// An operation of one runtime does not hang when another runtime, whose turn it is, is dropped.
#[test]
fn runtimes_take_turns() {
    let storage = slow();
    let (here, there) = (one_thread(), one_thread());
    storage.backend().close("write");
    here.block_on(async {
        let mut first = Box::pin(storage.write(&1_u32, 1, None, None));
        ask(&mut first).await;
        eventually(|| storage.backend().running() == 1).await;
        let second = {
            let _there = there.enter();
            let mut second = Box::pin(storage.write(&1_u32, 2, None, None));
            ask(&mut second).await;
            second
        };
        let mut third = Box::pin(storage.read(&1_u32, None));
        ask(&mut third).await;
        there.shutdown_background();
        storage.backend().open();
        assert_eq!(within_patience(third).await.unwrap(), Some(1));
        assert!(second.await.unwrap_err().to_string().contains("shut down"));
        first.await.unwrap();
    });
    // The write was to replace it, so it is suspect.
    assert_eq!(Storage::read(storage.backend(), &1_u32, None).unwrap(), None);
}

/// A long queue of failing operations causes no deep recursion.
#[test]
fn a_long_line_that_fails() {
    let storage = slow();
    let (here, there) = (one_thread(), one_thread());
    storage.backend().close("write");
    here.block_on(async {
        let mut first = Box::pin(storage.write(&1_u32, 1, None, None));
        ask(&mut first).await;
        let mut lost: Vec<_> = (0..20_000)
            .map(|_| Box::pin(storage.remove(&1_u32, None)))
            .collect();
        let entered = there.enter();
        for remove in &mut lost {
            ask(remove).await;
        }
        drop(entered);
        there.shutdown_background();
        storage.backend().open();
        first.await.unwrap();
        for remove in lost {
            within_patience(remove).await.unwrap_err();
        }
        // The operations were to remove it, so it is suspect.
        assert_eq!(storage.read(&1_u32, None).await.unwrap(), None);
    });
}
