//! The connections of awaited calls: one per runtime, which drives it, shared by all calls on the runtime.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redis::{RedisError, RedisResult, Value};
use tokio::runtime::{Handle, Id};
use tokio::sync::watch;

use super::dialect::{Dialect, Echo, is_wrong_server};
use super::faults;
use super::line::{Line, LineInUse};
use super::opener::Opener;
use super::request::Commands;
#[cfg(feature = "tiered")]
use super::watching::ServerId;
use crate::real_time;
use crate::remote::Fault;
use crate::remote::pool::{CONNECT_TIMEOUT, IDLE_TIMEOUT, OVERDUE, TRIED_AFTER};
use crate::remote::unacked::UnackedWrites;

/// The most attempts to connect at a time.
const MAX_ATTEMPTS: usize = 8;
/// After so many timeouts in a row the connection counts as dead.
const MAX_TIMEOUTS: u32 = 3;
/// With a reply due and none for so long, one timeout suffices: an open breaker lets few commands through.
const MAX_SILENCE: Duration = Duration::from_millis(400);

/// The connections of all runtimes.
pub(super) struct SharedConnections {
    opener: Opener,
    unacked: Arc<UnackedWrites>,
    connections: Mutex<Vec<(Id, Arc<SharedConnection>)>>,
}

/// The connection of one runtime: being opened, open, or failed.
struct SharedConnection {
    opened: OnceLock<RedisResult<Line>>,
    /// Changes when the connection is opened. Closed when the runtime ends.
    changed: watch::Receiver<()>,
    /// Whether to open a new one.
    dead: AtomicBool,
    /// Timeouts in a row.
    timeouts: AtomicU32,
    since: Instant,
    /// When the last reply came, or the first command after it was sent, in milliseconds after `since`.
    heard: AtomicU64,
    /// When the last reply came.
    replied: AtomicU64,
    /// The server that it leads to, if asked.
    #[cfg(feature = "tiered")]
    server: OnceLock<ServerId>,
    attempts: Mutex<Attempts>,
}

/// The attempts to open a connection. The first success decides, or the last failure.
struct Attempts {
    running: usize,
    last: Instant,
    /// Reports the outcome. Held by the attempts.
    outcome: Weak<watch::Sender<()>>,
}

impl SharedConnections {
    pub(super) fn new(opener: Opener, unacked: Arc<UnackedWrites>) -> Self {
        SharedConnections {
            opener,
            unacked,
            connections: Mutex::default(),
        }
    }

    /// When a reply last came, on any runtime.
    pub(super) fn answered(&self) -> Option<Instant> {
        let connections = self.connections.lock();
        connections
            .iter()
            .filter_map(|(_, shared)| shared.answered())
            .max()
    }

    /// Sends commands on the connection of this runtime. If it turns out to be dead, on a new one.
    pub(super) async fn send(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let mutates = commands.mutate();
        if mutates {
            self.unacked.wait_async().await;
        }
        let shared = self.fit(until).await?;
        let is_old = shared.opened.get().is_some();
        let sent = match self.send_on(&shared, commands, mutates, until).await? {
            Ok(replies) if is_old && is_wrong_server(shared.since.elapsed(), &replies) => {
                shared.dead.store(true, Ordering::Relaxed);
                Box::pin(self.send_anew(commands, mutates, until)).await?
            }
            Err(error) if is_old && faults::may_be_sent_again(&error, mutates) => {
                Box::pin(self.send_anew(commands, mutates, until)).await?
            }
            Err(error) => {
                if faults::is_lost(&error) {
                    // The server may have been replaced.
                    self.opener.dialect.set_echo(Echo::Unknown);
                }
                Err(error)
            }
            sent => sent,
        };
        sent.map_err(|error| faults::fault(&error))
    }

    /// The connection of this runtime, or a new one if that cannot be used. Tests one that was idle for long: a proxy or
    /// firewall may have dropped it. With tiers, it must lead to the watched server.
    async fn fit(&self, until: Instant) -> Result<Arc<SharedConnection>, Fault> {
        let now = Instant::now();
        let shared = self.here(now)?;
        if shared.opened.get().is_none() {
            return Ok(shared);
        }
        let third = now + until.saturating_duration_since(now) / 3;
        let is_fit = !shared.is_idle(now, TRIED_AFTER)
            || Box::pin(real_time::within(third, shared.answers(&self.opener.dialect))).await == Some(true);
        #[cfg(feature = "tiered")]
        let is_fit = is_fit && self.is_watched(&shared).await;
        if is_fit {
            return Ok(shared);
        }
        shared.dead.store(true, Ordering::Relaxed);
        self.here(Instant::now())
    }

