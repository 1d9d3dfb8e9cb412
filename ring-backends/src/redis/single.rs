//! One server, over TCP, TLS or a Unix socket.

use std::io;
use std::sync::Arc;
#[cfg(feature = "tiered")]
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use redis::{Client, RedisError, RedisResult, Value};

use super::address;
use super::dialect::{Dialect, Echo, Word, gathered, is_wrong_server};
use super::echo_token::{EchoToken, Replies};
use super::faults;
use super::opener::Opener;
use super::request::Commands;
#[cfg(feature = "tokio")]
use super::route::AsyncRoute;
use super::route::Route;
#[cfg(feature = "tokio")]
use super::shared::SharedConnections;
#[cfg(feature = "tiered")]
use super::watching::{ServerId, Watch};
use super::wire::Wire;
use crate::process::PerProcess;
use crate::remote::pool::{CONNECT_TIMEOUT, Lease, Pool, TRIED_AFTER};
use crate::remote::unacked::UnackedWrites;
use crate::remote::unopened::Unopened;
use crate::remote::{Fault, NO_TIME};

/// The most that the timeout of a connection may exceed the call's remaining time. Setting it costs system calls.
const SLACK: Duration = Duration::from_millis(2);
/// The number of reads after the deadline, each for [`SLACK`]: on a busy machine replies may have arrived unread.
const LATE_READS: u32 = 2;

/// One server.
pub(super) struct Single {
    client: Client,
    dialect: Arc<Dialect>,
    links: PerProcess<Links>,
}

/// The connections of one process.
struct Links {
    pool: Arc<Pool<Timed>>,
    #[cfg(feature = "tokio")]
    shared: SharedConnections,
    unacked: Arc<UnackedWrites>,
    #[cfg(feature = "tiered")]
    watch: Arc<OnceLock<Arc<Watch>>>,
}

impl Links {
    fn new(client: &Client, dialect: &Arc<Dialect>) -> Self {
        let unacked = Arc::<UnackedWrites>::default();
        #[cfg(feature = "tiered")]
        let watch = Arc::<OnceLock<Arc<Watch>>>::default();
        #[cfg(feature = "tokio")]
        let opener = Opener {
            client: client.clone(),
            dialect: Arc::clone(dialect),
            #[cfg(feature = "tiered")]
            watch: Arc::clone(&watch),
        };
        #[cfg(not(feature = "tokio"))]
        let _ = (client, dialect);
        Links {
            #[cfg(feature = "tokio")]
            shared: SharedConnections::new(opener, Arc::clone(&unacked)),
            pool: Pool::new(),
            unacked,
            #[cfg(feature = "tiered")]
            watch,
        }
    }
}

