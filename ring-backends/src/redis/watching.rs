//! Invalidations from Redis: client-side caching in broadcasting mode, over RESP3.
//!
//! One thread with one connection to each server receives the changed keys of all watched namespaces. Heartbeats confirm
//! this, and detect a connection that hangs. See
//! <https://redis.io/docs/latest/develop/reference/client-side-caching/>.
//!
//! The watch must be on the server of the data, though a name or a proxy may lead to another one later. So data connections
//! are asked for the id of their server, and the watch restarts if it is on another one.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Weak};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, ProtocolVersion, PushInfo, PushKind,
    RedisError, RedisResult, Value, cmd,
};
use ring_cache_core::storage::ChangeObserver;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::{address, faults};
use crate::process::PerProcess;
use crate::remote::pool::CONNECT_TIMEOUT;

/// The interval of heartbeats.
const HEARTBEAT: Duration = Duration::from_millis(300);
/// The timeout of a heartbeat. A connection that hangs is detected in less than a second.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_millis(500);
/// The pause before the first attempt to reconnect. It doubles with each failure.
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause after the server refused.
const MAX_REFUSED_PAUSE: Duration = Duration::from_secs(30);
/// How often to check whether all observers are gone.
const CHECK: Duration = Duration::from_millis(100);
/// After so many connections in a row that end at the first command, the server or a proxy counts as refusing.
const MAX_DROPS: u32 = 3;

/// The server that a connection leads to: the same number for the same run of the same server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerId(u64);

impl ServerId {
    /// The command that asks for it.
    pub(super) fn command() -> Cmd {
        let mut command = cmd("INFO");
        command.arg("server");
        command
    }

    /// From the reply. Servers that do not tell cannot be distinguished.
    pub(super) fn of(reply: &Value) -> Self {
        static NUMBERS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let text = match reply {
            Value::BulkString(bytes) => str::from_utf8(bytes).unwrap_or_default(),
            Value::VerbatimString { text, .. } | Value::SimpleString(text) => text,
            _ => "",
        };
        let id = text.lines().find_map(|line| line.strip_prefix("run_id:"));
        ServerId(id.map_or(0, |id| NUMBERS.hash_one(id.trim())))
    }
}

/// The watch on one server, shared by all storages on it.
pub(super) struct Watch {
    client: Client,
    state: Arc<Mutex<State>>,
    /// Notified of new observers, and when the watch has to restart.
    changed: Notify,
}

#[derive(Default)]
struct State {
    observers: Arc<Vec<Arc<Watcher>>>,
    is_running: bool,
    /// The watched server, and whether it is still watched.
    current: Option<(ServerId, Arc<AtomicBool>)>,
    refusal: Option<String>,
}

/// An observer of a namespace.
struct Watcher {
    namespace: String,
    observer: Arc<dyn ChangeObserver>,
    /// Whether it was told that changes are reported.
    has_begun: AtomicBool,
}

/// The identity of shared watches: the address and the user.
#[derive(PartialEq, Eq)]
struct Login {
    address: ConnectionAddr,
    user: Option<String>,
    password: Option<String>,
}

type Watches = Mutex<Vec<(Login, Weak<Watch>)>>;

static WATCHES: LazyLock<PerProcess<Watches>> = LazyLock::new(|| PerProcess::new(Mutex::default()));

impl Watch {
    /// The watch of a client's server.
    pub(super) fn of(client: &Client) -> Arc<Self> {
        let (info, settings) = (
            client.get_connection_info(),
            client.get_connection_info().redis_settings(),
        );
        let login = Login {
            address: info.addr().clone(),
            user: settings.username().map(str::to_owned),
            password: settings.password().map(str::to_owned),
        };
        let mut watches = WATCHES.get(|_| Mutex::default()).lock();
        watches.retain(|(_, watch)| watch.strong_count() > 0);
        let known = watches.iter().find(|(other, _)| *other == login);
        if let Some(watch) = known.and_then(|(_, watch)| watch.upgrade()) {
            return watch;
        }
        let watch = Arc::new(Watch {
            client: client.clone(),
            state: Arc::default(),
            changed: Notify::new(),
        });
        watches.push((login, Arc::downgrade(&watch)));
        watch
    }

    /// Reports changes in the namespace to `observer`, until it is dropped.
    pub(super) fn observe(self: &Arc<Self>, namespace: &str, observer: Arc<dyn ChangeObserver>) {
        let watcher = Arc::new(Watcher {
            namespace: namespace.to_owned(),
            observer,
            has_begun: AtomicBool::new(false),
        });
        let mut state = self.state.lock();
        Arc::make_mut(&mut state.observers).push(watcher);
        let begins = !std::mem::replace(&mut state.is_running, true);
        drop(state);
        self.changed.notify_one();
        if begins && !self.begin() {
            // Without a thread, the observer is never told that reports began.
            self.state.lock().is_running = false;
        }
    }

