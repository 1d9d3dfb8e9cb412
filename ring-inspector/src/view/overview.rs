//! The page of all rings.

use std::collections::BTreeMap;

use ring_cache_core::Finding;
use ring_cache_core::inspect::{Inspected, NodeHealth, StorageHealth};

use super::{Html, Nonce, link, number, page as whole, script};
use crate::history::Recent;
use crate::snapshot::{Place, Row, SHOWN, Snapshot};

/// The figures of a row: their names and headings.
pub(super) const FIGURES: [(&str, &str); 7] = [
    ("ratio", "Hit ratio"),
    ("rate", "Rate"),
    ("lookups", "Look-ups"),
    ("entries", "Entries"),
    ("lookup_time", "Look-up time"),
    ("compute_time", "Body time"),
    ("errors", "Errors"),
];

/// The text of a figure.
pub(super) fn figure(row: &Row, name: &str) -> String {
    let (stats, storage) = (row.info.stats(), row.info.storage());
    match name {
        "ratio" => number::part(stats.hit_ratio()),
        "rate" => number::rate(row.recent.rate),
        "lookups" => number::count(stats.hits + stats.stale_hits + stats.misses),
        "entries" => match (storage.entries(), storage.capacity()) {
            (Some(entries), Some(capacity)) => {
                format!("{} of {}", number::count(entries), number::count(capacity as u64))
            }
            (Some(entries), None) => number::count(entries),
            _ => "–".into(),
        },
        "lookup_time" => number::time(stats.mean_lookup_time()),
        "compute_time" => number::time(stats.mean_compute_time()),
        "errors" => number::count(stats.errors),
        _ => String::new(),
    }
}

pub(crate) fn page(snapshot: &Snapshot, place: &Place, nonce: &Nonce) -> Html {
    whole("Rings", place, nonce, |html| {
        live(html);
        findings(html, &snapshot.findings);
        rings(html, snapshot, place);
        storages(html, &snapshot.rows);
        script(html, place, nonce);
    })
}

/// Shows whether the figures are updated, with a switch. Hidden without the script.
pub(super) fn live(html: &mut Html) {
    html.raw(
        "<p id=\"live\" hidden><button type=\"button\" id=\"pause\" aria-pressed=\"false\">Pause</button> ",
    )
    .raw("<span id=\"state\" role=\"status\"></span></p>\n")
    .raw("<noscript><p>The figures are of the moment at which the page was loaded.</p></noscript>\n");
}

