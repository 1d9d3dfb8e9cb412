//! Operations that are dropped before they end, and runtimes that end.

use std::sync::LazyLock;
use std::time::Duration;

use ring_cache_backends::Memcached;
use ring_cache_core::storage::AsyncStorage;
use ring_cache_test_servers as servers;

use super::{eventually, patient, read_async, run, runtime, start, write_async};

/// Dropped after this number of polls, at any point of an exchange, it leaves no reply to the next.
#[test]
fn hundreds_of_cancelled_operations_leave_no_wrong_answer() {
    let Some((server, storage)) = start("cancelled operations on memcached") else {
        return;
    };
    run(async {
        let keys: Vec<_> = (0..50).map(|n| format!("key:{n}")).collect();
        for key in &keys {
            write_async(&storage, key, key).await.unwrap();
        }
        for round in 0..600_u64 {
            let key = &keys[round as usize % keys.len()];
            let cancelled = tokio::time::timeout(Duration::from_micros(round % 120), async {
                match round % 3 {
                    0 => read_async(&storage, key).await.map(drop),
                    1 => write_async(&storage, key, key).await,
                    _ => AsyncStorage::read_many(&storage, &keys, None).await.map(drop),
                }
            });
            let _ = cancelled.await;
            let other = &keys[(round as usize * 7) % keys.len()];
            // The old value of a cancelled write is removed, since the outcome of the write is unknown.
            match read_async(&storage, other).await.unwrap() {
                Some(found) => assert_eq!(found, other.as_bytes()),
                None => write_async(&storage, other, other).await.unwrap(),
            }
        }
    });
    eventually(|| server.statistics()["curr_connections"].parse::<u32>().unwrap() < 20);
}

static SERVER: LazyLock<Option<servers::Memcached>> =
    LazyLock::new(|| servers::or_leave_out("memcached and many runtimes", servers::Memcached::start()));
static STORAGE: LazyLock<Option<Memcached>> =
    LazyLock::new(|| SERVER.as_ref().map(|server| patient(server.url())));

/// As in tests of an application: one static storage, a runtime for each test, in sequence and in parallel.
#[test]
fn a_static_storage_and_many_runtimes() {
    let (Some(server), Some(storage)) = (&*SERVER, &*STORAGE) else {
        return;
    };
    let visit = |n: u32| {
        run(async {
            let tasks = (0..8).map(|task| {
                tokio::spawn(async move {
                    let key = format!("{n}:{task}");
                    write_async(storage, &key, &key).await.unwrap();
                    assert_eq!(read_async(storage, &key).await.unwrap().unwrap(), key.as_bytes());
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await.unwrap();
            }
        });
    };
    (0..20).for_each(visit);
    std::thread::scope(|scope| {
        for n in 20..28 {
            scope.spawn(move || visit(n));
        }
    });
    // The connections of runtimes that ended are closed.
    eventually(|| server.statistics()["curr_connections"].parse::<u32>().unwrap() < 10);
}

#[test]
fn a_runtime_of_one_thread_and_one_that_ends() {
    let Some((_server, storage)) = start("memcached and runtimes") else {
        return;
    };
    let one = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    one.block_on(write_async(&storage, "key", "value")).unwrap();
    let lost = {
        let storage = storage.clone();
        one.spawn(async move { read_async(&storage, "key").await })
    };
    drop(one);
    let other = runtime();
    assert!(other.block_on(lost).unwrap_err().is_cancelled());
    let found = other.block_on(read_async(&storage, "key")).unwrap();
    assert_eq!(found.unwrap(), b"value");
}

#[test]
fn outside_of_a_runtime() {
    let Some((_server, storage)) = start("memcached without a runtime") else {
        return;
    };
    let mut reading = std::pin::pin!(read_async(&storage, "key"));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match reading.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Err(error)) => assert!(error.to_string().contains("runtime"), "{error}"),
        other => panic!("{other:?}"),
    }
}