    /// Whether a connection leads to the server that is watched for tiers.
    #[cfg(feature = "tiered")]
    async fn is_watched(&self, shared: &SharedConnection) -> bool {
        let watch = self.opener.watch.get();
        let Some(watch) = watch.filter(|watch| watch.is_current()) else {
            return true;
        };
        if let Some(server) = shared.server.get() {
            return watch.is_of(*server);
        }
        let Ok(connection) = shared.connection().await else {
            return true;
        };
        match Box::pin(server_of(connection)).await {
            Ok(server) => watch.is_of(*shared.server.get_or_init(|| server)),
            Err(_) => false,
        }
    }

    /// Sends commands on a new connection.
    async fn send_anew(
        &self,
        commands: &Commands,
        mutates: bool,
        until: Instant,
    ) -> Result<RedisResult<Vec<Value>>, Fault> {
        let shared = self.here(Instant::now())?;
        self.send_on(&shared, commands, mutates, until).await
    }

    async fn send_on(
        &self,
        shared: &SharedConnection,
        commands: &Commands,
        mutates: bool,
        until: Instant,
    ) -> Result<RedisResult<Vec<Value>>, Fault> {
        let connection = shared.connection().await?;
        let mut change = if mutates {
            Some(Change {
                connections: self,
                connection: Some(connection.in_use()),
                runtime: runtime()?,
            })
        } else {
            None
        };
        let sent = shared.send(connection, &self.opener.dialect, commands, until);
        let sent = sent.await;
        if let Some(change) = &mut change {
            change.connection = None;
        }
        Ok(sent)
    }

    /// The connection of this runtime.
    fn here(&self, now: Instant) -> Result<Arc<SharedConnection>, Fault> {
        let runtime = runtime()?;
        let id = runtime.id();
        let mut connections = self.connections.lock();
        if let Some((_, shared)) = connections.iter().find(|(other, _)| *other == id)
            && !shared.dead.load(Ordering::Relaxed)
            && !(shared.opened.get().is_some() && shared.is_idle(now, IDLE_TIMEOUT))
        {
            let shared = Arc::clone(shared);
            drop(connections);
            shared.retry_if_overdue(&self.opener, &runtime);
            return Ok(shared);
        }
        let shared = SharedConnection::begin(self.opener.clone(), &runtime);
        let gone: Vec<_> = connections
            .extract_if(.., |(other, shared)| *other == id || shared.runtime_is_gone())
            .collect();
        connections.push((id, Arc::clone(&shared)));
        drop(connections);
        drop(gone);
        Ok(shared)
    }
}

fn runtime() -> Result<Handle, Fault> {
    Handle::try_current().map_err(|error| Fault::Unreachable(error.into()))
}

/// An open connection, with the server that it leads to if tiers need it.
async fn open(opener: Opener) -> RedisResult<Line> {
    in_time(async { greeted(Line::open(&opener).await?, &opener).await }).await
}

/// Limits the time of connecting: a server may accept the connection and stay silent.
async fn in_time<T>(connecting: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let done = real_time::within(Instant::now() + CONNECT_TIMEOUT, connecting).await;
    done.unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
}

/// Detects whether the server accepts the connection and knows `ECHO`. Some proxies close the connection for it.
async fn greeted(connection: Line, opener: &Opener) -> RedisResult<Line> {
    let dialect = &opener.dialect;
    match connection.send(&dialect.greeting(), false).await {
        Ok(replies) => {
            dialect.greeted(&replies)?;
            Ok(connection)
        }
        Err(error) => match connection.refusal() {
            Some(refusal) => Err(refusal),
            None if error.is_connection_dropped() => greeted_without_echo(opener, error).await,
            None => Err(error),
        },
    }
}

