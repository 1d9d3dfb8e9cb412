//! Callers: blocking threads, and tasks that are cancelled.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use crate::answer::Answer;
use crate::random::Random;
use crate::seed;
use crate::shelves::{Calling, Shelf, Verb};
use crate::truth::{KEYS, Truth, Worker};

const READING_THREADS: u64 = 3;
const CHANGING_THREADS: u64 = 2;
const READING_TASKS: u64 = 14;
const CHANGING_TASKS: u64 = 6;
/// The longest time until a call is cancelled, in microseconds.
const CANCELLED_WITHIN: u64 = 900;

/// The number of callers, their kinds, and their time.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    lasting: Duration,
    cancels: bool,
}

/// A caller of a storage.
#[derive(Clone, Copy)]
struct Caller<C: 'static> {
    shelf: &'static C,
    truth: &'static Truth,
    worker: &'static Worker,
    cancels: bool,
}

/// The number of finished calls: a run without any is a failure.
static CALLS: AtomicU64 = AtomicU64::new(0);

impl Load {
    pub(crate) fn lasting(lasting: Duration) -> Self {
        Load {
            lasting,
            cancels: false,
        }
    }

    pub(crate) fn cancelling(self) -> Self {
        Load {
            cancels: true,
            ..self
        }
    }

    /// Calls the storage that `open` opens, while `meanwhile` runs repeatedly.
    pub(crate) fn run<S: 'static>(self, name: &str, open: impl FnOnce() -> S, meanwhile: impl Fn(&mut Random))
    where
        Shelf<S>: Calling,
    {
        let (seed, truth) = (seed(), Truth::new());
        let shelf: &'static Shelf<S> = Box::leak(Box::new(Shelf::new(open())));
        shelf.tell(truth);
        let before = CALLS.load(Relaxed);
        let run = catch_unwind(AssertUnwindSafe(|| self.call(shelf, truth, seed, meanwhile)));
        if let Err(panic) = run {
            eprintln!(
                "{name}{}: RING_CACHE_SEED={seed}",
                if self.cancels { ", cancelling" } else { "" }
            );
            resume_unwind(panic);
        }
        assert!(CALLS.load(Relaxed) > before, "{name}: nothing was called");
    }

    fn call<C: Calling>(
        self,
        shelf: &'static C,
        truth: &'static Truth,
        seed: u64,
        meanwhile: impl Fn(&mut Random),
    ) {
        let caller = |name: String| Caller {
            shelf,
            truth,
            worker: truth.worker(name),
            cancels: self.cancels,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let tasks: Vec<_> = (0..READING_TASKS + CHANGING_TASKS)
            .map(|nth| {
                let (caller, random) = (caller(format!("task {nth}")), Random::seeded(seed ^ (nth + 100)));
                runtime.spawn(caller.await_calls(random, nth < READING_TASKS))
            })
            .collect();
        let threads: Vec<_> = (0..READING_THREADS + CHANGING_THREADS)
            .map(|nth| {
                let (caller, random) = (caller(format!("thread {nth}")), Random::seeded(seed ^ (nth + 1)));
                thread::spawn(move || caller.make_calls(random, nth < READING_THREADS))
            })
            .collect();
        let (over, mut random) = (std::time::Instant::now() + self.lasting, Random::seeded(seed));
        while std::time::Instant::now() < over && !truth.is_over() {
            thread::sleep(Duration::from_millis(1));
            meanwhile(&mut random);
        }
        truth.stop();
        let ended = threads.into_iter().map(|thread| thread.join().err());
        let mut panics: Vec<_> = ended.flatten().collect();
        for task in tasks {
            let ended = runtime.block_on(task);
            panics.extend(ended.err().map(|error| error.into_panic()));
        }
        if let Some(panic) = panics.pop() {
            resume_unwind(panic);
        }
    }
}

/// The next action of a caller.
struct Next {
    verb: Verb,
    keys: [u32; 2],
    /// When an awaited call is cancelled, if it is.
    cancelled_after: Option<Duration>,
}

impl<C: Calling> Caller<C> {
    /// The next look-up.
    fn next_look(&self, random: &mut Random) -> Next {
        let verb = match random.below(10) {
            0..5 => Verb::Plain,
            5 | 6 => Verb::PlainMany,
            7 => Verb::Get,
            8 => Verb::GetMany,
            _ if random.below(4) == 0 => Verb::Touch,
            _ => Verb::Has,
        };
        self.next(verb, random)
    }

    /// The next change. The value for `set` is the version that `next` returns.
    fn next_change(&self, random: &mut Random) -> Next {
        let verb = match random.below(8) {
            0 | 1 => Verb::Update,
            2 => Verb::UpdateMany,
            3 | 4 => Verb::Delete,
            5 => Verb::DeleteMany,
            6 => Verb::Set(0),
            _ => Verb::SetMany(0),
        };
        self.next(verb, random)
    }

