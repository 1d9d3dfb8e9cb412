//! A source that is down, slow or flapping, under many tasks and threads: no call waits longer than `wait`, nothing older
//! than `expire` and `stale` together is returned, and each key is refreshed once at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ring_cache::clock::{Clock, ManualClock};
use ring_cache::storage::StorageBase;
use ring_cache::{Lru, RingKey, ring_impl};
use tokio::sync::{Barrier, Semaphore};
use tokio::task::yield_now;
use tokio::time::sleep;

const FRESH: Duration = Duration::from_secs(10);
const STALE: Duration = Duration::from_secs(60);
const TASKS: usize = 200;
const KEYS: u32 = 10;
/// Far more than `wait` on a busy machine, and far less than the time of a hanging body.
const PATIENCE: Duration = Duration::from_secs(20);

/// An origin whose answers are their times.
#[derive(Clone, RingKey)]
struct Source {
    #[ring_key(skip)]
    state: Arc<State>,
    #[ring_key(skip)]
    values: Arc<Lru<Duration>>,
}

struct State {
    clock: ManualClock,
    is_down: AtomicBool,
    /// Open unless bodies hang.
    gate: Semaphore,
    computed: AtomicUsize,
    /// The running bodies of each key, and the most at a time.
    under_way: Mutex<HashMap<u32, (usize, usize)>>,
}

#[ring_impl(lru = self.values, expire = "10s", stale = "60s", wait = "10ms", flight_timeout = "1h")]
impl Source {
    #[ring(retry = "1h")]
    async fn get(&self, key: u32) -> Result<Duration, String> {
        self.answer(key).await
    }
    #[ring(retry = "1ms")]
    async fn try_again(&self, key: u32) -> Result<Duration, String> {
        self.answer(key).await
    }
}

/// A running body, until it is dropped.
struct UnderWay<'s>(&'s State, u32);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.lock().unwrap().entry(self.1).or_default().0 -= 1;
    }
}

impl Source {
    fn new() -> Self {
        let clock = ManualClock::default();
        let values = Lru::builder().capacity(1_000).clock(clock.clone()).build();
        let state = State {
            clock,
            is_down: AtomicBool::new(false),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            computed: AtomicUsize::new(0),
            under_way: Mutex::default(),
        };
        Source {
            state: Arc::new(state),
            values: Arc::new(values),
        }
    }

    async fn answer(&self, key: u32) -> Result<Duration, String> {
        let made = self.now();
        let _under_way = self.begin(key);
        self.state.computed.fetch_add(1, SeqCst);
        self.state.gate.acquire().await.unwrap().forget();
        yield_now().await;
        if self.state.is_down.load(SeqCst) {
            return Err("down".into());
        }
        Ok(made)
    }

    fn begin(&self, key: u32) -> UnderWay<'_> {
        let mut under_way = self.state.under_way.lock().unwrap();
        let (now, most) = under_way.entry(key).or_default();
        *now += 1;
        *most = (*most).max(*now);
        UnderWay(&self.state, key)
    }

    fn now(&self) -> Duration {
        self.state.clock.now()
    }

    fn computed(&self) -> usize {
        self.state.computed.swap(0, SeqCst)
    }

    /// Waits until no call and no refresh is in flight.
    async fn settle(&self) {
        let start = Instant::now();
        while self.values.flights().under_way() > 0 {
            assert!(start.elapsed() < PATIENCE, "a refresh does not end");
            yield_now().await;
        }
    }

    fn hang(&self) {
        self.state.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn go_on(&self) {
        self.state.gate.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    fn go_down(&self, is_down: bool) {
        self.state.is_down.store(is_down, SeqCst);
    }

    /// Asserts that at most one body of a key ran at a time.
    fn assert_one_at_a_time(&self) {
        for (key, (_, most)) in &*self.state.under_way.lock().unwrap() {
            assert_eq!(*most, 1, "of {key}");
        }
    }
}

/// The answers of many concurrent tasks, each in time. None is older than the life of an entry.
async fn ask<F>(source: &Source, call: fn(Source, u32) -> F) -> Vec<Result<Duration, String>>
where
    F: Future<Output = Result<Duration, String>> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(TASKS));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (source, barrier) = (source.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                let (start, now) = (Instant::now(), source.now());
                let answer = call(source, task as u32 % KEYS).await;
                assert!(start.elapsed() < PATIENCE, "it waited {:?}", start.elapsed());
                if let Ok(made) = answer {
                    assert!(
                        now < made + FRESH + STALE,
                        "made at {made:?}, returned at {now:?}"
                    );
                }
                answer
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

fn all_are(answers: &[Result<Duration, String>], made: Duration) -> bool {
    answers.len() == TASKS && answers.iter().all(|answer| *answer == Ok(made))
}

async fn get(source: Source, key: u32) -> Result<Duration, String> {
    source.get(key).await
}

async fn try_again(source: Source, key: u32) -> Result<Duration, String> {
    source.try_again(key).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f8_a_source_that_is_down_is_asked_once_a_key_until_entries_end_their_life() {
    let source = Source::new();
    assert!(all_are(&ask(&source, get).await, Duration::ZERO));
    assert_eq!(source.computed(), KEYS as usize);
    source.go_down(true);
    source.state.clock.advance(FRESH);
    for _ in 0..5 {
        assert!(all_are(&ask(&source, get).await, Duration::ZERO), "stale");
        source.state.clock.advance(FRESH);
    }
    source.settle().await;
    assert_eq!(
        source.computed(),
        KEYS as usize,
        "one refresh a key, and then a pause"
    );
    source.assert_one_at_a_time();
    source.state.clock.advance(FRESH);
    assert!(
        ask(&source, get).await.iter().all(Result::is_err),
        "nothing older than that"
    );
    source.go_down(false);
    assert!(all_are(&ask(&source, get).await, source.now()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f6_a_source_that_hangs_is_asked_once_a_key_and_no_call_waits_for_it() {
    let source = Source::new();
    ask(&source, get).await;
    source.computed();
    source.hang();
    source.state.clock.advance(FRESH);
    let asked_at = source.now();
    for _ in 0..5 {
        assert!(all_are(&ask(&source, get).await, Duration::ZERO), "stale");
    }
    assert_eq!(source.computed(), KEYS as usize);
    source.go_on();
    source.settle().await;
    assert!(all_are(&ask(&source, get).await, asked_at), "refreshed");
    assert_eq!(source.computed(), 0);
    source.assert_one_at_a_time();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f8_a_source_that_flaps_makes_no_call_wait_and_lengthens_no_life() {
    let source = Source::new();
    ask(&source, try_again).await;
    let mut stale = 0;
    for round in 0..30 {
        source.go_down(round % 6 != 5);
        source.state.clock.advance(Duration::from_secs(7));
        let answers = ask(&source, try_again).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        let old = answers
            .iter()
            .flatten()
            .filter(|made| **made + FRESH <= source.now());
        stale += old.count();
        // A computed value is stored in the same round, and the pause after a failed refresh is over in the next one.
        source.settle().await;
        sleep(Duration::from_millis(2)).await;
    }
    assert!(stale > 0, "some were stale");
    source.assert_one_at_a_time();
}
