//! The connections of blocking calls: made by threads of their own, lent to one call at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, mem, thread};

use parking_lot::{Condvar, Mutex, MutexGuard};
use redis::{ErrorKind, RedisError, RedisResult};

use super::faults;
use crate::remote::Fault;

/// How many connections there are at most. Calls beyond that wait for one.
const MOST: usize = 64;
/// How many are made at a time at most.
const MADE_AT_ONCE: usize = 8;
/// An attempt that takes so long may have met a fault that is over: another one is begun beside it, whatever others there
/// are.
pub(super) const OVERDUE: Duration = Duration::from_millis(200);
/// How many attempts there are at most, overdue ones included.
const ATTEMPTS: usize = 3 * MADE_AT_ONCE;
/// One that was not used for so long may have been forgotten by what lies between here and the server.
const STALE: Duration = Duration::from_secs(60);

/// Makes connections.
pub(super) trait Connect: Clone + Send + Sync + 'static {
    type Connection: Send + 'static;

    /// A new connection. This may take longer than a call has time.
    fn connect(&self) -> RedisResult<Self::Connection>;
}

/// Connections to be lent.
pub(super) struct Pool<C: Connect> {
    shared: Arc<Shared<C>>,
}

struct Shared<C: Connect> {
    client: C,
    state: Mutex<State<C::Connection>>,
    /// Told when a connection comes or goes, or cannot be made.
    changed: Condvar,
}

struct State<T> {
    /// The last to come is the first to go, so that those that are not needed grow stale.
    idle: Vec<Idle<T>>,
    lent: usize,
    connecting: usize,
    /// When the last attempt began.
    attempted: Option<Instant>,
    waiting: usize,
    /// How many attempts failed so far, and how the last did.
    failures: u64,
    failure: Option<RedisError>,
}

struct Idle<T> {
    connection: T,
    since: Instant,
    used: bool,
}

/// A connection that is lent. It is closed in the end if it is not [given back](Lease::give_back).
pub(super) struct Lease<C: Connect> {
    shared: Arc<Shared<C>>,
    connection: Option<C::Connection>,
    /// Whether others had it before.
    pub(super) used: bool,
}

impl<C: Connect> Pool<C> {
    pub(super) fn new(client: C) -> Self {
        let state = State {
            idle: Vec::new(),
            lent: 0,
            connecting: 0,
            attempted: None,
            waiting: 0,
            failures: 0,
            failure: None,
        };
        Pool {
            shared: Arc::new(Shared {
                client,
                state: Mutex::new(state),
                changed: Condvar::new(),
            }),
        }
    }

    pub(super) fn client(&self) -> &C {
        &self.shared.client
    }

    /// A connection, as soon as there is one.
    pub(super) fn lend(&self, until: Instant) -> Result<Lease<C>, Fault> {
        let shared = &self.shared;
        let mut state = shared.state.lock();
        let stale = state.take_stale();
        let idle = match state.idle.pop() {
            Some(idle) => idle,
            None => shared.wait(&mut state, until)?,
        };
        state.lent += 1;
        drop(state);
        drop(stale);
        Ok(Lease {
            shared: Arc::clone(shared),
            connection: Some(idle.connection),
            used: idle.used,
        })
    }

    /// Closes the connections that others had before: one of them turned out to be dead.
    pub(super) fn forget_used(&self) {
        let used: Vec<_> = self
            .shared
            .state
            .lock()
            .idle
            .extract_if(.., |idle| idle.used)
            .collect();
        drop(used);
    }
}

impl<T> State<T> {
    /// The connections that grew stale. They are to be closed without the lock.
    fn take_stale(&mut self) -> Vec<Idle<T>> {
        match self.idle.last() {
            Some(last) if last.since.elapsed() > STALE => mem::take(&mut self.idle),
            _ => Vec::new(),
        }
    }

    fn wants_another(&self) -> bool {
        let overdue = self
            .attempted
            .is_some_and(|attempted| attempted.elapsed() > OVERDUE);
        let useful = if overdue {
            ATTEMPTS
        } else {
            self.waiting.min(MADE_AT_ONCE)
        };
        self.connecting < useful && self.idle.len() + self.lent + self.connecting < MOST
    }
}

impl<C: Connect> Shared<C> {
    /// Waits for a connection, and has one made if that is of use.
    fn wait(
        self: &Arc<Self>,
        state: &mut MutexGuard<'_, State<C::Connection>>,
        until: Instant,
    ) -> Result<Idle<C::Connection>, Fault> {
        let failures = state.failures;
        state.waiting += 1;
        let waited = loop {
            if let Some(idle) = state.idle.pop() {
                break Ok(idle);
            }
            if let Some(failure) = state.failure.as_ref().filter(|_| state.failures > failures) {
                break Err(faults::connecting(failure));
            }
            if state.wants_another()
                && let Err(error) = self.begin_connecting(state)
            {
                break Err(Fault::Broken(error.into()));
            }
            if self.changed.wait_until(state, until).timed_out() {
                break state.idle.pop().ok_or(Fault::Silent);
            }
        };
        state.waiting -= 1;
        waited
    }

    fn begin_connecting(self: &Arc<Self>, state: &mut State<C::Connection>) -> io::Result<()> {
        let shared = Arc::clone(self);
        let thread = thread::Builder::new().name("ring-cache redis".into());
        thread.spawn(move || {
            let mut attempt = Attempt { shared, made: None };
            attempt.made = Some(attempt.shared.client.connect());
        })?;
        state.connecting += 1;
        state.attempted = Some(Instant::now());
        Ok(())
    }
}

/// An attempt to connect. In the end it hands over what came of it, also if it panics.
struct Attempt<C: Connect> {
    shared: Arc<Shared<C>>,
    made: Option<RedisResult<C::Connection>>,
}

impl<C: Connect> Drop for Attempt<C> {
    fn drop(&mut self) {
        let made = self.made.take();
        let mut state = self.shared.state.lock();
        state.connecting -= 1;
        match made {
            Some(Ok(connection)) => {
                state.idle.push(Idle {
                    connection,
                    since: Instant::now(),
                    used: false,
                });
                self.shared.changed.notify_one();
            }
            failed => {
                let panicked = || RedisError::from((ErrorKind::Io, "connecting panicked"));
                state.failure = Some(failed.and_then(Result::err).unwrap_or_else(panicked));
                state.failures += 1;
                self.shared.changed.notify_all();
            }
        }
    }
}

impl<C: Connect> Lease<C> {
    /// The next may have it.
    pub(super) fn give_back(mut self) {
        let connection = self.connection.take();
        let mut state = self.shared.state.lock();
        state.lent -= 1;
        state.idle.extend(connection.map(|connection| Idle {
            connection,
            since: Instant::now(),
            used: true,
        }));
        if state.waiting > 0 {
            self.shared.changed.notify_one();
        }
        drop(state);
    }

    pub(super) fn connection(&mut self) -> &mut C::Connection {
        self.connection
            .as_mut()
            .expect("it is there until the lease ends")
    }
}

impl<C: Connect> Drop for Lease<C> {
    fn drop(&mut self) {
        if let Some(broken) = self.connection.take() {
            drop(broken);
            self.shared.state.lock().lent -= 1;
            self.shared.changed.notify_one();
        }
    }
}
