//! The background threads of blocking methods.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::counts::{End, Running};
use super::{BlockingJob, contain};

/// The most threads that refresh, on a machine with as many cores.
const MOST_REFRESHING: usize = 4;

/// The most threads that compute for waiting calls. Each waiting call is a thread itself.
const MOST_COMPUTING: usize = 512;

/// The most jobs that wait.
const QUEUE: usize = 1_024;

/// The time after which an idle thread ends.
const IDLE: Duration = Duration::from_secs(10);

/// Refreshes of entries.
pub(super) static REFRESHES: Pool = Pool::new("ring-cache-refresh", || {
    thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_REFRESHING))
});

/// Computations that calls wait for.
pub(super) static COMPUTATIONS: Pool = Pool::new("ring-cache-compute", || MOST_COMPUTING);

pub(super) struct Pool {
    /// The name of its threads.
    name: &'static str,
    most_threads: fn() -> usize,
    state: Mutex<State>,
    /// Notified when a job waits.
    work: Condvar,
}

struct State {
    /// The process of these threads: a forked child has none.
    process: u32,
    waiting: VecDeque<(BlockingJob, Running)>,
    /// The number of threads without a job.
    idle: usize,
    /// When the current job of each other thread began.
    busy: Vec<Instant>,
}

impl Pool {
    const fn new(name: &'static str, most_threads: fn() -> usize) -> Self {
        Pool {
            name,
            most_threads,
            state: Mutex::new(State {
                process: 0,
                waiting: VecDeque::new(),
                idle: 0,
                busy: Vec::new(),
            }),
            work: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock();
        let process = std::process::id();
        if state.process != process {
            // The parent's jobs belong to its threads; dropping them here could wait for its locks.
            state.waiting.drain(..).for_each(std::mem::forget);
            (state.process, state.idle) = (process, 0);
            state.busy.clear();
        }
        state
    }

    /// Whether some thread has not been busy with one job for `patience`.
    pub(super) fn responds(&self, patience: Duration) -> bool {
        let state = self.lock();
        let is_stuck = |began: &Instant| began.elapsed() >= patience;
        state.busy.len() < (self.most_threads)() || !state.busy.iter().all(is_stuck)
    }

    /// Runs a job when a thread is free. Drops it if too many wait.
    pub(super) fn spawn(&'static self, job: BlockingJob, running: Running) {
        let job = (job, running);
        let mut state = self.lock();
        if state.waiting.len() >= QUEUE {
            drop(state);
            contain(|| drop(job));
            return;
        }
        state.waiting.push_back(job);
        if state.waiting.len() <= state.idle {
            self.work.notify_one();
            return;
        }
        if state.idle + state.busy.len() >= (self.most_threads)() {
            return;
        }
        state.idle += 1;
        drop(state);
        let spawned = thread::Builder::new()
            .name(self.name.to_owned())
            .spawn(|| self.work());
        if spawned.is_err() {
            self.lost_thread();
        }
    }

    /// No thread could be started. Without any, the waiting jobs are dropped.
    fn lost_thread(&self) {
        let mut state = self.lock();
        state.idle -= 1;
        if state.idle + state.busy.len() == 0 {
            let dropped = std::mem::take(&mut state.waiting);
            drop(state);
            for job in dropped {
                contain(|| drop(job));
            }
        }
    }

    /// Runs jobs until there are none for some time.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some((job, mut running)) = state.waiting.pop_front() {
                let began = Instant::now();
                state.idle -= 1;
                state.busy.push(began);
                drop(state);
                running.end = if contain(job) { End::Done } else { End::Panicked };
                drop(running);
                state = self.lock();
                state.idle += 1;
                if let Some(place) = state.busy.iter().position(|busy| *busy == began) {
                    state.busy.swap_remove(place);
                }
            } else if self.work.wait_for(&mut state, IDLE).timed_out() && state.waiting.is_empty() {
                state.idle -= 1;
                return;
            }
        }
    }
}
