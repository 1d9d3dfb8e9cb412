//! The leases of a node that wait for their release.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use ring_cache_core::storage::LeaseToken;

/// The most leases that are released by one request.
const MAX_BATCH: usize = 1_000;
/// The most leases that wait. Others end by themselves.
const LIMIT: usize = 65_536;

/// The leases of one node that are to be released.
pub(super) struct Releases<K> {
    pending: Mutex<Vec<(K, LeaseToken)>>,
    /// Whether a thread releases them.
    is_running: AtomicBool,
}

impl<K> Releases<K> {
    pub(super) fn new() -> Self {
        Releases {
            pending: Mutex::default(),
            is_running: AtomicBool::new(false),
        }
    }

    /// Adds a lease. Returns whether a thread is to be started.
    pub(super) fn add(&self, key: K, token: LeaseToken) -> bool {
        let mut pending = self.pending.lock();
        if pending.len() < LIMIT {
            pending.push((key, token));
        }
        // Under the lock: a thread that ends has found nothing before.
        !self.is_running.swap(true, Ordering::SeqCst)
    }

    /// The leases to release next. Without any, the thread ends.
    pub(super) fn next(&self) -> Option<Vec<(K, LeaseToken)>> {
        let mut pending = self.pending.lock();
        if pending.is_empty() {
            self.is_running.store(false, Ordering::SeqCst);
            return None;
        }
        if pending.len() <= MAX_BATCH {
            return Some(mem::take(&mut *pending));
        }
        let rest = pending.split_off(MAX_BATCH);
        Some(mem::replace(&mut *pending, rest))
    }

    /// No thread releases leases any more.
    pub(super) fn end(&self) {
        self.is_running.store(false, Ordering::SeqCst);
    }
}
