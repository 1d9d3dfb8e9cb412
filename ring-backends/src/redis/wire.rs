//! A blocking connection to one server. Reading ends at a deadline, also in the middle of a reply.

use std::io::{self, Read, Write};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

#[cfg(not(feature = "tokio"))]
use redis::ErrorKind;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::SockRef;
use redis::{Client, Cmd, ConnectionAddr, RedisConnectionInfo, RedisResult, ServerError, Value};

#[cfg(feature = "tokio")]
use super::address::Resolver;
#[cfg(not(feature = "tokio"))]
use super::address::WITHOUT_TLS;
use super::echo_token::EchoToken;
#[cfg(feature = "tokio")]
use super::encrypted::Encrypted;
use super::login;
use super::reply_buffer::ReplyBuffer;
use super::request::Commands;
use crate::remote::dial;
use crate::remote::stream::Stream;

/// A connection to one server.
pub(super) enum Wire {
    Plain(Box<Plain>),
    #[cfg(feature = "tokio")]
    Encrypted(Box<Encrypted>),
}

/// A connection without TLS.
pub(super) struct Plain {
    stream: Stream,
    incoming: ReplyBuffer,
    /// What is sent; kept for its space.
    outgoing: Vec<u8>,
}

/// Space for more than this is not kept.
const MAX_KEPT: usize = 1 << 16;

impl Wire {
    /// Connects, logs in, and chooses the database.
    pub(super) fn open(client: &Client, until: Instant) -> RedisResult<Self> {
        let info = client.get_connection_info();
        let stream = match info.addr() {
            ConnectionAddr::Tcp(host, port) => {
                let stream = dial::connect(host, *port, until)?;
                set_up(&stream, info.tcp_settings())?;
                Stream::Tcp(stream)
            }
            #[cfg(unix)]
            ConnectionAddr::Unix(path) => Stream::Unix(UnixStream::connect(path)?),
            #[cfg(feature = "tokio")]
            _ => {
                let encrypted = Encrypted::open(client, Resolver, until)?;
                return Ok(Wire::Encrypted(Box::new(encrypted)));
            }
            #[cfg(not(feature = "tokio"))]
            _ => return Err((ErrorKind::InvalidClientConfig, WITHOUT_TLS).into()),
        };
        let mut plain = Plain {
            stream,
            incoming: ReplyBuffer::default(),
            outgoing: Vec::new(),
        };
        plain.log_in(info.redis_settings(), until)?;
        Ok(Wire::Plain(Box::new(plain)))
    }

    /// Sends commands, and the token behind them.
    pub(super) fn send(&mut self, commands: &Commands, token: Option<EchoToken>) -> RedisResult<()> {
        match self {
            Wire::Plain(plain) => plain.send(commands, token)?,
            #[cfg(feature = "tokio")]
            Wire::Encrypted(encrypted) => encrypted.send(commands.pipeline(token)),
        }
        Ok(())
    }

    /// The next reply, if it has been read.
    pub(super) fn read(&mut self) -> RedisResult<Option<Value>> {
        match self {
            Wire::Plain(plain) => plain.incoming.next(),
            #[cfg(feature = "tokio")]
            Wire::Encrypted(encrypted) => Ok(encrypted.read()),
        }
    }

    /// The next reply. One that was read in part goes on with the next call.
    pub(super) fn receive(&mut self, until: Instant) -> RedisResult<Value> {
        match self {
            Wire::Plain(plain) => plain.receive(until),
            #[cfg(feature = "tokio")]
            Wire::Encrypted(encrypted) => encrypted.receive(until),
        }
    }

    /// Sets the timeouts of reading and writing, if each read and write has its own.
    pub(super) fn set_timeout(&self, timeout: Duration) -> RedisResult<()> {
        match self {
            Wire::Plain(plain) => Ok(plain.set_timeout(timeout)?),
            #[cfg(feature = "tokio")]
            Wire::Encrypted(_) => Ok(()),
        }
    }
}

impl Plain {
    fn send(&mut self, commands: &Commands, token: Option<EchoToken>) -> io::Result<()> {
        self.outgoing.clear();
        self.outgoing.shrink_to(MAX_KEPT);
        commands.pack(&mut self.outgoing);
        if let Some(token) = token {
            token.pack(&mut self.outgoing);
        }
        self.stream.write_all(&self.outgoing)
    }

    fn receive(&mut self, until: Instant) -> RedisResult<Value> {
        loop {
            if let Some(reply) = self.incoming.next()? {
                return Ok(reply);
            }
            if Instant::now() >= until {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            let space = self.incoming.space()?;
            match self.stream.read(space) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(count) => self.incoming.add(count),
                // A signal, or the end of a pause of this process.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        self.stream.set_timeout(timeout)
    }

    fn log_in(&mut self, settings: &RedisConnectionInfo, until: Instant) -> RedisResult<()> {
        let mut refused = self.execute(login::commands(settings, settings.username()), until)?;
        if refused.as_ref().is_some_and(login::has_no_users) {
            refused = self.execute(login::commands(settings, None), until)?;
        }
        refused.map_or(Ok(()), |error| Err(login::refusal(error)))
    }

    /// Executes commands, one after the other, and returns what the server says against one of them.
    fn execute(&mut self, commands: Vec<Cmd>, until: Instant) -> RedisResult<Option<ServerError>> {
        for command in commands {
            let left = until.saturating_duration_since(Instant::now());
            self.set_timeout(left.max(Duration::from_millis(1)))?;
            self.stream.write_all(&command.get_packed_command())?;
            if let Value::ServerError(error) = self.receive(until)? {
                return Ok(Some(error));
            }
        }
        Ok(None)
    }
}

/// The options of the client's sockets. Closing one discards what the system has not sent yet: otherwise a write could reach
/// the server after newer ones.
pub(super) fn set_up<'s, S>(stream: &'s S, settings: &TcpSettings) -> io::Result<()>
where
    SockRef<'s>: From<&'s S>,
{
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    socket.set_linger(Some(Duration::ZERO))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(settings.user_timeout())?;
    let keepalive = settings.keepalive();
    keepalive.map_or(Ok(()), |keepalive| socket.set_tcp_keepalive(keepalive))
}
