//! A future may be dropped at any time: its operation is executed or not, but not later.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ring_cache::storage::{AsyncStorage, Storage, StorageBase};
use ring_cache::{RingKey, ring_impl};
use ring_cache_backends::Blocking;
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, yield_now};

use super::gated::Gated;
use crate::random::Random;

use super::{Slow, ask, eventually, run, slow, within_patience};

/// A storage whose operations take different times.
fn uneven(seed: u64) -> Slow {
    let storage = slow();
    for operation in ["read", "write", "remove"] {
        let random = std::sync::Mutex::new(Random::seeded(seed));
        storage.backend().before(operation, move || {
            let micros = random.lock().unwrap().below(300);
            match micros {
                0..100 => {}
                100..200 => thread::yield_now(),
                micros => thread::sleep(Duration::from_micros(micros - 200)),
            }
        });
    }
    storage
}

/// Aborts a task at a random time: unpolled, waiting for its turn, running or done.
async fn abort_sometime<T>(task: JoinHandle<T>, random: &mut Random) {
    for _ in 0..random.below(5) {
        yield_now().await;
    }
    if random.below(3) == 0 {
        tokio::time::sleep(Duration::from_micros(random.below(400))).await;
    }
    task.abort();
    let _ = task.await;
}

#[derive(Clone, RingKey)]
struct Sevens {
    #[ring_key(skip)]
    storage: Slow,
}

#[ring_impl(storage = self.storage as Slow)]
impl Sevens {
    #[ring]
    async fn seven(&self, _key: u64) -> u32 {
        7
    }
}

/// A running thread cannot be stopped. The write of a dropped call does not replace later writes by others to the inner
/// storage.
#[test]
fn a_write_of_a_dropped_call_is_not_seen() {
    let storage = slow();
    let (sevens, inside) = (
        Sevens {
            storage: storage.clone(),
        },
        storage.backend(),
    );
    let key = sevens.seven_ring(1).key();
    run(async {
        inside.close("write");
        inside.close("remove");
        let mut write = Box::pin(sevens.seven_ring(1).set(7));
        ask(&mut write).await;
        eventually(|| inside.running() == 1).await;
        drop(write);
        inside.map.set(&key, 8);
        assert!(inside.flights().is_in_doubt(&key), "the older one may come yet");
        inside.open_only("write");
        eventually(|| inside.begun().ends_with(&["remove"])).await;
        assert_eq!(inside.map.get(&key), Some(7));
        assert!(inside.flights().is_in_doubt(&key));
        inside.open();
        assert_eq!(sevens.seven_ring(1).get().await.unwrap(), None);
        assert_eq!(inside.flights().under_way(), 0);
        // A waiting call finds the written value.
        sevens.seven_ring(1).set(7).await.unwrap();
        assert_eq!(sevens.seven_ring(1).get().await.unwrap(), Some(7));
    });
}

async fn cancel_and_delete(sevens: Sevens, seed: u64) {
    let mut random = Random::seeded(seed);
    for round in 0..50 {
        let (key, handle) = (seed * 1000 + round, sevens.clone());
        let task = match random.below(3) {
            0 => tokio::spawn(async move { _ = handle.seven_ring(key).set(7).await }),
            1 => tokio::spawn(async move { _ = handle.seven_ring(key).update().await }),
            _ => tokio::spawn(async move { _ = handle.seven(key).await }),
        };
        abort_sometime(task, &mut random).await;
        sevens.seven_ring(key).delete().await.unwrap();
        assert_eq!(sevens.seven_ring(key).get().await.unwrap(), None);
    }
}

/// A delete removes the value of a cancelled call, stored or about to be stored.
#[test]
fn nothing_is_left_behind_a_delete() {
    for (seed, workers) in [(1, 1), (2, 2), (3, 4), (4, 4)] {
        let storage = uneven(seed);
        let sevens = Sevens {
            storage: storage.clone(),
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let tasks = (0..4).map(|nth| tokio::spawn(cancel_and_delete(sevens.clone(), 10 * seed + nth)));
            for task in tasks.collect::<Vec<_>>() {
                within_patience(within_patience(task)).await.unwrap();
            }
        });
        // Dropping it waits for running operations.
        drop(runtime);
        assert!(storage.backend().map.is_empty(), "seed {seed}");
    }
}

/// After a cancelled and a completed write, the second one's value is found, and no other.
#[test]
fn a_cancelled_write_does_not_come_back() {
    let storage = uneven(5);
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut random = Random::seeded(5);
        for round in 0..300_u32 {
            let written = storage.clone();
            let read = Box::pin(storage.read(&round, None));
            let task = tokio::spawn(async move {
                written
                    .write_many(vec![(round, 1, None), (9999, 1, None)], None)
                    .await
            });
            abort_sometime(task, &mut random).await;
            storage.write(&round, 2, None, None).await.unwrap();
            assert_eq!(storage.read(&round, None).await.unwrap(), Some(2));
            drop(read);
        }
    });
    drop(runtime);
    for round in 0..300_u32 {
        assert_eq!(Storage::read(storage.backend(), &round, None).unwrap(), Some(2));
    }
}

#[test]
fn a_waiting_operation_does_not_run_after_its_drop() {
    let storage = Blocking::new(Gated::new());
    let value = Arc::new(());
    run(async {
        storage.backend().close("write");
        let mut first = Box::pin(storage.write(&1_u32, Arc::default(), None, None));
        let mut cancelled = Box::pin(storage.write(&1_u32, Arc::clone(&value), None, None));
        let mut read = Box::pin(storage.read(&1_u32, None));
        ask(&mut first).await;
        ask(&mut cancelled).await;
        ask(&mut read).await;
        drop(cancelled);
        // Nor does it stay in the queue.
        assert_eq!(Arc::strong_count(&value), 1);
        storage.backend().open();
        first.await.unwrap();
        read.await.unwrap();
        assert_eq!(storage.backend().begun(), ["write", "read"]);
    });
}

/// Operations that waited only for it start at once.
#[test]
fn a_waiting_operation_that_is_dropped_leaves_the_queue() {
    let storage = slow();
    run(async {
        storage.backend().close("read");
        let mut first = Box::pin(storage.read(&1_u32, None));
        let mut cancelled = Box::pin(storage.write(&1_u32, 7, None, None));
        let mut second = Box::pin(storage.read(&1_u32, None));
        ask(&mut first).await;
        ask(&mut cancelled).await;
        ask(&mut second).await;
        drop(cancelled);
        eventually(|| storage.backend().running() == 2).await;
        storage.backend().open();
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (None, None));
    });
}

#[test]
fn a_running_operation_ends_before_the_next() {
    let storage = slow();
    run(async {
        storage.backend().close("write");
        let mut write = Box::pin(storage.write(&1_u32, 7, None, None));
        ask(&mut write).await;
        eventually(|| storage.backend().running() == 1).await;
        drop(write);
        let mut remove = Box::pin(storage.remove(&1_u32, None));
        ask(&mut remove).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(storage.backend().begun(), ["write"]);
        storage.backend().open();
        assert!(remove.await.unwrap());
        assert!(storage.backend().map.is_empty());
    });
}