    /// Why the server refuses to report changes.
    pub(super) fn refusal(&self) -> Option<String> {
        self.state.lock().refusal.clone()
    }

    /// Whether the watch is on this server, or on none at present.
    pub(super) fn is_of(&self, server: ServerId) -> bool {
        let state = self.state.lock();
        state
            .current
            .as_ref()
            .is_none_or(|(watched, _)| *watched == server)
    }

    /// Whether a server is watched at present.
    pub(super) fn is_current(&self) -> bool {
        self.state.lock().current.is_some()
    }

    /// A new data connection leads to this server: if the watch is on another one, it restarts.
    pub(super) fn note_server(&self, server: ServerId) {
        if !self.is_of(server) {
            self.end();
            self.changed.notify_one();
        }
    }

    /// The current connection reports no more changes.
    fn end(&self) {
        let mut state = self.state.lock();
        if let Some((_, is_current)) = state.current.take() {
            // Late messages of this connection do not concern the next.
            is_current.store(false, Ordering::SeqCst);
        }
        let observers = Arc::clone(&state.observers);
        drop(state);
        for watcher in observers.iter() {
            if watcher.has_begun.swap(false, Ordering::SeqCst) {
                watcher.observer.ended();
            }
        }
    }

    fn begin(self: &Arc<Self>) -> bool {
        let watch = Arc::clone(self);
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            let watching = Arc::clone(&watch);
            let watching = runtime.spawn(async move { watching.run().await });
            runtime.block_on(async {
                while !watching.is_finished() && !watch.is_over() {
                    sleep(CHECK).await;
                }
            });
            watch.end();
            // Does not wait for a name look-up or a connection.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("ring-cache-watch".to_owned());
        thread.spawn(run).is_ok()
    }

    /// Forgets dropped observers. Returns whether none is left, which ends the thread.
    fn is_over(&self) -> bool {
        let mut state = self.state.lock();
        if state.observers.iter().any(|watcher| watcher.observer.is_gone()) {
            Arc::make_mut(&mut state.observers).retain(|watcher| !watcher.observer.is_gone());
        }
        let is_over = state.observers.is_empty();
        state.is_running &= !is_over;
        is_over
    }

    async fn run(&self) {
        let (mut pause, mut drops) = (MIN_PAUSE, 0);
        loop {
            let is_current = Arc::new(AtomicBool::new(true));
            match timeout(CONNECT_TIMEOUT, self.subscribed(&is_current)).await {
                Ok(Ok((connection, namespaces))) => {
                    (pause, drops) = (MIN_PAUSE, 0);
                    self.state.lock().refusal = None;
                    self.report(connection, namespaces, &is_current).await;
                }
                Ok(Err(error)) => {
                    drops = if error.is_connection_dropped() && !error.is_connection_refusal() {
                        drops + 1
                    } else {
                        0
                    };
                    if let Some(refusal) = refusal(&error, drops) {
                        self.refused(&refusal);
                        pause = pause.max(MAX_PAUSE);
                    }
                }
                Err(_) => {}
            }
            is_current.store(false, Ordering::SeqCst);
            self.end();
            drop(timeout(pause, self.changed.notified()).await);
            let longest = if self.refusal().is_some() {
                MAX_REFUSED_PAUSE
            } else {
                MAX_PAUSE
            };
            pause = longest.min(pause * 2);
        }
    }

    fn refused(&self, reason: &str) {
        let mut state = self.state.lock();
        state.refusal = Some(reason.to_owned());
        let observers = Arc::clone(&state.observers);
        drop(state);
        observers
            .iter()
            .for_each(|watcher| watcher.observer.refused(reason));
    }

    fn observers(&self) -> Arc<Vec<Arc<Watcher>>> {
        Arc::clone(&self.state.lock().observers)
    }

    /// Opens a connection that reports changes. Returns the namespaces that it reports.
    async fn subscribed(
        &self,
        is_current: &Arc<AtomicBool>,
    ) -> RedisResult<(MultiplexedConnection, Vec<String>)> {
        address::prepare(&self.client);
        let is_current = Arc::clone(is_current);
        let state = Arc::clone(&self.state);
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_dns_resolver(address::Resolver)
            .set_push_sender(move |push: PushInfo| -> Result<(), ()> {
                if is_current.load(Ordering::SeqCst) {
                    let observers = Arc::clone(&state.lock().observers);
                    observers.iter().for_each(|watcher| watcher.tell(&push));
                }
                Ok(())
            });
        let address = self.client.get_connection_info();
        let settings = address
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(address.clone().set_redis_settings(settings))?;
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        let mut namespaces: Vec<_> = self
            .observers()
            .iter()
            .map(|watcher| watcher.namespace.clone())
            .collect();
        // Redis refuses namespaces of which one contains the other.
        namespaces.sort();
        namespaces.dedup_by(|next, before| next.starts_with(&**before));
        for namespace in &namespaces {
            track(&mut connection, namespace).await?;
        }
        Ok((connection, namespaces))
    }

