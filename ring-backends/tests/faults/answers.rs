//! The cached values, and the check of answers.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// The number of entries.
pub(crate) const KEYS: u32 = 50;

/// An answer with its question, its version and a checksum. Bytes in a cache are exactly the coder's, so a value with a byte
/// changed on the way is detected by its type alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Answer {
    pub(crate) key: u32,
    pub(crate) version: u64,
    sum: u64,
}

#[derive(Deserialize)]
struct Written {
    key: u32,
    version: u64,
    sum: u64,
}

impl Answer {
    fn new(key: u32, version: u64) -> Self {
        let sum = sum(key, version);
        Answer { key, version, sum }
    }
}

impl TryFrom<Written> for Answer {
    type Error = &'static str;

    fn try_from(Written { key, version, sum }: Written) -> Result<Self, Self::Error> {
        let answer = Answer::new(key, version);
        (answer.sum == sum).then_some(answer).ok_or("a byte was changed")
    }
}

/// FNV-1a.
fn sum(key: u32, version: u64) -> u64 {
    let bytes = key.to_le_bytes().into_iter().chain(version.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The source of the values.
pub(crate) struct Truth {
    entries: Vec<Entry>,
    bodies: AtomicU64,
}

#[derive(Default)]
struct Entry {
    version: AtomicU64,
    /// The version that was last cached, or whose predecessor was last removed. Later calls must not return an older one.
    oldest: AtomicU64,
}

impl Truth {
    pub(crate) fn new() -> Self {
        Truth {
            entries: (0..KEYS).map(|_| Entry::default()).collect(),
            bodies: AtomicU64::new(0),
        }
    }

    /// The body of the calls.
    pub(crate) fn compute(&self, key: u32) -> Answer {
        self.bodies.fetch_add(1, Ordering::SeqCst);
        Answer::new(key, self.entry(key).version.load(Ordering::SeqCst))
    }

    /// The number of its runs.
    pub(crate) fn bodies(&self) -> u64 {
        self.bodies.load(Ordering::SeqCst)
    }

    /// Changes the computed answer. An entry must not be changed by several callers at a time.
    pub(crate) fn change(&self, key: u32) -> Answer {
        let version = self.entry(key).version.fetch_add(1, Ordering::SeqCst) + 1;
        Answer::new(key, version)
    }

    /// Notes that the change reached the cache.
    pub(crate) fn told(&self, answer: &Answer) {
        self.entry(answer.key)
            .oldest
            .store(answer.version, Ordering::SeqCst);
    }

    /// The oldest version that a call that begins now may return.
    pub(crate) fn oldest(&self, key: u32) -> u64 {
        self.entry(key).oldest.load(Ordering::SeqCst)
    }

    /// The fault of an answer to a call that began when `oldest` was read, if any.
    pub(crate) fn wrong(&self, key: u32, oldest: u64, answer: &Answer) -> Option<String> {
        let newest = self.entry(key).version.load(Ordering::SeqCst);
        let right = answer.key == key && (oldest..=newest).contains(&answer.version);
        (!right).then(|| format!("{key}, versions {oldest} to {newest}: {answer:?}"))
    }

    fn entry(&self, key: u32) -> &Entry {
        &self.entries[key as usize]
    }
}
