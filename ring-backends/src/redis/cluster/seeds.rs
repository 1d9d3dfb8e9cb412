//! What a cluster's client knows of connecting. It tells those alone that it makes connections of, so a connection is
//! asked for that writes down what it is told, and never connects.

use std::cell::RefCell;
use std::time::Duration;

use redis::cluster::{ClusterClient, Connect};
use redis::{ConnectionInfo, ConnectionLike, ErrorKind, IntoConnectionInfo, RedisError, RedisResult, Value};

thread_local! {
    static TOLD: RefCell<Vec<ConnectionInfo>> = const { RefCell::new(Vec::new()) };
}

/// How the first servers of a cluster are reached.
pub(super) fn of(client: &ClusterClient) -> Vec<ConnectionInfo> {
    TOLD.take();
    // It fails, after it has tried all.
    let _ = client.get_generic_connection::<Listener>();
    TOLD.take()
}

struct Listener;

fn never() -> RedisError {
    RedisError::from((ErrorKind::Client, "this is no connection"))
}

impl Connect for Listener {
    fn connect<T: IntoConnectionInfo>(info: T, _: Option<Duration>) -> RedisResult<Self> {
        let info = info.into_connection_info()?;
        TOLD.with_borrow_mut(|told| told.push(info));
        Err(never())
    }

    fn send_packed_command(&mut self, _: &[u8]) -> RedisResult<()> {
        Err(never())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> RedisResult<()> {
        Err(never())
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> RedisResult<()> {
        Err(never())
    }

    fn recv_response(&mut self) -> RedisResult<Value> {
        Err(never())
    }
}

impl ConnectionLike for Listener {
    fn req_packed_command(&mut self, _: &[u8]) -> RedisResult<Value> {
        Err(never())
    }

    fn req_packed_commands(&mut self, _: &[u8], _: usize, _: usize) -> RedisResult<Vec<Value>> {
        Err(never())
    }

    fn get_db(&self) -> i64 {
        0
    }

    fn check_connection(&mut self) -> bool {
        false
    }

    fn is_open(&self) -> bool {
        false
    }
}
