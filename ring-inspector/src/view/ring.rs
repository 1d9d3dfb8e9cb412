//! The page of one ring, on one of its storages.

use ring_cache_core::inspect::{FoundKey, Inspected, KeyPage};

use super::overview::{FIGURES, figure, findings, live, sparkline, storage_facts, storage_of};
use super::{Html, Nonce, link, number, page as whole, page_of_keys, script};
use crate::snapshot::{Keys, Place, RingPage, Row};

pub(crate) fn page(page: &RingPage, place: &Place, nonce: &Nonce) -> Html {
    let RingPage { row, .. } = page;
    whole(row.info.name(), place, nonce, |html| {
        if let Some(done) = page.done {
            html.raw("<p role=\"status\" class=\"done\">")
                .text(done)
                .raw("</p>\n");
        }
        html.raw("<p class=\"of\">").text(storage_of(row)).raw("</p>\n");
        live(html);
        figures(html, row);
        if !page.findings.is_empty() {
            findings(html, &page.findings);
        }
        match page.chosen {
            Some(chosen) => {
                storage(html, page, place, chosen);
                keys(html, page, place, &row.storages[chosen]);
            }
            None => drop(html.raw("<p>The storage is gone. The figures stay.</p>\n")),
        }
        script(html, place, nonce);
    })
}

fn figures(html: &mut Html, row: &Row) {
    html.raw("<section aria-label=\"Figures\">\n<dl class=\"figures\" data-ring=\"")
        .text(&row.id)
        .raw("\">\n");
    for (name, heading) in FIGURES {
        html.raw("<div><dt>")
            .raw(heading)
            .raw("</dt><dd><span data-figure=\"")
            .raw(name)
            .raw("\">")
            .text(figure(row, name))
            .raw("</span>");
        if name == "ratio" {
            sparkline(html, &row.recent);
        }
        html.raw("</dd></div>\n");
    }
    html.raw("</dl>\n<dl class=\"facts\">\n");
    for (name, value) in facts(row) {
        // Names of functions are long.
        let is_wide = name == "Function";
        html.raw(if is_wide {
            "<div class=\"wide\"><dt>"
        } else {
            "<div><dt>"
        })
        .raw(name)
        .raw("</dt><dd>")
        .text(value)
        .raw("</dd></div>\n");
    }
    html.raw("</dl>\n</section>\n");
}

/// Settings and counters, as text.
pub(super) fn facts(row: &Row) -> Vec<(&'static str, String)> {
    let (stats, settings) = (row.info.stats(), row.info.settings());
    let mut facts = vec![
        ("Function", row.info.function().to_owned()),
        (
            "Expires after",
            settings
                .expire
                .map_or("–".into(), |expire| number::time(Some(expire))),
        ),
    ];
    if !row.info.stale().is_zero() {
        facts.push(("Stale for", number::time(Some(row.info.stale()))));
    }
    let waits = number::time(Some(settings.flight_timeout));
    let coalesce = if settings.coalesce {
        format!("yes, for {waits}")
    } else {
        "no".into()
    };
    facts.push(("Calls wait for each other", coalesce));
    if settings.lease.is_some() {
        facts.push(("Processes wait for each other", number::time(settings.lease)));
    }
    let counts = [
        ("Hits", stats.hits),
        ("Stale hits", stats.stale_hits),
        ("Misses", stats.misses),
        ("Coalesced", stats.coalesced),
        ("Computed", stats.computed),
        ("Stored", stats.stores),
        ("Evicted", stats.evictions),
        ("Expired", stats.expirations),
    ];
    facts.extend(counts.map(|(name, count)| (name, number::count(count))));
    let errors = stats.errors_by_kind.iter().filter(|(_, count)| *count > 0);
    let errors: Vec<_> = errors
        .map(|(kind, count)| format!("{} {}", number::count(count), kind.as_str()))
        .collect();
    if !errors.is_empty() {
        facts.push(("Errors", errors.join(", ")));
    }
    facts
}

fn storage(html: &mut Html, page: &RingPage, place: &Place, chosen: usize) {
    html.raw(
        "<section aria-labelledby=\"storage\">\n<h2 id=\"storage\">Storage</h2>\n<div class=\"storage\">",
    );
    storage_facts(html, &page.row.storages[chosen]);
    html.raw("</div>\n");
    if page.row.storages.len() > 1 {
        html.raw("<nav aria-label=\"Storages of this ring\"><p>Other storages of this ring:");
        let others = page
            .row
            .storages
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != chosen);
        // The newest are requested most, and there may be very many.
        for (_, other) in others.rev().take(20) {
            html.raw(" <a href=\"")
                .text(link(place, &page.row, Some(other.number())))
                .raw("\">storage ")
                .text(other.number())
                .raw("</a>");
        }
        html.raw("</p></nav>\n");
    }
    html.raw("</section>\n");
}

