//! One server, over TCP, TLS or a Unix socket.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Client, Connection, RedisError, RedisResult, Value};

use super::address;
use super::echo_token::EchoToken;
use super::faults;
use super::request::Commands;
#[cfg(feature = "tokio")]
use super::route::AsyncRoute;
use super::route::Route;
#[cfg(feature = "tokio")]
use super::shared::SharedConnections;
use crate::remote::Fault;
use crate::remote::pool::{CONNECT_TIMEOUT, Pool};

/// By how much the timeout of a connection may exceed the time left to a call. Setting it costs system calls.
const SLACK: Duration = Duration::from_millis(2);

/// One server.
pub(super) struct Single {
    client: Client,
    pool: Arc<Pool<Timed>>,
    #[cfg(feature = "tokio")]
    shared: SharedConnections,
}

impl Single {
    pub(super) fn new(client: Client) -> Self {
        let client = without_lingering(client);
        Single {
            #[cfg(feature = "tokio")]
            shared: SharedConnections::new(client.clone()),
            client,
            pool: Pool::new(),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

/// Closing a connection discards what the system has not sent yet: otherwise a write could reach the server after newer
/// ones.
fn without_lingering(client: Client) -> Client {
    let info = client.get_connection_info();
    let settings = info.tcp_settings().clone().set_linger_time(Duration::ZERO);
    Client::open(info.clone().set_tcp_settings(settings)).unwrap_or(client)
}

/// A connection, and the timeout that was set for it.
struct Timed {
    connection: Connection,
    timeout: Duration,
}

impl Timed {
    fn open(client: &Client) -> Result<Self, String> {
        address::prepare(client);
        let connection = client.get_connection_with_timeout(CONNECT_TIMEOUT);
        Ok(Timed {
            connection: connection.map_err(|error| faults::connecting(&error))?,
            timeout: Duration::ZERO,
        })
    }

    fn send(&mut self, commands: &Commands, until: Instant) -> RedisResult<Vec<Value>> {
        self.limit(until)?;
        let token = EchoToken::new();
        self.connection.send_packed_command(&token.packed(commands))?;
        let mut replies = Vec::with_capacity(commands.len() + 1);
        // One by one: the client's own function would go on after a timeout. Replies to earlier commands are skipped: if the
        // connection were closed instead, the server might still execute the commands, later.
        while !token.is_last_of(&replies, commands) {
            self.limit(until)?;
            match self.connection.recv_response()? {
                Value::Push { .. } => {}
                reply => replies.push(reply),
            }
        }
        token.replies(replies, commands)
    }

    /// Sets the timeouts of reading and writing.
    fn limit(&mut self, until: Instant) -> RedisResult<()> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(RedisError::from(io::Error::from(io::ErrorKind::TimedOut)));
        }
        if self.timeout < left || self.timeout > left + SLACK {
            self.timeout = left + SLACK / 2;
            self.connection.set_read_timeout(Some(self.timeout))?;
            self.connection.set_write_timeout(Some(self.timeout))?;
        }
        Ok(())
    }
}

impl Route for Single {
    type Node = ();

    fn send(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let connect = || {
            let client = self.client.clone();
            move || Timed::open(&client)
        };
        let mut since = None;
        loop {
            let mut connection = self.pool.lease(since, until, connect)?;
            match connection.send(commands, until) {
                Ok(answers) => {
                    connection.give_back();
                    return Ok(answers);
                }
                // It broke while it was idle, as others may have: once more, on a new one.
                Err(error) if since.is_none() && faults::may_be_sent_again(&error, commands.mutate()) => {
                    since = Some(Instant::now());
                }
                Err(error) => return Err(faults::fault(&error)),
            }
        }
    }

    fn close_idle(&self) {
        self.pool.close_idle();
    }

    fn nodes(&self, _: Instant) -> Result<Vec<()>, Fault> {
        Ok(vec![()])
    }

    fn send_to(&self, (): &(), commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        self.send(commands, until)
    }
}

#[cfg(feature = "tokio")]
impl AsyncRoute for Single {
    async fn send_async(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        self.shared.send(commands, until).await
    }

    async fn nodes_async(&self, _: Instant) -> Result<Vec<()>, Fault> {
        Ok(vec![()])
    }

    async fn send_to_async(&self, (): &(), commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        self.shared.send(commands, until).await
    }
}