    /// Confirms by heartbeats that changes are reported. Returns when the connection is lost or hangs, or a new one is
    /// needed.
    async fn report(
        &self,
        mut connection: MultiplexedConnection,
        mut namespaces: Vec<String>,
        is_current: &Arc<AtomicBool>,
    ) {
        let Ok(server) = server_of(&mut connection).await else {
            return;
        };
        self.state.lock().current = Some((server, Arc::clone(is_current)));
        while is_current.load(Ordering::SeqCst) {
            for watcher in self.observers().iter() {
                let namespace = &watcher.namespace;
                let is_tracked = namespaces.iter().any(|known| namespace.starts_with(&**known));
                if !is_tracked {
                    let contains_another = namespaces.iter().any(|known| known.starts_with(&**namespace));
                    if contains_another || track(&mut connection, namespace).await.is_err() {
                        return;
                    }
                    namespaces.push(namespace.clone());
                }
            }
            let watched = self.observers();
            let Some(at) = heartbeat(&mut connection).await else {
                return;
            };
            if let Some(at) = at {
                self.confirm(&watched, &namespaces, at, is_current);
                drop(timeout(HEARTBEAT, self.changed.notified()).await);
            }
        }
    }

    /// All changes before `at` were reported to the observers of these namespaces.
    fn confirm(&self, watched: &[Arc<Watcher>], namespaces: &[String], at: Instant, is_current: &AtomicBool) {
        for watcher in watched {
            let is_tracked = namespaces
                .iter()
                .any(|known| watcher.namespace.starts_with(&**known));
            if !is_tracked {
                continue;
            }
            watcher.observer.confirmed(at);
            if !watcher.has_begun.swap(true, Ordering::SeqCst) {
                watcher.observer.began();
            }
        }
        // It ended meanwhile: an observer may have been told that reports began after it was told that they ended.
        if !is_current.load(Ordering::SeqCst) {
            self.end();
        }
    }
}

impl Watcher {
    fn tell(&self, push: &PushInfo) {
        match (&push.kind, push.data.first()) {
            (PushKind::Disconnection, _) if self.has_begun.swap(false, Ordering::SeqCst) => {
                self.observer.ended();
            }
            (PushKind::Invalidate, Some(Value::Array(keys))) => {
                let texts = keys.iter().filter_map(|key| match key {
                    Value::BulkString(text) => std::str::from_utf8(text).ok(),
                    _ => None,
                });
                texts
                    .filter(|text| text.starts_with(&*self.namespace))
                    .for_each(|text| self.observer.changed(text));
            }
            (PushKind::Invalidate, _) => self.observer.all_changed(),
            _ => {}
        }
    }
}

async fn track(connection: &mut MultiplexedConnection, namespace: &str) -> RedisResult<()> {
    let mut tracking = cmd("CLIENT");
    tracking.arg("TRACKING").arg("ON").arg("BCAST");
    if !namespace.is_empty() {
        tracking.arg("PREFIX").arg(namespace);
    }
    tracking.query_async(connection).await
}

async fn server_of(connection: &mut MultiplexedConnection) -> RedisResult<ServerId> {
    match timeout(
        HEARTBEAT_TIMEOUT,
        ServerId::command().query_async::<Value>(connection),
    )
    .await
    {
        Ok(Ok(reply)) => Ok(ServerId::of(&reply)),
        // The user may not ask.
        Ok(Err(error)) if error.code().is_some() => Ok(ServerId::of(&Value::Nil)),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(RedisError::from((ErrorKind::Io, "no answer"))),
    }
}

/// When the last answered heartbeat was sent. `Some(None)` if the answer took too long to prove anything, since the process
/// was stopped or the machine slept meanwhile; `None` without an answer.
async fn heartbeat(connection: &mut MultiplexedConnection) -> Option<Option<Instant>> {
    let (sent, wall) = (Instant::now(), SystemTime::now());
    let beat = timeout(HEARTBEAT_TIMEOUT, cmd("PING").query_async::<Value>(connection)).await;
    let is_answered = match beat {
        Ok(Ok(_)) => true,
        // The user may not ask: the refusal is an answer.
        Ok(Err(error)) => error.code().is_some(),
        Err(_) => false,
    };
    // A clock that was set back does not count.
    let took = wall.elapsed().unwrap_or_default().max(sent.elapsed());
    is_answered.then(|| (took <= HEARTBEAT_TIMEOUT).then_some(sent))
}

/// Why a server refuses, if it does.
fn refusal(error: &RedisError, drops: u32) -> Option<String> {
    const PASSING: [&str; 3] = ["LOADING", "BUSY", "MASTERDOWN"];
    if drops >= MAX_DROPS {
        return Some("the server, or a proxy before it, ends connections that ask for changes".to_owned());
    }
    let is_refused = match error.code() {
        Some(code) => !PASSING.contains(&code),
        None => error.kind() == ErrorKind::RESP3NotSupported,
    };
    is_refused.then(|| faults::connecting(error).to_string())
}
