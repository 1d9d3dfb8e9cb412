//! The counters of rings as metrics of the crate [`metrics`](https://docs.rs/metrics), for Prometheus, OpenTelemetry and
//! others.
//!
//! | metric | kind | labels |
//! |---|---|---|
//! | `ring_cache.requests` | counter | `ring`, `result`: `hit`, `stale`, `miss` |
//! | `ring_cache.coalesced` | counter | `ring` |
//! | `ring_cache.compute.duration` | histogram, in seconds | `ring` |
//! | `ring_cache.stores` | counter | `ring` |
//! | `ring_cache.evictions` | counter | `ring`, `reason`: `capacity`, `expired` |
//! | `ring_cache.errors` | counter | `ring`, `kind`: as [`ErrorKind`](crate::ErrorKind) |
//! | `ring_cache.entries` | gauge | `ring`: entries of the storages in memory that it uses |
//! | `ring_cache.capacity` | gauge | `ring`: the capacity of these storages, in entries |
//!
//! A key is never a label. Rings of one name have one series. All counters of a ring exist from its first call on, at 0.
//!
//! A hit costs the same as without this feature. [`publish`] sets all counters to their exact values; those of a ring are
//! also set after it has computed a value, at most once a second. Call [`publish`] before the metrics are read: in the
//! handler of
//! `/metrics`, or in a task that repeats it at the exporter's interval.

use std::time::Duration;

use ::metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};

use crate::account::Use;
use crate::observer::EvictionReason;
use crate::ring::Ring;
use crate::stats::Stats;
use crate::used_rings;

/// Sets all metrics except the histogram to their current values, in the installed recorder.
pub fn publish() {
    describe();
    used_rings::all().into_iter().for_each(publish_one);
}

/// Called when a ring is first used.
pub(crate) fn began(ring: &'static Ring) {
    describe();
    publish_one(ring);
}

/// Called after a body of a ring ran.
pub(crate) fn computed(ring: &'static Ring, took: Duration) {
    let published = &ring.account.published;
    published.duration(took);
    if published.is_due() {
        publish_one(ring);
    }
}

fn publish_one(ring: &'static Ring) {
    Sums::of(ring).publish(ring.name().as_str());
}

/// The counts of a ring on all storages.
struct Sums {
    stats: Stats,
    entries: Option<u64>,
    capacity: Option<u64>,
}

impl Sums {
    fn of(ring: &'static Ring) -> Self {
        let (live, past) = ring.account.uses();
        let mut sums = Sums {
            stats: past,
            entries: None,
            capacity: None,
        };
        for used in live {
            sums.stats = sums.stats.plus(&used.stats());
            sums.add_storage(&used);
        }
        sums
    }

    fn add_storage(&mut self, used: &Use) {
        if let Some(entries) = used.storage.entries() {
            *self.entries.get_or_insert(0) += entries;
        }
        if let Some(capacity) = used.storage.capacity.get() {
            *self.capacity.get_or_insert(0) += *capacity as u64;
        }
    }

    fn publish(&self, ring: &'static str) {
        let stats = &self.stats;
        for (result, count) in [
            ("hit", stats.hits),
            ("stale", stats.stale_hits),
            ("miss", stats.misses),
        ] {
            counter!("ring_cache.requests", "ring" => ring, "result" => result).absolute(count);
        }
        counter!("ring_cache.coalesced", "ring" => ring).absolute(stats.coalesced);
        counter!("ring_cache.stores", "ring" => ring).absolute(stats.stores);
        let evictions = [
            (EvictionReason::Capacity, stats.evictions),
            (EvictionReason::Expired, stats.expirations),
        ];
        for (reason, count) in evictions {
            counter!("ring_cache.evictions", "ring" => ring, "reason" => reason.as_str()).absolute(count);
        }
        for (kind, count) in stats.errors_by_kind.iter() {
            counter!("ring_cache.errors", "ring" => ring, "kind" => kind.as_str()).absolute(count);
        }
        if let Some(entries) = self.entries {
            gauge!("ring_cache.entries", "ring" => ring).set(entries as f64);
        }
        if let Some(capacity) = self.capacity {
            gauge!("ring_cache.capacity", "ring" => ring).set(capacity as f64);
        }
    }
}

/// For the installed recorder.
fn describe() {
    describe_counter!("ring_cache.requests", Unit::Count, "Look-ups, by their result");
    describe_counter!(
        "ring_cache.coalesced",
        Unit::Count,
        "Calls that took the value of another call's computation"
    );
    describe_counter!("ring_cache.stores", Unit::Count, "Values that were stored");
    describe_counter!(
        "ring_cache.evictions",
        Unit::Count,
        "Entries that a storage in memory dropped, by the reason"
    );
    describe_counter!(
        "ring_cache.errors",
        Unit::Count,
        "Failures of the storage or the coder, by their kind"
    );
    describe_gauge!(
        "ring_cache.entries",
        Unit::Count,
        "Entries of the storages in memory that the ring uses"
    );
    describe_gauge!(
        "ring_cache.capacity",
        Unit::Count,
        "Entries that these storages have room for"
    );
    describe_histogram!(
        "ring_cache.compute.duration",
        Unit::Seconds,
        "The time that bodies take"
    );
}
