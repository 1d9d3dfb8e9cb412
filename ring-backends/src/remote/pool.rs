//! The connections to one server: a bounded number, opened when they are needed, each used by one operation at a time.
//!
//! Connections are opened in the background. A call waits for one until its deadline; a connection that is open too late
//! serves the next call. The pool itself does no I/O: blocking and awaited calls drive it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use event_listener::{Event, EventListener, IntoNotification, Listener};
use parking_lot::Mutex;
#[cfg(all(feature = "tokio", feature = "memcached"))]
use tokio::runtime::Handle;

use super::Fault;

/// The most connections to one server: of blocking calls, and of each runtime.
const MAX_CONNECTIONS: usize = 64;
/// The most attempts to connect at a time.
const MAX_ATTEMPTS: usize = 8;
/// An attempt that takes longer may have met a fault that is over: another one begins beside it.
pub(crate) const OVERDUE: Duration = Duration::from_millis(200);
/// The most attempts to connect at a time, overdue ones included.
const MAX_OVERDUE_ATTEMPTS: usize = 3 * MAX_ATTEMPTS;
/// The time limit of each step of connecting. No call waits for longer than its deadline.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections that were idle for longer are closed: a firewall in between may have dropped them.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Connections, and those who wait for one.
pub(crate) struct Pool<C> {
    state: Mutex<State<C>>,
    /// Notified when a connection can be had, when there is room for one, and when none could be opened.
    changed: Event,
}

struct State<C> {
    /// Connections that nobody uses, and since when. The most recently used one is last, and taken first.
    idle: Vec<(C, Instant)>,
    /// The connections that are idle, leased or being opened.
    count: usize,
    attempts: usize,
    last_attempt: Option<Instant>,
    waiting: usize,
    /// How many attempts failed so far, and why the last did.
    failures: u64,
    failure: String,
}

/// A connection for one operation. It is closed when it is dropped: only a caller that knows that no reply is outstanding
/// [gives it back](Lease::give_back).
pub(crate) struct Lease<C> {
    pool: Arc<Pool<C>>,
    connection: Option<C>,
}

/// An operation that waits for a connection.
struct Waiting<'p, C> {
    pool: &'p Arc<Pool<C>>,
    /// Connections that are idle since before this moment will not do.
    since: Option<Instant>,
    failures: u64,
}

/// The next step of an operation that waits.
enum Step<C> {
    Use(Lease<C>),
    /// Open a connection in the background, and ask again.
    Connect(Attempt<C>),
    /// Wait for a change, and ask again.
    Wait(EventListener),
    Fail(String),
}

/// The right to open a connection. Dropped before its [end](Attempt::end), it counts as failed.
struct Attempt<C> {
    pool: Arc<Pool<C>>,
    outcome: Result<C, String>,
}

impl<C> Pool<C> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Pool {
            state: Mutex::new(State {
                idle: Vec::new(),
                count: 0,
                attempts: 0,
                last_attempt: None,
                waiting: 0,
                failures: 0,
                failure: String::new(),
            }),
            changed: Event::new(),
        })
    }

    /// Closes the connections that nobody uses.
    #[cfg(feature = "redis")]
    pub(crate) fn close_idle(&self) {
        let mut state = self.state.lock();
        let idle = std::mem::take(&mut state.idle);
        state.count -= idle.len();
        drop(state);
        // Closing takes time: not under the lock.
        drop(idle);
        self.changed.notify(usize::MAX);
    }

    fn wait(self: &Arc<Self>, since: Option<Instant>) -> Waiting<'_, C> {
        let mut state = self.state.lock();
        state.waiting += 1;
        Waiting {
            pool: self,
            since,
            failures: state.failures,
        }
    }
}

