//! A stale page, of which the application is asked whether it has changed: RFC 9111, sections 3.2 and 4.3.
//!
//! What comes of a 304 is a whole response, which goes the way of all others: it may be storable or not, and is stored with
//! its new headers. So it is a store, and not a mere renewal of the entry's life: the age of a page lies in the entry.

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED,
};
use http::response::Parts;
use http::{HeaderMap, HeaderName, Response, StatusCode};

use crate::body::PageBody;
use crate::conditions::opaque;
use crate::stored::Page;

/// Headers of the stored body, which a 304 does not change: RFC 9111, 3.2.
const OF_THE_BODY: [HeaderName; 4] = [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE];

/// Whether the application knows how to tell whether the page has changed.
pub(crate) fn has_validator(page: &Page) -> bool {
    let has_tag = page.headers.contains_key(ETAG) && !page.tag_is_ours;
    page.status == StatusCode::OK && (has_tag || page.headers.contains_key(LAST_MODIFIED))
}

/// Adds the conditions to the request for a new page.
pub(crate) fn ask_whether_changed(page: &Page, request: &mut HeaderMap) {
    let conditions = [
        (
            IF_NONE_MATCH,
            page.headers.get(ETAG).filter(|_| !page.tag_is_ours),
        ),
        (IF_MODIFIED_SINCE, page.headers.get(LAST_MODIFIED)),
    ];
    for (name, value) in conditions {
        value
            .into_iter()
            .for_each(|value| _ = request.insert(name.clone(), value.clone()));
    }
}

/// Whether a 304 is about this page: RFC 9111, 4.3.4. One that names none is, as the request named one only.
fn is_about(page: &Page, not_modified: &HeaderMap) -> bool {
    let is_same = |name: &HeaderName, reduced: fn(&[u8]) -> &[u8]| {
        let [stored, named] = [&page.headers, not_modified].map(|headers| headers.get(name));
        stored.map(|value| reduced(value.as_bytes())) == named.map(|value| reduced(value.as_bytes()))
    };
    if not_modified.contains_key(ETAG) {
        return !page.tag_is_ours && is_same(&ETAG, opaque);
    }
    !not_modified.contains_key(LAST_MODIFIED) || is_same(&LAST_MODIFIED, |value| value)
}

/// The page with the headers of a 304. `None` if that is about another page.
pub(crate) fn renewed(page: &Page, not_modified: &Parts) -> Option<Response<PageBody>> {
    if !is_about(page, &not_modified.headers) {
        return None;
    }
    let mut headers = page.headers.clone();
    // It was made here, and counts from now on.
    headers.remove(DATE);
    if page.tag_is_ours {
        headers.remove(ETAG);
    }
    for name in not_modified
        .headers
        .keys()
        .filter(|name| !OF_THE_BODY.contains(name))
    {
        headers.remove(name);
        let values = not_modified.headers.get_all(name).iter();
        values.for_each(|value| _ = headers.try_append(name, value.clone()));
    }
    let mut response = whole(page);
    *response.headers_mut() = headers;
    *response.extensions_mut() = not_modified.extensions.clone();
    Some(response)
}

/// The page as it is.
pub(crate) fn whole(page: &Page) -> Response<PageBody> {
    let mut response = Response::new(PageBody::whole(page.body.clone()));
    *response.status_mut() = page.status;
    *response.headers_mut() = page.headers.clone();
    response
}
