//! Whether a response is stored, and for how long it is fresh: RFC 9111, sections 3 and 4.2, for a shared cache.

use std::time::{Duration, SystemTime};

use http::header::{
    AGE, CACHE_CONTROL, CONTENT_RANGE, DATE, EXPIRES, HeaderName, PRAGMA, SET_COOKIE, TRAILER, VARY,
};
use http::{HeaderMap, StatusCode};

use crate::directives::{Directives, Seconds, delta_seconds, is_token, members};
use crate::stored::{Ageing, MOST_HEADERS};
use crate::varies::MOST_VARIED;

/// The decision for a response that is stored.
#[derive(Clone, Debug)]
pub(crate) struct Storable {
    pub(crate) ageing: Ageing,
    /// The names of `Vary`: lower case, in order, each once.
    pub(crate) vary: Vec<HeaderName>,
}

/// The decision: `None` if the response is not stored.
///
/// `credentialed` is whether the request had credentials, `expire` the freshness of a 200 that states none.
pub(crate) fn storable(
    credentialed: bool,
    status: StatusCode,
    headers: &HeaderMap,
    expire: Option<Duration>,
    now: SystemTime,
) -> Option<Storable> {
    let control = Directives::of(headers, &CACHE_CONTROL);
    let shared = control.has("public") || matches!(control.seconds("s-maxage"), Seconds::Are(_));
    if !is_understood(status)
        || control.is_malformed
        || ["no-store", "private", "no-cache"]
            .iter()
            .any(|name| control.has(name))
        || (control.is_empty() && Directives::of(headers, &PRAGMA).has("no-cache"))
        || is_personal_or_partial(headers)
        || headers.len() > MOST_HEADERS
        || (credentialed && !shared)
    {
        return None;
    }
    let vary = varied(headers)?;
    let fresh = freshness(&control, headers, now).or(expire.filter(|_| status == StatusCode::OK))?;
    let revalidate = control.has("must-revalidate") || control.has("proxy-revalidate");
    let late = |name| match control.seconds(name) {
        Seconds::Are(seconds) if !revalidate => Duration::from_secs(seconds),
        _ => Duration::ZERO,
    };
    let ageing = Ageing {
        stored_at: now,
        initial_age: initial_age(headers, now),
        fresh,
        while_revalidate: late("stale-while-revalidate"),
        if_error: late("stale-if-error"),
        kept: Duration::ZERO,
        may_be_stale: !revalidate && control.seconds("s-maxage") == Seconds::Absent,
        shared,
    };
    (ageing.life() > Duration::ZERO).then_some(Storable { ageing, vary })
}

/// Final statuses whose meaning a cache knows.
fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 300..=303 | 307 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

fn is_personal_or_partial(headers: &HeaderMap) -> bool {
    [
        SET_COOKIE,
        HeaderName::from_static("set-cookie2"),
        CONTENT_RANGE,
        TRAILER,
    ]
    .iter()
    .any(|name| headers.contains_key(name))
}

/// The names of `Vary`, unless one is `*` or no name at all.
pub(crate) fn varied(headers: &HeaderMap) -> Option<Vec<HeaderName>> {
    let mut names = Vec::new();
    for line in headers.get_all(VARY) {
        for name in members(line.as_bytes()).0 {
            let is_name = name != b"*" && is_token(name);
            names.push(HeaderName::from_bytes(name).ok().filter(|_| is_name)?);
        }
    }
    names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    names.dedup();
    (names.len() <= MOST_VARIED).then_some(names)
}

/// The freshness that the response states. What cannot be read is stale.
fn freshness(control: &Directives, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    for name in ["s-maxage", "max-age"] {
        match control.seconds(name) {
            Seconds::Absent => {}
            Seconds::Are(seconds) => return Some(Duration::from_secs(seconds)),
            Seconds::Invalid => return Some(Duration::ZERO),
        }
    }
    if !headers.contains_key(EXPIRES) {
        return None;
    }
    let expires = only_date(headers, &EXPIRES);
    let date = only_date(headers, &DATE).unwrap_or(now);
    let fresh = expires.and_then(|expires| expires.duration_since(date).ok());
    Some(fresh.unwrap_or_default())
}

/// The age that the response had when it came: RFC 9111, 4.2.3.
fn initial_age(headers: &HeaderMap, now: SystemTime) -> Duration {
    let stated = headers
        .get(AGE)
        .and_then(|age| delta_seconds(age.to_str().ok()?.trim()));
    let apparent = only_date(headers, &DATE).and_then(|date| now.duration_since(date).ok());
    // Dates are whole seconds: an age below one is the rest of a second.
    let apparent = apparent
        .filter(|age| *age >= Duration::from_secs(1))
        .unwrap_or_default();
    apparent.max(Duration::from_secs(stated.unwrap_or_default()))
}

/// The date of a header that is there once.
pub(crate) fn only_date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut lines = headers.get_all(name).iter();
    let (line, None) = (lines.next()?, lines.next()) else {
        return None;
    };
    httpdate::parse_http_date(line.to_str().ok()?).ok()
}
