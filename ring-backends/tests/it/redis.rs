//! `Redis`, `RedisHash` and `RedisCluster`, on real servers.

mod verbs;

use std::sync::LazyLock;

use ring_cache_backends::Redis;
use ring_cache_test_servers::{Missing, Redis as Server, or_leave_out};

/// The server that tests share which do it no harm. Each has keys of its own.
pub(crate) fn shared(what: &str) -> Option<&'static Server> {
    static SERVER: LazyLock<Result<Server, Missing>> = LazyLock::new(Server::start);
    match &*SERVER {
        Ok(server) => Some(server),
        Err(_) => or_leave_out(what, Server::start()).map(|_| unreachable!("it was missing before")),
    }
}

fn open(server: &Server) -> Redis {
    Redis::open(&server.url()).unwrap()
}
