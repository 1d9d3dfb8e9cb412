//! F12, F14, F15: background refreshes and the process. Each test is a separate process: the spawner and the end of
//! background work are global.

#![cfg(feature = "tokio")]

use std::collections::HashSet;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, LazyLock, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use std::{env, panic};

use ring_cache::background::{self, Counts};
use ring_cache::{Lookup, RingKey, ring};

const PART: &str = "RING_CACHE_TEST_PART";
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test in a separate process: this program again.
fn alone(name: &str, run: impl FnOnce()) {
    if env::var(PART).is_ok_and(|part| part == name) {
        return run();
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--include-ignored"]);
    command.env(PART, name).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = Ends(command.spawn().unwrap());
    let start = Instant::now();
    let status = loop {
        match child.0.try_wait().unwrap() {
            Some(status) => break status,
            None => assert!(start.elapsed() < PATIENCE, "the process does not end"),
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{status}");
}

/// A process that is killed with the test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A test in a separate process.
macro_rules! alone {
    ($(#[$attribute:meta])* fn $name:ident() $body:block) => {
        #[test]
        $(#[$attribute])*
        fn $name() {
            alone(stringify!($name), || $body);
        }
    };
}

/// Waits for an event, however busy the machine is.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "not so: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn is_background() -> bool {
    thread::current().name() == Some("ring-cache-refresh")
}

/// A gate for bodies in the background.
#[derive(Default)]
struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
    /// Waiting bodies.
    inside: AtomicUsize,
    threads: Mutex<HashSet<ThreadId>>,
    ended: AtomicU32,
    /// Where bodies ran.
    after_drain: AtomicU32,
    is_drained: AtomicBool,
}

static GATE: LazyLock<Gate> = LazyLock::new(Gate::default);

impl Gate {
    fn close(&self) {
        *self.closed.lock().unwrap() = true;
    }

    fn open(&self) {
        *self.closed.lock().unwrap() = false;
        self.changed.notify_all();
    }

    fn pass(&self) {
        if !is_background() {
            return;
        }
        if self.is_drained.load(SeqCst) {
            self.after_drain.fetch_add(1, SeqCst);
        }
        self.threads.lock().unwrap().insert(thread::current().id());
        self.inside.fetch_add(1, SeqCst);
        let closed = self.closed.lock().unwrap();
        drop(self.changed.wait_while(closed, |closed| *closed).unwrap());
        self.inside.fetch_sub(1, SeqCst);
        self.ended.fetch_add(1, SeqCst);
    }

    fn inside(&self) -> usize {
        self.inside.load(SeqCst)
    }
}

static ANSWERS: AtomicU32 = AtomicU32::new(0);

fn answer() -> u32 {
    ANSWERS.fetch_add(1, SeqCst) + 1
}

#[ring(expire = "1h", stale = "1h", capacity = 10_000, flight_timeout = "1h")]
fn blocking(id: u32) -> u32 {
    GATE.pass();
    answer() * 100_000 + id
}

#[ring(
    expire = "1h",
    stale = "1h",
    capacity = 10_000,
    flight_timeout = "1ms",
    retry = "1ms"
)]
fn hangs_soon(id: u32) -> u32 {
    GATE.pass();
    answer() * 100_000 + id
}

#[ring(
    expire = "1h",
    stale = "1h",
    capacity = 10_000,
    flight_timeout = "1h",
    retry = "1ms"
)]
async fn awaited(id: u32) -> u32 {
    tokio::task::yield_now().await;
    answer() * 100_000 + id
}

/// Hangs, except for the first time.
#[ring(expire = "1h", stale = "1h", flight_timeout = "1h")]
async fn hangs(id: u32) -> u32 {
    if AGAIN.swap(true, SeqCst) {
        std::future::pending::<()>().await;
    }
    id
}

static AGAIN: AtomicBool = AtomicBool::new(false);

fn make_stale(id: u32) -> u32 {
    let value = blocking(id);
    assert!(blocking_ring(id).expire());
    value
}

/// The most threads.
fn most_threads() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get().min(4))
}

/// The end of a refresh, apart from those under way.
fn ended() -> (u64, u64, u64) {
    let Counts {
        ended,
        dropped,
        panicked,
        ..
    } = background::counts();
    (ended, dropped, panicked)
}

fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(future)
}

alone! {
    fn f12_threads_begin_on_demand_and_are_at_most_four_and_at_most_as_many_as_cores() {
        for id in 0..5 {
            let old = make_stale(id);
            assert_eq!(blocking(id), old);
            until("it was refreshed", || blocking_ring(id).get().is_some_and(|new| new != old));
            until("the thread is idle", || background::counts().under_way == 0);
        }
        assert_eq!(GATE.threads.lock().unwrap().len(), 1, "one was enough");
        GATE.close();
        for id in 10..20 {
            let old = make_stale(id);
            assert_eq!(blocking(id), old, "without waiting");
        }
        until("all threads are busy", || GATE.inside() == most_threads());
        assert_eq!(background::counts().under_way, 10);
        GATE.open();
        until("all were refreshed", || background::counts().under_way == 0);
        assert_eq!(GATE.threads.lock().unwrap().len(), most_threads());
        assert_eq!(background::counts().ended, 15);
    }
}

