//! The connections of awaited calls. They belong to the runtime that opened them, and end with it.

use std::io;
use std::sync::{Arc, Weak};
use std::time::Instant;

use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::io::Interest;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpStream, lookup_host};
use tokio::runtime::{Handle, Id};
use tokio::sync::watch;
use tokio::task::yield_now;

use super::address::Address;
use super::handshake::{HANDSHAKE, Handshake, unopened};
use super::lingering::without_lingering;
use super::reply_buffer::ReplyBuffer;
use super::request::{Replies, ReplyError, Request};
use crate::real_time;
use crate::remote::pool::{CONNECT_TIMEOUT, Lease, Pool, TRIED_AFTER};
use crate::remote::unacked::UnackedWrites;
use crate::remote::unopened::Unopened;
use crate::remote::{Fault, dial};

/// The connections of each runtime.
pub(super) struct RuntimePools {
    by_runtime: Arc<ByRuntime>,
    /// Dropped with the storage, which ends the tasks that wait for the runtimes to end.
    open: watch::Sender<()>,
}

type ByRuntime = Mutex<HashMap<Id, Arc<Pool<Connection>>>>;

/// Held by a task of the runtime: dropped when the runtime ends.
struct Runtime {
    id: Id,
    pools: Weak<ByRuntime>,
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

pub(super) struct Connection {
    stream: Stream,
    buffer: ReplyBuffer,
    /// How many bytes of the request were sent.
    sent: usize,
}

impl RuntimePools {
    pub(super) fn new() -> Self {
        RuntimePools {
            by_runtime: Arc::default(),
            open: watch::Sender::new(()),
        }
    }

    /// When a server last answered, on any runtime.
    pub(super) fn answered(&self) -> Option<Instant> {
        let pools: Vec<_> = self.by_runtime.lock().values().cloned().collect();
        pools.iter().filter_map(|pool| pool.answered()).max()
    }

    /// The connections of this runtime.
    fn here(&self, runtime: &Handle) -> Arc<Pool<Connection>> {
        let id = runtime.id();
        let mut pools = self.by_runtime.lock();
        if let Some(pool) = pools.get(&id) {
            return Arc::clone(pool);
        }
        let pool = Pool::new();
        pools.insert(id, Arc::clone(&pool));
        // A runtime that has ended drops the task at once.
        drop(pools);
        let here = Runtime {
            id,
            pools: Arc::downgrade(&self.by_runtime),
        };
        let mut open = self.open.subscribe();
        runtime.spawn(async move {
            let _here = here;
            while open.changed().await.is_ok() {}
        });
        pool
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(pools) = self.pools.upgrade() {
            let pool = pools.lock().remove(&self.id);
            drop(pool);
        }
    }
}

/// Sends a request on a connection of this runtime, and reads the replies. Dropped before its end, it closes the connection.
pub(super) async fn send<T>(
    address: &Arc<Address>,
    pools: &RuntimePools,
    unacked: &Arc<UnackedWrites>,
    request: &Request<T>,
    until: Instant,
) -> Result<Vec<T>, Fault> {
    let runtime = Handle::try_current().map_err(|error| Fault::Unreachable(error.into()))?;
    let pool = pools.here(&runtime);
    if request.mutates {
        unacked.wait_async().await;
    }
    let mut since = None;
    loop {
        let connect = || Connection::open(Arc::clone(address));
        let mut connection = pool.lease_async(since, until, &runtime, connect).await?;
        // A proxy or firewall may have dropped an idle connection.
        if connection.was_idle() > TRIED_AFTER && !connection.answers(until).await {
            since = Some(Instant::now());
            continue;
        }
        let mut exchange = Exchange {
            address,
            connection: Some(connection),
            request,
            runtime: &runtime,
            unacked,
        };
        let mut replies = Replies::to(request);
        match exchange.connection().exchange(&mut replies).await {
            Ok(()) => {
                if let Some(connection) = exchange.connection.take() {
                    connection.give_back();
                }
                return replies.results();
            }
            // The connection may have been broken or out of step before, as others may be: retry once, on a new one.
            Err(error)
                if since.is_none() && replies.may_be_sent_again(&error, &exchange.connection().buffer) =>
            {
                exchange.connection = None;
                since = Some(Instant::now());
            }
            Err(error) => {
                if !error.leaves_unacked() {
                    exchange.connection = None;
                }
                return Err(error.into());
            }
        }
    }
}

/// A request in flight. Dropped with its connection, as by a cancelled call, it may leave unacknowledged writes.
struct Exchange<'e, T> {
    address: &'e Arc<Address>,
    connection: Option<Lease<Connection>>,
    request: &'e Request<T>,
    runtime: &'e Handle,
    unacked: &'e Arc<UnackedWrites>,
}

