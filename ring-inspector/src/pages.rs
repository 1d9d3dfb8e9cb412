//! The pages: rings, one ring, and figures for programs.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, Uri};

use crate::query::Query;
use crate::reply::{Wants, html, json, plain};
use crate::site::{Base, Site};
use crate::view::{self, Nonce};

/// All rings.
pub(crate) async fn overview(
    State(site): State<Site>,
    base: Base,
    headers: HeaderMap,
) -> Result<Response<Body>, Response<Body>> {
    let place = site.place(base);
    let snapshot = site.read(Site::snapshot).await?;
    Ok(match Wants::of(&headers) {
        Wants::Text => plain(StatusCode::OK, view::text::overview(&snapshot)),
        Wants::Html => {
            let nonce = Nonce::new();
            html(
                StatusCode::OK,
                &nonce,
                view::overview::page(&snapshot, &place, &nonce),
            )
        }
    })
}

/// One ring and its keys.
pub(crate) async fn ring(
    State(site): State<Site>,
    base: Base,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response<Body>, Response<Body>> {
    let place = site.place(base);
    let query = Query::parse(uri.query().unwrap_or_default().as_bytes());
    let page = site.ask(move |site| site.ring_page(&query)).await?;
    let (wants, nonce) = (Wants::of(&headers), Nonce::new());
    Ok(match (page, wants) {
        (Some(page), Wants::Text) => plain(StatusCode::OK, view::text::ring(&page)),
        (Some(page), Wants::Html) => html(StatusCode::OK, &nonce, view::ring::page(&page, &place, &nonce)),
        (None, Wants::Text) => plain(StatusCode::NOT_FOUND, "No ring of this name was used.\n".into()),
        (None, Wants::Html) => {
            let page = view::message::page("No ring of this name was used.", &place, &nonce, "");
            html(StatusCode::NOT_FOUND, &nonce, page)
        }
    })
}

/// All figures, as JSON.
pub(crate) async fn figures(State(site): State<Site>) -> Result<Response<Body>, Response<Body>> {
    let snapshot = site.read(Site::snapshot).await?;
    Ok(json(&view::json::figures(&snapshot)))
}
