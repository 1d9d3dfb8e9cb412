//! The connections to one server: a bounded number, opened on demand, each used by one operation at a time.
//!
//! Connections are opened in the background. A call waits for one until its deadline. The queue is FIFO, but LIFO under
//! overload, when not all calls can be served in time. A connection that is open too late serves the next call. If a server
//! refuses more connections, the existing ones serve all calls. The pool does no I/O: blocking and awaited calls drive it.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use event_listener::{Event, EventListener, Listener};
use parking_lot::Mutex;
#[cfg(all(feature = "tokio", feature = "memcached"))]
use tokio::runtime::Handle;

use super::Fault;
use super::unopened::Unopened;

/// The most connections to one server: of blocking calls, and of each runtime.
const MAX_CONNECTIONS: usize = 64;
/// The most attempts to connect at a time.
const MAX_ATTEMPTS: usize = 8;
/// An attempt that takes longer may have met a fault that is over: another one begins in parallel.
pub(crate) const OVERDUE: Duration = Duration::from_millis(200);
/// The most attempts to connect at a time, overdue ones included.
const MAX_OVERDUE_ATTEMPTS: usize = 3 * MAX_ATTEMPTS;
/// The time limit of each step of connecting. No call waits for longer than its deadline.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections that were idle for longer are closed: a firewall may have dropped them.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// A connection that was idle for longer is tested before use: a proxy or firewall may have dropped it.
pub(crate) const TRIED_AFTER: Duration = Duration::from_secs(1);
/// The pause after a refused connection, while there are others.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// The period over which the most connections in use are counted. Connections beyond that of this and the last period are
/// closed.
const USAGE_PERIOD: Duration = Duration::from_secs(10);

/// The connections, and the queue of operations.
pub(crate) struct Pool<C> {
    state: Mutex<State<C>>,
}

struct State<C> {
    /// Idle connections, and when they became idle. The most recently used is last, and taken first.
    idle: Vec<(C, Instant)>,
    /// The number of idle connections reserved for called operations.
    reserved: usize,
    /// The number of connections: idle, leased or being opened.
    count: usize,
    attempts: usize,
    last_attempt: Option<Instant>,
    waiting: usize,
    /// The operations that wait for a connection, the longest first.
    queue: VecDeque<Arc<Turn>>,
    /// The number of failed attempts, and when and why the last failed.
    failures: u64,
    failed: Option<Instant>,
    failure: Unopened,
    /// When a connection was last given back, that is, after a reply.
    answered: Option<Instant>,
    usage: Usage,
}

/// The most connections leased at the same time.
struct Usage {
    since: Instant,
    now: usize,
    before: usize,
}

/// The place of an operation in the queue.
struct Turn {
    /// When most of its time is over.
    late: Instant,
    /// Whether an idle connection is reserved for it. Changed with the pool locked.
    is_called: AtomicBool,
    is_queued: AtomicBool,
    /// Notified when it is called, when it may be able to connect, and when it has to give up.
    changed: Event,
}

/// A connection for one operation. Dropping it closes the connection: only a caller without outstanding replies
/// [gives it back](Lease::give_back).
pub(crate) struct Lease<C> {
    pool: Arc<Pool<C>>,
    connection: Option<C>,
    idle: Duration,
}

/// An operation that waits for a connection.
struct Waiting<'p, C> {
    pool: &'p Arc<Pool<C>>,
    /// Connections that became idle before this instant are not used.
    since: Option<Instant>,
    failures: u64,
    turn: Arc<Turn>,
}

/// The next step of a waiting operation.
enum Step<C> {
    Use(Lease<C>),
    /// Open a connection in the background, and ask again.
    Connect(Attempt<C>),
    /// Wait for a change, and ask again.
    Wait(EventListener),
    Fail(Unopened),
}

/// The right to open a connection. Dropped before its [end](Attempt::end), it counts as a failure.
struct Attempt<C> {
    pool: Arc<Pool<C>>,
    outcome: Result<C, Unopened>,
}

