//! What `Redis` adds to a `GET` of the bare client, on a server of its own: `cargo bench --features redis,tokio`.
//!
//! Rounds of both take turns, so that whatever else the machine does concerns both. Printed are the medians.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use ring_cache_backends::Redis;
use ring_cache_core::Key;
use ring_cache_core::storage::{AsyncStorage, Storage};
use ring_cache_test_servers::Redis as Server;

const ROUNDS: usize = 15;
const GETS: usize = 20_000;

fn main() {
    let server = Server::start().expect("a Redis server");
    let redis = Redis::open(&server.url())
        .unwrap()
        .deadline(Duration::from_secs(5));
    let key = Key::of(&"benchmark");
    Storage::set(&redis, &key, vec![b'x'; 100], None).unwrap();
    for threads in [1, 64] {
        compare(
            &format!("blocking, {threads} threads"),
            || with_bare_connections(&redis, key.as_str(), threads),
            || with_storage(&redis, &key, threads),
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    for tasks in [1, 64] {
        compare(
            &format!("awaited, {tasks} tasks"),
            || runtime.block_on(tasks_with_bare_connection(&redis, key.as_str(), tasks)),
            || runtime.block_on(tasks_with_storage(&redis, &key, tasks)),
        );
    }
}

fn compare(what: &str, mut bare: impl FnMut() -> Duration, mut storage: impl FnMut() -> Duration) {
    let mut rounds: Vec<(Duration, Duration)> = (0..ROUNDS).map(|_| (bare(), storage())).collect();
    let mut ratios: Vec<f64> = rounds
        .iter()
        .map(|(bare, storage)| storage.as_secs_f64() / bare.as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    rounds.sort();
    let bare = rounds[ROUNDS / 2].0;
    rounds.sort_by_key(|round| round.1);
    let storage = rounds[ROUNDS / 2].1;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / GETS as f64;
    println!(
        "{what}: bare {:.2} us, storage {:.2} us, ratio {:.3} ({:.3} to {:.3})",
        each(bare),
        each(storage),
        ratios[ROUNDS / 2],
        ratios[1],
        ratios[ROUNDS - 2]
    );
}

/// How long it takes threads to do `GETS` in all, once all are ready.
fn on_threads<C: Send>(
    threads: usize,
    ready: impl Fn() -> C + Sync,
    get: impl Fn(&mut C) + Sync,
) -> Duration {
    let barrier = Barrier::new(threads + 1);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut connection = ready();
                get(&mut connection);
                barrier.wait();
                for _ in 0..GETS / threads {
                    get(&mut connection);
                }
                barrier.wait();
            });
        }
        barrier.wait();
        let start = Instant::now();
        barrier.wait();
        start.elapsed()
    })
}

fn with_bare_connections(redis: &Redis, key: &str, threads: usize) -> Duration {
    on_threads(
        threads,
        || redis.backend().get_connection().unwrap(),
        |connection| {
            let value: Option<Vec<u8>> = redis::cmd("GET").arg(key).query(connection).unwrap();
            assert!(black_box(value).is_some());
        },
    )
}

fn with_storage(redis: &Redis, key: &Key, threads: usize) -> Duration {
    on_threads(
        threads,
        || (),
        |()| assert!(black_box(Storage::get(redis, key).unwrap()).is_some()),
    )
}

async fn tasks_with_bare_connection(redis: &Redis, key: &str, tasks: usize) -> Duration {
    let connection = redis.backend().get_multiplexed_async_connection().await.unwrap();
    let start = Instant::now();
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (mut connection, key) = (connection.clone(), key.to_owned());
            tokio::spawn(async move {
                for _ in 0..GETS / tasks {
                    let get = redis::cmd("GET").arg(&key).query_async(&mut connection).await;
                    let value: Option<Vec<u8>> = get.unwrap();
                    assert!(black_box(value).is_some());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    start.elapsed()
}

async fn tasks_with_storage(redis: &Redis, key: &Key, tasks: usize) -> Duration {
    AsyncStorage::get(redis, key).await.unwrap();
    let start = Instant::now();
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (redis, key) = (redis.clone(), key.clone());
            tokio::spawn(async move {
                for _ in 0..GETS / tasks {
                    assert!(black_box(AsyncStorage::get(&redis, &key).await.unwrap()).is_some());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    start.elapsed()
}
