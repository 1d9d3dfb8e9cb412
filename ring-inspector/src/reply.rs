//! Replies, and their common headers.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::view::{Html, Nonce};

/// The format for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Html,
    Text,
}

impl Wants {
    /// HTML for browsers, which ask for it; text for others, such as `curl`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter();
        let mut accepted = accepted.filter_map(|value| value.to_str().ok());
        if accepted.any(|value| value.contains("text/html")) {
            Wants::Html
        } else {
            Wants::Text
        }
    }
}

fn reply(status: StatusCode, media: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let media = HeaderValue::from_static(media);
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}

/// Text without control characters except line feeds: a terminal could execute them.
pub(crate) fn plain(status: StatusCode, text: String) -> Response<Body> {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    reply(status, "text/plain; charset=utf-8", safe)
}

pub(crate) fn json(value: &serde_json::Value) -> Response<Body> {
    reply(StatusCode::OK, "application/json", value.to_string())
}

/// A page whose style and script have this nonce. It can load, send and embed nothing else.
pub(crate) fn html(status: StatusCode, nonce: &Nonce, page: Html) -> Response<Body> {
    let mut response = reply(status, "text/html; charset=utf-8", page.finish());
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Redirects the browser to a page of this site.
pub(crate) fn see_other(location: &str) -> Response<Body> {
    let mut response = reply(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", String::new());
    match HeaderValue::from_str(location) {
        Ok(location) => drop(response.headers_mut().insert(header::LOCATION, location)),
        Err(_) => *response.status_mut() = StatusCode::OK,
    }
    response
}

pub(crate) async fn not_found() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "The inspector has no such page.\n".into())
}

/// Headers of all replies: no caching, embedding or type sniffing. `Referrer-Policy` is not `no-referrer`, with which
/// browsers would send `Origin: null` with forms.
pub(crate) fn protected(mut response: Response<Body>) -> Response<Body> {
    const HEADERS: [(header::HeaderName, &str); 5] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    // Pages have their own.
    let policy = response.headers_mut().entry(header::CONTENT_SECURITY_POLICY);
    policy.or_insert(HeaderValue::from_static(
        "default-src 'none'; frame-ancestors 'none'",
    ));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error of a server may have any characters.
    #[tokio::test]
    async fn text_does_not_command_the_terminal() {
        let response = plain(StatusCode::OK, "failed: \u{1b}[2J\u{7}\r\u{9b}31mred\n".into());
        let body = axum::body::to_bytes(response.into_body(), 1000).await;
        let text = String::from_utf8(body.expect("a body").to_vec()).expect("text");
        assert_eq!(text, "failed: \\u{1b}[2J\\u{7}\\r\\u{9b}31mred\n");
    }

    #[test]
    fn only_clients_that_ask_for_html_get_it() {
        let wants = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            Wants::of(&headers)
        };
        assert_eq!(wants("text/html,application/xhtml+xml,*/*;q=0.8"), Wants::Html);
        assert_eq!(
            [wants("*/*"), wants("text/plain"), Wants::of(&HeaderMap::new())],
            [Wants::Text; 3]
        );
    }
}