    fn next(&self, verb: Verb, random: &mut Random) -> Next {
        let cancelled = self.cancels && random.below(3) == 0;
        let keys = [(); 2].map(|()| random.below(KEYS as u64) as u32);
        Next {
            verb,
            keys,
            cancelled_after: cancelled.then(|| Duration::from_micros(random.below(CANCELLED_WITHIN))),
        }
    }

    fn make_calls(self, mut random: Random, looks: bool) {
        while !self.truth.is_over() {
            if looks {
                let Next { verb, keys, .. } = self.next_look(&mut random);
                let promised = self.promised(verb, keys);
                let answer = self.shelf.call(verb, keys);
                self.looked(verb, promised, Some(&answer));
                continue;
            }
            let Next { verb, keys, .. } = self.next_change(&mut random);
            let setting = self.truth.setting(keys[0]);
            let call = || {
                let (verb, version) = self.begin_change(verb, keys);
                let answer = self.shelf.call(verb, keys);
                self.changed(verb, keys, version, Some(&answer));
            };
            match verb {
                Verb::Set(_) | Verb::SetMany(_) => {
                    let _alone = setting.blocking_write();
                    call();
                }
                _ => {
                    let _beside = setting.blocking_read();
                    call();
                }
            }
            thread::sleep(Duration::from_micros(random.below(300)));
        }
    }

    async fn await_calls(self, mut random: Random, looks: bool) {
        while !self.truth.is_over() {
            tokio::task::yield_now().await;
            if looks {
                let next = self.next_look(&mut random);
                let promised = self.promised(next.verb, next.keys);
                let answer = self.awaited(next.verb, &next).await;
                self.looked(next.verb, promised, answer.as_ref());
                continue;
            }
            let next = self.next_change(&mut random);
            let setting = self.truth.setting(next.keys[0]);
            if matches!(next.verb, Verb::Set(_) | Verb::SetMany(_)) {
                let _alone = setting.write().await;
                self.change_awaited(&next).await;
            } else {
                let _beside = setting.read().await;
                self.change_awaited(&next).await;
            }
            tokio::time::sleep(Duration::from_micros(random.below(1_000))).await;
        }
    }

    async fn change_awaited(&self, next: &Next) {
        let (verb, version) = self.begin_change(next.verb, next.keys);
        let answer = self.awaited(verb, next).await;
        self.changed(verb, next.keys, version, answer.as_ref());
    }

    /// `None` if it was cancelled.
    async fn awaited(&self, verb: Verb, next: &Next) -> Option<Answer> {
        let called = self.shelf.begin(verb, next.keys);
        match next.cancelled_after {
            Some(after) => tokio::time::timeout(after, called).await.ok(),
            None => Some(called.await),
        }
    }

    /// The oldest versions that a call that begins now may see.
    fn promised(&self, verb: Verb, keys: [u32; 2]) -> [(u32, u64); 2] {
        let promised = keys.map(|key| (key, self.truth.promised(key)));
        self.worker.did(keys[0], format_args!("{verb:?} {keys:?}"));
        promised
    }

    fn looked(&self, verb: Verb, promised: [(u32, u64); 2], answer: Option<&Answer>) {
        let Some(answer) = answer else {
            self.worker
                .did(promised[0].0, format_args!("{verb:?} was cancelled"));
            return;
        };
        CALLS.fetch_add(1, Relaxed);
        let what = format!("{verb:?}");
        for (key, seen) in &answer.seen {
            self.worker.did(*key, format_args!("{what}: {seen}"));
            let promised = promised.iter().find(|(promised, _)| promised == key);
            self.worker
                .check(*key, &what, promised.map_or(0, |(_, version)| *version), *seen);
        }
    }

    /// Makes a new version of the first key, which the call stores or removes the old value for.
    fn begin_change(&self, verb: Verb, keys: [u32; 2]) -> (Verb, u64) {
        let version = self.truth.change(keys[0]);
        let verb = match verb {
            Verb::Set(_) => Verb::Set(version),
            Verb::SetMany(_) => Verb::SetMany(version),
            verb => verb,
        };
        self.worker
            .did(keys[0], format_args!("{verb:?} {keys:?} for {version}"));
        if verb == Verb::DeleteMany {
            self.worker
                .did(keys[1], format_args!("{verb:?} {keys:?}, as the other"));
        }
        (verb, version)
    }

    fn changed(&self, verb: Verb, keys: [u32; 2], version: u64, answer: Option<&Answer>) {
        let key = keys[0];
        let Some(answer) = answer else {
            self.worker
                .did(key, format_args!("{verb:?} for {version} was cancelled"));
            return;
        };
        CALLS.fetch_add(1, Relaxed);
        if !answer.done {
            self.worker
                .did(key, format_args!("{verb:?} for {version} failed"));
            return;
        }
        self.truth.promise(key, version);
        self.worker
            .did(key, format_args!("{verb:?} for {version} is promised"));
        for (key, seen) in &answer.seen {
            self.worker.check(*key, &format!("{verb:?}"), version, *seen);
        }
    }
}