impl Single {
    pub(super) fn new(client: Client) -> Self {
        let client = prepared(client);
        let dialect = Arc::default();
        Single {
            links: PerProcess::new(Links::new(&client, &dialect)),
            client,
            dialect,
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Without user name and password.
    fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    fn links(&self) -> &Links {
        self.links.get(|_| Links::new(&self.client, &self.dialect))
    }

    fn opener(&self) -> Opener {
        Opener {
            client: self.client.clone(),
            dialect: Arc::clone(&self.dialect),
            #[cfg(feature = "tiered")]
            watch: Arc::clone(&self.links().watch),
        }
    }

    /// The watch of the server, shared by all storages on it.
    #[cfg(feature = "tiered")]
    pub(super) fn watch(&self) -> &Arc<Watch> {
        self.links().watch.get_or_init(|| Watch::of(&self.client))
    }

    /// Waits in the background for the reply to a change.
    fn settle(&self, connection: Lease<Timed>) {
        let client = self.client.clone();
        self.links().unacked.begin().settle(
            connection,
            |connection, until| connection.has_settled(until),
            move |_, until| Wire::open(&client, until).is_ok(),
        );
    }

    fn exchange(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let (links, mutates) = (self.links(), commands.mutate());
        if mutates {
            links.unacked.wait(until)?;
        }
        let connect = || {
            let opener = self.opener();
            move || Timed::open(&opener)
        };
        let mut since = None;
        loop {
            let mut connection = links.pool.lease(since, until, connect)?;
            if !self.answers(&mut connection, until) {
                since = Some(Instant::now());
                continue;
            }
            if Instant::now() >= until {
                connection.give_back();
                return Err(Fault::Busy(NO_TIME.into()));
            }
            #[cfg(feature = "tiered")]
            if !self.is_watched(&mut connection, since.is_some(), until) {
                since = Some(Instant::now());
                continue;
            }
            match connection.send(commands, self.dialect.token(), until) {
                Ok(replies) if since.is_none() && is_wrong_server(connection.opened.elapsed(), &replies) => {
                    drop(connection);
                    links.pool.close_idle();
                    since = Some(Instant::now());
                }
                Ok(replies) => {
                    connection.give_back();
                    return Ok(replies);
                }
                // An idle connection broke, as others may have: retry once, on a new one.
                Err(error) if since.is_none() && faults::may_be_sent_again(&error, mutates) => {
                    since = Some(Instant::now());
                }
                Err(error) => {
                    if faults::is_lost(&error) {
                        // The server may have been replaced.
                        self.dialect.set_echo(Echo::Unknown);
                    }
                    if mutates && error.is_timeout() && connection.pending.is_some() {
                        self.settle(connection);
                    }
                    return Err(faults::fault(&error));
                }
            }
        }
    }

    /// Whether a connection may be used. Tests one that was idle for long: a proxy or firewall may have dropped it.
    fn answers(&self, connection: &mut Lease<Timed>, until: Instant) -> bool {
        if connection.was_idle() > TRIED_AFTER {
            let now = Instant::now();
            let until = now + until.saturating_duration_since(now) / 3;
            let (nothing, token) = (self.dialect.nothing(), self.dialect.token());
            if connection.send(&nothing, token, until).is_err() {
                return false;
            }
        }
        true
    }

    /// Whether a connection leads to the server that is watched for tiers. If even a `new` one does not, the watch restarts,
    /// and the connection is used.
    #[cfg(feature = "tiered")]
    fn is_watched(&self, connection: &mut Lease<Timed>, new: bool, until: Instant) -> bool {
        let watch = self.links().watch.get();
        let Some(watch) = watch.filter(|watch| watch.is_current()) else {
            return true;
        };
        match connection.server(until) {
            Ok(server) if watch.is_of(server) => true,
            Ok(server) if new => {
                watch.note_server(server);
                true
            }
            _ => new,
        }
    }
}

/// Makes closing discard unsent bytes: otherwise a write could reach the server after newer ones. The client does not
/// introduce itself: some proxies close the connection for it.
fn prepared(client: Client) -> Client {
    let info = client.get_connection_info();
    let tcp = info.tcp_settings().clone().set_linger_time(Duration::ZERO);
    let redis = info.redis_settings().clone().set_skip_set_lib_name();
    let info = info.clone().set_tcp_settings(tcp).set_redis_settings(redis);
    Client::open(info).unwrap_or(client)
}

/// A connection, its timeout, and its request without a reply.
struct Timed {
    wire: Wire,
    opened: Instant,
    timeout: Duration,
    /// The replies so far to the request that was sent, at least in part.
    pending: Option<Replies>,
    /// The server that it leads to, if asked.
    #[cfg(feature = "tiered")]
    server: Option<ServerId>,
}

impl Timed {
    fn open(opener: &Opener) -> Result<Self, Unopened> {
        #[cfg_attr(not(feature = "tiered"), allow(unused_mut))]
        let mut opened = Timed::connect(&opener.client)?.greeted(opener)?;
        #[cfg(feature = "tiered")]
        if let Some(watch) = opener.watch.get() {
            let server = opened.server(Instant::now() + CONNECT_TIMEOUT);
            watch.note_server(server.map_err(|error| faults::connecting(&error))?);
        }
        Ok(opened)
    }

    fn connect(client: &Client) -> Result<Self, Unopened> {
        address::prepare(client);
        let wire = Wire::open(client, Instant::now() + CONNECT_TIMEOUT);
        Ok(Timed {
            wire: wire.map_err(|error| faults::connecting(&error))?,
            opened: Instant::now(),
            timeout: Duration::ZERO,
            pending: None,
            #[cfg(feature = "tiered")]
            server: None,
        })
    }

    /// Detects whether the server accepts the connection and knows `ECHO`. Some proxies close the connection for it.
    fn greeted(mut self, opener: &Opener) -> Result<Self, Unopened> {
        let (until, dialect) = (Instant::now() + CONNECT_TIMEOUT, &opener.dialect);
        match self.send(&dialect.greeting(), None, until) {
            Ok(replies) => {
                let taken = dialect.greeted(&replies);
                taken.map_err(|error| faults::connecting(&error))?;
                Ok(self)
            }
            Err(error) if error.is_connection_dropped() => self.greeted_without_echo(opener, error),
            Err(error) => Err(faults::connecting(&error)),
        }
    }

    /// The server closed the connection at the greeting. If it does so again, and not after a `PING`, it lacks `ECHO`.
    fn greeted_without_echo(self, opener: &Opener, error: RedisError) -> Result<Self, Unopened> {
        let (until, dialect) = (Instant::now() + CONNECT_TIMEOUT, &opener.dialect);
        if dialect.echo() != Echo::Unknown {
            // The server may have been replaced.
            dialect.set_echo(Echo::Unknown);
            return Err(faults::connecting(&error));
        }
        let greet = |greeting: &Commands| {
            let mut another = Timed::connect(&opener.client)?;
            let replies = another.send(greeting, None, until);
            let replies = replies.map_err(|error| faults::connecting(&error))?;
            Ok::<_, Unopened>((another, replies))
        };
        if let Ok((another, replies)) = greet(&dialect.greeting()) {
            let taken = dialect.greeted(&replies);
            taken.map_err(|error| faults::connecting(&error))?;
            return Ok(another);
        }
        let (another, _) = greet(&Commands::One(redis::cmd("PING")))?;
        dialect.set_echo(Echo::Missing);
        Ok(another)
    }

    fn send(
        &mut self,
        commands: &Commands,
        token: Option<EchoToken>,
        until: Instant,
    ) -> RedisResult<Vec<Value>> {
        self.set_timeout(until)?;
        self.pending = Some(Replies::to(commands.len(), token));
        self.wire.send(commands, token)?;
        self.read(until)?;
        self.pending.take().map_or_else(|| Ok(Vec::new()), Replies::all)
    }

    /// The server that it leads to.
    #[cfg(feature = "tiered")]
    fn server(&mut self, until: Instant) -> RedisResult<ServerId> {
        if let Some(server) = self.server {
            return Ok(server);
        }
        let replies = self.send(&Commands::One(ServerId::command()), None, until)?;
        let server = ServerId::of(replies.first().unwrap_or(&Value::Nil));
        self.server = Some(server);
        Ok(server)
    }

    /// Reads the pending replies.
    ///
    /// One by one: the client's own function would continue after a timeout. Replies to earlier commands are skipped, and
    /// the connection stays open: after closing it, the server might still execute the commands, later.
    fn read(&mut self, until: Instant) -> RedisResult<()> {
        let mut late_reads = 0;
        while let Some(pending) = self.pending.as_ref()
            && !pending.are_complete()
        {
            let reply = match self.wire.read()? {
                Some(reply) => reply,
                None => {
                    let now = Instant::now();
                    let is_late = now >= until && late_reads < LATE_READS;
                    late_reads += u32::from(is_late);
                    let until = if is_late { now + SLACK } else { until };
                    self.set_timeout(until)?;
                    self.wire.receive(until)?
                }
            };
            self.pending
                .as_mut()
                .map_or(Ok(()), |pending| pending.add(reply))?;
        }
        Ok(())
    }

    /// Whether the pending request has no further effect: the server replied, or the connection has ended.
    fn has_settled(&mut self, until: Instant) -> bool {
        !self.read(until).is_err_and(|error| error.is_timeout())
    }

    /// Sets the timeouts of reading and writing.
    fn set_timeout(&mut self, until: Instant) -> RedisResult<()> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(RedisError::from(io::Error::from(io::ErrorKind::TimedOut)));
        }
        if self.timeout < left || self.timeout > left + SLACK {
            self.timeout = left + SLACK / 2;
            self.wire.set_timeout(self.timeout)?;
        }
        Ok(())
    }
}

