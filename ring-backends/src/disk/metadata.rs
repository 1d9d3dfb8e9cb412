//! Metadata of an entry: creation time, expiry, checksums.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use twox_hash::XxHash3_64;

/// The wall clock: it runs while no process does, and can be set.
pub(super) type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Metadata of an entry. Times are milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) created: i64,
    pub(super) term: Option<Term>,
    pub(super) value_checksum: i64,
}

/// The life of an entry. Creation and lifetime together bound the effect of a clock that is set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// The requested expiry.
    pub(super) lifetime: i64,
    pub(super) expires: i64,
}

/// The state of an entry at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// It lives, with its remaining life if it can expire.
    Lives(Option<Duration>),
    /// It was created in the future: the clock was set back. Its expiry restarts.
    Early(Duration),
    Expired,
}

impl Metadata {
    pub(super) fn new(now: SystemTime, expiry: Option<Duration>, value: &[u8]) -> Self {
        Metadata {
            created: milliseconds(now),
            term: expiry.map(|expiry| Term::new(now, expiry)),
            value_checksum: checksum(value),
        }
    }

    /// The same value with an expiry that begins now.
    pub(super) fn restarted(self, now: SystemTime, expiry: Duration) -> Self {
        Metadata {
            created: milliseconds(now),
            term: Some(Term::new(now, expiry)),
            ..self
        }
    }

    pub(super) fn condition(&self, now: SystemTime) -> Condition {
        let now = milliseconds(now);
        match self.term {
            None => Condition::Lives(None),
            Some(term) if now >= term.expires => Condition::Expired,
            Some(term) if now < self.created => Condition::Early(duration(term.lifetime)),
            Some(term) => Condition::Lives(Some(duration((term.expires - now).min(term.lifetime)))),
        }
    }

    /// The checksum of the key and the metadata.
    pub(super) fn checksum(&self, key: &str) -> i64 {
        let (lifetime, expires) = self.term.map_or((-1, -1), |term| (term.lifetime, term.expires));
        let numbers = [self.created, lifetime, expires, self.value_checksum];
        let mut bytes = Vec::with_capacity(key.len() + size_of_val(&numbers));
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend_from_slice(key.as_bytes());
        checksum(&bytes)
    }
}

impl Term {
    fn new(now: SystemTime, expiry: Duration) -> Self {
        let lifetime = saturated(expiry.as_nanos().div_ceil(1_000_000));
        // A fraction of a millisecond must not shorten the life.
        let begin = milliseconds(now.checked_add(Duration::from_nanos(999_999)).unwrap_or(now));
        Term {
            lifetime,
            expires: begin.saturating_add(lifetime),
        }
    }
}

pub(super) fn checksum(bytes: &[u8]) -> i64 {
    XxHash3_64::oneshot(bytes).cast_signed()
}

fn duration(milliseconds: i64) -> Duration {
    Duration::from_millis(milliseconds.try_into().unwrap_or(0))
}

/// The whole milliseconds since 1970.
pub(super) fn milliseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => saturated(since.as_millis()),
        Err(before) => -saturated(before.duration().as_nanos().div_ceil(1_000_000)),
    }
}

fn saturated(number: u128) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
