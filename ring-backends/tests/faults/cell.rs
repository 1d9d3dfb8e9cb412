//! A cell: one fault on one storage, the calls during it, and the time until the cache is used again.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use ring_cache_backends::Breaker;
use ring_cache_test_servers::Spoil;
use tokio::runtime::Runtime;

use crate::answers::{KEYS, Truth};
use crate::fault::{Fault, Kind};
use crate::services::Service;
use crate::site::Site;
use crate::{DEADLINE, from_environment};

/// The number of calling threads or tasks.
const CALLERS: u32 = 16;
/// The most rounds of calls until the fault strikes.
const MOST_ROUNDS: u32 = 50;
/// The time that a call may take beyond the deadline.
const ALLOWED: Duration = Duration::from_millis(20);
/// The time within which the cache must be used again after a fault.
const RECOVERY: Duration = Duration::from_secs(1);
/// Longer than this takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The interval of repeated actions.
const AGAIN: Duration = Duration::from_millis(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Blocking,
    Awaited,
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Colour::Blocking => "blocking",
            Colour::Awaited => "awaited ",
        })
    }
}

pub(crate) struct Cell<'s> {
    pub(crate) site: &'s Site,
    pub(crate) fault: &'static Fault,
    pub(crate) colour: Colour,
    pub(crate) breaker: Breaker,
    pub(crate) calls: u64,
}

/// The outcome of a cell.
pub(crate) struct Figures {
    /// The time of each plain call during the fault, sorted.
    times: Vec<Duration>,
    /// Wrong answers, during the fault and after it.
    wrong: Vec<String>,
    bodies: u64,
    spoiled: Option<usize>,
    recovery: Option<Duration>,
    health: String,
}

/// The shared state of the callers.
struct Callers<S> {
    service: S,
    truth: Arc<Truth>,
    colour: Colour,
    left: AtomicU64,
    times: Mutex<Vec<Duration>>,
    wrong: Mutex<Vec<String>>,
}