impl<C> Pool<C> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Pool {
            state: Mutex::new(State {
                idle: Vec::new(),
                reserved: 0,
                count: 0,
                attempts: 0,
                last_attempt: None,
                waiting: 0,
                queue: VecDeque::new(),
                failures: 0,
                failed: None,
                failure: given_up(),
                answered: None,
                usage: Usage {
                    since: Instant::now(),
                    now: 0,
                    before: 0,
                },
            }),
        })
    }

    /// Closes the idle connections.
    #[cfg(feature = "redis")]
    pub(crate) fn close_idle(&self) {
        let mut state = self.state.lock();
        let idle = std::mem::take(&mut state.idle);
        state.count -= idle.len();
        state.wake_all();
        drop(state);
        // Not under the lock: closing takes time.
        drop(idle);
    }

    /// A connection that is idle, if no operation waits for one.
    fn lease_idle(self: &Arc<Self>) -> Option<Lease<C>> {
        let now = Instant::now();
        let mut state = self.state.lock();
        if state.waiting > 0 {
            return None;
        }
        let (taken, old) = state.take(None, now);
        drop(state);
        // Not under the lock: closing takes time.
        drop(old);
        taken.map(|idle| Lease::of(self, idle, now))
    }

    fn wait(self: &Arc<Self>, since: Option<Instant>, until: Instant) -> Waiting<'_, C> {
        let now = Instant::now();
        let mut state = self.state.lock();
        state.waiting += 1;
        Waiting {
            pool: self,
            since,
            failures: state.failures,
            turn: Arc::new(Turn {
                late: now + until.saturating_duration_since(now) * 4 / 5,
                is_called: AtomicBool::new(false),
                is_queued: AtomicBool::new(false),
                changed: Event::new(),
            }),
        }
    }

    /// When an operation last got a reply.
    pub(crate) fn answered(&self) -> Option<Instant> {
        self.state.lock().answered
    }

    /// Why an operation had no connection at its deadline: others used all, or none could be opened.
    fn fault(&self) -> Fault {
        if self.state.lock().established() > 0 {
            return Fault::Busy("all connections were in use until the deadline".into());
        }
        Fault::Timeout
    }
}

impl<C: Send + 'static> Pool<C> {
    /// Leases a connection for a blocking call. `connect` returns a function that opens one, which runs on its own thread.
    ///
    /// With `since`, connections that became idle before that instant are closed.
    pub(crate) fn lease<O>(
        self: &Arc<Self>,
        since: Option<Instant>,
        until: Instant,
        connect: impl Fn() -> O,
    ) -> Result<Lease<C>, Fault>
    where
        O: FnOnce() -> Result<C, Unopened> + Send + 'static,
    {
        if since.is_none()
            && let Some(lease) = self.lease_idle()
        {
            return Ok(lease);
        }
        let waiting = self.wait(since, until);
        loop {
            match waiting.step() {
                Step::Use(lease) => return Ok(lease),
                Step::Connect(attempt) => {
                    let open = connect();
                    let thread = thread::Builder::new().name("ring-cache connect".into());
                    // Without a thread, the attempt is dropped, which notifies the waiting operations.
                    drop(thread.spawn(move || attempt.end(open())));
                }
                Step::Wait(changed) => changed.wait_deadline(until).ok_or_else(|| self.fault())?,
                Step::Fail(reason) => return Err(reason.into_fault()),
            }
        }
    }

    /// [`lease`](Self::lease), awaited. `connect` runs as a task of `runtime`.
    #[cfg(all(feature = "tokio", feature = "memcached"))]
    pub(crate) async fn lease_async<O>(
        self: &Arc<Self>,
        since: Option<Instant>,
        until: Instant,
        runtime: &Handle,
        connect: impl Fn() -> O,
    ) -> Result<Lease<C>, Fault>
    where
        O: Future<Output = Result<C, Unopened>> + Send + 'static,
    {
        if since.is_none()
            && let Some(lease) = self.lease_idle()
        {
            return Ok(lease);
        }
        let waiting = self.wait(since, until);
        loop {
            match waiting.step() {
                Step::Use(lease) => return Ok(lease),
                Step::Connect(attempt) => {
                    let open = connect();
                    drop(runtime.spawn(async move { attempt.end(open.await) }));
                }
                Step::Wait(changed) => crate::real_time::within(until, changed)
                    .await
                    .ok_or_else(|| self.fault())?,
                Step::Fail(reason) => return Err(reason.into_fault()),
            }
        }
    }
}

/// The failure of an attempt that was dropped: this process has no thread for it, or its runtime ends.
fn given_up() -> Unopened {
    Unopened::Full("connecting was given up".to_owned())
}

/// A connection that is not in use, and when it became idle.
type Idle<C> = (C, Instant);

impl<C> State<C> {
    /// Takes the connection that was used last, and the connections to close: too old, or too many.
    fn take(&mut self, since: Option<Instant>, now: Instant) -> (Option<Idle<C>>, Vec<Idle<C>>) {
        let fits =
            |at: Instant| since.is_none_or(|since| at >= since) && now.duration_since(at) < IDLE_TIMEOUT;
        let old = self.idle.partition_point(|(_, at)| !fits(*at));
        let old = old.max(self.surplus(now)).min(self.idle.len());
        let old: Vec<_> = self.idle.drain(..old).collect();
        self.count -= old.len();
        let taken = self.idle.pop();
        self.usage.now = self.usage.now.max(self.established() - self.idle.len());
        (taken, old)
    }