/// The server closed the connection at the greeting. If it does so again, and not after a `PING`, it lacks `ECHO`.
async fn greeted_without_echo(opener: &Opener, error: RedisError) -> RedisResult<Line> {
    let dialect = &opener.dialect;
    if dialect.echo() != Echo::Unknown {
        // The server may have been replaced.
        dialect.set_echo(Echo::Unknown);
        return Err(error);
    }
    let another = Line::open(opener).await?;
    if let Ok(replies) = another.send(&dialect.greeting(), false).await {
        dialect.greeted(&replies)?;
        return Ok(another);
    }
    let another = Line::open(opener).await?;
    another.send(&Commands::One(redis::cmd("PING")), false).await?;
    dialect.set_echo(Echo::Missing);
    Ok(another)
}

#[cfg(feature = "tiered")]
async fn server_of(connection: &Line) -> RedisResult<ServerId> {
    let replies = connection
        .send(&Commands::One(ServerId::command()), false)
        .await?;
    Ok(ServerId::of(replies.first().unwrap_or(&Value::Nil)))
}

impl SharedConnection {
    fn begin(opener: Opener, runtime: &Handle) -> Arc<Self> {
        let (outcome, changed) = watch::channel(());
        let outcome = Arc::new(outcome);
        let shared = Arc::new(SharedConnection {
            opened: OnceLock::new(),
            changed,
            dead: AtomicBool::new(false),
            timeouts: AtomicU32::new(0),
            since: Instant::now(),
            heard: AtomicU64::new(0),
            replied: AtomicU64::new(0),
            #[cfg(feature = "tiered")]
            server: OnceLock::new(),
            attempts: Mutex::new(Attempts {
                running: 1,
                last: Instant::now(),
                outcome: Arc::downgrade(&outcome),
            }),
        });
        shared.attempt(opener, runtime, outcome);
        shared
    }

    /// Connects in its own task: dropping a call does not end it.
    fn attempt(self: &Arc<Self>, opener: Opener, runtime: &Handle, outcome: Arc<watch::Sender<()>>) {
        let waiting = Arc::downgrade(self);
        runtime.spawn(async move {
            #[cfg(feature = "tiered")]
            let watch = Arc::clone(&opener.watch);
            let opened = open(opener).await;
            #[cfg(feature = "tiered")]
            if let (Some(watch), Ok(connection)) = (watch.get(), &opened)
                && let Ok(server) = in_time(server_of(connection)).await
            {
                watch.note_server(server);
                waiting.upgrade().map(|shared| shared.server.set(server));
            }
            let decides = waiting.upgrade().is_none_or(|shared| shared.conclude(opened));
            if decides {
                outcome.send_replace(());
                // The task ends with the runtime; that closes `changed`.
                outcome.closed().await;
            }
        });
    }

    /// Begins another attempt if the last is overdue: it may have met a fault that is over.
    fn retry_if_overdue(self: &Arc<Self>, opener: &Opener, runtime: &Handle) {
        if self.opened.get().is_some() {
            return;
        }
        let mut attempts = self.attempts.lock();
        if attempts.last.elapsed() < OVERDUE || attempts.running == MAX_ATTEMPTS {
            return;
        }
        // Without a sender, an attempt has just decided.
        let Some(outcome) = attempts.outcome.upgrade() else {
            return;
        };
        attempts.running += 1;
        attempts.last = Instant::now();
        drop(attempts);
        self.attempt(opener.clone(), runtime, outcome);
    }

    /// Stores the outcome of an attempt. Returns whether it decides.
    fn conclude(&self, opened: RedisResult<Line>) -> bool {
        let mut attempts = self.attempts.lock();
        attempts.running -= 1;
        let others_may_succeed = opened.is_err() && attempts.running > 0;
        if others_may_succeed || self.opened.get().is_some() {
            return false;
        }
        self.dead.store(opened.is_err(), Ordering::Relaxed);
        self.replied.store(self.age(), Ordering::Relaxed);
        self.opened.set(opened).is_ok()
    }

    fn runtime_is_gone(&self) -> bool {
        self.changed.has_changed().is_err()
    }

