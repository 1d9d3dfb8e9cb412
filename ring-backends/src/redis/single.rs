//! One server, over TCP, TLS or a Unix socket.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Client, Connection, RedisError, RedisResult, Value};

use super::address;
use super::commands::Commands;
use super::faults;
#[cfg(feature = "tokio")]
use super::links::{ConnectAsync, Links};
#[cfg(feature = "tokio")]
use super::route::AsyncRoute;
use super::route::Route;
use super::seal::Seal;
use crate::remote::Fault;
use crate::remote::pool::{CONNECT_TIMEOUT, Pool};

/// By how much a timeout of a connection may exceed what is left to a call. Setting it anew costs system calls.
const SLACK: Duration = Duration::from_millis(2);

/// One server.
pub struct Single {
    client: Client,
    pool: Arc<Pool<Timed>>,
    #[cfg(feature = "tokio")]
    links: Links<Client>,
}

impl Single {
    pub(super) fn new(client: Client) -> Self {
        let client = without_lingering(client);
        Single {
            #[cfg(feature = "tokio")]
            links: Links::new(client.clone()),
            client,
            pool: Pool::new(),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

/// A connection that is given up takes along what the system has not sent yet: a write that the server gets late would come
/// after newer ones.
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

    fn ask(&mut self, commands: &Commands, until: Instant) -> RedisResult<Vec<Value>> {
        self.limit(until)?;
        let seal = Seal::new();
        self.connection.send_packed_command(&seal.packed(commands))?;
        let mut answers = Vec::with_capacity(commands.len() + 1);
        // One by one: what the client has for this goes on reading when nothing came in time. Answers to other questions are
        // read over: a connection that was given up instead might carry out what it was asked when nobody reckons with it.
        while !seal.is_last_of(&answers, commands) {
            self.limit(until)?;
            match self.connection.recv_response()? {
                Value::Push { .. } => {}
                answer => answers.push(answer),
            }
        }
        seal.opened(answers, commands)
    }

    /// Lets reading and writing end in time.
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

    fn ask(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let connect = || {
            let client = self.client.clone();
            move || Timed::open(&client)
        };
        let mut since = None;
        loop {
            let mut connection = self.pool.lease(since, until, connect)?;
            match connection.ask(commands, until) {
                Ok(answers) => {
                    connection.give_back();
                    return Ok(answers);
                }
                // It was closed while it was idle, as others may have been: once more, on a new one.
                Err(error) if since.is_none() && faults::may_be_sent_again(&error, commands.change()) => {
                    since = Some(Instant::now());
                }
                Err(error) => return Err(faults::asked(&error)),
            }
        }
    }

    fn out_of_step(&self) {
        self.pool.close_idle();
    }

    fn nodes(&self, _: Instant) -> Result<Vec<()>, Fault> {
        Ok(vec![()])
    }

    fn ask_node(&self, (): &(), commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        self.ask(commands, until)
    }
}

#[cfg(feature = "tokio")]
impl ConnectAsync for Client {
    type Connection = redis::aio::MultiplexedConnection;

    async fn connect(self) -> RedisResult<Self::Connection> {
        address::prepare(&self);
        // Calls have deadlines of their own.
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(None);
        self.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn ask(mut connection: Self::Connection, commands: &Commands) -> RedisResult<Vec<Value>> {
        let seal = Seal::new();
        let pipeline = seal.pipeline(commands);
        let count = pipeline.len();
        let answers = connection.send_packed_commands(&pipeline, 0, count).await?;
        seal.opened(answers, commands)
    }
}

#[cfg(feature = "tokio")]
impl AsyncRoute for Single {
    async fn ask_async(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        self.links.ask(commands, until).await
    }

    async fn nodes_async(&self, _: Instant) -> Result<Vec<()>, Fault> {
        Ok(vec![()])
    }

    async fn ask_node_async(
        &self,
        (): &(),
        commands: &Commands,
        until: Instant,
    ) -> Result<Vec<Value>, Fault> {
        self.links.ask(commands, until).await
    }
}
