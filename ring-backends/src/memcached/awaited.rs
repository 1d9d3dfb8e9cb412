//! Connections that are awaited. They belong to the runtime that they were made on, and end with it.

use std::io;
use std::sync::{Arc, Weak};
use std::time::Instant;

use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::io::Interest;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::runtime::{Handle, Id};
use tokio::sync::watch;
use tokio::time::timeout;

use super::address::Address;
use super::doubts::{Doubt, Doubts, GRACE, PATIENCE, without_lingering};
use super::greeting::{GREETING, Greeted};
use super::inbox::Inbox;
use super::pool::{CONNECTING, Lease, Making, Pool, Step};
use super::request::{Answers, Meaning, Request, Trouble};
use crate::remote::Fault;

/// The connections of each runtime.
pub(super) struct Pools {
    by_runtime: Arc<ByRuntime>,
    /// Dropped with the storage, which ends the tasks that wait for the end of their runtimes.
    open: watch::Sender<()>,
}

type ByRuntime = Mutex<HashMap<Id, Arc<Pool<Connection>>>>;

/// Held by a task of the runtime, and so dropped at its end.
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
    inbox: Inbox,
    /// How much of the request was sent.
    sent: usize,
}

impl Pools {
    pub(super) fn new() -> Self {
        Pools {
            by_runtime: Arc::default(),
            open: watch::Sender::new(()),
        }
    }

    /// The connections of the runtime that this is called on.
    fn here(&self, runtime: &Handle) -> Arc<Pool<Connection>> {
        let id = runtime.id();
        let mut pools = self.by_runtime.lock();
        if let Some(pool) = pools.get(&id) {
            return Arc::clone(pool);
        }
        let pool = Pool::new();
        pools.insert(id, Arc::clone(&pool));
        // A runtime that ends drops the task at once.
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

/// Asks for something on a connection of this runtime. Dropped meanwhile, it closes the connection.
pub(super) async fn ask<T>(
    address: &Arc<Address>,
    pools: &Pools,
    doubts: &Arc<Doubts>,
    request: &Request,
    meaning: Meaning<T>,
) -> Result<Vec<T>, Fault> {
    let runtime = Handle::try_current().map_err(|error| Fault::Broken(error.into()))?;
    let pool = pools.here(&runtime);
    let before = doubts.up_to_now();
    while let Some(settled) = doubts.unsettled(before).filter(|_| request.changes) {
        settled.await;
    }
    let mut since = None;
    loop {
        let connection = lease(address, &runtime, &pool, since).await?;
        let mut exchange = Exchange {
            address,
            connection: Some(connection),
            request,
            runtime: &runtime,
            doubts,
        };
        let Some(connection) = &mut exchange.connection else {
            continue;
        };
        let mut answers = Answers::to(request, meaning);
        let end = connection.converse(&mut answers).await;
        let Some(connection) = exchange.connection.take() else {
            continue;
        };
        match end {
            Ok(()) => {
                connection.give_back();
                return answers.meant();
            }
            // It was dead or out of step before, perhaps, as others may be: once more, on a new one.
            Err(trouble) if since.is_none() && answers.may_be_asked_again(&trouble, &connection.inbox) => {
                since = Some(Instant::now());
            }
            Err(trouble) => {
                if trouble.leaves_doubts() {
                    exchange.connection = Some(connection);
                }
                return Err(trouble.into());
            }
        }
    }
}

/// A request under way. Dropped with its connection, as by who does not wait any longer, it leaves a doubt.
struct Exchange<'e> {
    address: &'e Arc<Address>,
    connection: Option<Lease<Connection>>,
    request: &'e Request,
    runtime: &'e Handle,
    doubts: &'e Arc<Doubts>,
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take().filter(|_| self.request.changes) else {
            return;
        };
        let owed = self
            .request
            .commands_in(connection.sent)
            .saturating_sub(connection.inbox.replies());
        if owed > 0 {
            let (address, doubt) = (Arc::clone(self.address), self.doubts.begin());
            self.runtime.spawn(settle(address, connection, owed, doubt));
        }
    }
}

/// Waits for the replies that are owed, while there is a chance that they come.
async fn settle(address: Arc<Address>, mut connection: Lease<Connection>, owed: usize, doubt: Doubt) {
    let (over, all) = (Instant::now() + PATIENCE, connection.inbox.replies() + owed);
    let mut is_last = false;
    while timeout(GRACE, connection.reply(all)).await.is_err() && !is_last && Instant::now() < over {
        is_last = matches!(timeout(GRACE, Connection::make(&address)).await, Ok(Ok(_)));
    }
    drop(connection);
    drop(doubt);
}

async fn lease(
    address: &Arc<Address>,
    runtime: &Handle,
    pool: &Arc<Pool<Connection>>,
    since: Option<Instant>,
) -> Result<Lease<Connection>, Fault> {
    let seeker = pool.seek(since);
    loop {
        match seeker.step() {
            Step::Use(connection) => return Ok(connection),
            Step::Make(making) => {
                runtime.spawn(make(Arc::clone(address), making));
            }
            Step::Wait(news) => news.await,
            Step::Fail(reason) => return Err(Fault::Broken(reason.into())),
        }
    }
}

async fn make(address: Arc<Address>, making: Making<Connection>) {
    let made = timeout(CONNECTING, Connection::make(&address)).await;
    let made = made.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    making.end(made.map_err(|error| error.to_string()));
}

impl Connection {
    async fn make(address: &Address) -> io::Result<Self> {
        let mut connection = Connection {
            stream: Stream::connect(address).await?,
            inbox: Inbox::default(),
            sent: 0,
        };
        let mut greeted = Greeted::default();
        while !greeted.take(&mut connection.inbox)? {
            connection.go_on(GREETING).await?;
        }
        Ok(connection)
    }

    async fn converse<T>(&mut self, answers: &mut Answers<'_, T>) -> Result<(), Trouble> {
        let request = answers.request;
        self.sent = 0;
        while !answers.take(&mut self.inbox)? {
            self.go_on(&request.bytes).await?;
        }
        self.inbox.rest();
        Ok(())
    }

    /// Reads so many replies, or as many as there are.
    async fn reply(&mut self, all: usize) {
        while self.inbox.replies() < all {
            match self.inbox.reply() {
                Ok(Some(_)) => {}
                Ok(None) if self.go_on(&[]).await.is_ok() => {}
                Ok(None) => return,
                // Out of step: what it says does not tell any more.
                Err(_) => self.inbox.discard(),
            }
        }
    }

    /// Writes or reads what can be. The server reads no further while its replies are not read.
    async fn go_on(&mut self, bytes: &[u8]) -> io::Result<()> {
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

    /// Returns whether anything was written.
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

    /// Returns whether anything was read.
    fn read(&mut self) -> io::Result<bool> {
        let space = self.inbox.space();
        match on!(&self.stream, stream => stream.try_read(space)) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.inbox.filled(count);
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
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
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