impl<C: Send + 'static> Pool<C> {
    /// Leases a connection for a blocking call. `connect` makes what opens one, which runs on a thread of its own.
    ///
    /// With `since`, connections that are idle since before that moment are closed.
    pub(crate) fn lease<O>(
        self: &Arc<Self>,
        since: Option<Instant>,
        until: Instant,
        connect: impl Fn() -> O,
    ) -> Result<Lease<C>, Fault>
    where
        O: FnOnce() -> Result<C, String> + Send + 'static,
    {
        let waiting = self.wait(since);
        loop {
            match waiting.step() {
                Step::Use(lease) => return Ok(lease),
                Step::Connect(attempt) => {
                    let open = connect();
                    let thread = thread::Builder::new().name("ring-cache connect".into());
                    // Without a thread, the attempt is dropped, which tells those who wait.
                    drop(thread.spawn(move || attempt.end(open())));
                }
                Step::Wait(changed) => changed.wait_deadline(until).ok_or(Fault::Timeout)?,
                Step::Fail(reason) => return Err(Fault::Disconnected(reason.into())),
            }
        }
    }

    /// [`lease`](Self::lease), awaited. `connect` runs as a task of `runtime`.
    #[cfg(all(feature = "tokio", feature = "memcached"))]
    pub(crate) async fn lease_async<O>(
        self: &Arc<Self>,
        since: Option<Instant>,
        runtime: &Handle,
        connect: impl Fn() -> O,
    ) -> Result<Lease<C>, Fault>
    where
        O: Future<Output = Result<C, String>> + Send + 'static,
    {
        let waiting = self.wait(since);
        loop {
            match waiting.step() {
                Step::Use(lease) => return Ok(lease),
                Step::Connect(attempt) => {
                    let open = connect();
                    drop(runtime.spawn(async move { attempt.end(open.await) }));
                }
                Step::Wait(changed) => changed.await,
                Step::Fail(reason) => return Err(Fault::Disconnected(reason.into())),
            }
        }
    }
}

impl<C> State<C> {
    /// Takes the connection that was used last, and those that are too old.
    fn take(&mut self, since: Option<Instant>, now: Instant) -> (Option<C>, Vec<(C, Instant)>) {
        let fits =
            |at: Instant| since.is_none_or(|since| at >= since) && now.duration_since(at) < IDLE_TIMEOUT;
        let old = self.idle.partition_point(|(_, at)| !fits(*at));
        let old: Vec<_> = self.idle.drain(..old).collect();
        self.count -= old.len();
        (self.idle.pop().map(|(connection, _)| connection), old)
    }

    fn needs_another(&self, now: Instant) -> bool {
        let is_overdue = |attempt| now.duration_since(attempt) > OVERDUE;
        let useful = if self.last_attempt.is_some_and(is_overdue) {
            MAX_OVERDUE_ATTEMPTS
        } else {
            MAX_ATTEMPTS.min(self.waiting)
        };
        self.count < MAX_CONNECTIONS && self.attempts < useful
    }
}

impl<C> Waiting<'_, C> {
    fn step(&self) -> Step<C> {
        let now = Instant::now();
        let mut state = self.pool.state.lock();
        let (connection, old) = state.take(self.since, now);
        let step = if let Some(connection) = connection {
            Step::Use(Lease {
                pool: Arc::clone(self.pool),
                connection: Some(connection),
            })
        } else if state.failures != self.failures {
            Step::Fail(state.failure.clone())
        } else if state.needs_another(now) {
            state.count += 1;
            state.attempts += 1;
            state.last_attempt = Some(now);
            Step::Connect(Attempt {
                pool: Arc::clone(self.pool),
                outcome: Err("connecting was given up".to_owned()),
            })
        } else {
            // Listening begins under the lock, so that no change is missed.
            Step::Wait(self.pool.changed.listen())
        };
        drop(state);
        // Closing takes time: not under the lock.
        drop(old);
        step
    }
}

impl<C> Drop for Waiting<'_, C> {
    fn drop(&mut self) {
        self.pool.state.lock().waiting -= 1;
    }
}

impl<C> Attempt<C> {
    fn end(mut self, outcome: Result<C, String>) {
        self.outcome = outcome;
    }
}