    async fn connection(&self) -> Result<&Line, Fault> {
        if self.opened.get().is_none() {
            // An error: the runtime has ended.
            let _ = self.changed.clone().changed().await;
        }
        match self.opened.get() {
            Some(Ok(connection)) => Ok(connection),
            Some(Err(error)) => Err(faults::connecting(error).into_fault()),
            None => {
                self.dead.store(true, Ordering::Relaxed);
                Err(Fault::Busy("connecting was given up".into()))
            }
        }
    }

    fn answered(&self) -> Option<Instant> {
        let replied = Duration::from_millis(self.replied.load(Ordering::Relaxed));
        (!replied.is_zero()).then(|| self.since + replied)
    }

    /// Whether the last reply is older than `longer`.
    fn is_idle(&self, now: Instant, longer: Duration) -> bool {
        let idle = self
            .age_at(now)
            .saturating_sub(self.replied.load(Ordering::Relaxed));
        u128::from(idle) >= longer.as_millis()
    }

    async fn answers(&self, dialect: &Dialect) -> bool {
        let Ok(connection) = self.connection().await else {
            return false;
        };
        let nothing = dialect.nothing();
        connection.send(&nothing, dialect.has_tokens()).await.is_ok()
    }

    async fn send(
        &self,
        connection: &Line,
        dialect: &Dialect,
        commands: &Commands,
        until: Instant,
    ) -> RedisResult<Vec<Value>> {
        let mut watch = TimeoutWatch {
            shared: Some(self),
            received: connection.received(),
            until,
        };
        if self.timeouts.load(Ordering::Relaxed) == 0 {
            note(&self.heard, self.age());
        }
        let sent = connection.send(commands, dialect.has_tokens()).await;
        watch.shared = None;
        match &sent {
            Ok(_) => {
                if self.timeouts.load(Ordering::Relaxed) > 0 {
                    self.timeouts.store(0, Ordering::Relaxed);
                }
                note(&self.replied, self.age());
            }
            Err(error) if faults::is_lost(error) => self.dead.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        sent
    }

    /// Counts a timeout of a call, sent when `received` bytes had come. In a long reply, closes the connection: the rest is
    /// not awaited.
    fn count_timeout(&self, received: u64) {
        if let Some(Ok(line)) = self.opened.get()
            && line.is_in_long_reply(received)
        {
            self.dead.store(true, Ordering::Relaxed);
            line.end();
            return;
        }
        let timeouts = self.timeouts.fetch_add(1, Ordering::Relaxed) + 1;
        let silence = self.age().saturating_sub(self.heard.load(Ordering::Relaxed));
        if timeouts >= MAX_TIMEOUTS || u128::from(silence) >= MAX_SILENCE.as_millis() {
            self.dead.store(true, Ordering::Relaxed);
        }
    }

    fn age(&self) -> u64 {
        self.age_at(Instant::now())
    }

    /// The milliseconds from its beginning to `now`.
    fn age_at(&self, now: Instant) -> u64 {
        let age = now.saturating_duration_since(self.since).as_millis();
        age.try_into().unwrap_or(u64::MAX)
    }
}

/// Notes a time that many calls note. One that is noted already is not written: other threads read it.
fn note(place: &AtomicU64, milliseconds: u64) {
    if place.load(Ordering::Relaxed) != milliseconds {
        place.store(milliseconds, Ordering::Relaxed);
    }
}

/// A change in flight. Dropped with its connection, as by a cancelled call, it is an unacknowledged write.
struct Change<'s> {
    connections: &'s SharedConnections,
    connection: Option<LineInUse>,
    runtime: Handle,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let SharedConnections { opener, unacked, .. } = self.connections;
        let (opener, write) = (opener.clone(), unacked.begin());
        self.runtime.spawn(async move {
            // Replies come in order: after that to a no-op, no earlier one is outstanding.
            let (dialect, nothing) = (&opener.dialect, opener.dialect.nothing());
            let settled = async { drop(connection.0.send(&nothing, dialect.has_tokens()).await) };
            write.settle_async(settled, || Line::open(&opener)).await;
        });
    }
}

/// Counts a timeout if it is dropped with its future after `until`.
struct TimeoutWatch<'s> {
    shared: Option<&'s SharedConnection>,
    received: u64,
    until: Instant,
}

impl Drop for TimeoutWatch<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared
            && Instant::now() >= self.until
        {
            shared.count_timeout(self.received);
        }
    }
}
