//! The figures as JSON, for programs and the page's script.

use std::time::Duration;

use ring_cache_core::{Finding, Stats};
use serde_json::{Map, Value, json};

use super::overview::{FIGURES, figure};
use crate::snapshot::{Row, Snapshot};

/// All rings. `cells` and `spark` are the page's texts.
pub(crate) fn figures(snapshot: &Snapshot) -> Value {
    let findings = snapshot.findings.iter().map(finding);
    json!({
        "rings": snapshot.rows.iter().map(ring).collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
    })
}

fn ring(row: &Row) -> Value {
    let cells = FIGURES
        .iter()
        .map(|(name, _)| ((*name).to_owned(), figure(row, name).into()));
    let storage = row.info.storage();
    json!({
        "id": row.id,
        "ring": row.info.name(),
        "service": row.info.service(),
        "storage": storage.kind(),
        "entries": storage.entries(),
        "capacity": storage.capacity(),
        "stats": stats(&row.info.stats()),
        "cells": cells.collect::<Map<_, _>>(),
        "spark": row.recent.path(),
    })
}

fn stats(stats: &Stats) -> Value {
    json!({
        "hits": stats.hits,
        "stale_hits": stats.stale_hits,
        "misses": stats.misses,
        "coalesced": stats.coalesced,
        "computed": stats.computed,
        "stores": stats.stores,
        "evictions": stats.evictions,
        "expirations": stats.expirations,
        "errors": stats.errors,
        "hit_ratio": stats.hit_ratio(),
        "mean_lookup_seconds": stats.mean_lookup_time().map(|time: Duration| time.as_secs_f64()),
        "mean_compute_seconds": stats.mean_compute_time().map(|time: Duration| time.as_secs_f64()),
    })
}

fn finding(finding: &Finding) -> Value {
    json!({
        "code": finding.code(),
        "ring": finding.ring(),
        "sentence": finding.sentence(),
        "remedy": finding.remedy(),
    })
}
