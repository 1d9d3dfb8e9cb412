//! Background repairs: a thread deletes entries that may be out of date, in case no call does.

use std::hash::Hash;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::operation::repair;
use super::{Background, BlockingServer, Node, Nodes, Remote, Server, leases};

/// The pause before the first attempt, and after progress. It doubles with each attempt without progress.
const MIN_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// The time limit of one attempt.
const ATTEMPT: Duration = Duration::from_secs(1);
/// The thread ends after this time. The next call, or the next failure, continues.
const MAX_TIME: Duration = Duration::from_secs(10 * 60);

impl<S: BlockingServer> Remote<S> {
    /// Enables background repairs.
    #[cfg(any(feature = "redis", feature = "memcached"))]
    pub(crate) fn repairing(self) -> Self {
        self.repair_by_itself();
        self
    }

    pub(super) fn repair_by_itself(&self) {
        self.background.get_or_init(|| Background {
            repair: begin::<S>,
            release: leases::begin::<S>,
        });
    }
}

impl<S: Server> Remote<S> {
    /// To be called when entries of a node may be out of date.
    pub(super) fn start_repairs(&self, node: usize) {
        let nodes = self.nodes();
        if let Some(background) = self.background.get()
            && nodes.nodes[node].begin_repairing()
        {
            (background.repair)(&self.server, nodes, node);
        }
    }
}

impl<K: Clone + Eq + Hash> Node<K> {
    /// Whether entries await repair and no thread repairs them. The caller must then start one.
    fn begin_repairing(&self) -> bool {
        self.repairs.pending().len() > 0 && !self.is_repairing.swap(true, Ordering::SeqCst)
    }

    /// Whether the thread may end: nothing is left, or another thread has begun.
    fn end_repairing(&self, is_over: bool) -> bool {
        if self.repairs.pending().len() > 0 && !is_over {
            return false;
        }
        self.is_repairing.store(false, Ordering::SeqCst);
        // A failure since then relied on this thread.
        is_over || !self.begin_repairing()
    }
}

fn begin<S: BlockingServer>(server: &Arc<S>, nodes: &Arc<Nodes<S::StoredKey>>, node: usize) {
    let (server, weak) = (Arc::downgrade(server), Arc::downgrade(nodes));
    let thread = thread::Builder::new().name("ring-cache repair".into());
    if thread.spawn(move || run(&server, &weak, node)).is_err() {
        nodes.nodes[node].is_repairing.store(false, Ordering::SeqCst);
    }
}

/// The thread does not keep the storage alive while it sleeps.
fn run<S: BlockingServer>(server: &Weak<S>, nodes: &Weak<Nodes<S::StoredKey>>, node: usize) {
    let (mut pause, over) = (MIN_PAUSE, Instant::now() + MAX_TIME);
    loop {
        thread::sleep(pause);
        let (Some(server), Some(nodes)) = (server.upgrade(), nodes.upgrade()) else {
            return;
        };
        let made_progress = attempt(&*server, &nodes.nodes[node], node);
        pause = if made_progress {
            MIN_PAUSE
        } else {
            MAX_PAUSE.min(pause * 2)
        };
        if nodes.nodes[node].end_repairing(Instant::now() >= over) {
            return;
        }
    }
}

/// Returns whether it made progress.
fn attempt<S: BlockingServer>(server: &S, state: &Node<S::StoredKey>, node: usize) -> bool {
    let before = state.repairs.pending().len();
    if before == 0 {
        return true;
    }
    let Some(permit) = state.breaker.admit(ATTEMPT) else {
        return false;
    };
    match repair(server, &state.repairs, node, Instant::now() + ATTEMPT, |_| true) {
        Err(fault) if fault.is_failure() => permit.failed(),
        _ => permit.answered(),
    }
    state.repairs.pending().len() < before
}
