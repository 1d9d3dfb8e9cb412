//! The connections of blocking calls.

use std::io::{self, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::address::Address;
use super::handshake::{HANDSHAKE, Handshake, unopened};
use super::lingering::without_lingering;
use super::reply_buffer::ReplyBuffer;
use super::request::{Replies, ReplyError, Request};
use crate::remote::pool::{CONNECT_TIMEOUT, Pool, TRIED_AFTER};
use crate::remote::stream::Stream;
use crate::remote::unacked::UnackedWrites;
use crate::remote::unopened::Unopened;
use crate::remote::{Fault, NO_TIME, dial};

/// A request up to this size is written before replies are read: the system buffers more.
const AT_ONCE: usize = 16 * 1024;

/// How long replies are read after the deadline: on a busy machine they may have arrived unread.
const GRACE: Duration = Duration::from_millis(2);

pub(super) struct Connection {
    stream: Stream,
    buffer: ReplyBuffer,
    /// How many bytes of the request were sent.
    sent: usize,
    /// The timeout of the stream.
    timeout: Duration,
}

/// Sends a request on a connection of the pool, and reads the replies.
pub(super) fn send<T>(
    address: &Arc<Address>,
    pool: &Arc<Pool<Connection>>,
    unacked: &Arc<UnackedWrites>,
    request: &Request<T>,
    until: Instant,
) -> Result<Vec<T>, Fault> {
    let mut since = None;
    if request.mutates {
        unacked.wait(until)?;
    }
    loop {
        let mut connection = pool.lease(since, until, || {
            let address = Arc::clone(address);
            move || Connection::open(&address)
        })?;
        // A proxy or firewall may have dropped an idle connection.
        if connection.was_idle() > TRIED_AFTER && !connection.answers(until) {
            since = Some(Instant::now());
            continue;
        }
        if Instant::now() >= until {
            connection.give_back();
            return Err(Fault::Busy(NO_TIME.into()));
        }
        let mut replies = Replies::to(request);
        match connection.exchange_in_time(&mut replies, until) {
            Ok(()) => {
                connection.give_back();
                return replies.results();
            }
            // The connection may have been broken or out of step before, as others may be: retry once, on a new one.
            Err(error) if since.is_none() && replies.may_be_sent_again(&error, &connection.buffer) => {
                since = Some(Instant::now());
            }
            Err(error) => {
                let sent = request.commands_in(connection.sent);
                let missing = sent.saturating_sub(connection.buffer.replies());
                if error.leaves_unacked() && request.mutates && missing > 0 {
                    let (all, address) = (connection.buffer.replies() + missing, Arc::clone(address));
                    unacked.begin().settle(
                        connection,
                        move |connection, until| connection.has_replied(all, until),
                        move |connection, until| connection.open_another(&address, until).is_ok(),
                    );
                }
                return Err(error.into());
            }
        }
    }
}

impl Connection {
    fn open(address: &Address) -> Result<Self, Unopened> {
        let until = Instant::now() + CONNECT_TIMEOUT;
        let connection = connect(address, until).and_then(|stream| Connection::over(stream, until));
        connection.map_err(unopened)
    }

    /// Another connection to the same server, without a name look-up, which has no timeout.
    fn open_another(&self, address: &Address, until: Instant) -> io::Result<Self> {
        let stream = match &self.stream {
            Stream::Tcp(stream) => {
                let left = until.saturating_duration_since(Instant::now());
                over(TcpStream::connect_timeout(&stream.peer_addr()?, left)?)?
            }
            #[cfg(unix)]
            Stream::Unix(_) => connect(address, until)?,
        };
        Connection::over(stream, until)
    }

    fn over(stream: Stream, until: Instant) -> io::Result<Self> {
        let mut connection = Connection {
            stream,
            buffer: ReplyBuffer::default(),
            sent: 0,
            timeout: Duration::ZERO,
        };
        connection.greet(until)?;
        Ok(connection)
    }

    fn greet(&mut self, until: Instant) -> io::Result<()> {
        self.write(HANDSHAKE, until)?;
        let mut handshake = Handshake::default();
        while !handshake.take(&mut self.buffer)? {
            self.read(until)?;
        }
        Ok(())
    }

    /// Whether the server answers within a third of the time.
    fn answers(&mut self, until: Instant) -> bool {
        let now = Instant::now();
        self.greet(now + until.saturating_duration_since(now) / 3).is_ok()
    }

    /// [`exchange`](Self::exchange). Reads replies that have arrived also after the deadline.
    fn exchange_in_time<T>(
        &mut self,
        replies: &mut Replies<'_, T>,
        until: Instant,
    ) -> Result<(), ReplyError> {
        match self.exchange(replies, until) {
            Err(ReplyError::Timeout) if self.sent == replies.request.bytes.len() => {
                self.read_all(replies, Instant::now() + GRACE)
            }
            done => done,
        }
    }

    fn exchange<T>(&mut self, replies: &mut Replies<'_, T>, until: Instant) -> Result<(), ReplyError> {
        self.sent = 0;
        if replies.request.bytes.len() <= AT_ONCE {
            self.write(&replies.request.bytes, until)?;
        } else {
            self.write_and_read(replies, until)?;
        }
        self.read_all(replies, until)
    }

    fn read_all<T>(&mut self, replies: &mut Replies<'_, T>, until: Instant) -> Result<(), ReplyError> {
        while !replies.take(&mut self.buffer)? {
            self.read(until)?;
        }
        self.buffer.reset();
        Ok(())
    }

    /// Writes a large request. Reads replies meanwhile: otherwise the server stops reading.
    fn write_and_read<T>(&mut self, replies: &mut Replies<'_, T>, until: Instant) -> Result<(), ReplyError> {
        let request = replies.request;
        while self.sent < request.bytes.len() {
            self.stream.set_nonblocking(true)?;
            let written = self.stream.write(&request.bytes[self.sent..]);
            self.stream.set_nonblocking(false)?;
            match written {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error.into()),
                Err(_) if request.commands_in(self.sent) > replies.count() => {
                    self.read(until)?;
                    replies.take(&mut self.buffer)?;
                }
                // The server has nothing to reply to yet.
                Err(_) => {
                    let next = &request.bytes[self.sent..];
                    let next = &next[..next.len().min(AT_ONCE)];
                    self.write(next, until)?;
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, mut bytes: &[u8], until: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            self.set_timeout(until)?;
            match self.stream.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.sent += count;
                    bytes = &bytes[count..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read(&mut self, until: Instant) -> io::Result<()> {
        loop {
            self.set_timeout(until)?;
            let space = self.buffer.space();
            match self.stream.read(space) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.buffer.filled(count);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads replies up to the number `all`. Returns whether there is nothing more to read.
    fn has_replied(&mut self, all: usize, until: Instant) -> bool {
        while self.buffer.replies() < all {
            match self.buffer.reply() {
                Ok(Some(_)) => {}
                Ok(None) => match self.read(until).map_err(ReplyError::from) {
                    Ok(()) => {}
                    Err(error) => return !matches!(error, ReplyError::Timeout),
                },
                // Out of step: the bytes have no meaning.
                Err(_) => self.buffer.discard(),
            }
        }
        true
    }

    /// Sets the timeout of the stream, unless the current one is close: setting it is a system call.
    fn set_timeout(&mut self, until: Instant) -> io::Result<()> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let slack = (left / 8).max(Duration::from_millis(1));
        if self.timeout < left || self.timeout > left + slack {
            let timeout = left + slack / 2;
            self.stream.set_timeout(timeout)?;
            self.timeout = timeout;
        }
        Ok(())
    }
}

fn over(stream: TcpStream) -> io::Result<Stream> {
    stream.set_nodelay(true)?;
    without_lingering(&stream)?;
    Ok(Stream::Tcp(stream))
}

fn connect(address: &Address, until: Instant) -> io::Result<Stream> {
    match address {
        Address::Port { host, port } => over(dial::connect(host, *port, until)?),
        #[cfg(unix)]
        Address::Socket(path) => UnixStream::connect(path).map(Stream::Unix),
        #[cfg(not(unix))]
        Address::Socket(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}
