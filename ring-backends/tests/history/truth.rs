//! The current versions, the promised ones, and the log of calls.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::RwLock;

/// The number of keys: few, so that calls overlap.
pub(crate) const KEYS: usize = 5;
/// The number of calls that each worker logs.
const REMEMBERED: usize = 4_000;
/// The number of lines shown of a key.
const SHOWN: usize = 120;
/// When a fault is found, calls in progress get this time to log their outcome.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// The cached data: a number for each key, which only grows.
pub(crate) struct Truth {
    versions: [AtomicU64; KEYS],
    /// The oldest version that a call that begins now may return.
    promised: [AtomicU64; KEYS],
    /// Held to set an explicit value, exclusively.
    setting: [RwLock<()>; KEYS],
    workers: Mutex<Vec<&'static Worker>>,
    stopped: AtomicBool,
    began: Instant,
}

/// A caller and its recent log.
pub(crate) struct Worker {
    name: String,
    truth: &'static Truth,
    done: Mutex<VecDeque<Event>>,
}

struct Event {
    at: Duration,
    key: u32,
    what: String,
}

impl Truth {
    pub(crate) fn new() -> &'static Truth {
        Box::leak(Box::new(Truth {
            versions: Default::default(),
            promised: Default::default(),
            setting: Default::default(),
            workers: Mutex::default(),
            stopped: AtomicBool::new(false),
            began: Instant::now(),
        }))
    }

    /// The current version of `key`.
    pub(crate) fn version(&self, key: u32) -> u64 {
        self.versions[key as usize].load(SeqCst)
    }

    /// Makes a new version of `key`.
    pub(crate) fn change(&self, key: u32) -> u64 {
        self.versions[key as usize].fetch_add(1, SeqCst) + 1
    }

    /// The oldest version that a call that begins now may return.
    pub(crate) fn promised(&self, key: u32) -> u64 {
        self.promised[key as usize].load(SeqCst)
    }

    /// A change returned: from now on calls return nothing older than `version`.
    pub(crate) fn promise(&self, key: u32, version: u64) {
        self.promised[key as usize].fetch_max(version, SeqCst);
    }

    pub(crate) fn setting(&self, key: u32) -> &RwLock<()> {
        &self.setting[key as usize]
    }

    pub(crate) fn worker(&'static self, name: String) -> &'static Worker {
        let worker = Box::leak(Box::new(Worker {
            name,
            truth: self,
            done: Mutex::default(),
        }));
        self.workers.lock().push(worker);
        worker
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, SeqCst);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.stopped.load(SeqCst)
    }

    /// The log of `key`, in order.
    fn history(&self, key: u32) -> String {
        let workers = self.workers.lock();
        let mut events = Vec::new();
        for worker in &*workers {
            let done = worker.done.lock();
            let concerned = done.iter().filter(|event| event.key == key);
            events.extend(concerned.map(|event| (event.at, &*worker.name, event.what.clone())));
        }
        events.sort();
        let mut history = String::new();
        for (at, who, what) in &events[events.len().saturating_sub(SHOWN)..] {
            let _ = writeln!(history, "{:>10} µs  {who:9} {what}", at.as_micros());
        }
        history
    }
}

impl Worker {
    pub(crate) fn did(&self, key: u32, what: impl fmt::Display) {
        let event = Event {
            at: self.truth.began.elapsed(),
            key,
            what: what.to_string(),
        };
        let mut done = self.done.lock();
        if done.len() == REMEMBERED {
            done.pop_front();
        }
        done.push_back(event);
    }

    /// Fails if a call returned an older version than was promised when it began. The first to find a fault reports it.
    pub(crate) fn check(&self, key: u32, what: &str, promised: u64, seen: u64) {
        if seen >= promised || self.truth.stopped.swap(true, SeqCst) {
            return;
        }
        self.did(
            key,
            format_args!("{what} SEES {seen}, AND {promised} WAS PROMISED"),
        );
        std::thread::sleep(LAST_WORDS);
        panic!(
            "{what} of key {key} saw {seen} after {promised} was promised:\n{}",
            self.truth.history(key)
        );
    }
}