impl Route for Single {
    type Node = ();

    fn address(&self, _: usize) -> Option<String> {
        Some(Single::address(self))
    }

    fn answered(&self, _: usize) -> Option<Instant> {
        let links = self.links();
        let answered = links.pool.answered();
        #[cfg(feature = "tokio")]
        let answered = answered.max(links.shared.answered());
        answered
    }

    #[cfg(feature = "tiered")]
    fn watch_error(&self) -> Option<String> {
        self.links().watch.get()?.refusal()
    }

    fn send(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let said = self.dialect.translated(commands);
        let sent = self.exchange(&said, until);
        let Some(word) = Word::refused(&said, &sent) else {
            return Ok(gathered(commands, sent?));
        };
        let replies = self.exchange(&word.fallback(&said), until)?;
        let is_lost = || matches!(self.exchange(&word.probe(), until), Err(Fault::Disconnected(_)));
        if sent.is_ok() || is_lost() {
            self.dialect.note_refused(word, &replies);
        }
        Ok(gathered(commands, replies))
    }

    fn close_idle(&self) {
        self.links().pool.close_idle();
    }

    fn nodes(&self, _: Instant) -> Result<Vec<()>, Fault> {
        Ok(vec![()])
    }

    fn send_to(&self, (): &(), commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        self.send(commands, until)
    }
}

#[cfg(feature = "tokio")]
impl Single {
    /// Whether the server ends connections at the word.
    async fn is_lost_at(&self, word: Word, until: Instant) -> bool {
        let probed = self.links().shared.send(&word.probe(), until).await;
        matches!(probed, Err(Fault::Disconnected(_)))
    }
}

#[cfg(feature = "tokio")]
impl AsyncRoute for Single {
    async fn send_async(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let said = self.dialect.translated(commands);
        let sent = self.links().shared.send(&said, until).await;
        let Some(word) = Word::refused(&said, &sent) else {
            return Ok(gathered(commands, sent?));
        };
        let other = word.fallback(&said);
        let replies = Box::pin(self.links().shared.send(&other, until)).await?;
        if sent.is_ok() || Box::pin(self.is_lost_at(word, until)).await {
            self.dialect.note_refused(word, &replies);
        }
        Ok(gathered(commands, replies))
    }

    async fn nodes_async(&self, _: Instant) -> Result<Vec<()>, Fault> {
        Ok(vec![()])
    }

    async fn send_to_async(&self, (): &(), commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        self.send_async(commands, until).await
    }
}
