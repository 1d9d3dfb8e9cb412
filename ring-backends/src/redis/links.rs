//! The connections of awaited calls: one for each runtime, which drives it, shared by all calls there.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redis::{RedisResult, Value};
use tokio::runtime::{Handle, Id};
use tokio::sync::watch;
use tokio::time::timeout;

use super::commands::Commands;
use super::faults;
use super::pool::OVERDUE;
use crate::remote::Fault;
use crate::remote::doubts::{Doubt, Doubts, GRACE, PATIENCE};

/// How many attempts to connect there are at a time at most. Each lasts no longer than the client lets it.
const ATTEMPTS: usize = 8;
/// How many questions in a row may get no answer before the connection counts as dead.
const SILENT: u32 = 3;
/// One is enough where for so long none was answered though one was asked: a breaker lets few through.
const QUIET: Duration = Duration::from_millis(400);

/// Makes connections that many tasks use at the same time.
pub(super) trait ConnectAsync: Clone + Send + Sync + 'static {
    type Connection: Clone + Send + Sync + 'static;

    /// A new connection. This may take longer than a call has time.
    fn connect(self) -> impl Future<Output = RedisResult<Self::Connection>> + Send;

    /// Asks by a connection. What is dropped meanwhile gets no other's answers.
    fn ask(
        connection: Self::Connection,
        commands: &Commands,
    ) -> impl Future<Output = RedisResult<Vec<Value>>> + Send;
}

/// The connections of all runtimes.
pub(super) struct Links<C: ConnectAsync> {
    client: C,
    links: Mutex<Vec<(Id, Arc<Link<C>>)>>,
    doubts: Arc<Doubts>,
}

/// The connection of one runtime: being made, made, or failed.
struct Link<C: ConnectAsync> {
    made: OnceLock<RedisResult<C::Connection>>,
    /// Changes when it is made. Closed when the runtime ends.
    news: watch::Receiver<()>,
    /// Whether a new one is to be made.
    dead: AtomicBool,
    /// Questions in a row that got no answer.
    silent: AtomicU32,
    since: Instant,
    /// When the last answer came, or the first question after it, in milliseconds after `since`.
    heard: AtomicU64,
    attempts: Mutex<Attempts>,
}

/// The attempts to make a connection. The first that succeeds makes it, and the last of those that fail says why not.
struct Attempts {
    under_way: usize,
    /// When the last began.
    last: Instant,
    /// Tells of what came of them. Held by them.
    told: Weak<watch::Sender<()>>,
}

impl<C: ConnectAsync> Links<C> {
    pub(super) fn new(client: C, doubts: Arc<Doubts>) -> Self {
        Links {
            client,
            links: Mutex::default(),
            doubts,
        }
    }

    /// Asks by the connection of this runtime. If that turns out to be dead, by a new one.
    pub(super) async fn ask(&self, commands: &Commands, until: Instant) -> Result<Vec<Value>, Fault> {
        let before = self.doubts.up_to_now();
        while let Some(settled) = self.doubts.unsettled(before).filter(|_| commands.change()) {
            settled.await;
        }
        let link = self.link()?;
        let used = link.made.get().is_some();
        let asked = match self.ask_by(&link, commands, until).await? {
            Err(error) if used && faults::may_be_asked_again(&error, commands) => {
                let link = self.link()?;
                self.ask_by(&link, commands, until).await?
            }
            asked => asked,
        };
        asked.map_err(|error| faults::asked(&error))
    }

    /// Asks by this connection. A change that is dropped meanwhile is in doubt until the connection has answered.
    async fn ask_by(
        &self,
        link: &Link<C>,
        commands: &Commands,
        until: Instant,
    ) -> Result<RedisResult<Vec<Value>>, Fault> {
        let connection = link.connection().await?;
        let mut unanswered = Unanswered {
            links: self,
            connection: commands.change().then(|| connection.clone()),
            runtime: Handle::current(),
        };
        let asked = link.ask(connection, commands, until).await;
        unanswered.connection = None;
        Ok(asked)
    }

    /// That of this runtime.
    fn link(&self) -> Result<Arc<Link<C>>, Fault> {
        let runtime = Handle::try_current().map_err(|error| Fault::Broken(error.into()))?;
        let id = runtime.id();
        let mut links = self.links.lock();
        if let Some((_, link)) = links.iter().find(|(other, _)| *other == id)
            && !link.dead.load(Ordering::Relaxed)
        {
            let link = Arc::clone(link);
            drop(links);
            link.hurry(&self.client, &runtime);
            return Ok(link);
        }
        let link = Link::begin(self.client.clone(), &runtime);
        let gone: Vec<_> = links
            .extract_if(.., |(other, link)| *other == id || link.runtime_is_gone())
            .collect();
        links.push((id, Arc::clone(&link)));
        drop(links);
        drop(gone);
        Ok(link)
    }
}

impl<C: ConnectAsync> Link<C> {
    fn begin(client: C, runtime: &Handle) -> Arc<Self> {
        let (told, news) = watch::channel(());
        let told = Arc::new(told);
        let link = Arc::new(Link {
            made: OnceLock::new(),
            news,
            dead: AtomicBool::new(false),
            silent: AtomicU32::new(0),
            since: Instant::now(),
            heard: AtomicU64::new(0),
            attempts: Mutex::new(Attempts {
                under_way: 1,
                last: Instant::now(),
                told: Arc::downgrade(&told),
            }),
        });
        link.attempt(client, runtime, told);
        link
    }

