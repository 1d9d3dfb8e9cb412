//! The pages as text, for `curl`.

use std::fmt::Write;

use ring_cache_core::Finding;
use ring_cache_core::inspect::StorageHealth;

use super::number;
use super::overview::{FIGURES, figure, storage_of};
use super::ring::facts;
use crate::snapshot::{Keys, RingPage, Snapshot};

/// All rings, in columns.
pub(crate) fn overview(snapshot: &Snapshot) -> String {
    let mut lines: Vec<Vec<String>> = Vec::new();
    let headings = FIGURES.iter().map(|(_, heading)| (*heading).to_owned());
    lines.push(
        ["Ring".to_owned()]
            .into_iter()
            .chain(headings)
            .chain(["Storage".to_owned()])
            .collect(),
    );
    for row in &snapshot.rows {
        let figures = FIGURES.iter().map(|(name, _)| figure(row, name));
        let name = row.info.name().to_owned();
        lines.push(
            [name]
                .into_iter()
                .chain(figures)
                .chain([storage_of(row)])
                .collect(),
        );
    }
    let mut text = String::new();
    if snapshot.rows.is_empty() {
        text.push_str("No ring was used yet.\n");
    } else {
        columns(&mut text, &lines);
    }
    storages(&mut text, snapshot);
    findings(&mut text, &snapshot.findings);
    text
}

/// The storages with something to report.
fn storages(text: &mut String, snapshot: &Snapshot) {
    let mut seen = Vec::new();
    for storage in snapshot.rows.iter().flat_map(|row| &row.storages) {
        if seen.contains(&storage.number()) {
            continue;
        }
        seen.push(storage.number());
        let health = storage.health();
        if health != StorageHealth::default() {
            let _ = writeln!(text, "\n{} (storage {})", storage.info().kind(), storage.number());
            storage_health(text, &health);
        }
    }
}

fn storage_health(text: &mut String, health: &StorageHealth) {
    for node in &health.nodes {
        let state = if node.is_open {
            "breaker open"
        } else {
            "breaker closed"
        };
        let address = node.address.as_deref().unwrap_or("unknown server");
        let _ = match &node.fault {
            Some(fault) => writeln!(text, "  {address}: {state}, {fault}"),
            None => writeln!(text, "  {address}: {state}"),
        };
    }
    for (name, count) in &health.counts {
        let _ = writeln!(text, "  {name}: {}", number::count(*count));
    }
    for note in &health.notes {
        let _ = writeln!(text, "  {note}");
    }
}

fn findings(text: &mut String, findings: &[Finding]) {
    text.push('\n');
    for finding in findings {
        let _ = writeln!(text, "{finding}");
    }
    if findings.is_empty() {
        text.push_str("The doctor finds nothing wrong.\n");
    }
}

/// One ring and its keys.
pub(crate) fn ring(page: &RingPage) -> String {
    let row = &page.row;
    let mut text = format!("{}\n{}\n\n", row.info.name(), storage_of(row));
    let figures = FIGURES
        .iter()
        .map(|(name, heading)| vec![(*heading).to_owned(), figure(row, name)]);
    let facts = facts(row)
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), value]);
    columns(&mut text, &figures.chain(facts).collect::<Vec<_>>());
    findings(&mut text, &page.findings);
    text.push('\n');
    match &page.keys {
        Some(Keys::Page(keys)) => {
            let lines = keys.keys.iter().map(|key| {
                let remaining = number::life(key.remaining, row.info.stale());
                vec![key.text.clone(), remaining]
            });
            columns(&mut text, &lines.collect::<Vec<_>>());
            if let Some(next) = &keys.next {
                let _ = writeln!(text, "\nMore keys: &from={next}");
            }
        }
        Some(Keys::Refused(refusal)) => _ = writeln!(text, "{refusal}"),
        Some(Keys::Failed(error)) => _ = writeln!(text, "{error}"),
        None => text.push_str("The storage is gone.\n"),
    }
    text
}

/// Lines with aligned cells.
fn columns(text: &mut String, lines: &[Vec<String>]) {
    let count = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    for line in lines {
        let mut padded = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(padded, "{cell:<width$}  ");
        }
        text.push_str(padded.trim_end());
        text.push('\n');
    }
}