impl Cell<'_> {
    pub(crate) fn run<S: Service>(&self) -> Figures {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let namespace = format!("n{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        let truth = Arc::new(Truth::new());
        let callers = Arc::new(Callers {
            service: S::at(self.site, &namespace, self.breaker, &truth),
            truth,
            colour: self.colour,
            left: AtomicU64::new(0),
            times: Mutex::default(),
            wrong: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        assert!(
            callers.is_used_within(PATIENCE, &runtime).is_some(),
            "the cache is not used before the fault"
        );
        let spoiled = self.site.spoiled();
        let bodies = callers.truth.bodies();
        self.fault.begin(self.site);
        // Some faults strike at random: a few calls may miss them.
        for _ in 0..MOST_ROUNDS {
            callers.left.store(self.calls, Ordering::SeqCst);
            self.meanwhile(&callers, || callers.call(&runtime));
            if !self.fault.is_counted() || self.site.spoiled() > spoiled {
                break;
            }
        }
        let (spoiled, bodies) = (self.site.spoiled() - spoiled, callers.truth.bodies() - bodies);
        self.fault.end(self.site);
        let recovery = callers.is_used_within(PATIENCE, &runtime);
        let mut times = std::mem::take(&mut *callers.times.lock().unwrap());
        times.sort_unstable();
        Figures {
            times,
            wrong: std::mem::take(&mut *callers.wrong.lock().unwrap()),
            bodies,
            spoiled: self.fault.is_counted().then_some(spoiled),
            recovery,
            health: callers.service.health(),
        }
    }

    /// Whether calls may exceed the deadline for a documented reason.
    pub(crate) fn waits_for_pieces<S: Service>(&self) -> bool {
        let comes_in_pieces = matches!(self.fault.kind, Kind::Spoiled(Spoil::Trickle(_)));
        comes_in_pieces && self.colour == Colour::Blocking && S::WAITS_FOR_PIECES
    }

    /// Runs the calls, and repeats the fault's action during them.
    fn meanwhile<S: Service>(&self, callers: &Callers<S>, calls: impl FnOnce()) {
        let Kind::Again(act) = self.fault.kind else {
            return calls();
        };
        let over = AtomicBool::new(false);
        let keys: Vec<String> = (0..KEYS)
            .map(|key| callers.service.stored_key(self.colour, key))
            .collect();
        thread::scope(|scope| {
            act(self.site, &keys);
            scope.spawn(|| {
                for some in keys
                    .chunks(10)
                    .cycle()
                    .take_while(|_| !over.load(Ordering::SeqCst))
                {
                    act(self.site, some);
                    thread::sleep(AGAIN);
                }
            });
            calls();
            over.store(true, Ordering::SeqCst);
        });
    }
}

impl<S: Service> Callers<S> {
    /// Makes the calls, many at a time.
    fn call(self: &Arc<Self>, runtime: &Runtime) {
        match self.colour {
            Colour::Blocking => thread::scope(|scope| {
                for caller in 0..CALLERS {
                    scope.spawn(move || at_once(self.calls_of(caller)));
                }
            }),
            Colour::Awaited => {
                let task = |caller| {
                    let all = Arc::clone(self);
                    runtime.spawn(async move { all.calls_of(caller).await })
                };
                let tasks: Vec<_> = (0..CALLERS).map(task).collect();
                for task in tasks {
                    runtime.block_on(task).unwrap();
                }
            }
        }
    }

    /// The calls of one caller. Each sometimes changes keys of its own.
    async fn calls_of(&self, caller: u32) {
        let seed = from_environment("RING_CACHE_SEED").unwrap_or(1);
        let mut random = (seed << 32) ^ u64::from(caller + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut below = |bound: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 16) % bound
        };
        let left = || {
            let one_less = |left: u64| left.checked_sub(1);
            self.left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
        };
        while left().is_ok() {
            let key = below(KEYS.into()) as u32;
            let start = Instant::now();
            self.ask(key).await;
            self.times.lock().unwrap().push(start.elapsed());
            if below(6) == 0 {
                let own = KEYS / CALLERS;
                let key = caller * own + below(own.into()) as u32;
                self.change(key, below(4)).await;
                // At once, while the replaced value may still arrive.
                self.ask(key).await;
            }
        }
    }

    /// A plain call, whose answer must be right.
    async fn ask(&self, key: u32) {
        let oldest = self.truth.oldest(key);
        let answer = self.service.answer(self.colour, key).await;
        if let Some(wrong) = self.truth.wrong(key, oldest, &answer) {
            self.wrong.lock().unwrap().push(wrong);
        }
    }

    /// Makes a cached value out of date, and changes the cache.
    async fn change(&self, key: u32, how: u64) {
        let answer = self.truth.change(key);
        match how {
            0 => _ = self.service.set(self.colour, answer.clone()).await,
            1 => _ = self.service.delete(self.colour, key).await,
            _ => {
                let updated = self.service.update(self.colour, key).await;
                if updated != answer {
                    self.wrong
                        .lock()
                        .unwrap()
                        .push(format!("an update of {answer:?}: {updated:?}"));
                }
            }
        }
        self.truth.told(&answer);
    }

    /// The time until each key was found in the cache. On a busy machine a late call computes, and its key is asked for
    /// again.
    fn is_used_within(self: &Arc<Self>, patience: Duration, runtime: &Runtime) -> Option<Duration> {
        let start = Instant::now();
        let mut missing: Vec<u32> = (0..KEYS).collect();
        while start.elapsed() < patience {
            let all = async {
                let mut computed = Vec::new();
                for key in missing.drain(..) {
                    let before = self.truth.bodies();
                    self.ask(key).await;
                    if self.truth.bodies() != before {
                        computed.push(key);
                    }
                }
                computed
            };
            missing = match self.colour {
                Colour::Blocking => at_once(all),
                Colour::Awaited => runtime.block_on(all),
            };
            if missing.is_empty() && self.service.is_ready() {
                return Some(start.elapsed());
            }
            thread::sleep(Duration::from_millis(2));
        }
        None
    }
}

/// A blocking call is ready when polled.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a blocking call waits"),
    }
}

impl Figures {
    /// The time that this many of a thousand calls did not exceed.
    fn quantile(&self, per_mille: usize) -> Duration {
        let rank = (self.times.len() * per_mille).div_ceil(1_000).max(1);
        self.times[rank - 1]
    }

    /// The failure, if any.
    pub(crate) fn failed(&self, in_time: bool) -> Option<String> {
        if let Some(wrong) = self.wrong.first() {
            return Some(format!("{} wrong answers, the first: {wrong}", self.wrong.len()));
        }
        if self.spoiled == Some(0) {
            return Some("nothing was spoiled".into());
        }
        let Some(recovery) = self.recovery else {
            return Some(format!("the cache is not used any more: {}", self.health));
        };
        let slowest = self.quantile(999);
        let late = in_time && (slowest > DEADLINE + ALLOWED || recovery > RECOVERY);
        late.then(|| format!("p99.9 {slowest:?}, recovery {recovery:?}: {}", self.health))
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        write!(
            f,
            "calls {:4} wrong {} bodies {:4}",
            self.times.len(),
            self.wrong.len(),
            self.bodies
        )?;
        for (name, per_mille) in [("p50", 500), ("p99", 990), ("p99.9", 999), ("max", 1_000)] {
            write!(f, " {name} {:6.1}", milliseconds(self.quantile(per_mille)))?;
        }
        let recovery = self.recovery.map_or(f64::INFINITY, milliseconds);
        write!(
            f,
            " ms, recovery {recovery:6.1} ms, spoiled {}",
            self.spoiled.unwrap_or(0)
        )
    }
}
