//! The faults that the doctor knows, each with the sentence about a ring.

use crate::flights::may_meet;
use crate::ring_info::RingInfo;

/// The number of look-ups or stores from which ratios are judged.
const ENOUGH: u64 = 20;

/// The number of entries from which an unbounded storage is reported.
const MANY: u64 = 10_000;

/// The sentence about a ring that has the fault. It follows the ring's name, and has no full stop.
type Check = fn(&RingInfo, &[RingInfo]) -> Option<String>;

pub(super) static CHECKS: &[(&str, Check, &str)] = &[
    (
        "prefixes-overlap",
        prefixes_overlap,
        "Give one of them another `key_prefix`",
    ),
    (
        "never-hit",
        never_hit,
        "If arguments differ on every call, leave them out of the key: `ignore(..)`. If values are not stored, see `unless` \
         and `errors`",
    ),
    ("churn", churn, "Raise `capacity`, or cache fewer of its calls"),
    (
        "no-expiry",
        no_expiry,
        "Set `expire`, so that unused entries and old values end",
    ),
    (
        "low-hit-ratio",
        low_hit_ratio,
        "Raise `expire` or the capacity, leave arguments out of the key, or do not cache it",
    ),
    (
        "decode-errors",
        decode_errors,
        "Another type or program wrote them: change `key_prefix` when the type of the values changes",
    ),
    (
        "storage-fails",
        storage_fails,
        "See its address, its password and its server",
    ),
    (
        "slow-look-up",
        slow_look_up,
        "Keep it in memory, put memory in front with `Tiered`, or do not cache it",
    ),
    (
        "unbounded",
        unbounded,
        "Use an `Lru`, which has a capacity, or set `expire` and clear it",
    ),
    (
        "capacity-never-filled",
        capacity_never_filled,
        "A smaller `capacity` does as well",
    ),
];

fn look_ups(info: &RingInfo) -> u64 {
    let stats = info.stats();
    stats.hits + stats.stale_hits + stats.misses
}

/// Includes other handles: they may lead to the same server.
fn prefixes_overlap(info: &RingInfo, all: &[RingInfo]) -> Option<String> {
    let others = all.iter().filter(|other| other.name() != info.name());
    let overlap = others.into_iter().find(|other| overlaps(info, other))?;
    Some(format!(
        "(of `{}`) and `{}` (of `{}`) can have equal keys in {}",
        info.function(),
        overlap.name(),
        overlap.function(),
        info.storage().kind()
    ))
}

fn overlaps(one: &RingInfo, other: &RingInfo) -> bool {
    one.uses.iter().any(|one| {
        other.uses.iter().any(|other| {
            let (Some(here), Some(there)) = (one.storage.description(), other.storage.description()) else {
                return false;
            };
            let is_same = std::sync::Arc::ptr_eq(&one.storage, &other.storage);
            let may_be_same = here.can_fail && here.kind == there.kind && here.namespace == there.namespace;
            here.has_text_keys
                && (is_same || may_be_same)
                && may_meet((one.account.name, one.shape), (other.account.name, other.shape))
        })
    })
}

fn never_hit(info: &RingInfo, _: &[RingInfo]) -> Option<String> {
    let (stats, look_ups) = (info.stats(), look_ups(info));
    let is_never_hit = look_ups >= ENOUGH && stats.hits + stats.stale_hits + stats.coalesced == 0;
    is_never_hit.then(|| format!("has found no value in {look_ups} look-ups"))
}

fn churn(info: &RingInfo, _: &[RingInfo]) -> Option<String> {
    let stats = info.stats();
    let is_churning = stats.stores >= ENOUGH && stats.evictions > stats.stores / 2;
    is_churning.then(|| {
        format!(
            "has stored {} values, of which {} were evicted",
            stats.stores, stats.evictions
        )
    })
}

fn no_expiry(info: &RingInfo, _: &[RingInfo]) -> Option<String> {
    let lasting = info.uses.iter().find(|used| {
        let is_outside = used.storage.description().is_some_and(|storage| storage.can_fail);
        is_outside && used.stored_for_ever()
    })?;
    let kind = lasting.storage.description().map(|storage| &storage.kind)?;
    Some(format!("stores values in {kind} that never expire"))
}

fn low_hit_ratio(info: &RingInfo, _: &[RingInfo]) -> Option<String> {
    let (ratio, look_ups) = (info.stats().hit_ratio()?, look_ups(info));
    let is_low = look_ups >= ENOUGH && ratio > 0.0 && ratio < 0.1;
    is_low.then(|| {
        format!(
            "has found values in {:.1} % of {look_ups} look-ups",
            ratio * 100.0
        )
    })
}

fn decode_errors(info: &RingInfo, _: &[RingInfo]) -> Option<String> {
    let errors = info.stats().errors_by_kind.of(crate::ErrorKind::Decode);
    let times = if errors == 1 { "time" } else { "times" };
    (errors > 0).then(|| format!("could not decode stored values {errors} {times}"))
}

fn storage_fails(info: &RingInfo, _: &[RingInfo]) -> Option<String> {
    let errors = info.stats().errors_by_kind.of(crate::ErrorKind::Storage);
    let last = info.uses.iter().find_map(|used| used.last_failure())?;
    let failures = if errors == 1 { "failure" } else { "failures" };
    Some(format!(
        "has had {errors} {failures} of its storage, the last: {last}"
    ))
}

fn slow_look_up(info: &RingInfo, _: &[RingInfo]) -> Option<String> {
    let stats = info.stats();
    let (look_up, body) = (stats.mean_lookup_time()?, stats.mean_compute_time()?);
    let is_slow = look_ups(info) >= ENOUGH && look_up > body;
    is_slow.then(|| format!("takes {look_up:?} to look up a value, and {body:?} to compute it"))
}

fn unbounded(info: &RingInfo, _: &[RingInfo]) -> Option<String> {
    let grows = info.uses.iter().filter(|used| used.stored_for_ever());
    let mut without_bound = grows.filter(|used| used.storage.capacity.get().is_none());
    let entries = without_bound.find_map(|used| used.storage.entries().filter(|entries| *entries > MANY))?;
    let kind = info.storage().kind().to_owned();
    Some(format!(
        "keeps values for ever in {kind}, which has no bound and {entries} entries"
    ))
}

fn capacity_never_filled(info: &RingInfo, _: &[RingInfo]) -> Option<String> {
    let storage = &info.uses.last()?.storage;
    let (capacity, most) = (*storage.capacity.get()? as u64, storage.most_entries());
    let is_warm = look_ups(info) >= ENOUGH && info.stats().hit_ratio()? >= 0.9;
    let is_large = capacity > crate::DEFAULT_CAPACITY as u64 && most < capacity / 10;
    (is_warm && is_large)
        .then(|| format!("has a storage for {capacity} entries that never had more than {most}"))
}
