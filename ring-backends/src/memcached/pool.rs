//! The connections to one server: a bounded number, made when they are missed, and used by one operation at a time.
//!
//! A connection is made in the background: who misses it waits no longer than it likes to, and what takes longer to be
//! made is there for the next. Nothing here reads or writes: both colours share it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_listener::{Event, EventListener, IntoNotification};
use parking_lot::Mutex;

/// How many connections one server has at most, for each colour and runtime.
const MOST: usize = 64;
/// How many are made at the same time.
const MAKING: usize = 4;
/// An attempt that takes so long may have met a fault that is over: another one is begun beside it, whatever others there
/// are.
const OVERDUE: Duration = Duration::from_millis(200);
/// How many are made at the same time, overdue ones included.
const ATTEMPTS: usize = 4 * MAKING;
/// How long a connection may take to be made.
pub(super) const CONNECTING: Duration = Duration::from_secs(1);
/// One that rested longer is given up: something between here and there may have forgotten it.
const RESTING: Duration = Duration::from_secs(60);

pub(super) struct Pool<C> {
    state: Mutex<State<C>>,
    /// Told when there is a connection to be had, or room for one, or none could be made.
    news: Event,
}

struct State<C> {
    /// Connections that nobody uses, and since when. The last was used last.
    idle: Vec<(C, Instant)>,
    /// How many there are, used and made ones included.
    count: usize,
    making: usize,
    /// When the last attempt began.
    attempted: Option<Instant>,
    seeking: usize,
    /// How often none could be made, and why at last.
    failures: u64,
    failure: String,
}

/// A connection for one operation. Dropped, it is closed: only who knows that no reply is left gives it back.
pub(super) struct Lease<C> {
    pool: Arc<Pool<C>>,
    connection: Option<C>,
}

/// One who wants a connection.
pub(super) struct Seeker<'p, C> {
    pool: &'p Arc<Pool<C>>,
    /// Connections that rest for longer are of no use.
    since: Option<Instant>,
    failures: u64,
}

/// What a seeker is to do.
pub(super) enum Step<C> {
    /// Be content.
    Use(Lease<C>),
    /// Make one in the background, and ask again.
    Make(Making<C>),
    /// Wait for news, and ask again.
    Wait(EventListener),
    /// Give up, for this reason.
    Fail(String),
}

/// The right to make a connection. Dropped, none could be made.
pub(super) struct Making<C> {
    pool: Arc<Pool<C>>,
    outcome: Result<C, String>,
}

impl<C> Pool<C> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Pool {
            state: Mutex::new(State {
                idle: Vec::new(),
                count: 0,
                making: 0,
                attempted: None,
                seeking: 0,
                failures: 0,
                failure: String::new(),
            }),
            news: Event::new(),
        })
    }

    /// Seeks a connection. One that rests since an earlier moment than `since` will not do.
    pub(super) fn seek(self: &Arc<Self>, since: Option<Instant>) -> Seeker<'_, C> {
        let mut state = self.state.lock();
        state.seeking += 1;
        Seeker {
            pool: self,
            since,
            failures: state.failures,
        }
    }

    fn tell(&self, how_many: usize) {
        self.news.notify(how_many.additional());
    }
}

impl<C> State<C> {
    /// Takes the connection that was used last, and those that are of no use any more.
    fn take(&mut self, since: Option<Instant>, now: Instant) -> (Option<C>, Vec<(C, Instant)>) {
        let fit = |at: Instant| since.is_none_or(|since| at >= since) && now.duration_since(at) < RESTING;
        let unfit = self.idle.partition_point(|(_, at)| !fit(*at));
        let unfit: Vec<_> = self.idle.drain(..unfit).collect();
        self.count -= unfit.len();
        (self.idle.pop().map(|(connection, _)| connection), unfit)
    }

    /// Whether one more is to be made.
    fn wants_another(&self, now: Instant) -> bool {
        let overdue = |attempted| now.duration_since(attempted) > OVERDUE;
        let useful = if self.attempted.is_some_and(overdue) {
            ATTEMPTS
        } else {
            MAKING.min(self.seeking)
        };
        self.count < MOST && self.making < useful
    }
}

impl<C> Seeker<'_, C> {
    pub(super) fn step(&self) -> Step<C> {
        let now = Instant::now();
        let mut state = self.pool.state.lock();
        let (connection, unfit) = state.take(self.since, now);
        let step = if let Some(connection) = connection {
            Step::Use(Lease {
                pool: Arc::clone(self.pool),
                connection: Some(connection),
            })
        } else if state.failures != self.failures {
            Step::Fail(state.failure.clone())
        } else if state.wants_another(now) {
            state.count += 1;
            state.making += 1;
            state.attempted = Some(now);
            Step::Make(Making {
                pool: Arc::clone(self.pool),
                outcome: Err("nothing came of the connection".to_owned()),
            })
        } else {
            // Listening begins under the lock, so that no news is missed.
            Step::Wait(self.pool.news.listen())
        };
        // To close connections takes a while.
        drop(state);
        drop(unfit);
        step
    }
}

