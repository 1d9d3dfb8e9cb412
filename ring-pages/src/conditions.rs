//! Conditional requests: `If-None-Match` and `If-Modified-Since`. RFC 9110, section 13.

use http::header::{
    CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::directives::trimmed;
use crate::storable::only_date;

/// Headers of a 304: those that tell the client how to go on with its response.
const KEPT: [HeaderName; 7] = [
    CACHE_CONTROL,
    CONTENT_LOCATION,
    DATE,
    ETAG,
    EXPIRES,
    LAST_MODIFIED,
    VARY,
];

/// Removes the conditions, so that the application makes a whole response.
pub(crate) fn remove_conditions(headers: &mut HeaderMap) {
    headers.remove(IF_NONE_MATCH);
    headers.remove(IF_MODIFIED_SINCE);
}

/// Whether the client asks for a tag, which only a whole response has if the application sends none.
pub(crate) fn asks_for_tag(request: &HeaderMap) -> bool {
    request.contains_key(IF_NONE_MATCH)
}

/// Whether the client has this response already.
pub(crate) fn is_not_modified(request: &HeaderMap, status: StatusCode, response: &HeaderMap) -> bool {
    if status != StatusCode::OK {
        return false;
    }
    if asks_for_tag(request) {
        return matches_any(request, response.get(ETAG));
    }
    let since = only_date(request, &IF_MODIFIED_SINCE);
    let modified = only_date(response, &LAST_MODIFIED);
    matches!((since, modified), (Some(since), Some(modified)) if modified <= since)
}

/// Whether one of the tags is that of the response. A cache compares weakly: RFC 9110, 13.1.2.
fn matches_any(request: &HeaderMap, tag: Option<&HeaderValue>) -> bool {
    let lines = request.get_all(IF_NONE_MATCH).iter();
    let mut tags = lines.flat_map(|line| tags(line.as_bytes()));
    tags.any(|asked| asked == b"*" || tag.is_some_and(|tag| opaque(tag.as_bytes()) == opaque(asked)))
}

/// The tags of a line. They are no quoted strings: a backslash in one stands for itself.
fn tags(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut is_inside = false;
    let tags = line.split(move |byte| {
        is_inside ^= *byte == b'"';
        *byte == b',' && !is_inside
    });
    tags.map(trimmed)
}

/// A tag without its weakness.
pub(crate) fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// The headers of a 304 for a response with these headers.
pub(crate) fn not_modified(mut headers: HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in KEPT {
        if let http::header::Entry::Occupied(entry) = headers.entry(&name) {
            let (name, values) = entry.remove_entry_mult();
            values.for_each(|value| _ = kept.append(&name, value));
        }
    }
    kept
}
