//! Storages under tokio's paused clock, as in users' tests: deadlines follow the real clock.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ring_cache::{RingKey, ring_impl};
use ring_cache_backends::{Blocking, Breaker, Disk, Memcached, Redis};
use ring_cache_test_servers::{Memcached as MemcachedServer, Redis as RedisServer, or_leave_out};
use tokio::runtime::Builder;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(RingKey)]
struct On<S> {
    #[ring_key(skip)]
    storage: S,
    #[ring_key(skip)]
    computed: AtomicU32,
}

impl<S> On<S> {
    fn new(storage: S) -> Self {
        On {
            storage,
            computed: AtomicU32::new(0),
        }
    }

    fn square(&self, number: u32) -> u32 {
        self.computed.fetch_add(1, Ordering::SeqCst);
        number * number
    }
}

macro_rules! squares {
    ($($storage:ty),*) => {$(
        #[ring_impl(storage = self.storage as $storage)]
        impl On<$storage> {
            #[ring(key_prefix = "paused")]
            async fn squared(&self, number: u32) -> u32 {
                self.square(number)
            }
        }
    )*};
}
squares!(Redis, Memcached, Blocking<Disk>);

/// Stored values are found, and nothing is computed twice.
macro_rules! assert_found {
    ($storage:expr) => {
        paused(async {
            let on = On::new($storage);
            for number in [1, 2, 3, 1, 2, 3] {
                assert_eq!(on.squared(number).await, number * number);
            }
            assert_eq!(on.computed.load(Ordering::SeqCst), 3);
            assert!(on.squared_ring(1).has().await.unwrap());
        })
    };
}

fn paused<F: Future>(test: F) -> F::Output {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(test)
}

#[test]
fn redis() {
    let Some(server) = or_leave_out("Redis under a paused clock", RedisServer::start()) else {
        return;
    };
    assert_found!(Redis::open(server.url()).unwrap().deadline(PATIENCE));
}

#[test]
fn memcached() {
    let Some(server) = or_leave_out("memcached under a paused clock", MemcachedServer::start()) else {
        return;
    };
    assert_found!(Memcached::open(server.address()).unwrap().deadline(PATIENCE));
}

#[test]
fn disk() {
    let folder = std::env::temp_dir().join(format!("ring-cache-paused-{}", std::process::id()));
    let disk = Disk::open(folder.join("cache.db")).unwrap().deadline(PATIENCE);
    assert_found!(Blocking::new(disk.clone()));
    drop(disk);
    std::fs::remove_dir_all(folder).unwrap();
}

/// A server that hangs costs a deadline.
#[test]
fn a_server_that_hangs() {
    let Some(server) = or_leave_out("a Redis that hangs, under a paused clock", RedisServer::start()) else {
        return;
    };
    paused(async {
        let redis = Redis::open(server.url())
            .unwrap()
            .deadline(Duration::from_millis(200));
        let on = On::new(redis.breaker(Breaker::never()));
        assert_eq!(on.squared(1).await, 1);
        server.stop();
        let begun = Instant::now();
        assert_eq!(on.squared(1).await, 1);
        let took = begun.elapsed();
        server.cont();
        assert!((Duration::from_millis(200)..PATIENCE).contains(&took), "{took:?}");
    });
}
