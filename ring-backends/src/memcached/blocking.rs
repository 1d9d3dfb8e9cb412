//! Connections that block.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use event_listener::Listener;

use super::address::Address;
use super::doubts::{Doubt, Doubts, GRACE, PATIENCE, without_lingering};
use super::greeting::{GREETING, Greeted};
use super::inbox::Inbox;
use super::pool::{CONNECTING, Lease, Making, Pool, Step};
use super::request::{Answers, Meaning, Request, Trouble};
use crate::remote::Fault;

/// So much is written without looking for replies: sockets hold more than that, and the replies to it.
const AT_ONCE: usize = 16 * 1024;

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

pub(super) struct Connection {
    stream: Stream,
    inbox: Inbox,
    /// How much of the request was sent.
    sent: usize,
    /// How long the stream waits.
    patience: Duration,
}

/// Asks for something on a connection of the pool.
pub(super) fn ask<T>(
    address: &Arc<Address>,
    pool: &Arc<Pool<Connection>>,
    doubts: &Arc<Doubts>,
    request: &Request,
    meaning: Meaning<T>,
    until: Instant,
) -> Result<Vec<T>, Fault> {
    let mut since = None;
    let before = doubts.up_to_now();
    while let Some(settled) = doubts.unsettled(before).filter(|_| request.changes) {
        settled.wait_deadline(until).ok_or(Fault::Silent)?;
    }
    loop {
        let mut connection = lease(address, pool, since, until)?;
        let mut answers = Answers::to(request, meaning);
        match connection.converse(&mut answers, until) {
            Ok(()) => {
                connection.give_back();
                return answers.meant();
            }
            // It was dead or out of step before, perhaps, as others may be: once more, on a new one.
            Err(trouble) if since.is_none() && answers.may_be_asked_again(&trouble, &connection.inbox) => {
                since = Some(Instant::now());
            }
            Err(trouble) => {
                let owed = request
                    .commands_in(connection.sent)
                    .saturating_sub(connection.inbox.replies());
                if trouble.leaves_doubts() && request.changes && owed > 0 {
                    settle(Arc::clone(address), connection, owed, doubts.begin());
                }
                return Err(trouble.into());
            }
        }
    }
}

/// Waits for the replies that are owed, on a thread of its own, while there is a chance that they come.
fn settle(address: Arc<Address>, mut connection: Lease<Connection>, owed: usize, doubt: Doubt) {
    let settle = move || {
        let (over, all) = (Instant::now() + PATIENCE, connection.inbox.replies() + owed);
        let mut is_last = false;
        while !connection.has_replied(all, Instant::now() + GRACE) && !is_last && Instant::now() < over {
            is_last = connection.make_another(&address, Instant::now() + GRACE).is_ok();
        }
        drop(connection);
        drop(doubt);
    };
    drop(thread::Builder::new().name("memcached".into()).spawn(settle));
}

fn lease(
    address: &Arc<Address>,
    pool: &Arc<Pool<Connection>>,
    since: Option<Instant>,
    until: Instant,
) -> Result<Lease<Connection>, Fault> {
    let seeker = pool.seek(since);
    loop {
        match seeker.step() {
            Step::Use(connection) => return Ok(connection),
            Step::Make(making) => make(Arc::clone(address), making),
            Step::Wait(news) => news.wait_deadline(until).ok_or(Fault::Silent)?,
            Step::Fail(reason) => return Err(Fault::Broken(reason.into())),
        }
    }
}

/// Makes a connection on a thread of its own: looking up names takes as long as it takes.
fn make(address: Arc<Address>, making: Making<Connection>) {
    let make = move || {
        let made = Connection::make(&address, Instant::now() + CONNECTING);
        making.end(made.map_err(|error| error.to_string()));
    };
    // If there is no thread, `making` was dropped, which says so to those who wait.
    drop(thread::Builder::new().name("memcached".into()).spawn(make));
}

impl Connection {
    fn make(address: &Address, until: Instant) -> io::Result<Self> {
        Connection::over(Stream::connect(address, until)?, until)
    }

