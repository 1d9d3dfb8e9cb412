//! An awaited connection to one server, which can be ended in the middle of a reply.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionAddr, ErrorKind, RedisError, RedisResult, ServerError, Value,
};
use tokio::io::{AsyncRead, AsyncWrite};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::lookup_host;
use tokio::task::AbortHandle;

use super::address;
use super::echo_token::{EchoToken, Replies};
use super::faults::{self, MAX_CLIENTS};
use super::login;
use super::multiplexer::Multiplexer;
use super::opener::Opener;
use super::request::Commands;
use super::wire::set_up;
use crate::remote::dial;
use crate::remote::pool::CONNECT_TIMEOUT;

/// The first bytes of replies, by their types.
const TYPES: &[u8] = b"+-:$*_#,(!=%~>|";

/// A connection that calls share. Clones are the same connection, which ends with the last of them.
#[derive(Clone)]
pub(super) enum Line {
    Plain(Arc<Driven>),
    /// With TLS, the client of the crate `redis` drives it.
    Encrypted(MultiplexedConnection),
}

/// A connection, and the task that drives it.
pub(super) struct Driven {
    multiplexer: Arc<Multiplexer>,
    task: AbortHandle,
    /// The number of changes under way: a server may do them as long as the connection lasts.
    changes: AtomicUsize,
    is_to_end: AtomicBool,
}

/// A change under way, until this is dropped.
pub(super) struct LineInUse(pub(super) Line);

impl Line {
    /// Connects, logs in, and chooses the database. It has no time limit of its own.
    pub(super) async fn open(opener: &Opener) -> RedisResult<Self> {
        let client = &opener.client;
        address::prepare(client);
        let info = client.get_connection_info();
        match info.addr() {
            ConnectionAddr::Tcp(host, port) => {
                let addresses = lookup_host((host.as_str(), *port)).await?.collect();
                let stream = dial::connect_async(addresses).await?;
                set_up(&stream, info.tcp_settings())?;
                let (reader, writer) = stream.into_split();
                Line::over(opener, reader, writer).await
            }
            #[cfg(unix)]
            ConnectionAddr::Unix(path) => {
                let (reader, writer) = UnixStream::connect(path).await?.into_split();
                Line::over(opener, reader, writer).await
            }
            _ => {
                // Calls have deadlines of their own.
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(CONNECT_TIMEOUT))
                    .set_dns_resolver(address::Resolver)
                    .set_response_timeout(None);
                let connection = client.get_multiplexed_async_connection_with_config(&config);
                Ok(Line::Encrypted(connection.await?))
            }
        }
    }

    async fn over<R, W>(opener: &Opener, reader: R, writer: W) -> RedisResult<Self>
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (multiplexer, driver) = Multiplexer::new(Arc::clone(&opener.dialect), reader, writer);
        let line = Line::Plain(Arc::new(Driven {
            multiplexer,
            task: tokio::spawn(driver).abort_handle(),
            changes: AtomicUsize::new(0),
            is_to_end: AtomicBool::new(false),
        }));
        let settings = opener.client.get_connection_info().redis_settings();
        let mut refused = line
            .execute(login::commands(settings, settings.username()))
            .await?;
        if refused.as_ref().is_some_and(login::has_no_users) {
            refused = line.execute(login::commands(settings, None)).await?;
        }
        refused.map_or(Ok(line), |error| Err(login::refusal(error)))
    }

    /// Executes commands, one after the other, and returns what the server says against one of them.
    async fn execute(&self, commands: Vec<Cmd>) -> RedisResult<Option<ServerError>> {
        for command in commands {
            let mut replies = self.send(&Commands::One(command), false).await?;
            if let Some(Value::ServerError(error)) = replies.pop() {
                return Ok(Some(error));
            }
        }
        Ok(None)
    }

    /// Sends commands, with a token behind them if the server knows it, and returns their replies.
    pub(super) async fn send(&self, commands: &Commands, has_token: bool) -> RedisResult<Vec<Value>> {
        match self {
            Line::Plain(driven) => driven.multiplexer.send(commands, has_token).await,
            // Boxed: calls without TLS need not have room for its future.
            Line::Encrypted(connection) => {
                Box::pin(send_encrypted(connection.clone(), commands, has_token)).await
            }
        }
    }

    fn driven(&self) -> Option<&Driven> {
        match self {
            Line::Plain(driven) => Some(driven),
            Line::Encrypted(_) => None,
        }
    }

    /// The same, for a change.
    pub(super) fn in_use(&self) -> LineInUse {
        if let Some(driven) = self.driven() {
            driven.changes.fetch_add(1, Ordering::SeqCst);
        }
        LineInUse(self.clone())
    }

    /// Why the server did not take the connection, if it said so before it was asked. Of that, its calls learn no more than
    /// that the connection ended.
    pub(super) fn refusal(&self) -> Option<RedisError> {
        let beginning = self.driven()?.multiplexer.beginning()?;
        let said = str::from_utf8(beginning).unwrap_or_default();
        if said
            .strip_prefix("-ERR ")
            .is_some_and(|said| said.starts_with(MAX_CLIENTS))
        {
            return Some(faults::full());
        }
        // Nothing at all came from a server that ends the connection.
        let is_reply = TYPES.contains(beginning.first()?);
        (!is_reply).then(|| (ErrorKind::Parse, "not a reply of Redis").into())
    }

    /// The number of bytes that came in.
    pub(super) fn received(&self) -> u64 {
        self.driven().map_or(0, |driven| driven.multiplexer.received())
    }

    /// Whether a long reply began to come after so many bytes, and has not ended.
    pub(super) fn is_in_long_reply(&self, since: u64) -> bool {
        self.driven()
            .is_some_and(|driven| driven.multiplexer.is_in_long_reply(since))
    }

    /// Ends the connection, when there are no more changes under way.
    pub(super) fn end(&self) {
        let Some(driven) = self.driven() else { return };
        driven.is_to_end.store(true, Ordering::SeqCst);
        driven.end_if_unused();
    }
}

async fn send_encrypted(
    mut connection: MultiplexedConnection,
    commands: &Commands,
    has_token: bool,
) -> RedisResult<Vec<Value>> {
    let token = has_token.then(EchoToken::new);
    let pipeline = commands.pipeline(token);
    let count = pipeline.len();
    let mut replies = Replies::to(commands.len(), token);
    for reply in connection.send_packed_commands(&pipeline, 0, count).await? {
        replies.add(reply)?;
    }
    replies.all()
}

impl Driven {
    fn end_if_unused(&self) {
        if self.is_to_end.load(Ordering::SeqCst) && self.changes.load(Ordering::SeqCst) == 0 {
            self.task.abort();
        }
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Drop for LineInUse {
    fn drop(&mut self) {
        if let Some(driven) = self.0.driven() {
            driven.changes.fetch_sub(1, Ordering::SeqCst);
            driven.end_if_unused();
        }
    }
}