pub(super) fn findings(html: &mut Html, findings: &[Finding]) {
    html.raw("<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">Findings</h2>\n");
    if findings.is_empty() {
        html.raw("<p class=\"good\">The doctor finds nothing wrong.</p>\n");
    } else {
        html.raw("<ul class=\"findings\">\n");
        for finding in findings {
            html.raw("<li><p><code>")
                .text(finding.code())
                .raw("</code> <b>")
                .text(finding.ring())
                .raw("</b> ")
                .text(finding.sentence())
                .raw(".</p><p class=\"remedy\">")
                .text(finding.remedy())
                .raw(".</p></li>\n");
        }
        html.raw("</ul>\n");
    }
    html.raw("</section>\n");
}

fn rings(html: &mut Html, snapshot: &Snapshot, place: &Place) {
    html.raw("<section aria-labelledby=\"rings\">\n<h2 id=\"rings\" data-count=\"")
        .text(snapshot.rows.len())
        .raw("\">All rings</h2>\n");
    if snapshot.rows.is_empty() {
        html.raw(
            "<p>No ring was used yet. A ring is listed when one of its calls was made.</p>\n</section>\n",
        );
        return;
    }
    html.raw("<table role=\"table\" class=\"cards rings\">\n<thead role=\"rowgroup\"><tr role=\"row\">")
        .raw("<th role=\"columnheader\" scope=\"col\">Ring</th>");
    for (_, heading) in FIGURES {
        html.raw("<th role=\"columnheader\" scope=\"col\">")
            .raw(heading)
            .raw("</th>");
    }
    html.raw("</tr></thead>\n<tbody role=\"rowgroup\">\n");
    for row in snapshot.rows.iter().take(SHOWN) {
        ring_row(html, row, place);
    }
    html.raw("</tbody>\n</table>\n");
    if let Some(more @ 1..) = snapshot.rows.len().checked_sub(SHOWN) {
        html.raw("<p class=\"note\">And ")
            .text(number::count(more as u64))
            .raw(" more, which text and figures list: ask by <code>curl</code>.</p>\n");
    }
    html.raw("</section>\n");
}

fn ring_row(html: &mut Html, row: &Row, place: &Place) {
    html.raw("<tr role=\"row\" data-ring=\"")
        .text(&row.id)
        .raw("\"><th role=\"rowheader\" scope=\"row\"><a href=\"")
        .text(link(place, row, None))
        .raw("\">")
        .text(row.info.name())
        .raw("</a><span class=\"of\">")
        .text(storage_of(row))
        .raw("</span></th>");
    for (name, heading) in FIGURES {
        html.raw("<td role=\"cell\" data-label=\"")
            .raw(heading)
            .raw("\"><span data-figure=\"")
            .raw(name)
            .raw("\">")
            .text(figure(row, name))
            .raw("</span>");
        if name == "ratio" {
            sparkline(html, &row.recent);
        }
        html.raw("</td>");
    }
    html.raw("</tr>\n");
}

/// A row's storage as text: `Lru<User> of Users`.
pub(super) fn storage_of(row: &Row) -> String {
    let storage = row.info.storage();
    let kind = match (storage.kind(), row.info.storages()) {
        ("", _) => "a storage that is gone".to_owned(),
        (kind, 1) => kind.to_owned(),
        (kind, several) => format!("{several} storages, the last {kind}"),
    };
    match row.info.service() {
        Some(service) => format!("{kind} of {service}"),
        None => kind,
    }
}

/// The recent hit ratios. The figure beside it has the same as text.
pub(super) fn sparkline(html: &mut Html, recent: &Recent) {
    html.raw(
        "<svg class=\"spark\" viewBox=\"0 -0.1 60 1.2\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
    )
    .raw("<path class=\"axis\" d=\"M0 1h60\"/><path class=\"line\" d=\"")
    .text(recent.path())
    .raw("\"/></svg>");
}

fn storages(html: &mut Html, rows: &[Row]) {
    // One storage may have many rings.
    let mut all: BTreeMap<u64, (&Inspected, Vec<&str>)> = BTreeMap::new();
    for row in rows {
        for storage in &row.storages {
            let (_, rings) = all.entry(storage.number()).or_insert((storage, Vec::new()));
            rings.push(row.info.name());
        }
    }
    // A memory storage with one ring is fully described by the ring's row.
    all.retain(|_, (storage, rings)| rings.len() > 1 || storage.info().can_fail());
    if all.is_empty() {
        return;
    }
    html.raw("<section aria-labelledby=\"storages\">\n<h2 id=\"storages\">Storages</h2>\n<ul class=\"storages\">\n");
    for (storage, rings) in all.values() {
        html.raw("<li>");
        storage_facts(html, storage);
        html.raw("<p class=\"of\">Rings: ")
            .text(rings.join(", "))
            .raw("</p></li>\n");
    }
    html.raw("</ul>\n</section>\n");
}

/// The facts and the state of a storage.
pub(super) fn storage_facts(html: &mut Html, storage: &Inspected) {
    let info = storage.info();
    html.raw("<p><b>")
        .text(info.kind())
        .raw("</b> ")
        .text(format_args!("(storage {})", storage.number()));
    if !info.namespace().is_empty() {
        html.raw(", keys begin with <code>")
            .text(info.namespace())
            .raw("</code>");
    }
    if let Some(deadline) = info.deadline() {
        html.raw(", deadline ").text(number::time(Some(deadline)));
    }
    html.raw("</p>\n");
    let losses = [("evicted", info.evictions()), ("expired", info.expirations())];
    let StorageHealth { nodes, counts, notes } = storage.health();
    let counts = losses.into_iter().filter(|(_, count)| *count > 0).chain(counts);
    let counts: Vec<_> = counts
        .map(|(name, count)| format!("{name}: {}", number::count(count)))
        .collect();
    if !counts.is_empty() {
        html.raw("<p>").text(counts.join(", ")).raw("</p>\n");
    }
    for node in &nodes {
        node_state(html, node);
    }
    for note in &notes {
        html.raw("<p class=\"note\">").text(note).raw("</p>\n");
    }
}

fn node_state(html: &mut Html, node: &NodeHealth) {
    let address = node.address.as_deref().unwrap_or("an unknown server");
    html.raw("<p>").text(address).raw(": ");
    if node.is_open {
        html.raw("<strong class=\"bad\">breaker open</strong>");
    } else {
        html.raw("<span class=\"good\">breaker closed</span>");
    }
    if let Some(fault) = &node.fault {
        html.raw(", ").text(fault);
    }
    html.raw("</p>\n");
}
