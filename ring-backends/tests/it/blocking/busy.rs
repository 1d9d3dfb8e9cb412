//! Other work occupies all threads for blocking work.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use ring_cache::storage::{AsyncStorage, Storage};
use ring_cache_backends::Blocking;
use ring_cache_core::Key;
use tokio::runtime::{Builder, Runtime};

use super::gated::{Gated, PATIENCE};
use super::within_patience;

const THREADS: usize = 2;

fn few_threads() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(THREADS)
        .enable_time()
        .build()
        .unwrap()
}

fn key(number: u32) -> Key {
    Key::of(&number)
}

#[test]
fn storages_work_although_other_work_takes_all_threads() {
    let (runtime, storage) = (few_threads(), Blocking::new(Gated::<u32>::new()));
    let (release, held) = mpsc::channel::<()>();
    let held = std::sync::Arc::new(parking_lot::Mutex::new(held));
    for _ in 0..THREADS {
        let held = held.clone();
        runtime.spawn_blocking(move || held.lock().recv());
    }
    runtime.block_on(within_patience(async {
        storage.set(&key(1), 7, None).await.unwrap();
        assert_eq!(storage.get(&key(1)).await.unwrap(), Some(7));
    }));
    drop(release);
}

/// Each of the threads waits for work that needs one.
#[test]
fn threads_that_wait_for_the_storage_do_not_hang() {
    let (runtime, storage) = (few_threads(), Blocking::new(Gated::<u32>::new()));
    storage.backend().set(&key(1), 7, None).unwrap();
    let tasks: Vec<_> = (0..4 * THREADS)
        .map(|_| {
            let (storage, handle) = (storage.clone(), runtime.handle().clone());
            runtime
                .spawn_blocking(move || handle.block_on(async move { storage.get(&key(1)).await.unwrap() }))
        })
        .collect();
    runtime.block_on(within_patience(async {
        for task in tasks {
            assert_eq!(task.await.unwrap(), Some(7));
        }
    }));
}

/// A plain call has a deadline, and so does a verb.
#[cfg(feature = "disk")]
#[test]
fn the_deadline_of_the_storage_holds_whatever_its_thread_does() {
    use ring_cache_backends::Disk;

    let folder = std::env::temp_dir().join(format!("ring-cache-busy-{}", std::process::id()));
    let disk = Disk::open(folder.join("cache.db")).unwrap();
    let storage = Blocking::new(disk.deadline(Duration::from_millis(50)));
    // A lock that the storage waits for, in the file.
    let other = rusqlite::Connection::open(folder.join("cache.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let written = few_threads().block_on(within_patience(storage.set(&key(1), vec![1], None)));
    written.unwrap_err();
    assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
    drop((storage, other));
    std::fs::remove_dir_all(folder).unwrap();
}
