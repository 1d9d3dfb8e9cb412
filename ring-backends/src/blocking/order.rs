//! The order of operations: those on one key run in the order in which they were requested, one after another; look-ups run
//! in parallel.
//!
//! An operation joins the queues of all its keys in one step, under one lock. So all queues have the same order, each
//! operation waits for earlier ones only, and operations on many keys cannot deadlock. All operations also share one queue
//! of the whole storage; `clear` is exclusive in it.
//!
//! Not an async lock: that is handed to the next waiting task, and if this task is never polled, all behind it hang. Here
//! the end of one operation starts the next, whether or not its caller polls. A waiting operation occupies no thread.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::Mutex;
use ring_cache_core::key::EncodedKey;

use super::key_queue::{Access, KeyQueue};

/// The operations of one storage that run or wait.
///
/// Keeps nothing for keys without operations.
#[derive(Default)]
pub(super) struct Order {
    state: Mutex<State>,
}

/// The queues that an operation joins: those of its keys, and `None`, the queue of the whole storage.
pub(super) struct Claim(HashMap<Option<EncodedKey>, Access>);

impl Claim {
    /// A claim on some keys.
    pub(super) fn of<'k>(access: Access, keys: impl IntoIterator<Item = &'k EncodedKey>) -> Self {
        let keys = keys.into_iter().map(|key| (Some(key.clone()), access));
        Claim(keys.chain([(None, Access::Shared)]).collect())
    }

    /// A claim on the whole storage.
    pub(super) fn all() -> Self {
        Claim(HashMap::from([(None, Access::Exclusive)]))
    }
}

/// Starts an operation, which runs until its `Running` is dropped.
type Start = Box<dyn FnOnce(Running) + Send>;

#[derive(Default)]
struct State {
    /// The number of the latest operation.
    latest: u64,
    queues: HashMap<Option<EncodedKey>, KeyQueue>,
    waiting: HashMap<u64, Waiting>,
    ready: VecDeque<(u64, Claim, Start)>,
    /// Whether a thread is starting operations. It also starts those that become ready meanwhile.
    starting: bool,
}

struct Waiting {
    claim: Claim,
    start: Start,
    /// The number of queues in which it still waits.
    queues: usize,
}

impl Order {
    /// Runs `start` when all earlier operations that conflict with `claim` have ended.
    pub(super) fn ask(self: &Arc<Self>, claim: Claim, start: Start) -> Request {
        let number = self.state.lock().add(claim, start);
        self.start_ready();
        Request {
            order: Arc::clone(self),
            number,
        }
    }

    /// Starts what is ready. An operation that ends while it is started calls this again; starting the next from there would
    /// recurse.
    fn start_ready(self: &Arc<Self>) {
        loop {
            let next = self.state.lock().begin_start();
            let Some((number, claim, start)) = next else {
                return;
            };
            let order = Arc::clone(self);
            let running = Running { order, number, claim };
            // Without a thread the operation is dropped here, and the `Drop` of its value may panic.
            let _ = catch_unwind(AssertUnwindSafe(|| start(running)));
            self.state.lock().starting = false;
        }
    }
}

impl State {
    fn add(&mut self, claim: Claim, start: Start) -> u64 {
        self.latest += 1;
        let number = self.latest;
        let mut queues = 0;
        for (key, access) in &claim.0 {
            let queue = self.queues.entry(key.clone()).or_default();
            queues += usize::from(!queue.enter(number, *access));
        }
        if queues == 0 {
            self.ready.push_back((number, claim, start));
        } else {
            self.waiting.insert(number, Waiting { claim, start, queues });
        }
        number
    }

    /// Removes an operation from its queues. Operations that waited for nothing else become ready.
    fn leave(&mut self, number: u64, claim: &Claim) {
        for (key, access) in &claim.0 {
            let Some(queue) = self.queues.get_mut(key) else {
                continue;
            };
            let admitted = queue.leave(number, *access);
            if queue.is_empty() {
                self.queues.remove(key);
            }
            admitted.into_iter().for_each(|number| self.admit(number));
        }
    }

    /// The operation waits in one queue less.
    fn admit(&mut self, number: u64) {
        if let Some(waiting) = self.waiting.get_mut(&number) {
            waiting.queues -= 1;
            if waiting.queues > 0 {
                return;
            }
        }
        if let Some(Waiting { claim, start, .. }) = self.waiting.remove(&number) {
            self.ready.push_back((number, claim, start));
        }
    }

    /// The next operation to start, unless another thread starts operations.
    fn begin_start(&mut self) -> Option<(u64, Claim, Start)> {
        if self.starting {
            return None;
        }
        let next = self.ready.pop_front();
        self.starting = next.is_some();
        next
    }
}

/// Held by a running operation. Dropped, it admits the next ones.
pub(super) struct Running {
    order: Arc<Order>,
    number: u64,
    claim: Claim,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.order.state.lock().leave(self.number, &self.claim);
        self.order.start_ready();
    }
}

/// Held by the caller of an operation. Dropped, it withdraws the operation if that still waits.
pub(super) struct Request {
    order: Arc<Order>,
    number: u64,
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut state = self.order.state.lock();
        let Some(Waiting { claim, start, .. }) = state.waiting.remove(&self.number) else {
            return;
        };
        state.leave(self.number, &claim);
        drop(state);
        self.order.start_ready();
        // Dropped without the lock and last: `Drop` of the user's value may panic.
        drop(start);
    }
}