impl<C> Drop for Seeker<'_, C> {
    fn drop(&mut self) {
        self.pool.state.lock().seeking -= 1;
    }
}

impl<C> Making<C> {
    pub(super) fn end(mut self, made: Result<C, String>) {
        self.outcome = made;
    }
}

impl<C> Drop for Making<C> {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Err(String::new()));
        let mut state = self.pool.state.lock();
        state.making -= 1;
        let told = match outcome {
            Ok(connection) => {
                state.idle.push((connection, Instant::now()));
                // Another may now begin to make one.
                2
            }
            Err(reason) => {
                state.count -= 1;
                state.failures += 1;
                state.failure = reason;
                usize::MAX
            }
        };
        drop(state);
        if told == usize::MAX {
            self.pool.news.notify(told);
        } else {
            self.pool.tell(told);
        }
    }
}

impl<C> Lease<C> {
    /// Lets others use the connection.
    pub(super) fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.state.lock().idle.push((connection, Instant::now()));
            self.pool.tell(1);
        }
    }
}

impl<C> Drop for Lease<C> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.state.lock().count -= 1;
            self.pool.tell(1);
            drop(connection);
        }
    }
}

impl<C> Deref for Lease<C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.connection
            .as_ref()
            .unwrap_or_else(|| unreachable!("it is given back at the end"))
    }
}

impl<C> DerefMut for Lease<C> {
    fn deref_mut(&mut self) -> &mut C {
        self.connection
            .as_mut()
            .unwrap_or_else(|| unreachable!("it is given back at the end"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(seeker: &Seeker<'_, u32>) -> Making<u32> {
        match seeker.step() {
            Step::Make(making) => making,
            _ => panic!("no right to make one"),
        }
    }

    fn lease(seeker: &Seeker<'_, u32>) -> Lease<u32> {
        match seeker.step() {
            Step::Use(lease) => lease,
            _ => panic!("no connection"),
        }
    }

    fn waits(seeker: &Seeker<'_, u32>) -> bool {
        matches!(seeker.step(), Step::Wait(_))
    }

    #[test]
    fn one_is_made_for_each_who_seeks_one() {
        let pool = Pool::new();
        let (one, other) = (pool.seek(None), pool.seek(None));
        let (first, second) = (make(&one), make(&other));
        assert!(waits(&one) && waits(&other));
        first.end(Ok(1));
        assert_eq!(*lease(&other), 1, "whoever comes first");
        second.end(Ok(2));
        lease(&one).give_back();
        assert_eq!(*lease(&one), 2, "as it was given back");
    }

    #[test]
    fn the_number_of_connections_is_bounded() {
        let pool = Pool::new();
        let seekers: Vec<_> = (0..2 * MOST).map(|_| pool.seek(None)).collect();
        let mut leases = Vec::new();
        while leases.len() < MOST {
            make(&seekers[0]).end(Ok(7));
            leases.push(lease(&seekers[0]));
        }
        assert!(waits(&seekers[0]));
        drop(leases.pop());
        make(&seekers[0]).end(Ok(8));
        let making: Vec<_> = leases.drain(..10).map(drop).collect();
        assert_eq!(making.len(), 10);
        let making: Vec<_> = (0..MAKING).map(|_| lease_or_make(&seekers[1])).collect();
        assert_eq!(making.iter().flatten().count(), MAKING - 1);
    }

    fn lease_or_make(seeker: &Seeker<'_, u32>) -> Option<Making<u32>> {
        match seeker.step() {
            Step::Make(making) => Some(making),
            _ => None,
        }
    }

    #[test]
    fn who_waits_learns_of_a_failure_and_who_comes_later_tries_anew() {
        let pool = Pool::new();
        let early = pool.seek(None);
        make(&early).end(Err("refused".into()));
        assert!(matches!(early.step(), Step::Fail(reason) if reason == "refused"));
        drop(early);
        let late = pool.seek(None);
        drop(make(&late));
        assert!(matches!(late.step(), Step::Fail(_)), "dropped is failed");
    }

    #[test]
    fn old_ones_are_of_no_use_to_who_wants_a_new_one() {
        let pool = Pool::new();
        let seeker = pool.seek(None);
        make(&seeker).end(Ok(1));
        let picky = pool.seek(Some(Instant::now() + Duration::from_millis(1)));
        drop(make(&picky));
        assert_eq!(pool.state.lock().count, 0);
    }
}
