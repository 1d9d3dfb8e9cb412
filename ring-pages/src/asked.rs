//! What a request asks for: the key of its page, and which page will do.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, COOKIE, HOST, IF_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
    PRAGMA, RANGE, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, Method, Request, Uri};
use http_body::Body;

use crate::directives::{Directives, Seconds};
use crate::key::PageKey;
use crate::revalidate::has_validator;
use crate::site::Settings;
use crate::stored::{Page, StoredResponse};

/// In the extensions of a request: the page is to be computed anew. No client can send it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Update;

/// Why a request goes to the application as if there were no cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bypass {
    /// Its method is neither GET nor HEAD.
    Method,
    /// It asks for something that is not stored, such as a range.
    Request,
}

/// A request that a page may answer.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) key: PageKey,
    pub(crate) is_head: bool,
    /// Whether it has credentials: `Authorization` or a cookie.
    pub(crate) credentialed: bool,
    /// Whether it is an explicit update: nothing is looked up.
    pub(crate) is_update: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) headers: Arc<HeaderMap>,
    no_cache: bool,
    max_age: Option<Duration>,
    min_fresh: Duration,
    max_stale: Option<Duration>,
}

/// How well a page answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Fresh,
    /// It may be returned while a new one is made.
    Stale,
    /// It may be returned if making a new one fails.
    OnError,
    Unfit,
}

impl Asked {
    pub(crate) fn of<B: Body>(request: &Request<B>, settings: &Settings) -> Result<Self, Bypass> {
        let (method, headers) = (request.method(), request.headers());
        if method != Method::GET && method != Method::HEAD {
            return Err(Bypass::Method);
        }
        let control = Directives::of(headers, &CACHE_CONTROL);
        if asks_for_more(headers) || !request.body().is_end_stream() || control.has("no-store") {
            return Err(Bypass::Request);
        }
        let key = page_key(request, settings).ok_or(Bypass::Request)?;
        let no_cache = control.has("no-cache")
            || (control.is_empty() && Directives::of(headers, &PRAGMA).has("no-cache"));
        let obeyed = settings.obeys_clients;
        let seconds = |name| match control.seconds(name) {
            Seconds::Are(seconds) if obeyed => Some(Duration::from_secs(seconds)),
            _ => None,
        };
        // Without a number any staleness will do.
        let max_stale =
            seconds("max-stale").or((obeyed && control.has("max-stale")).then_some(Duration::MAX));
        Ok(Asked {
            key,
            is_head: method == Method::HEAD,
            credentialed: is_credentialed(headers),
            is_update: request.extensions().get::<Update>().is_some(),
            only_if_cached: obeyed && control.has("only-if-cached"),
            headers: Arc::new(headers.clone()),
            no_cache: obeyed && no_cache,
            max_age: seconds("max-age"),
            min_fresh: seconds("min-fresh").unwrap_or_default(),
            max_stale,
        })
    }

    /// Whether no stored page will do.
    pub(crate) fn wants_new(&self) -> bool {
        self.is_update || self.no_cache
    }

    /// The page of which the application is asked whether it has changed, if this is one.
    pub(crate) fn revalidated(
        &self,
        stored: Option<&StoredResponse>,
        settings: &Settings,
    ) -> Option<Arc<Page>> {
        let page = stored?.as_page()?;
        let is_for_it = page.ageing.shared || !self.credentialed;
        let is_asked = settings.revalidate.is_some() && is_for_it && !self.is_update && has_validator(page);
        is_asked.then(|| Arc::clone(page))
    }

    pub(crate) fn fit(&self, page: &Page, now: SystemTime) -> Fit {
        let ageing = &page.ageing;
        let too_old = self.max_age.is_some_and(|max_age| ageing.age(now) > max_age);
        if (self.credentialed && !ageing.shared) || self.wants_new() || too_old {
            return Fit::Unfit;
        }
        match ageing.left(now) {
            Ok(left) if left >= self.min_fresh => Fit::Fresh,
            Ok(_) => Fit::Unfit,
            Err(late) if ageing.may_be_stale && self.max_stale.is_some_and(|most| late <= most) => Fit::Fresh,
            Err(late) if self.min_fresh.is_zero() && late < ageing.while_revalidate => Fit::Stale,
            Err(late) if late < ageing.if_error => Fit::OnError,
            Err(_) => Fit::Unfit,
        }
    }
}

fn is_credentialed(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || headers.contains_key(COOKIE)
}

/// Headers of requests that a whole response of the page does not answer, or that have a body.
fn asks_for_more(headers: &HeaderMap) -> bool {
    let has_body = headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    has_body
        || [
            RANGE,
            IF_MATCH,
            IF_UNMODIFIED_SINCE,
            IF_RANGE,
            UPGRADE,
            TRANSFER_ENCODING,
        ]
        .iter()
        .any(|name| headers.contains_key(name))
}

/// The key of a request's page, if host and URI are unambiguous.
pub(crate) fn page_key<B>(request: &Request<B>, settings: &Settings) -> Option<PageKey> {
    let uri = settings
        .uri_by
        .as_ref()
        .and_then(|uri_by| uri_by(request.headers(), request.extensions()));
    let uri = uri.as_ref().unwrap_or(request.uri());
    if says_more(uri) {
        return None;
    }
    let host = match (host_of(uri), host_header(request.headers())?) {
        (Some(host), Some(other)) if host != other => return None,
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) => String::new(),
    };
    Some(settings.key(&host, path_of(uri)?))
}

/// Whether a URI has what is not in the key, and the application could use: a name of a user, or a scheme of another kind.
fn says_more(uri: &Uri) -> bool {
    let has_user = uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'));
    let is_other = |scheme| !["http", "https"].contains(&scheme);
    has_user || uri.scheme_str().is_some_and(is_other)
}

/// Path and query, if the URI has a path: they are not normalised, as the application may tell them apart.
pub(crate) fn path_of(uri: &Uri) -> Option<&str> {
    let path = uri.path_and_query()?.as_str();
    path.starts_with('/').then_some(path)
}

pub(crate) fn host_of(uri: &Uri) -> Option<String> {
    let authority = uri.authority()?;
    let host = authority.host().to_ascii_lowercase();
    Some(match authority.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

/// The header `Host`; `None` if it is there twice, or no text.
#[allow(clippy::option_option)]
fn host_header(headers: &HeaderMap) -> Option<Option<String>> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => Some(None),
        (Some(host), None) => Some(Some(host.to_str().ok()?.trim().to_ascii_lowercase())),
        (Some(_), Some(_)) => None,
    }
}
