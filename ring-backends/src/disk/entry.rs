//! What is kept beside a value: when it was written, how long it lives, and what tells damage.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use twox_hash::XxHash3_64;

/// Tells the time of day, which goes on while no process runs, and which people set.
pub(super) type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What is kept beside a value. Moments are milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) created: i64,
    pub(super) term: Option<Term>,
    pub(super) value_checksum: i64,
}

/// How long an entry lives. That it is known twice limits what a clock can do that is set back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// The expiry that was asked for.
    pub(super) lifetime: i64,
    pub(super) expires: i64,
}

/// What an entry is at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// It lives, and so long if it can expire.
    Lives(Option<Duration>),
    /// It was written in the future: the clock was set back meanwhile. Its expiry begins anew.
    Early(Duration),
    Expired,
}

impl Head {
    pub(super) fn new(now: SystemTime, expiry: Option<Duration>, value: &[u8]) -> Self {
        Head {
            created: milliseconds(now),
            term: expiry.map(|expiry| Term::new(now, expiry)),
            value_checksum: checksum(value),
        }
    }

    /// The same value, whose expiry begins now.
    pub(super) fn restarted(self, now: SystemTime, expiry: Duration) -> Self {
        Head {
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

    /// The checksum over all of this and the key.
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
        // The clock's own fraction of a millisecond must not shorten it.
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

/// The milliseconds since 1970 that are over.
pub(super) fn milliseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => saturated(since.as_millis()),
        Err(before) => -saturated(before.duration().as_nanos().div_ceil(1_000_000)),
    }
}

fn saturated(number: u128) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