alone! {
    fn f12_at_most_1024_refreshes_wait_and_more_are_dropped_and_counted() {
        GATE.close();
        let threads = most_threads() as u32;
        let all = threads + 1_024 + 10;
        let old: Vec<u32> = (0..all).map(make_stale).collect();
        for id in 0..all {
            assert_eq!(blocking(id), old[id as usize]);
            if id < threads {
                until("a thread has it", || GATE.inside() == id as usize + 1);
            }
        }
        let counts = background::counts();
        assert_eq!((counts.under_way, counts.dropped), (threads as usize + 1_024, 10));
        GATE.open();
        until("the others were refreshed", || background::counts().under_way == 0);
        assert_eq!(ended(), (u64::from(threads) + 1_024, 10, 0));
        // The next call retries the dropped refresh.
        let last = all - 1;
        assert_eq!(blocking(last), old[last as usize]);
        until("it was refreshed", || blocking_ring(last).get().is_some());
    }
}

alone! {
    #[ignore = "slow: it waits for ten seconds"]
    #[cfg(target_os = "linux")]
    fn f12_an_idle_thread_ends_after_ten_seconds() {
        let threads = || {
            let all = std::fs::read_dir("/proc/self/task").unwrap();
            let names = all.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")));
            names.filter(|name| name.as_ref().is_ok_and(|name| name.starts_with("ring-cache"))).count()
        };
        make_stale(1);
        let start = Instant::now();
        blocking(1);
        until("it was refreshed", || blocking_ring(1).get().is_some());
        assert_eq!(threads(), 1);
        until("it is gone", || threads() == 0);
        assert!(start.elapsed() >= Duration::from_secs(9), "{:?}", start.elapsed());
    }
}

alone! {
    fn f12_a_spawner_that_was_set_runs_the_tasks_where_there_is_no_runtime() {
        static SPAWNED: AtomicU32 = AtomicU32::new(0);
        background::set(|job| {
            SPAWNED.fetch_add(1, SeqCst);
            thread::spawn(|| run(job));
        });
        let old = block_on_without_tasks(awaited(1));
        assert!(block_on_without_tasks(awaited_ring(1).expire()));
        assert_eq!(block_on_without_tasks(awaited(1)), old);
        until("it was refreshed", || {
            block_on_without_tasks(awaited_ring(1).get()).is_some_and(|new| new != old)
        });
        until("it ended", || background::counts().under_way == 0);
        assert_eq!((SPAWNED.load(SeqCst), ended()), (1, (1, 0, 0)));
        assert_eq!(background::counts().by_caller, 0);
    }
}

/// Blocks on a future without a tokio runtime.
fn block_on_without_tasks<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::yield_now();
    }
}

alone! {
    fn f12_a_panic_of_the_spawner_stays_out_of_the_call_and_is_counted() {
        run(async {
            background::set(|job| {
                drop(job);
                panic::panic_any(PanicsAgain);
            });
            let old = awaited(1).await;
            assert!(awaited_ring(1).expire().await);
            assert_eq!(awaited(1).await, old, "stale");
            assert_eq!(ended(), (0, 1, 0));
            background::set(|job| drop(tokio::spawn(job)));
            while awaited_ring(1).get().await.is_none() {
                assert_eq!(awaited(1).await % 100_000, 1);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert_eq!(ended(), (1, 1, 0));
        });
    }
}

/// A panic's payload whose drop panics as well.
struct PanicsAgain;

impl Drop for PanicsAgain {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("and again");
        }
    }
}

alone! {
    fn f14_if_all_threads_hang_the_caller_refreshes_and_that_is_counted() {
        GATE.close();
        for id in 0..most_threads() as u32 {
            hangs_soon(id);
            assert!(hangs_soon_ring(id).expire());
            hangs_soon(id);
            until("a thread has it", || GATE.inside() == id as usize + 1);
        }
        let old = hangs_soon(100);
        assert!(hangs_soon_ring(100).expire());
        let before = background::counts().by_caller;
        until("all of them hang", || {
            hangs_soon(100) != old
        });
        assert!(background::counts().by_caller > before);
        // The hung refreshes have lost their lead, too.
        let first = hangs_soon_ring(0).lookup().value().unwrap();
        assert_ne!(hangs_soon(0), first);
        assert!(matches!(hangs_soon_ring(0).lookup(), Lookup::Fresh(_)));
    }
}

