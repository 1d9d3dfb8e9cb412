//! Awaited calls: runtimes, cancelled calls, and outages.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use ring_cache::coder::Json;
use ring_cache::{AsyncCalls, ErrorKind, ring_impl};
use ring_cache_backends::{Breaker, Redis};
use ring_cache_core::Key;
use ring_cache_core::storage::AsyncStorage;
use tokio::runtime::{Builder, Runtime};

use super::proxy::Proxy;
use super::{On, PATIENCE, at, open, own, shared, stubborn};

#[ring_impl]
impl On<Redis> {
    #[ring(storage = self.storage as Redis, coder = Json, key_prefix = "cube")]
    async fn cube(&self, number: u64) -> u64 {
        number.pow(3)
    }
}

pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn threads() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap()
}

/// Waits until something holds, or fails.
async fn eventually<F: Future<Output = bool>>(what: impl Fn() -> F) {
    let holds = async {
        while !what().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, holds)
        .await
        .expect("it did not happen");
}

#[test]
fn a_thousand_calls_ask_once_and_store_once() {
    let Some(server) = own("awaited bulk calls to Redis") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let redis = at(&proxy.url()).deadline(PATIENCE);
    runtime().block_on(async {
        redis.get(&Key::of(&"a connection")).await.unwrap();
        let before = proxy.round_trips();
        let calls = || (0..1_000).map(|number| redis.cube_ring(number));
        assert_eq!(calls().get_or_update_many().await[10], 1_000);
        proxy.assert_round_trips(before, 2);
        assert_eq!(calls().delete_many().await.unwrap(), [true; 1_000]);
        proxy.assert_round_trips(before, 3);
    });
}

#[test]
fn clear_is_awaited_as_well() {
    let Some(server) = shared("awaited clear in Redis") else {
        return;
    };
    let redis = open(server).namespace("awaited");
    runtime().block_on(async {
        (0..3_000)
            .map(|number| redis.cube_ring(number))
            .get_or_update_many()
            .await;
        redis.set(&Key::of(&"cubes"), vec![1], None).await.unwrap();
        redis.cube_cache().clear().await.unwrap();
        assert!(!redis.cube_ring(2_999).has().await.unwrap());
        assert!(redis.has(&Key::of(&"cubes")).await.unwrap());
    });
}

#[test]
fn a_static_serves_many_runtimes_one_after_the_other_and_at_the_same_time() {
    static SERVER: LazyLock<Option<super::Server>> = LazyLock::new(|| own("many runtimes on one Redis"));
    static REDIS: LazyLock<On<Redis>> = LazyLock::new(|| open(SERVER.as_ref().unwrap()));
    let Some(server) = SERVER.as_ref() else { return };
    for number in 0..20 {
        runtime().block_on(async { assert_eq!(REDIS.cube(number).await, number.pow(3)) });
    }
    thread::scope(|scope| {
        for number in 0..20 {
            scope.spawn(move || {
                let runtime = if number % 2 == 0 { runtime() } else { threads() };
                runtime.block_on(async {
                    for number in 0..50 {
                        assert_eq!(REDIS.cube(number).await, number.pow(3));
                    }
                });
            });
        }
    });
    assert_eq!(REDIS.health().broken, 0);
    super::eventually(|| server.info("clients")["connected_clients"] == "1");
}

#[test]
fn outside_of_a_runtime_it_is_an_error() {
    let Some(server) = shared("Redis outside of a runtime") else {
        return;
    };
    let redis = open(server);
    let key = Key::of(&"outside");
    let error = at_once(redis.get(&key)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert_eq!(at_once(redis.cube(3)), 27);
}

/// Polls a future that is ready at once.
fn at_once<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match pin!(future).as_mut().poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits, although nobody would wake it"),
    }
}

#[test]
fn the_first_to_connect_may_be_cancelled() {
    let Some(server) = own("cancelled connecting to Redis") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let redis = at(&proxy.url()).deadline(PATIENCE);
    runtime().block_on(async {
        let key = Key::of(&"first");
        let mut first = Box::pin(redis.get(&key));
        let ready = poll_fn(|context| Poll::Ready(first.as_mut().poll(context).is_ready()));
        assert!(!ready.await, "it could not be done at once");
        drop(first);
        redis.get(&key).await.unwrap();
        assert_eq!(proxy.connections(), 1);
    });
}

