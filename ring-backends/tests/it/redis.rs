//! `Redis`, `RedisHash` and `RedisCluster`, on real servers.

mod addresses;
#[cfg(feature = "tokio")]
mod at_the_same_time;
#[cfg(feature = "tokio")]
mod awaited;
mod bulk;
mod cleared;
mod cluster;
mod connections;
#[cfg(feature = "tokio")]
mod contract;
mod crowded;
mod dialects;
#[cfg(feature = "tls")]
mod encrypted;
mod expiry;
#[cfg(feature = "tokio")]
mod failover;
mod foreign;
mod hash;
mod outages;
mod proxy;
mod verbs;
mod words;

use std::ops::Deref;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use ring_cache::RingKey;
use ring_cache_backends::{Breaker, Redis, RedisCluster, RedisHash};
use ring_cache_test_servers::{Missing, Redis as Server, or_leave_out};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server shared by tests that do not harm it. Each has its own keys.
pub(crate) fn shared(what: &str) -> Option<&'static Server> {
    static SERVER: LazyLock<Result<Server, Missing>> = LazyLock::new(Server::start);
    match &*SERVER {
        Ok(server) => Some(server),
        Err(_) => or_leave_out(what, Server::start()).map(|_| unreachable!("it was missing before")),
    }
}

/// A server that a test may harm.
fn own(what: &str) -> Option<Server> {
    or_leave_out(what, Server::start())
}

/// The object of the tests' cached methods. It is not part of their keys.
#[derive(Clone, RingKey)]
struct On<S> {
    #[ring_key(skip)]
    storage: S,
}

macro_rules! on {
    ($($Storage:ty),*) => {$(impl On<$Storage> {
    fn deadline(self, deadline: Duration) -> Self {
        On {
            storage: self.storage.deadline(deadline),
        }
    }

    fn namespace(self, namespace: &str) -> Self {
        On {
            storage: self.storage.namespace(namespace),
        }
    }
}
    )*};
}
on!(Redis, RedisHash, RedisCluster);

macro_rules! breaker {
    ($($Storage:ty),*) => {$(impl On<$Storage> {
    fn breaker(self, breaker: Breaker) -> Self {
        On {
            storage: self.storage.breaker(breaker),
        }
    }
    })*};
}
breaker!(Redis, RedisCluster);

impl<S> Deref for On<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.storage
    }
}

fn at(url: &str) -> On<Redis> {
    On {
        storage: Redis::open(url).unwrap(),
    }
}

/// A storage with a deadline for busy machines.
fn open(server: &Server) -> On<Redis> {
    at(&server.url()).deadline(PATIENCE)
}

/// A storage without a breaker.
fn stubborn(server: &Server, deadline: Duration) -> On<Redis> {
    open(server).deadline(deadline).breaker(Breaker::never())
}

/// Waits until `what` is true, or fails.
fn eventually(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE, "it did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}
