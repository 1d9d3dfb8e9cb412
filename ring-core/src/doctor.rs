//! The doctor: faults in the use of this process's rings.

mod findings;

use std::fmt;

use crate::ring_info::{RingInfo, rings};

/// A fault of a ring: see [`doctor`].
///
/// It displays as a line for logs: `low-hit-ratio: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    code: &'static str,
    ring: String,
    sentence: String,
    remedy: &'static str,
}

impl Finding {
    /// The kind: one of the codes of [`doctor`], which are stable.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The name of the ring.
    pub fn ring(&self) -> &str {
        &self.ring
    }

    /// The fault, with numbers.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The remedy.
    pub fn remedy(&self) -> &str {
        self.remedy
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            code,
            ring,
            sentence,
            remedy,
        } = self;
        write!(f, "{code}: `{ring}` {sentence}. {remedy}.")
    }
}

/// The faults that the counters of this process's rings show. It changes nothing.
///
/// Ratios need twenty look-ups or more, so ask a process that has worked for a while.
///
/// | code | the fault |
/// |---|---|
/// | `prefixes-overlap` | a key of this ring could be one of another ring, on this storage or on another handle to the same kind of storage with the same namespace |
/// | `never-hit` | no look-up has found a value |
/// | `churn` | more than half of what is stored is evicted |
/// | `no-expiry` | entries in a storage outside this process never expire |
/// | `low-hit-ratio` | less than a tenth of the look-ups find a value |
/// | `decode-errors` | stored bytes could not be decoded |
/// | `storage-fails` | the storage has failed, as for a wrong password or an unknown host |
/// | `no-spawner` | values are to be computed in the background, and nothing there runs tasks |
/// | `slow-look-up` | looking up takes longer than computing |
/// | `unbounded` | a storage without a bound has more than 10,000 entries, and this ring stores some that never expire |
/// | `capacity-never-filled` | a warm storage never used more than a tenth of its capacity |
///
/// ```
/// # use ring_cache_core as ring_cache;
/// for finding in ring_cache::doctor() {
///     eprintln!("{finding}");
/// }
/// ```
pub fn doctor() -> Vec<Finding> {
    let rings = rings();
    let mut found: Vec<Finding> = rings.iter().flat_map(|ring| examine(ring, &rings)).collect();
    // Two services with one fault are two findings only if they differ.
    let mut seen = Vec::new();
    found.retain(|finding| {
        let is_new = !seen.contains(finding);
        if is_new {
            seen.push(finding.clone());
        }
        is_new
    });
    found
}

fn examine(info: &RingInfo, all: &[RingInfo]) -> Vec<Finding> {
    let checks = findings::CHECKS.iter();
    let found = checks.filter_map(|(code, check, remedy)| {
        Some(Finding {
            code,
            ring: info.name().to_owned(),
            sentence: check(info, all)?,
            remedy,
        })
    });
    found.collect()
}
