//! `Redis`, `RedisHash` and `RedisCluster`, on real servers.

mod addresses;
#[cfg(feature = "tokio")]
mod awaited;
mod bulk;
mod cleared;
mod cluster;
mod connections;
mod expiry;
mod foreign;
mod hash;
mod outages;
mod proxy;
mod verbs;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use ring_cache_backends::{Breaker, Redis};
use ring_cache_test_servers::{Missing, Redis as Server, or_leave_out};

/// Longer than anything takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server that tests share which do it no harm. Each has keys of its own.
fn shared(what: &str) -> Option<&'static Server> {
    static SERVER: LazyLock<Result<Server, Missing>> = LazyLock::new(Server::start);
    match &*SERVER {
        Ok(server) => Some(server),
        Err(_) => or_leave_out(what, Server::start()).map(|_| unreachable!("it was missing before")),
    }
}

/// One that a test may harm.
fn own(what: &str) -> Option<Server> {
    or_leave_out(what, Server::start())
}

/// A storage that waits for busy machines.
fn open(server: &Server) -> Redis {
    Redis::open(&server.url()).unwrap().deadline(PATIENCE)
}

/// One that is asked whatever happened before.
fn stubborn(server: &Server, deadline: Duration) -> Redis {
    Redis::open(&server.url()).unwrap().deadline(deadline).breaker(Breaker::never())
}

/// Waits until something holds, or fails.
fn eventually(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE, "it did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}
