//! The order of operations: those on one key run as they were asked, one after another, unless all they do is look.
//!
//! An operation joins the lines of all its keys in one step, under one lock. So the lines agree on who came first, each
//! waits for earlier ones only, and operations on many keys cannot wait for each other in a circle. One line more is
//! shared by all, unless one clears.
//!
//! A lock for tasks would do the same with less code, but for one thing: it is handed to the next task in line, also if
//! nobody polls that task, and then all behind it hang. Here the operation itself waits, and whoever ends the one before
//! starts it. Nor does an operation occupy a thread while it waits.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::Mutex;
use ring_cache_core::key::EncodedKey;

use super::line::{Access, Line};

/// The operations of one storage that are at work or wait.
///
/// Nothing is kept of a key when nobody works on it.
#[derive(Default)]
pub(super) struct Order {
    queue: Mutex<Queue>,
}

/// The lines that an operation joins: those of its keys, and `None`, the line of the whole storage.
pub(super) struct Claim(HashMap<Option<EncodedKey>, Access>);

impl Claim {
    /// To some keys.
    pub(super) fn of<'k>(access: Access, keys: impl IntoIterator<Item = &'k EncodedKey>) -> Self {
        let keys = keys.into_iter().map(|key| (Some(key.clone()), access));
        Claim(keys.chain([(None, Access::Shared)]).collect())
    }

    /// To everything.
    pub(super) fn all() -> Self {
        Claim(HashMap::from([(None, Access::Alone)]))
    }
}

/// Starts an operation, which works for as long as it keeps its place.
type Start = Box<dyn FnOnce(Place) + Send>;

#[derive(Default)]
struct Queue {
    /// The number of the latest operation.
    latest: u64,
    lines: HashMap<Option<EncodedKey>, Line>,
    waiting: HashMap<u64, Waiting>,
    ready: VecDeque<(u64, Claim, Start)>,
    /// Whether a thread starts operations just now. It starts all that become ready meanwhile.
    starting: bool,
}

struct Waiting {
    claim: Claim,
    start: Start,
    /// In how many lines it waits.
    lines: usize,
}

impl Order {
    /// Runs `start` when all earlier operations are done that `claim` is at odds with.
    pub(super) fn ask(self: &Arc<Self>, claim: Claim, start: Start) -> Request {
        let number = self.queue.lock().add(claim, start);
        self.start_ready();
        Request {
            order: Arc::clone(self),
            number,
        }
    }

    /// Starts what is ready. An operation that ends while it is started calls this again, and is not to do it from
    /// there: each would go one deeper.
    fn start_ready(self: &Arc<Self>) {
        loop {
            let next = self.queue.lock().begin_start();
            let Some((number, claim, start)) = next else {
                return;
            };
            let order = Arc::clone(self);
            let place = Place { order, number, claim };
            // Without a thread for it, the operation is dropped here, with a value that may panic at that.
            let _ = catch_unwind(AssertUnwindSafe(|| start(place)));
            self.queue.lock().starting = false;
        }
    }
}

impl Queue {
    fn add(&mut self, claim: Claim, start: Start) -> u64 {
        self.latest += 1;
        let number = self.latest;
        let mut lines = 0;
        for (key, access) in &claim.0 {
            let line = self.lines.entry(key.clone()).or_default();
            lines += usize::from(!line.enter(number, *access));
        }
        if lines == 0 {
            self.ready.push_back((number, claim, start));
        } else {
            self.waiting.insert(number, Waiting { claim, start, lines });
        }
        number
    }

    /// Takes an operation out of its lines; those that waited for nothing else are ready.
    fn leave(&mut self, number: u64, claim: &Claim) {
        for (key, access) in &claim.0 {
            let Some(line) = self.lines.get_mut(key) else {
                continue;
            };
            let admitted = line.leave(number, *access);
            if line.is_empty() {
                self.lines.remove(key);
            }
            admitted.into_iter().for_each(|number| self.admit(number));
        }
    }

    /// One line less to wait in.
    fn admit(&mut self, number: u64) {
        if let Some(waiting) = self.waiting.get_mut(&number) {
            waiting.lines -= 1;
            if waiting.lines > 0 {
                return;
            }
        }
        if let Some(Waiting { claim, start, .. }) = self.waiting.remove(&number) {
            self.ready.push_back((number, claim, start));
        }
    }

    /// The next to start, unless another thread is at it.
    fn begin_start(&mut self) -> Option<(u64, Claim, Start)> {
        if self.starting {
            return None;
        }
        let next = self.ready.pop_front();
        self.starting = next.is_some();
        next
    }
}

/// What an operation at work holds. Dropped, it lets the next ones begin.
pub(super) struct Place {
    order: Arc<Order>,
    number: u64,
    claim: Claim,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.order.queue.lock().leave(self.number, &self.claim);
        self.order.start_ready();
    }
}

/// What asked for an operation. Dropped, it takes back one that still waits.
pub(super) struct Request {
    order: Arc<Order>,
    number: u64,
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut queue = self.order.queue.lock();
        let Some(Waiting { claim, start, .. }) = queue.waiting.remove(&self.number) else {
            return;
        };
        queue.leave(self.number, &claim);
        drop(queue);
        self.order.start_ready();
        // The value that it was to write is the user's: not under the lock, and last, since it may panic.
        drop(start);
    }
}
