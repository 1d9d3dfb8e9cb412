//! The addresses of a cluster's client. It passes them to its connections only, so it is asked for a connection that records
//! them and never connects.

use std::cell::RefCell;
use std::time::Duration;

use redis::cluster::{ClusterClient, Connect};
use redis::{ConnectionInfo, ConnectionLike, ErrorKind, IntoConnectionInfo, RedisError, RedisResult, Value};

thread_local! {
    static RECORDED: RefCell<Vec<ConnectionInfo>> = const { RefCell::new(Vec::new()) };
}

/// The addresses and settings of a cluster's first servers.
pub(super) fn of(client: &ClusterClient) -> Vec<ConnectionInfo> {
    RECORDED.take();
    // Fails after it has tried all addresses.
    let _ = client.get_generic_connection::<Recorder>();
    RECORDED.take()
}

struct Recorder;

fn never() -> RedisError {
    RedisError::from((ErrorKind::Client, "not a connection"))
}

impl Connect for Recorder {
    fn connect<T: IntoConnectionInfo>(info: T, _: Option<Duration>) -> RedisResult<Self> {
        let info = info.into_connection_info()?;
        RECORDED.with_borrow_mut(|recorded| recorded.push(info));
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

impl ConnectionLike for Recorder {
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