impl<T> Exchange<'_, T> {
    fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("it is taken at the end")
    }
}

impl<T> Drop for Exchange<'_, T> {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take().filter(|_| self.request.mutates) else {
            return;
        };
        let sent = self.request.commands_in(connection.sent);
        let all = sent.max(connection.buffer.replies());
        if all > connection.buffer.replies() {
            let (address, write) = (Arc::clone(self.address), self.unacked.begin());
            let settled = async move { connection.read_replies(all).await };
            let settling = async move {
                write
                    .settle_async(settled, || Connection::connect(&address))
                    .await
            };
            self.runtime.spawn(settling);
        }
    }
}

impl Connection {
    async fn open(address: Arc<Address>) -> Result<Self, Unopened> {
        let until = Instant::now() + CONNECT_TIMEOUT;
        let opened = real_time::within(until, Connection::connect(&address)).await;
        let opened = opened.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()));
        opened.map_err(unopened)
    }

    async fn connect(address: &Address) -> io::Result<Self> {
        let mut connection = Connection {
            stream: Stream::connect(address).await?,
            buffer: ReplyBuffer::default(),
            sent: 0,
        };
        connection.greet().await?;
        Ok(connection)
    }

    async fn greet(&mut self) -> io::Result<()> {
        self.sent = 0;
        let mut handshake = Handshake::default();
        while !handshake.take(&mut self.buffer)? {
            self.write_or_read(HANDSHAKE).await?;
        }
        Ok(())
    }

    /// Whether the server answers within a third of the time.
    async fn answers(&mut self, until: Instant) -> bool {
        let now = Instant::now();
        let third = now + until.saturating_duration_since(now) / 3;
        matches!(real_time::within(third, self.greet()).await, Some(Ok(())))
    }

    async fn exchange<T>(&mut self, replies: &mut Replies<'_, T>) -> Result<(), ReplyError> {
        let request = replies.request;
        self.sent = 0;
        while !replies.take(&mut self.buffer)? {
            self.write_or_read(&request.bytes).await?;
        }
        self.buffer.reset();
        Ok(())
    }

    /// Reads replies up to the number `all`, or to the end of the connection.
    async fn read_replies(&mut self, all: usize) {
        while self.buffer.replies() < all {
            match self.buffer.reply() {
                Ok(Some(_)) => {}
                Ok(None) if self.write_or_read(&[]).await.is_ok() => {}
                Ok(None) => return,
                // Out of step: the bytes have no meaning.
                Err(_) => self.buffer.discard(),
            }
        }
    }

    /// Writes and reads, until something was read. The server stops reading while its replies are not read.
    async fn write_or_read(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.buffer.is_empty() {
            // A server that sends without end must not delay the check of the deadline.
            yield_now().await;
        }
        loop {
            if self.sent < bytes.len() && self.write(&bytes[self.sent..])? {
                continue;
            }
            if self.read()? {
                return Ok(());
            }
            let interest = if self.sent < bytes.len() {
                Interest::READABLE | Interest::WRITABLE
            } else {
                Interest::READABLE
            };
            on!(&self.stream, stream => stream.ready(interest).await)?;
        }
    }

    /// Whether anything was written.
    fn write(&mut self, bytes: &[u8]) -> io::Result<bool> {
        match on!(&self.stream, stream => stream.try_write(bytes)) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                self.sent += count;
                Ok(true)
            }
            Err(error) if is_not_now(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether anything was read.
    fn read(&mut self) -> io::Result<bool> {
        let space = self.buffer.space();
        match on!(&self.stream, stream => stream.try_read(space)) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.buffer.filled(count);
                Ok(true)
            }
            Err(error) if is_not_now(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn is_not_now(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

impl Stream {
    async fn connect(address: &Address) -> io::Result<Self> {
        match address {
            Address::Port { host, port } => {
                let addresses = lookup_host((host.as_str(), *port)).await?.collect();
                let stream = dial::connect_async(addresses).await?;
                stream.set_nodelay(true)?;
                without_lingering(&stream)?;
                Ok(Stream::Tcp(stream))
            }
            #[cfg(unix)]
            Address::Socket(path) => UnixStream::connect(path).await.map(Stream::Unix),
            #[cfg(not(unix))]
            Address::Socket(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}