fn keys(html: &mut Html, page: &RingPage, place: &Place, storage: &Inspected) {
    html.raw("<section aria-labelledby=\"keys\">\n<h2 id=\"keys\">Keys</h2>\n");
    if place.allows_changes {
        html.raw("<form method=\"post\" action=\"")
            .text(format_args!("{}/change", place.base))
            .raw("\">\n");
        let storage = storage.number().to_string();
        for (name, value) in [
            ("ring", page.row.info.name()),
            ("storage", &*storage),
            ("from", &*page.from),
        ] {
            html.raw("<input type=\"hidden\" name=\"")
                .raw(name)
                .raw("\" value=\"")
                .text(value)
                .raw("\">\n");
        }
        // The enter key presses the first button: it changes nothing.
        html.raw("<p class=\"token\"><label for=\"token\">Token</label> ")
            .raw("<input type=\"password\" id=\"token\" name=\"token\" autocomplete=\"current-password\" required> ")
            .raw("<button name=\"check\" value=\"yes\">Check the token</button></p>\n");
    } else {
        html.raw("<p class=\"note\">Read-only: <code>Inspector::allow_changes</code> adds buttons.</p>\n");
    }
    match &page.keys {
        Some(Keys::Page(keys)) => key_table(html, keys, page, place),
        Some(Keys::Refused(refusal)) => drop(
            html.raw("<p class=\"note\">")
                .text(sentence(refusal))
                .raw("</p>\n"),
        ),
        Some(Keys::Failed(error)) => {
            html.raw("<p role=\"alert\" class=\"bad\">")
                .text(error)
                .raw("</p>\n");
        }
        None => {}
    }
    if place.allows_changes {
        whole_ring(html, page);
        html.raw("</form>\n");
    }
    html.raw("</section>\n");
}

/// A reason as a sentence.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

fn key_table(html: &mut Html, keys: &KeyPage, page: &RingPage, place: &Place) {
    if keys.keys.is_empty() {
        html.raw(match (&keys.next, page.from.is_empty()) {
            (Some(_), _) => "<p>None among those that were looked at. There may be more.</p>\n",
            (None, true) => "<p>The ring has no entries here.</p>\n",
            (None, false) => "<p>There are no more.</p>\n",
        });
    } else {
        html.raw("<table role=\"table\" class=\"cards keys\">\n<thead role=\"rowgroup\"><tr role=\"row\">")
            .raw("<th role=\"columnheader\" scope=\"col\">Key</th><th role=\"columnheader\" scope=\"col\">Remaining</th>");
        if place.allows_changes {
            html.raw("<th role=\"columnheader\" scope=\"col\">Change</th>");
        }
        html.raw("</tr></thead>\n<tbody role=\"rowgroup\">\n");
        for key in &keys.keys {
            key_row(html, key, page, place);
        }
        html.raw("</tbody>\n</table>\n");
    }
    pages(html, keys, page, place);
}

fn key_row(html: &mut Html, key: &FoundKey, page: &RingPage, place: &Place) {
    let remaining = number::life(key.remaining, page.row.info.stale());
    html.raw("<tr role=\"row\"><th role=\"rowheader\" scope=\"row\"><code>")
        .text(&key.text)
        .raw("</code></th><td role=\"cell\" data-label=\"Remaining\">")
        .text(remaining)
        .raw("</td>");
    if place.allows_changes {
        html.raw("<td role=\"cell\" class=\"change\">");
        if !page.row.info.stale().is_zero() {
            button(html, "refresh", "Refresh", key);
        }
        button(html, "delete", "Delete", key);
        html.raw("</td>");
    }
    html.raw("</tr>\n");
}

fn button(html: &mut Html, name: &'static str, label: &'static str, key: &FoundKey) {
    html.raw("<button name=\"")
        .raw(name)
        .raw("\" value=\"")
        .text(&key.text)
        .raw("\" aria-label=\"")
        .raw(label)
        .raw(" ")
        .text(&key.text)
        .raw("\">")
        .raw(label)
        .raw("</button>");
}

fn pages(html: &mut Html, keys: &KeyPage, page: &RingPage, place: &Place) {
    let number = page.chosen.map(|chosen| page.row.storages[chosen].number());
    html.raw("<nav aria-label=\"Pages of keys\"><p>");
    if !page.from.is_empty() {
        html.raw("<a href=\"")
            .text(link(place, &page.row, number))
            .raw("#keys\">First page</a> ");
    }
    if let Some(next) = &keys.next {
        html.raw("<a rel=\"next\" href=\"")
            .text(page_of_keys(place, &page.row, number, Some(next)))
            .raw("#keys\">Next page</a>");
    }
    html.raw("</p></nav>\n");
}

/// The form for keys that are not listed, and for all keys.
fn whole_ring(html: &mut Html, page: &RingPage) {
    html.raw("<p class=\"token\"><label for=\"key\">A key by its text</label> ")
        .raw("<input id=\"key\" name=\"key\" autocomplete=\"off\" spellcheck=\"false\"> ")
        .raw("<button name=\"delete-named\" value=\"yes\">Delete this key</button></p>\n");
    if !matches!(page.keys, Some(Keys::Refused(_))) {
        html.raw("<p><button name=\"clear\" value=\"yes\" class=\"danger\">Clear this ring…</button></p>\n");
    }
}