#[test]
fn the_reply_to_a_cancelled_call_reaches_no_other_call() {
    let Some(server) = own("cancelled calls to Redis") else {
        return;
    };
    let redis = open(&server);
    threads().block_on(async {
        for number in 0..100_u32 {
            redis
                .set(&Key::of(&number), number.to_be_bytes().to_vec(), None)
                .await
                .unwrap();
        }
        let tasks: Vec<_> = (0..16_u32)
            .map(|task| {
                let redis = redis.clone();
                tokio::spawn(async move {
                    for round in 0..500_u32 {
                        let number = (task * 7 + round) % 100;
                        let key = Key::of(&number);
                        let read = redis.get(&key);
                        let limit = Duration::from_micros(u64::from(round % 40) * 10);
                        let read = tokio::time::timeout(limit, read).await;
                        let Ok(read) = read else { continue };
                        assert_eq!(read.unwrap(), Some(number.to_be_bytes().to_vec()));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        for number in 0..100_u32 {
            let read = redis.get(&Key::of(&number)).await.unwrap();
            assert_eq!(read, Some(number.to_be_bytes().to_vec()));
        }
    });
    assert_eq!(redis.health().broken, 0);
}

#[test]
fn a_restart_and_killed_connections_cost_no_error() {
    let Some(server) = own("awaited calls to a Redis that is restarted") else {
        return;
    };
    let (redis, key) = (open(&server), Key::of(&"restart"));
    runtime().block_on(async {
        redis.set(&key, b"old".to_vec(), None).await.unwrap();
        server.restart();
        assert_eq!(redis.get(&key).await.unwrap(), None);
        for _ in 0..10 {
            server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
            redis.set(&key, b"new".to_vec(), None).await.unwrap();
        }
        assert_eq!(redis.get(&key).await.unwrap().as_deref(), Some(&b"new"[..]));
    });
    assert_eq!(redis.health().broken, 0);
}

#[test]
fn a_server_that_hangs_is_left_alone_and_used_again() {
    let Some(server) = own("awaited calls to a Redis that hangs") else {
        return;
    };
    let redis = open(&server).deadline(Duration::from_millis(50));
    threads().block_on(async {
        eventually(|| async { redis.get(&Key::of(&1_u8)).await.is_ok() }).await;
        server.stop();
        for number in 0..20 {
            assert_eq!(redis.cube(number).await, number.pow(3));
        }
        let health = redis.health();
        assert!(health.spared > 0 && health.silent <= 6, "{health:?}");
        server.cont();
        eventually(|| async { redis.cube_ring(3).get().await.is_ok() }).await;
        eventually(|| async {
            redis.cube(3).await;
            redis.cube_ring(3).get().await.is_ok_and(|cube| cube == Some(27))
        })
        .await;
    });
}

#[test]
fn a_black_hole_is_left_for_a_new_connection() {
    let Some(server) = own("an awaited black hole before Redis") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let redis = at(&proxy.url())
        .deadline(Duration::from_millis(30))
        .breaker(Breaker::never());
    let key = Key::of(&"hole");
    runtime().block_on(async {
        redis.clone().deadline(PATIENCE).get(&key).await.unwrap();
        proxy.fall_silent();
        for _ in 0..3 {
            assert_eq!(redis.get(&key).await.unwrap_err().kind(), ErrorKind::Deadline);
        }
        proxy.speak();
        redis.clone().deadline(PATIENCE).get(&key).await.unwrap();
        assert_eq!(proxy.connections(), 2);
    });
}

#[test]
fn one_timeout_is_enough_after_a_long_silence() {
    let Some(server) = own("an awaited black hole before a quiet Redis") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let redis = at(&proxy.url())
        .deadline(Duration::from_millis(600))
        .breaker(Breaker::never());
    let key = Key::of(&"hole");
    runtime().block_on(async {
        redis.clone().deadline(PATIENCE).get(&key).await.unwrap();
        proxy.fall_silent();
        assert_eq!(redis.get(&key).await.unwrap_err().kind(), ErrorKind::Deadline);
        proxy.speak();
        redis.clone().deadline(PATIENCE).get(&key).await.unwrap();
        assert_eq!(proxy.connections(), 2);
    });
}

#[test]
fn a_delete_that_failed_leaves_no_old_value() {
    let Some(server) = own("awaited deletes that failed") else {
        return;
    };
    let redis = stubborn(&server, Duration::from_millis(50));
    let patient = redis.clone().deadline(PATIENCE);
    runtime().block_on(async {
        patient.cube_ring(2).set(9).await.unwrap();
        server.stop();
        redis.cube_ring(2).delete().await.unwrap_err();
        server.cont();
        assert_eq!(patient.cube_ring(2).get().await.unwrap(), None);
        assert_eq!(patient.cube(2).await, 8);
    });
}

#[test]
fn many_tasks_share_a_connection() {
    let Some(server) = own("many tasks on Redis") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let redis = Arc::new(at(&proxy.url()).deadline(PATIENCE));
    threads().block_on(async {
        let tasks: Vec<_> = (0..200_u64)
            .map(|number| {
                let redis = Arc::clone(&redis);
                tokio::spawn(async move { assert_eq!(redis.cube(number).await, number.pow(3)) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    assert_eq!(proxy.connections(), 1);
}

/// Another task does not let go of the only thread: a turn takes longer than an operation may wait for its reply.
#[test]
fn a_busy_runtime_blames_no_server() {
    let Some(server) = own("a busy runtime") else {
        return;
    };
    let redis = open(&server);
    let key = Key::of(&"busy");
    runtime().block_on(async {
        redis.set(&key, vec![1], None).await.unwrap();
        let busy = tokio::spawn(async {
            loop {
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_millis(15) {
                    std::hint::spin_loop();
                }
                tokio::task::yield_now().await;
            }
        });
        let hurried = redis.clone().deadline(Duration::from_millis(10));
        for _ in 0..10 {
            let _ = hurried.get(&key).await;
        }
        busy.abort();
    });
    let health = redis.health();
    assert_eq!((health.silent, health.spared), (0, 0), "{health:?}");
}