    /// One to the same server. That takes no looking up of names, which ends when it ends.
    fn make_another(&self, address: &Address, until: Instant) -> io::Result<Self> {
        let stream = match &self.stream {
            Stream::Tcp(stream) => {
                let left = until.saturating_duration_since(Instant::now());
                Stream::over(TcpStream::connect_timeout(&stream.peer_addr()?, left)?)?
            }
            #[cfg(unix)]
            Stream::Unix(_) => Stream::connect(address, until)?,
        };
        Connection::over(stream, until)
    }

    fn over(stream: Stream, until: Instant) -> io::Result<Self> {
        let mut connection = Connection {
            stream,
            inbox: Inbox::default(),
            sent: 0,
            patience: Duration::ZERO,
        };
        connection.write(GREETING, until)?;
        let mut greeted = Greeted::default();
        while !greeted.take(&mut connection.inbox)? {
            connection.read(until)?;
        }
        Ok(connection)
    }

    fn converse<T>(&mut self, answers: &mut Answers<'_, T>, until: Instant) -> Result<(), Trouble> {
        self.sent = 0;
        if answers.request.bytes.len() <= AT_ONCE {
            self.write(&answers.request.bytes, until)?;
        } else {
            self.write_and_read(answers, until)?;
        }
        while !answers.take(&mut self.inbox)? {
            self.read(until)?;
        }
        self.inbox.rest();
        Ok(())
    }

    /// Writes much. The server reads no further while its replies are not read, so they are, whenever it does not.
    fn write_and_read<T>(&mut self, answers: &mut Answers<'_, T>, until: Instant) -> Result<(), Trouble> {
        let request = answers.request;
        while self.sent < request.bytes.len() {
            on!(&self.stream, stream => stream.set_nonblocking(true))?;
            let written = on!(&mut self.stream, stream => stream.write(&request.bytes[self.sent..]));
            on!(&self.stream, stream => stream.set_nonblocking(false))?;
            match written {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error.into()),
                Err(_) if request.commands_in(self.sent) > answers.count() => {
                    self.read(until)?;
                    answers.take(&mut self.inbox)?;
                }
                // There is nothing to reply to yet.
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
            self.wait_until(until)?;
            match on!(&mut self.stream, stream => stream.write(bytes)) {
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
            self.wait_until(until)?;
            let space = self.inbox.space();
            match on!(&mut self.stream, stream => stream.read(space)) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.inbox.filled(count);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads so many replies. Returns whether there is nothing more to be read.
    fn has_replied(&mut self, all: usize, until: Instant) -> bool {
        while self.inbox.replies() < all {
            match self.inbox.reply() {
                Ok(Some(_)) => {}
                Ok(None) => match self.read(until).map_err(Trouble::from) {
                    Ok(()) => {}
                    Err(trouble) => return !matches!(trouble, Trouble::Late),
                },
                // Out of step: what it says does not tell any more.
                Err(_) => self.inbox.discard(),
            }
        }
        true
    }

    /// Lets the stream wait about until then. To say so to the system takes a while, so that it is not told of trifles.
    fn wait_until(&mut self, until: Instant) -> io::Result<()> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let trifle = (left / 8).max(Duration::from_millis(1));
        if self.patience < left || self.patience > left + trifle {
            let patience = left + trifle / 2;
            on!(&self.stream, stream => stream.set_read_timeout(Some(patience)))?;
            on!(&self.stream, stream => stream.set_write_timeout(Some(patience)))?;
            self.patience = patience;
        }
        Ok(())
    }
}

impl Stream {
    fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        without_lingering(&stream)?;
        Ok(Stream::Tcp(stream))
    }

    fn connect(address: &Address, until: Instant) -> io::Result<Self> {
        match address {
            Address::Port { host, port } => Stream::over(connect(host, *port, until)?),
            #[cfg(unix)]
            Address::Socket(path) => UnixStream::connect(path).map(Stream::Unix),
            #[cfg(not(unix))]
            Address::Socket(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

fn connect(host: &str, port: u16, until: Instant) -> io::Result<TcpStream> {
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()? {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
