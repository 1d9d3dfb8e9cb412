//! A blocking connection to one server. Reading ends at a deadline, also in the middle of a reply.

use std::io::{self, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::SockRef;
use redis::{
    Client, Cmd, ConnectionAddr, ErrorKind, Parser, ProtocolVersion, RedisConnectionInfo, RedisError,
    RedisResult, ServerError, Value,
};

#[cfg(feature = "tokio")]
use super::address::Resolver;
#[cfg(not(feature = "tokio"))]
use super::address::WITHOUT_TLS;
use super::echo_token::EchoToken;
#[cfg(feature = "tokio")]
use super::encrypted::Encrypted;
use super::request::Commands;
use crate::remote::dial;

/// The largest reply that is read: Redis takes values of up to 512 MB, and many may be asked for at a time.
pub(super) const MAX_REPLY: u64 = 1 << 30;

/// A connection to one server.
pub(super) enum Wire {
    Plain(Box<Plain>),
    #[cfg(feature = "tokio")]
    Encrypted(Box<Encrypted>),
}

/// A connection without TLS.
pub(super) struct Plain {
    stream: Stream,
    parser: Parser,
}

enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

macro_rules! on {
    ($stream:expr, $name:ident => $does:expr) => {
        match $stream {
            Stream::Tcp($name) => $does,
            #[cfg(unix)]
            Stream::Unix($name) => $does,
        }
    };
}

/// The bytes of one reply, until a deadline.
struct Incoming<'w> {
    stream: &'w mut Stream,
    until: Instant,
    count: u64,
}

impl Read for Incoming<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.count > MAX_REPLY {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the reply is too large",
            ));
        }
        loop {
            if Instant::now() >= self.until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match on!(&mut self.stream, stream => stream.read(space)) {
                // A signal, or the end of a pause of this process.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    self.count += *read.as_ref().unwrap_or(&0) as u64;
                    return read;
                }
            }
        }
    }
}

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
            parser: Parser::new(),
        };
        plain.log_in(info.redis_settings(), until)?;
        Ok(Wire::Plain(Box::new(plain)))
    }

    /// Sends commands, and the token behind them.
    pub(super) fn send(&mut self, commands: &Commands, token: Option<&EchoToken>) -> RedisResult<()> {
        match self {
            Wire::Plain(plain) => {
                let packed = token.map_or_else(|| commands.packed(), |token| token.packed(commands));
                on!(&mut plain.stream, stream => stream.write_all(&packed))?;
            }
            #[cfg(feature = "tokio")]
            Wire::Encrypted(encrypted) => {
                let pipeline = token.map_or_else(|| commands.pipeline(), |token| token.pipeline(commands));
                encrypted.send(pipeline);
            }
        }
        Ok(())
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
    fn receive(&mut self, until: Instant) -> RedisResult<Value> {
        self.parser.parse_value(Incoming {
            stream: &mut self.stream,
            until,
            count: 0,
        })
    }

    fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        on!(&self.stream, stream => stream.set_read_timeout(Some(timeout)))?;
        on!(&self.stream, stream => stream.set_write_timeout(Some(timeout)))
    }

    fn log_in(&mut self, settings: &RedisConnectionInfo, until: Instant) -> RedisResult<()> {
        match self.execute(logins(settings, settings.username()), until)? {
            // Redis 5 has no users.
            Some(error) if says(&error, "wrong number of arguments for 'auth'") => {
                let refused = self.execute(logins(settings, None), until)?;
                refused.map_or(Ok(()), |error| Err(refusal(error)))
            }
            refused => refused.map_or(Ok(()), |error| Err(refusal(error))),
        }
    }

    /// Executes commands, one after the other, and returns what the server says against one of them.
    fn execute(&mut self, commands: Vec<Cmd>, until: Instant) -> RedisResult<Option<ServerError>> {
        for command in commands {
            let left = until.saturating_duration_since(Instant::now());
            self.set_timeout(left.max(Duration::from_millis(1)))?;
            on!(&mut self.stream, stream => stream.write_all(&command.get_packed_command()))?;
            if let Value::ServerError(error) = self.receive(until)? {
                return Ok(Some(error));
            }
        }
        Ok(None)
    }
}

/// The commands by which a connection begins.
fn logins(settings: &RedisConnectionInfo, user: Option<&str>) -> Vec<Cmd> {
    let (is_newer, mut commands) = (settings.protocol() == ProtocolVersion::RESP3, Vec::new());
    let mut login = redis::cmd(if is_newer { "HELLO" } else { "AUTH" });
    if is_newer {
        login.arg(3);
    }
    match (settings.password(), user) {
        (Some(password), user) if is_newer => {
            let user = user.unwrap_or("default");
            login.arg("AUTH").arg(user).arg(password);
        }
        (Some(password), user) => _ = login.arg(user).arg(password),
        (None, _) => {}
    }
    if is_newer || settings.password().is_some() {
        commands.push(login);
    }
    if settings.db() != 0 {
        commands.push(redis::cmd("SELECT").arg(settings.db()).clone());
    }
    commands
}

fn says(error: &ServerError, words: &str) -> bool {
    error.details().is_some_and(|details| details.contains(words))
}

fn refusal(error: ServerError) -> RedisError {
    // A server without a password says that it was sent AUTH.
    if error.code() == "WRONGPASS" || says(&error, "AUTH") {
        return (ErrorKind::AuthenticationFailed, "Password authentication failed").into();
    }
    error.into()
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
