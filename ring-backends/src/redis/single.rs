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
use crate::remote::pool::{CONNECT_TIMEOUT, Lease, Pool};
use crate::remote::unacked::UnackedWrites;

/// By how much the timeout of a connection may exceed the time left to a call. Setting it costs system calls.
const SLACK: Duration = Duration::from_millis(2);

/// One server.
pub(super) struct Single {
    client: Client,
    pool: Arc<Pool<Timed>>,
    #[cfg(feature = "tokio")]
    shared: SharedConnections,
    unacked: Arc<UnackedWrites>,
}

impl Single {
    pub(super) fn new(client: Client) -> Self {
        let client = without_lingering(client);
        let unacked = Arc::<UnackedWrites>::default();
        Single {
            #[cfg(feature = "tokio")]
            shared: SharedConnections::new(client.clone(), Arc::clone(&unacked)),
            client,
            pool: Pool::new(),
            unacked,
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Waits in the background for the reply to a change.
    fn settle(&self, connection: Lease<Timed>) {
        let client = self.client.clone();
        self.unacked.begin().settle(
            connection,
            |connection, until| connection.has_settled(until),
            move |_, until| {
                let left = until.saturating_duration_since(Instant::now());
                client.get_connection_with_timeout(left).is_ok()
            },
        );
    }
}

/// Closing a connection discards what the system has not sent yet: otherwise a write could reach the server after newer
/// ones.
fn without_lingering(client: Client) -> Client {
    let info = client.get_connection_info();
    let settings = info.tcp_settings().clone().set_linger_time(Duration::ZERO);
    Client::open(info.clone().set_tcp_settings(settings)).unwrap_or(client)
}

/// A connection, the timeout that was set for it, and the request without a reply.
struct Timed {
    connection: Connection,
    timeout: Duration,
    pending: Option<Pending>,
}

/// A request that was sent, at least in part, and the replies so far.
struct Pending {
    token: EchoToken,
    replies: Vec<Value>,
    commands: usize,
}

impl Timed {
    fn open(client: &Client) -> Result<Self, String> {
        address::prepare(client);
        let connection = client.get_connection_with_timeout(CONNECT_TIMEOUT);
        Ok(Timed {
            connection: connection.map_err(|error| faults::connecting(&error))?,
            timeout: Duration::ZERO,
            pending: None,
        })
    }

    fn send(&mut self, commands: &Commands, until: Instant) -> RedisResult<Vec<Value>> {
        self.set_timeout(until)?;
        let token = EchoToken::new();
        let packed = token.packed(commands);
        self.pending = Some(Pending {
            token,
            replies: Vec::with_capacity(commands.len() + 1),
            commands: commands.len(),
        });
        self.connection.send_packed_command(&packed)?;
        self.read(until)?;
        match self.pending.take() {
            Some(Pending { token, replies, .. }) => token.replies(replies, commands),
            None => Ok(Vec::new()),
        }
    }

    /// Reads the replies that are pending.
    ///
    /// One by one: the client's own function would go on after a timeout. Replies to earlier commands are skipped: if the
    /// connection were closed instead, the server might still execute the commands, later.
    fn read(&mut self, until: Instant) -> RedisResult<()> {
        while self
            .pending
            .as_ref()
            .is_some_and(|pending| !pending.is_complete())
        {
            self.set_timeout(until)?;
            match (self.connection.recv_response()?, &mut self.pending) {
                (Value::Push { .. }, _) | (_, None) => {}
                (reply, Some(pending)) => pending.replies.push(reply),
            }
        }
        Ok(())
    }

    /// Whether the server will do nothing more of the pending request: it replied, or the connection has ended.
    fn has_settled(&mut self, until: Instant) -> bool {
        !self.read(until).is_err_and(|error| error.is_timeout())
    }

    /// Sets the timeouts of reading and writing.
    fn set_timeout(&mut self, until: Instant) -> RedisResult<()> {
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

impl Pending {
    fn is_complete(&self) -> bool {
        self.token.is_last_of(&self.replies, self.commands)
    }
}

impl Route for Single {
    type Node = ();

    fn send(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let mutates = commands.mutate();
        if mutates {
            self.unacked.wait(until)?;
        }
        let connect = || {
            let client = self.client.clone();
            move || Timed::open(&client)
        };
        let mut since = None;
        loop {
            let mut connection = self.pool.lease(since, until, connect)?;
            match connection.send(commands, until) {
                Ok(replies) => {
                    connection.give_back();
                    return Ok(replies);
                }
                // It broke while it was idle, as others may have: once more, on a new one.
                Err(error) if since.is_none() && faults::may_be_sent_again(&error, mutates) => {
                    since = Some(Instant::now());
                }
                Err(error) => {
                    if mutates && error.is_timeout() && connection.pending.is_some() {
                        self.settle(connection);
                    }
                    return Err(faults::fault(&error));
                }
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
