//! An awaited connection to one server, which can be ended in the middle of a reply.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, ErrorKind, RedisError, RedisResult};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::lookup_host;
use tokio::task::AbortHandle;

use super::address;
use super::faults::{self, MAX_CLIENTS};
use super::opener::Opener;
use super::wire::{MAX_REPLY, set_up};
use crate::remote::dial;
use crate::remote::pool::CONNECT_TIMEOUT;

/// More bytes than this without a reply are the beginning of a long one.
const LONG: u64 = 1 << 10;
/// The most bytes that are kept of what came first.
const BEGINNING: usize = 64;
/// The first bytes of replies, by their types.
const TYPES: &[u8] = b"+-:$*_#,(!=%~>|";

/// A connection that calls share. Clones are the same connection, which ends with the last of them.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) connection: MultiplexedConnection,
    /// `None` with TLS: then the client of the crate `redis` drives it.
    driver: Option<Arc<Driver>>,
}

/// The task that reads and writes.
struct Driver {
    task: AbortHandle,
    traffic: Arc<Traffic>,
    /// The number of changes under way: a server may do them as long as the connection lasts.
    changes: AtomicUsize,
    is_to_end: AtomicBool,
}

/// What came in.
#[derive(Default)]
struct Traffic {
    bytes: AtomicU64,
    /// The bytes at the last reply.
    replied: AtomicU64,
    /// What came first.
    beginning: OnceLock<Box<[u8]>>,
}

/// A change under way, until this is dropped.
pub(super) struct LineInUse(pub(super) Line);

impl Line {
    /// Connects, logs in, and chooses the database. It has no time limit of its own.
    pub(super) async fn open(opener: &Opener) -> RedisResult<Self> {
        let client = &opener.client;
        address::prepare(client);
        // Calls have deadlines of their own.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_dns_resolver(address::Resolver)
            .set_response_timeout(None);
        let info = client.get_connection_info();
        match info.addr() {
            ConnectionAddr::Tcp(host, port) => {
                let addresses = lookup_host((host.as_str(), *port)).await?.collect();
                let stream = dial::connect_async(addresses).await?;
                set_up(&stream, info.tcp_settings())?;
                Line::over(stream, opener, config).await
            }
            #[cfg(unix)]
            ConnectionAddr::Unix(path) => Line::over(UnixStream::connect(path).await?, opener, config).await,
            _ => {
                let connection = client.get_multiplexed_async_connection_with_config(&config);
                let connection = connection.await?;
                Ok(Line {
                    connection,
                    driver: None,
                })
            }
        }
    }

    async fn over<S>(stream: S, opener: &Opener, config: AsyncConnectionConfig) -> RedisResult<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let traffic = Arc::<Traffic>::default();
        let stream = Counted {
            stream,
            traffic: Arc::clone(&traffic),
        };
        let settings = opener.client.get_connection_info().redis_settings();
        let (connection, driving) = MultiplexedConnection::new_with_config(settings, stream, config).await?;
        let driver = Driver {
            task: tokio::spawn(driving).abort_handle(),
            traffic,
            changes: AtomicUsize::new(0),
            is_to_end: AtomicBool::new(false),
        };
        Ok(Line {
            connection,
            driver: Some(Arc::new(driver)),
        })
    }

    /// The same, for a change.
    pub(super) fn in_use(&self) -> LineInUse {
        if let Some(driver) = &self.driver {
            driver.changes.fetch_add(1, Ordering::SeqCst);
        }
        LineInUse(self.clone())
    }

    /// A reply came.
    pub(super) fn replied(&self) {
        if let Some(Driver { traffic, .. }) = self.driver.as_deref() {
            let bytes = traffic.bytes.load(Ordering::Relaxed);
            traffic.replied.store(bytes, Ordering::Relaxed);
        }
    }

    /// Why the server did not take the connection, if it said so before it was asked. Of that, the client says no more than that
    /// the connection ended.
    pub(super) fn refusal(&self) -> Option<RedisError> {
        let beginning = self.driver.as_deref()?.traffic.beginning.get()?;
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
        let traffic = self.driver.as_deref().map(|driver| &driver.traffic);
        traffic.map_or(0, |traffic| traffic.bytes.load(Ordering::Relaxed))
    }

    /// Whether a long reply began to come after so many bytes, and has not ended.
    pub(super) fn is_in_long_reply(&self, since: u64) -> bool {
        let traffic = self.driver.as_deref().map(|driver| &driver.traffic);
        traffic.is_some_and(|traffic| {
            traffic.replied.load(Ordering::Relaxed) <= since && self.received() > since + LONG
        })
    }

    /// Ends the connection, when there are no more changes under way.
    pub(super) fn end(&self) {
        let Some(driver) = &self.driver else { return };
        driver.is_to_end.store(true, Ordering::SeqCst);
        driver.end_if_unused();
    }
}

impl Driver {
    fn end_if_unused(&self) {
        if self.is_to_end.load(Ordering::SeqCst) && self.changes.load(Ordering::SeqCst) == 0 {
            self.task.abort();
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Drop for LineInUse {
    fn drop(&mut self) {
        if let Some(driver) = &self.0.driver {
            driver.changes.fetch_sub(1, Ordering::SeqCst);
            driver.end_if_unused();
        }
    }
}

impl Traffic {
    fn since_reply(&self) -> u64 {
        let replied = self.replied.load(Ordering::Relaxed);
        self.bytes.load(Ordering::Relaxed).saturating_sub(replied)
    }
}

/// A stream whose incoming bytes are counted, and bounded for one reply.
struct Counted<S> {
    stream: S,
    traffic: Arc<Traffic>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.traffic.since_reply() > MAX_REPLY {
            let too_large = io::Error::new(io::ErrorKind::InvalidData, "the reply is too large");
            return Poll::Ready(Err(too_large));
        }
        let before = space.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, space))?;
        let came = &space.filled()[before..];
        if self.traffic.bytes.fetch_add(came.len() as u64, Ordering::Relaxed) == 0 {
            let beginning = came.get(..BEGINNING).unwrap_or(came);
            let _ = self.traffic.beginning.set(beginning.into());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