    /// The number of idle connections beyond recent use, which includes this call.
    fn surplus(&mut self, now: Instant) -> usize {
        let leased = self.established() - self.idle.len();
        if now.duration_since(self.usage.since) >= USAGE_PERIOD {
            self.usage = Usage {
                since: now,
                now: leased + 1,
                before: self.usage.now,
            };
        }
        let used = self.usage.now.max(self.usage.before).max(leased + 1);
        // Other waiting operations will use some as well.
        self.established().saturating_sub(used.max(leased + self.waiting))
    }

    /// The connections that are open.
    fn established(&self) -> usize {
        self.count - self.attempts
    }

    fn needs_another(&self, now: Instant) -> bool {
        let is_overdue = |attempt| now.duration_since(attempt) > OVERDUE;
        let useful = if self.last_attempt.is_some_and(is_overdue) {
            MAX_OVERDUE_ATTEMPTS
        } else {
            MAX_ATTEMPTS.min(self.waiting)
        };
        self.count < MAX_CONNECTIONS && self.attempts < useful && !self.is_refused(now)
    }

    /// Whether the server just refused a connection while there are others.
    fn is_refused(&self, now: Instant) -> bool {
        let is_fresh = |failed| now.duration_since(failed) < RETRY_AFTER;
        self.established() > 0 && self.failed.is_some_and(is_fresh)
    }

    /// Calls waiting operations to the idle connections.
    fn call(&mut self) {
        while self.idle.len() > self.reserved
            && let Some(turn) = self.next_turn()
        {
            turn.is_queued.store(false, Ordering::Relaxed);
            turn.is_called.store(true, Ordering::Relaxed);
            self.reserved += 1;
            turn.changed.notify(1);
        }
    }

    /// The operation to call next: the one that waits longest. If most of its time is over, the pool is overloaded: then the
    /// latest, since otherwise each operation would get its connection after its deadline.
    fn next_turn(&mut self) -> Option<Arc<Turn>> {
        let is_crowded = self.queue.front().is_some_and(|turn| Instant::now() > turn.late);
        if is_crowded {
            self.queue.pop_back()
        } else {
            self.queue.pop_front()
        }
    }

    fn wake_all(&self) {
        for turn in &self.queue {
            turn.changed.notify(1);
        }
    }
}

impl<C> Waiting<'_, C> {
    fn step(&self) -> Step<C> {
        let now = Instant::now();
        let mut state = self.pool.state.lock();
        let is_called = self.turn.is_called.swap(false, Ordering::Relaxed);
        state.reserved -= usize::from(is_called);
        let (mut taken, mut old) = (None, Vec::new());
        if state.idle.len() > state.reserved {
            (taken, old) = state.take(self.since, now);
        }
        let step = if let Some((connection, at)) = taken {
            Step::Use(Lease::of(self.pool, (connection, at), now))
        } else if state.failures != self.failures && state.established() == 0 {
            Step::Fail(state.failure.clone())
        } else if state.needs_another(now) {
            state.count += 1;
            state.attempts += 1;
            state.last_attempt = Some(now);
            Step::Connect(Attempt {
                pool: Arc::clone(self.pool),
                outcome: Err(given_up()),
            })
        } else {
            if !self.turn.is_queued.swap(true, Ordering::Relaxed) {
                state.queue.push_back(Arc::clone(&self.turn));
            }
            // Listens under the lock, so that no change is missed.
            Step::Wait(self.turn.changed.listen())
        };
        drop(state);
        // Not under the lock: closing takes time.
        drop(old);
        step
    }
}

impl<C> Drop for Waiting<'_, C> {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock();
        state.waiting -= 1;
        if self.turn.is_queued.load(Ordering::Relaxed) {
            state.queue.retain(|turn| !Arc::ptr_eq(turn, &self.turn));
        }
        if self.turn.is_called.load(Ordering::Relaxed) {
            state.reserved -= 1;
            state.call();
        }
    }
}

impl<C> Attempt<C> {
    fn end(mut self, outcome: Result<C, Unopened>) {
        self.outcome = outcome;
    }
}

impl<C> Drop for Attempt<C> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Err(given_up()));
        let mut state = self.pool.state.lock();
        state.attempts -= 1;
        match outcome {
            Ok(connection) => {
                state.idle.push((connection, Instant::now()));
                state.call();
                // The next operation may begin another attempt.
                if let Some(turn) = state.queue.front() {
                    turn.changed.notify(1);
                }
            }
            Err(reason) => {
                state.count -= 1;
                state.failures += 1;
                state.failed = Some(Instant::now());
                state.failure = reason;
                state.wake_all();
            }
        }
    }
}

impl<C> Lease<C> {
    fn of(pool: &Arc<Pool<C>>, (connection, at): Idle<C>, now: Instant) -> Self {
        Lease {
            pool: Arc::clone(pool),
            connection: Some(connection),
            idle: now.saturating_duration_since(at),
        }
    }

