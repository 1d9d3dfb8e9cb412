//! Observability: statistics, events, rings, findings, metrics and spans.

mod doctor;
mod instances;
#[cfg(feature = "metrics")]
mod metrics;
mod observers;
mod rings;

use std::time::Duration;

use ring_cache::{Finding, RingInfo};

/// The only row of the ring of this name.
fn ring(name: &str) -> RingInfo {
    let mut rows = rings(name);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

fn rings(name: &str) -> Vec<RingInfo> {
    let mut rings = ring_cache::rings();
    rings.retain(|ring| ring.name() == name);
    rings
}

/// The codes of the doctor's findings about the ring of this name.
fn findings(name: &str) -> Vec<Finding> {
    let mut found = ring_cache::doctor();
    found.retain(|finding| finding.ring() == name);
    found
}

fn has(name: &str, code: &str) -> bool {
    findings(name).iter().any(|finding| finding.code() == code)
}

/// An unreachable storage.
#[cfg(feature = "redis")]
fn unreachable_redis() -> ring_cache::Redis {
    let redis = ring_cache::Redis::open("redis://127.0.0.1:1").expect("an address");
    redis.deadline(Duration::from_millis(200))
}
