//! Keys whose entries are out of date, because they could not be replaced or removed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// How many keys are remembered.
const REMEMBERED: usize = 1024;

/// How many of them one write removes at most.
const SETTLED: usize = 64;

/// The keys whose entries are to be removed as soon as the file can be written again; until then they are not shown.
#[derive(Debug, Default)]
pub(super) struct Owed {
    any: AtomicBool,
    debts: Mutex<Debts>,
}

#[derive(Debug, Default)]
struct Debts {
    /// With the number of the last failure: a write that began before it does not settle it.
    keys: HashMap<Box<str>, u64>,
    failures: u64,
}

/// A key whose entry is to be removed.
#[derive(Debug)]
pub(super) struct Debt {
    pub(super) key: Box<str>,
    failure: u64,
}

impl Owed {
    pub(super) fn has(&self, key: &str) -> bool {
        // On the way of a hit this is all.
        self.any.load(Ordering::Acquire) && self.debts.lock().keys.contains_key(key)
    }

    pub(super) fn remember<'k>(&self, keys: impl IntoIterator<Item = &'k str>) {
        let mut debts = self.debts.lock();
        debts.failures += 1;
        let failure = debts.failures;
        for key in keys {
            if let Some(known) = debts.keys.get_mut(key) {
                *known = failure;
            } else if debts.keys.len() < REMEMBERED {
                debts.keys.insert(key.into(), failure);
            }
        }
        self.any.store(!debts.keys.is_empty(), Ordering::Release);
    }

    /// Those that the next write removes.
    pub(super) fn next(&self) -> Vec<Debt> {
        if !self.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        let debts = self.debts.lock();
        let next = debts.keys.iter().take(SETTLED);
        let next = next.map(|(key, failure)| Debt {
            key: key.clone(),
            failure: *failure,
        });
        next.collect()
    }

    pub(super) fn settle(&self, settled: &[Debt]) {
        if settled.is_empty() {
            return;
        }
        let mut debts = self.debts.lock();
        for debt in settled {
            if debts.keys.get(&debt.key) == Some(&debt.failure) {
                debts.keys.remove(&debt.key);
            }
        }
        self.any.store(!debts.keys.is_empty(), Ordering::Release);
    }
}
