//! Views of the data: HTML, text and JSON.

mod html;
pub(crate) mod json;
pub(crate) mod message;
mod nonce;
mod number;
pub(crate) mod overview;
pub(crate) mod ring;
pub(crate) mod text;

pub(crate) use html::Html;
pub(crate) use nonce::Nonce;

use crate::query::with_query;
use crate::snapshot::{Place, Row};

/// A page: its title, and its content.
fn page(title: &str, place: &Place, nonce: &Nonce, content: impl FnOnce(&mut Html)) -> Html {
    let mut html = Html::default();
    html.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .raw("<meta name=\"color-scheme\" content=\"light dark\">\n<title>")
        .text(title)
        .raw("</title>\n<link rel=\"icon\" href=\"data:,\">\n<style nonce=\"")
        .text(nonce)
        .raw("\">\n")
        .raw(include_str!("view/page.css"))
        .raw("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header>\n<p><a href=\"")
        .text(home(place))
        .raw("\">Rings</a></p>\n<p class=\"mode\">")
        .raw(if place.allows_changes { "Changes with a token" } else { "Read-only" })
        .raw("</p>\n</header>\n<main id=\"main\" tabindex=\"-1\">\n<h1>")
        .text(title)
        .raw("</h1>\n");
    content(&mut html);
    html.raw("</main>\n</body>\n</html>\n");
    html
}

/// The script that updates a page. Without it, the page stays as loaded.
fn script(html: &mut Html, place: &Place, nonce: &Nonce) {
    html.raw("<script nonce=\"")
        .text(nonce)
        .raw("\" data-figures=\"")
        .text(format_args!("{}/figures", place.base))
        .raw("\">\n")
        .raw(include_str!("view/page.js"))
        .raw("</script>\n");
}

/// The path of the overview.
pub(crate) fn home(place: &Place) -> &str {
    if place.base.is_empty() { "/" } else { &place.base }
}

/// The path of the page of a row, or of one of its storages.
pub(crate) fn link(place: &Place, row: &Row, storage: Option<u64>) -> String {
    page_of_keys(place, row, storage, None)
}

/// The path of a page of keys, which begins at `from`.
fn page_of_keys(place: &Place, row: &Row, storage: Option<u64>, from: Option<&str>) -> String {
    let storage = storage.or_else(|| row.number()).map(|number| number.to_string());
    let storage = storage.as_deref().map(|storage| ("storage", storage));
    let pairs = [("ring", row.info.name())].into_iter().chain(storage);
    let pairs = pairs.chain(from.map(|from| ("from", from)));
    with_query(&format!("{}/ring", place.base), pairs)
}
