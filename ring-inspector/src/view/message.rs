//! A page with one message.

use super::{Html, Nonce, home, page as whole};
use crate::snapshot::Place;

/// A message with a link back: to `back`, or to all rings.
pub(crate) fn page(message: &str, place: &Place, nonce: &Nonce, back: &str) -> Html {
    whole("Inspector", place, nonce, |html| {
        let back = if back.is_empty() { home(place) } else { back };
        html.raw("<p role=\"alert\">")
            .text(message)
            .raw("</p>\n<p><a href=\"")
            .text(back)
            .raw("\">Back</a></p>\n");
    })
}

/// Asks for confirmation before a ring is cleared.
pub(crate) fn confirm(asked: &Confirm<'_>, place: &Place, nonce: &Nonce) -> Html {
    whole("Clear this ring?", place, nonce, |html| {
        html.raw("<p>All entries of <b>")
            .text(asked.ring)
            .raw("</b> in this storage will be removed, also those being computed. Its calls will compute them anew.</p>\n")
            .raw("<form method=\"post\" action=\"")
            .text(format_args!("{}/change", place.base))
            .raw("\">\n");
        let fields = [
            ("ring", asked.ring),
            ("storage", asked.storage),
            ("token", asked.token),
            ("sure", "yes"),
        ];
        for (name, value) in fields {
            html.raw("<input type=\"hidden\" name=\"")
                .raw(name)
                .raw("\" value=\"")
                .text(value)
                .raw("\">\n");
        }
        html.raw("<p class=\"token\"><a class=\"button\" href=\"")
            .text(asked.back)
            .raw("\">Cancel</a> <button name=\"clear\" value=\"yes\" class=\"danger\">Clear ")
            .text(asked.ring)
            .raw("</button></p>\n</form>\n");
    })
}

/// A ring to clear.
pub(crate) struct Confirm<'a> {
    pub(crate) ring: &'a str,
    pub(crate) storage: &'a str,
    pub(crate) token: &'a str,
    /// The page to go back to.
    pub(crate) back: &'a str,
}