    /// The time since the previous use of the connection.
    pub(crate) fn was_idle(&self) -> Duration {
        self.idle
    }

    /// Lets other operations use the connection.
    pub(crate) fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            let (mut state, now) = (self.pool.state.lock(), Instant::now());
            state.answered = Some(now);
            state.idle.push((connection, now));
            state.call();
        }
    }
}

impl<C> Drop for Lease<C> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let mut state = self.pool.state.lock();
            state.count -= 1;
            state.wake_all();
            drop(state);
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

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn wait(pool: &Arc<Pool<u32>>) -> Waiting<'_, u32> {
        pool.wait(None, later())
    }

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
        let (one, other) = (wait(&pool), wait(&pool));
        let (first, second) = (attempt(&one), attempt(&other));
        assert!(waits(&one) && waits(&other));
        first.end(Ok(1));
        let first = lease(&one);
        assert_eq!(*first, 1, "first come, first served");
        second.end(Ok(2));
        lease(&other).give_back();
        assert_eq!(*lease(&wait(&pool)), 2, "the one that was given back");
    }

    #[test]
    fn the_number_of_connections_is_bounded() {
        let pool = Pool::new();
        let waiting: Vec<_> = (0..2 * MAX_CONNECTIONS).map(|_| wait(&pool)).collect();
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
    fn a_failure_ends_the_waiting_of_all_and_concerns_no_later_operation() {
        let pool = Pool::new();
        let early = wait(&pool);
        let refused = Unopened::Failed("refused".into());
        attempt(&early).end(Err(refused.clone()));
        assert!(matches!(early.step(), Step::Fail(reason) if reason == refused));
        drop(early);
        let late = wait(&pool);
        drop(attempt(&late));
        assert!(
            matches!(late.step(), Step::Fail(_)),
            "a dropped attempt has failed"
        );
    }

    #[test]
    fn connections_of_before_are_closed_for_an_operation_that_wants_a_new_one() {
        let pool = Pool::new();
        let waiting = wait(&pool);
        attempt(&waiting).end(Ok(1));
        let picky = pool.wait(Some(Instant::now() + Duration::from_millis(1)), later());
        drop(attempt(&picky));
        assert_eq!(pool.state.lock().count, 0);
    }

    #[test]
    fn a_refusal_fails_no_operation_while_there_are_connections() {
        let pool = Pool::new();
        let (first, second) = (wait(&pool), wait(&pool));
        attempt(&first).end(Ok(1));
        let leased = lease(&first);
        attempt(&second).end(Err(Unopened::Full("full".into())));
        assert!(waits(&second), "no further attempt, and no failure");
        assert!(matches!(pool.fault(), Fault::Busy(_)));
        leased.give_back();
        assert_eq!(*lease(&second), 1);
    }

    #[test]
    fn a_called_operation_that_leaves_calls_the_next() {
        let pool = Pool::new();
        let (first, second, third) = (wait(&pool), wait(&pool), wait(&pool));
        attempt(&first).end(Ok(1));
        let leased = lease(&first);
        attempt(&second).end(Err(Unopened::Full("full".into())));
        assert!(waits(&second) && waits(&third));
        leased.give_back();
        assert!(waits(&third), "the second is called");
        drop(second);
        assert_eq!(*lease(&third), 1);
    }

    #[test]
    fn connections_that_are_not_used_any_more_are_closed() {
        let pool = Pool::new();
        let waiting: Vec<_> = (0..8).map(|_| wait(&pool)).collect();
        let attempts: Vec<_> = waiting.iter().map(attempt).collect();
        attempts.into_iter().for_each(|attempt| attempt.end(Ok(0)));
        let leases: Vec<_> = waiting.iter().map(lease).collect();
        leases.into_iter().for_each(Lease::give_back);
        drop(waiting);
        let one_call = || lease(&wait(&pool)).give_back();
        one_call();
        assert_eq!(pool.state.lock().count, 8);
        for _ in 0..3 {
            pool.state.lock().usage.since -= USAGE_PERIOD;
            one_call();
        }
        assert_eq!(pool.state.lock().count, 1);
    }

    #[test]
    fn under_overload_the_latest_are_served_first() {
        let pool = Pool::new();
        let first = wait(&pool);
        attempt(&first).end(Ok(1));
        let leased = lease(&first);
        // Most of its time is over at once.
        let (hasty, patient) = (pool.wait(None, Instant::now()), wait(&pool));
        attempt(&hasty).end(Err(Unopened::Full("full".into())));
        assert!(waits(&hasty) && waits(&patient));
        std::thread::sleep(Duration::from_millis(1));
        leased.give_back();
        assert_eq!(*lease(&patient), 1);
    }
}
