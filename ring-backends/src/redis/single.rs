//! One server, over TCP, TLS or a Unix socket.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use event_listener::Listener;
use redis::{Client, Connection, RedisError, RedisResult, Value};

use super::address;
use super::commands::Commands;
use super::faults;
#[cfg(feature = "tokio")]
use super::links::{ConnectAsync, Links};
use super::pool::{Connect, Lease, Pool};
#[cfg(feature = "tokio")]
use super::route::AsyncRoute;
use super::route::Route;
use super::seal::Seal;
use crate::remote::Fault;
use crate::remote::doubts::{Doubt, Doubts, GRACE, PATIENCE};

/// How long each step of connecting may take. No call waits that long: what is made too late is there for the next.
pub(super) const CONNECTING: Duration = Duration::from_secs(1);
/// By how much a timeout of a connection may exceed what is left to a call. Setting it anew costs system calls.
const SLACK: Duration = Duration::from_millis(2);

/// One server.
pub struct Single {
    pool: Pool<Client>,
    #[cfg(feature = "tokio")]
    links: Links<Client>,
    doubts: Arc<Doubts>,
}

impl Single {
    pub(super) fn new(client: Client) -> Self {
        let client = without_lingering(client);
        let doubts = Arc::<Doubts>::default();
        Single {
            #[cfg(feature = "tokio")]
            links: Links::new(client.clone(), Arc::clone(&doubts)),
            pool: Pool::new(client),
            doubts,
        }
    }

    pub(super) fn client(&self) -> &Client {
        self.pool.client()
    }
}

/// A connection that is given up takes along what the system has not sent yet: a write that the server gets late would come
/// after newer ones.
fn without_lingering(client: Client) -> Client {
    let info = client.get_connection_info();
    let settings = info.tcp_settings().clone().set_linger_time(Duration::ZERO);
    Client::open(info.clone().set_tcp_settings(settings)).unwrap_or(client)
}

impl Connect for Client {
    type Connection = Timed;

    fn connect(&self) -> RedisResult<Timed> {
        address::prepare(self);
        Ok(Timed {
            connection: self.get_connection_with_timeout(CONNECTING)?,
            timeout: Duration::ZERO,
            owed: None,
        })
    }
}

/// A connection, and the timeout that was set for it.
pub(super) struct Timed {
    connection: Connection,
    timeout: Duration,
    /// The question that it has not answered yet.
    owed: Option<Owed>,
}

/// A question that was sent, at least in part, and what came in answer to it.
struct Owed {
    seal: Seal,
    answers: Vec<Value>,
    commands: usize,
}

impl Timed {
    fn ask(&mut self, commands: &Commands, until: Instant) -> RedisResult<Vec<Value>> {
        self.limit(until)?;
        let seal = Seal::new();
        let question = seal.packed(commands);
        let owed = self.owed.insert(Owed {
            seal,
            answers: Vec::with_capacity(commands.len() + 1),
            commands: commands.len(),
        });
        self.connection.send_packed_command(&question)?;
        // One by one: what the client has for this goes on reading when nothing came in time. Answers to other questions are
        // read over: a connection that was given up instead might carry out what it was asked when nobody reckons with it.
        while !owed.is_answered() {
            limit(&self.connection, &mut self.timeout, until)?;
            owed.hear(self.connection.recv_response()?);
        }
        match self.owed.take() {
            Some(owed) => owed.seal.opened(owed.answers, commands),
            None => unreachable!("it was asked"),
        }
    }

    /// Whether nothing more of what was asked will be done: it was answered, or the connection has ended.
    fn has_settled(&mut self, until: Instant) -> bool {
        let Some(owed) = &mut self.owed else { return true };
        while !owed.is_answered() {
            let heard = limit(&self.connection, &mut self.timeout, until);
            match heard.and_then(|()| self.connection.recv_response()) {
                Ok(answer) => owed.hear(answer),
                Err(error) => return !error.is_timeout(),
            }
        }
        true
    }

    fn limit(&mut self, until: Instant) -> RedisResult<()> {
        limit(&self.connection, &mut self.timeout, until)
    }
}

/// Lets reading and writing end in time.
fn limit(connection: &Connection, timeout: &mut Duration, until: Instant) -> RedisResult<()> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(RedisError::from(io::Error::from(io::ErrorKind::TimedOut)));
    }
    if *timeout < left || *timeout > left + SLACK {
        *timeout = left + SLACK / 2;
        connection.set_read_timeout(Some(*timeout))?;
        connection.set_write_timeout(Some(*timeout))?;
    }
    Ok(())
}

impl Owed {
    fn hear(&mut self, answer: Value) {
        if !matches!(answer, Value::Push { .. }) {
            self.answers.push(answer);
        }
    }

    fn is_answered(&self) -> bool {
        self.seal.is_last_of(&self.answers, self.commands)
    }
}

/// Waits on a thread of its own until the connection has settled, while there is a chance that it does.
fn settle(client: Client, mut lease: Lease<Client>, doubt: Doubt) {
    let settle = move || {
        let over = Instant::now() + PATIENCE;
        let mut is_last = false;
        while !lease.connection().has_settled(Instant::now() + GRACE) && !is_last && Instant::now() < over {
            is_last = client.get_connection_with_timeout(GRACE).is_ok();
        }
        drop(lease);
        drop(doubt);
    };
    drop(
        thread::Builder::new()
            .name("ring-cache redis".into())
            .spawn(settle),
    );
}

impl Route for Single {
    type Node = ();

    fn ask(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let changes = commands.change();
        let before = self.doubts.up_to_now();
        while let Some(settled) = self.doubts.unsettled(before).filter(|_| changes) {
            settled.wait_deadline(until).ok_or(Fault::Silent)?;
        }
        let mut lease = self.pool.lend(until)?;
        let mut asked = lease.connection().ask(commands, until);
        let another_may_do_better = |error| faults::may_be_asked_again(error, commands);
        if lease.used && asked.as_ref().is_err_and(another_may_do_better) {
            // It was closed while nobody used it, as others may have been.
            drop(lease);
            self.pool.forget_used();
            lease = self.pool.lend(until)?;
            asked = lease.connection().ask(commands, until);
        }
        match asked {
            Ok(answers) => {
                lease.give_back();
                Ok(answers)
            }
            Err(error) => {
                if changes && error.is_timeout() && lease.connection().owed.is_some() {
                    settle(self.client().clone(), lease, self.doubts.begin());
                }
                Err(faults::asked(&error))
            }
        }
    }

    fn out_of_step(&self) {
        self.pool.forget_used();
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
            .set_connection_timeout(Some(CONNECTING))
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
