//! Responses as clients see them: with `Age` and `Cache-Status`, or as a 304.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AGE, CONTENT_LENGTH, ETAG, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};

use crate::asked::Asked;
use crate::body::PageBody;
use crate::conditions::{asks_for_tag, is_not_modified, not_modified};
use crate::flow::End;
use crate::live::Live;
use crate::site::Site;
use crate::stored::Page;

/// The name of this cache in `Cache-Status`.
const NAME: &str = "ring-cache";

/// What the cache did: RFC 9211.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Hit,
    Forwarded {
        why: &'static str,
        collapsed: bool,
        /// Whether the application said that a stale page has not changed.
        is_renewed: bool,
    },
}

impl Outcome {
    pub(crate) fn renewed(mut self, renewed: bool) -> Self {
        if let Outcome::Forwarded { is_renewed, .. } = &mut self {
            *is_renewed = renewed;
        }
        self
    }
}

/// The response of a page.
pub(crate) fn from_page(pages: &Site, asked: &Asked, page: &Page, outcome: Outcome) -> Response<PageBody> {
    let now = pages.now();
    let (mut headers, age) = (page.headers.clone(), page.ageing.age(now));
    let is_unchanged = is_not_modified(&asked.headers, page.status, &headers);
    if is_unchanged {
        headers = not_modified(headers);
    } else if page.status != StatusCode::NO_CONTENT {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(page.body.len()));
    }
    if matches!(outcome, Outcome::Hit) || age >= Duration::from_secs(1) {
        headers.insert(AGE, HeaderValue::from(age.as_secs()));
    }
    add_status(pages, &mut headers, || match outcome {
        Outcome::Hit => format!("{NAME}; hit; ttl={}", ttl(page.ageing.left(now))),
        Outcome::Forwarded { .. } => forwarded(outcome),
    });
    let body = if is_unchanged || asked.is_head {
        PageBody::default()
    } else {
        PageBody::whole(page.body.clone())
    };
    let status = if is_unchanged {
        StatusCode::NOT_MODIFIED
    } else {
        page.status
    };
    assembled(status, headers, body)
}

/// The rest of its freshness, negative if it is stale: -1 in the first second.
fn ttl(left: Result<Duration, Duration>) -> String {
    match left {
        Ok(left) => left.as_secs().to_string(),
        Err(late) => format!("-{}", late.as_secs() + 1),
    }
}

/// The response of one that is under way. A client that may have it already waits for its end: then its tag is known, and it
/// is stored.
pub(crate) async fn from_live(
    pages: &Site,
    asked: &Asked,
    live: Arc<Live>,
    reader: PageBody,
    outcome: Outcome,
) -> Response<PageBody> {
    let Some(head) = live.flow.head() else {
        return status_only(StatusCode::BAD_GATEWAY);
    };
    let outcome = outcome.renewed(head.is_renewed);
    let needs_tag = asks_for_tag(&asked.headers) && !head.headers.contains_key(ETAG);
    let is_short = head.length == Some(0) || head.status == StatusCode::NO_CONTENT;
    let end = if needs_tag || is_short || is_not_modified(&asked.headers, head.status, &head.headers) {
        live.whole().await
    } else {
        // Most bodies are whole at once.
        live.drive_once().await;
        live.flow.end()
    };
    if let Some(End::Whole(page)) = end {
        return from_page(pages, asked, &page, outcome);
    }
    let mut headers = head.headers.clone();
    add_status(pages, &mut headers, || forwarded(outcome));
    assembled(head.status, headers, reader)
}

/// The application's own response, which is not stored. The application did not see the conditions of the request.
pub(crate) fn own(
    pages: &Site,
    asked: &Asked,
    answer: Response<PageBody>,
    why: &'static str,
) -> Response<PageBody> {
    let (mut parts, mut body) = answer.into_parts();
    if is_not_modified(&asked.headers, parts.status, &parts.headers) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers = not_modified(parts.headers);
        body = PageBody::default();
    }
    passed(pages, Response::from_parts(parts, body), why)
}

/// The application's own response, to a request that no page answers.
pub(crate) fn passed(pages: &Site, mut answer: Response<PageBody>, why: &'static str) -> Response<PageBody> {
    let outcome = Outcome::Forwarded {
        why,
        collapsed: false,
        is_renewed: false,
    };
    add_status(pages, answer.headers_mut(), || forwarded(outcome));
    answer
}

pub(crate) fn status_only(status: StatusCode) -> Response<PageBody> {
    assembled(status, HeaderMap::new(), PageBody::default())
}

fn forwarded(outcome: Outcome) -> String {
    let Outcome::Forwarded {
        why,
        collapsed,
        is_renewed,
    } = outcome
    else {
        return format!("{NAME}; hit");
    };
    let status = if is_renewed { "; fwd-status=304" } else { "" };
    let collapsed = if collapsed { "; collapsed" } else { "" };
    format!("{NAME}; fwd={why}{status}{collapsed}")
}

/// Adds what this cache did, after what caches behind it did.
fn add_status(pages: &Site, headers: &mut HeaderMap, status: impl FnOnce() -> String) {
    if pages.settings.shows_status {
        let value = HeaderValue::try_from(status()).ok();
        let name = HeaderName::from_static("cache-status");
        // The application's headers may fill the map: then it stays as it is.
        value
            .into_iter()
            .for_each(|value| _ = headers.try_append(name.clone(), value));
    }
}

fn assembled(status: StatusCode, headers: HeaderMap, body: PageBody) -> Response<PageBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