    /// Connects, in a task of its own: nobody who waits for it takes it along when he goes.
    fn attempt(self: &Arc<Self>, client: C, runtime: &Handle, told: Arc<watch::Sender<()>>) {
        let waiting = Arc::downgrade(self);
        runtime.spawn(async move {
            let made = client.connect().await;
            let decides = waiting.upgrade().is_none_or(|link| link.conclude(made));
            if decides {
                told.send_replace(());
                // From the end of this task one learns of the end of the runtime.
                told.closed().await;
            }
        });
    }

    /// Begins another attempt if the last is overdue: it may have met a fault that is over.
    fn hurry(self: &Arc<Self>, client: &C, runtime: &Handle) {
        if self.made.get().is_some() {
            return;
        }
        let mut attempts = self.attempts.lock();
        if attempts.last.elapsed() < OVERDUE || attempts.under_way == ATTEMPTS {
            return;
        }
        // Without those who tell, something has just been decided.
        let Some(told) = attempts.told.upgrade() else {
            return;
        };
        attempts.under_way += 1;
        attempts.last = Instant::now();
        drop(attempts);
        self.attempt(client.clone(), runtime, told);
    }

    /// Notes what came of an attempt. Returns whether that decides.
    fn conclude(&self, made: RedisResult<C::Connection>) -> bool {
        let mut attempts = self.attempts.lock();
        attempts.under_way -= 1;
        let others_may_do_better = made.is_err() && attempts.under_way > 0;
        if others_may_do_better || self.made.get().is_some() {
            return false;
        }
        self.dead.store(made.is_err(), Ordering::Relaxed);
        self.made.set(made).is_ok()
    }

    fn runtime_is_gone(&self) -> bool {
        self.news.has_changed().is_err()
    }

    async fn connection(&self) -> Result<C::Connection, Fault> {
        if self.made.get().is_none() {
            // An error as well is news: that of the end of the runtime.
            let _ = self.news.clone().changed().await;
        }
        match self.made.get() {
            Some(Ok(connection)) => Ok(connection.clone()),
            Some(Err(error)) => Err(faults::connecting(error)),
            None => {
                self.dead.store(true, Ordering::Relaxed);
                Err(Fault::Broken("connecting was given up".into()))
            }
        }
    }

    async fn ask(
        &self,
        connection: C::Connection,
        commands: &Commands,
        until: Instant,
    ) -> RedisResult<Vec<Value>> {
        let mut patience = Patience {
            link: Some(self),
            until,
        };
        if self.silent.load(Ordering::Relaxed) == 0 {
            self.heard.store(self.age(), Ordering::Relaxed);
        }
        let asked = C::ask(connection, commands).await;
        patience.link = None;
        match &asked {
            Ok(_) => self.silent.store(0, Ordering::Relaxed),
            Err(error) if faults::is_lost(error) => self.dead.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
        asked
    }

    fn got_no_answer(&self) {
        let silent = self.silent.fetch_add(1, Ordering::Relaxed) + 1;
        let quiet = self.age().saturating_sub(self.heard.load(Ordering::Relaxed));
        if silent >= SILENT || u128::from(quiet) >= QUIET.as_millis() {
            self.dead.store(true, Ordering::Relaxed);
        }
    }

    fn age(&self) -> u64 {
        self.since.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }
}

/// A change that was asked for by this connection, if it is one. Dropped with it, it is in doubt.
struct Unanswered<'l, C: ConnectAsync> {
    links: &'l Links<C>,
    connection: Option<C::Connection>,
    runtime: Handle,
}

impl<C: ConnectAsync> Drop for Unanswered<'_, C> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let (client, doubt) = (self.links.client.clone(), self.links.doubts.begin());
            self.runtime.spawn(settle(client, connection, doubt));
        }
    }
}

/// Waits until the connection has answered what it was asked before, while there is a chance that it does.
async fn settle<C: ConnectAsync>(client: C, connection: C::Connection, doubt: Doubt) {
    let (over, nothing) = (Instant::now() + PATIENCE, Commands::Many(redis::Pipeline::new()));
    // What is asked by one connection is answered in turn: behind the answer to this, nothing is left.
    let mut answered = pin!(C::ask(connection, &nothing));
    let mut is_last = false;
    while timeout(GRACE, answered.as_mut()).await.is_err() && !is_last && Instant::now() < over {
        is_last = matches!(timeout(GRACE, client.clone().connect()).await, Ok(Ok(_)));
    }
    drop(doubt);
}

/// Counts a question that is dropped when its time is over.
struct Patience<'l, C: ConnectAsync> {
    link: Option<&'l Link<C>>,
    until: Instant,
}

impl<C: ConnectAsync> Drop for Patience<'_, C> {
    fn drop(&mut self) {
        if let Some(link) = self.link
            && Instant::now() >= self.until
        {
            link.got_no_answer();
        }
    }
}