impl<C> Drop for Attempt<C> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Err(String::new()));
        let mut state = self.pool.state.lock();
        state.attempts -= 1;
        match outcome {
            Ok(connection) => {
                state.idle.push((connection, Instant::now()));
                drop(state);
                // One for the connection, and one that may begin another attempt.
                self.pool.changed.notify(2.additional());
            }
            Err(reason) => {
                state.count -= 1;
                state.failures += 1;
                state.failure = reason;
                drop(state);
                self.pool.changed.notify(usize::MAX);
            }
        }
    }
}

impl<C> Lease<C> {
    /// Lets other operations use the connection.
    pub(crate) fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.state.lock().idle.push((connection, Instant::now()));
            self.pool.changed.notify(1.additional());
        }
    }
}

impl<C> Drop for Lease<C> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.state.lock().count -= 1;
            self.pool.changed.notify(1.additional());
            drop(connection);
        }
    }
}

const LEASED: &str = "a lease holds its connection until it ends";

impl<C> Deref for Lease<C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.connection.as_ref().expect(LEASED)
    }
}

impl<C> DerefMut for Lease<C> {
    fn deref_mut(&mut self) -> &mut C {
        self.connection.as_mut().expect(LEASED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(waiting: &Waiting<'_, u32>) -> Attempt<u32> {
        match waiting.step() {
            Step::Connect(attempt) => attempt,
            _ => panic!("no right to connect"),
        }
    }

    fn lease(waiting: &Waiting<'_, u32>) -> Lease<u32> {
        match waiting.step() {
            Step::Use(lease) => lease,
            _ => panic!("no connection"),
        }
    }

    fn waits(waiting: &Waiting<'_, u32>) -> bool {
        matches!(waiting.step(), Step::Wait(_))
    }

    #[test]
    fn each_operation_that_waits_gets_a_connection() {
        let pool = Pool::new();
        let (one, other) = (pool.wait(None), pool.wait(None));
        let (first, second) = (attempt(&one), attempt(&other));
        assert!(waits(&one) && waits(&other));
        first.end(Ok(1));
        assert_eq!(*lease(&other), 1, "first come, first served");
        second.end(Ok(2));
        lease(&one).give_back();
        assert_eq!(*lease(&one), 2, "the one that was given back");
    }

    #[test]
    fn the_number_of_connections_is_bounded() {
        let pool = Pool::new();
        let waiting: Vec<_> = (0..2 * MAX_CONNECTIONS).map(|_| pool.wait(None)).collect();
        let mut leases = Vec::new();
        while leases.len() < MAX_CONNECTIONS {
            attempt(&waiting[0]).end(Ok(7));
            leases.push(lease(&waiting[0]));
        }
        assert!(waits(&waiting[0]));
        drop(leases.pop());
        attempt(&waiting[0]).end(Ok(8));
        leases.truncate(leases.len() - 2 * MAX_ATTEMPTS);
        drop(lease(&waiting[0]));
        let attempts: Vec<_> = (0..MAX_ATTEMPTS).map(|_| attempt(&waiting[1])).collect();
        assert!(waits(&waiting[1]));
        drop(attempts);
    }

    #[test]
    fn a_failure_ends_the_waiting_of_all_and_concerns_nobody_later() {
        let pool = Pool::new();
        let early = pool.wait(None);
        attempt(&early).end(Err("refused".into()));
        assert!(matches!(early.step(), Step::Fail(reason) if reason == "refused"));
        drop(early);
        let late = pool.wait(None);
        drop(attempt(&late));
        assert!(
            matches!(late.step(), Step::Fail(_)),
            "a dropped attempt has failed"
        );
    }

    #[test]
    fn connections_of_before_are_closed_for_an_operation_that_wants_a_new_one() {
        let pool = Pool::new();
        let waiting = pool.wait(None);
        attempt(&waiting).end(Ok(1));
        let picky = pool.wait(Some(Instant::now() + Duration::from_millis(1)));
        drop(attempt(&picky));
        assert_eq!(pool.state.lock().count, 0);
    }
}