alone! {
    fn f15_drain_waits_for_the_refreshes_that_began_and_says_how_many_are_left() {
        GATE.close();
        for id in 0..3 {
            make_stale(id);
            blocking(id);
        }
        assert_eq!(background::drain(Duration::from_millis(10)), 3);
        let opener = thread::spawn(|| {
            thread::sleep(Duration::from_millis(50));
            GATE.open();
        });
        assert_eq!(background::drain(PATIENCE), 0);
        assert_eq!(GATE.ended.load(SeqCst), 3, "it waited, also for those in the queue");
        opener.join().unwrap();
    }
}

alone! {
    fn f15_after_drain_callers_refresh_and_are_counted() {
        assert_eq!(background::drain(Duration::ZERO), 0);
        let old = make_stale(1);
        assert_ne!(blocking(1), old, "the caller refreshed");
        run(async {
            let old = awaited(1).await;
            assert!(awaited_ring(1).expire().await);
            assert_ne!(awaited(1).await, old, "the caller refreshed");
        });
        let counts = background::counts();
        assert_eq!((counts.by_caller, counts.under_way, ended()), (2, 0, (0, 0, 0)));
        assert_eq!(GATE.threads.lock().unwrap().len(), 0);
    }
}

/// An argument that drains the background while it is copied into a job, just before a refresh begins.
#[derive(RingKey)]
struct Drains;

static LEFT: AtomicUsize = AtomicUsize::new(usize::MAX);

impl Clone for Drains {
    fn clone(&self) -> Self {
        LEFT.store(background::drain(Duration::ZERO), SeqCst);
        GATE.is_drained.store(true, SeqCst);
        Drains
    }
}

#[ring(expire = "1h", stale = "1h")]
fn drains(argument: Drains) -> u32 {
    let _ = argument;
    answer()
}

#[ring(expire = "1h", stale = "1h")]
async fn drains_async(argument: Drains) -> u32 {
    let _ = argument;
    answer()
}

alone! {
    fn f15_a_refresh_that_is_about_to_begin_is_one_that_began() {
        drains(Drains);
        assert!(drains_ring(Drains).expire());
        drains(Drains);
        assert_eq!(LEFT.load(SeqCst), 1);
        assert_eq!(background::drain(PATIENCE), 0);
    }
}

alone! {
    fn f15_a_task_that_is_about_to_begin_is_one_that_began() {
        run(async {
            drains_async(Drains).await;
            assert!(drains_async_ring(Drains).expire().await);
            drains_async(Drains).await;
            assert_eq!(LEFT.load(SeqCst), 1);
            while background::counts().under_way > 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(ended(), (1, 0, 0));
        });
    }
}

alone! {
    fn f15_nothing_begins_in_the_background_once_drain_has_returned() {
        thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for id in (0..2_000).map(|id| thread * 2_000 + id) {
                        make_stale(id);
                        blocking(id);
                    }
                });
            }
            until("some were refreshed", || background::counts().ended > 10);
            assert_eq!(background::drain(PATIENCE), 0);
            GATE.is_drained.store(true, SeqCst);
        });
        assert_eq!(GATE.after_drain.load(SeqCst), 0);
        assert!(background::counts().by_caller > 0);
    }
}

alone! {
    fn f15_a_process_with_a_hung_thread_of_the_background_exits() {
        GATE.close();
        make_stale(1);
        blocking(1);
        until("it hangs", || GATE.inside() == 1);
        // The process ends here; the parent waits for it.
    }
}

alone! {
    fn f15_a_process_with_a_hung_task_of_the_background_exits() {
        run(async {
            hangs(1).await;
            assert!(hangs_ring(1).expire().await);
            assert_eq!(hangs(1).await, 1);
            tokio::task::yield_now().await;
            assert_eq!(background::counts().under_way, 1);
        });
    }
}

alone! {
    fn f15_the_shutdown_of_a_runtime_releases_what_its_tasks_compute() {
        let first = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        first.block_on(async {
            hangs(1).await;
            assert!(hangs_ring(1).expire().await);
            assert_eq!(hangs(1).await, 1, "stale");
        });
        until("it hangs", || background::counts().under_way == 1 && AGAIN.load(SeqCst));
        drop(first);
        assert_eq!((background::counts().under_way, ended()), (0, (0, 1, 0)));
        AGAIN.store(false, SeqCst);
        run(async {
            assert_eq!(hangs(1).await, 1, "the next call refreshes");
            tokio::task::yield_now().await;
            assert_eq!(hangs_ring(1).lookup().await, Lookup::Fresh(1));
        });
        // A call that finds no entry does not wait for the computation of that runtime.
        AGAIN.store(true, SeqCst);
        let second = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        second.block_on(async {
            assert!(hangs_ring(1).expire().await);
            assert_eq!(hangs(1).await, 1, "stale");
        });
        until("it hangs", || background::counts().under_way == 1);
        drop(second);
        AGAIN.store(false, SeqCst);
        run(async {
            hangs_ring(1).delete().await;
            assert_eq!(hangs(1).await, 1);
        });
    }
}
