//! Deleting, refreshing and clearing, by a `POST` with the token.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use ring_cache_core::Error;
use ring_cache_core::inspect::Inspected;
use tokio::time::sleep;

use crate::done::Done;
use crate::query::{Query, with_query};
use crate::reply::{Wants, html, plain, see_other};
use crate::site::{Base, Site};
use crate::snapshot::Place;
use crate::view::message::{self, Confirm};
use crate::view::{Html, Nonce};

/// The largest form, in bytes: long keys fit.
const LONGEST: usize = 256 << 10;

/// The delay of the answer to a wrong token.
const PAUSE: Duration = Duration::from_millis(500);

/// The requested change.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// No change: checks the token.
    Check,
    Delete(String),
    Refresh(String),
    Clear,
}

impl Change {
    fn of(form: &Query) -> Option<Self> {
        let named = |name| form.get(name).map(str::to_owned);
        if form.get("check").is_some() {
            return Some(Change::Check);
        }
        if form.get("clear").is_some() {
            return Some(Change::Clear);
        }
        if form.get("delete-named").is_some() {
            return named("key").map(Change::Delete);
        }
        named("delete")
            .map(Change::Delete)
            .or_else(|| named("refresh").map(Change::Refresh))
    }

    /// To be called where it may block.
    fn make(&self, storage: &Inspected) -> Result<Done, Error> {
        let done = |was_there, done| if was_there { done } else { Done::Absent };
        match self {
            Change::Check => Ok(Done::Checked),
            Change::Delete(key) => Ok(done(storage.delete(key)?, Done::Deleted)),
            Change::Refresh(key) => Ok(done(storage.expire(key)?, Done::Refreshed)),
            Change::Clear => storage.clear().map(|()| Done::Cleared),
        }
    }
}

/// The form of the answer.
struct Answer {
    place: Place,
    wants: Wants,
}

impl Answer {
    fn refuse(&self, status: StatusCode, message: &str, back: &str) -> Response<Body> {
        match self.wants {
            Wants::Text => plain(status, format!("{message}\n")),
            Wants::Html => {
                let nonce = Nonce::new();
                html(status, &nonce, message::page(message, &self.place, &nonce, back))
            }
        }
    }

    fn ask_again(&self, form: &Query, back: &str) -> Response<Body> {
        let text = |name| form.get(name).unwrap_or_default();
        match self.wants {
            Wants::Text => {
                let status = StatusCode::CONFLICT;
                plain(
                    status,
                    "This clears the whole ring. Add sure=yes if you mean it.\n".into(),
                )
            }
            Wants::Html => {
                let nonce = Nonce::new();
                let asked = Confirm {
                    ring: text("ring"),
                    storage: text("storage"),
                    token: text("token"),
                    back,
                };
                let page: Html = message::confirm(&asked, &self.place, &nonce);
                html(StatusCode::OK, &nonce, page)
            }
        }
    }
}

pub(crate) async fn change(
    State(site): State<Site>,
    base: Base,
    request: Request,
) -> Result<Response<Body>, Response<Body>> {
    let answer = Answer {
        place: site.place(base),
        wants: Wants::of(request.headers()),
    };
    let Ok(body) = axum::body::to_bytes(request.into_body(), LONGEST).await else {
        return Err(answer.refuse(StatusCode::PAYLOAD_TOO_LARGE, "The form is too long.", ""));
    };
    let form = Query::parse(&body);
    authorize(&site, &form, &answer).await?;
    let back = back(&answer.place, &form);
    let Some(change) = Change::of(&form) else {
        let message = "Say what to do: delete=KEY, refresh=KEY, or clear=yes.";
        return Err(answer.refuse(StatusCode::BAD_REQUEST, message, &back));
    };
    if change == Change::Clear && form.get("sure") != Some("yes") {
        return Ok(answer.ask_again(&form, &back));
    }
    let made = site.ask(move |site| {
        let storage = site.find(&form)?;
        Some(change.make(&storage))
    });
    Ok(match made.await? {
        None => answer.refuse(
            StatusCode::NOT_FOUND,
            "This ring is not used on this storage.",
            &back,
        ),
        Some(Err(error)) => answer.refuse(StatusCode::BAD_GATEWAY, &error.to_string(), &back),
        Some(Ok(done)) => match answer.wants {
            Wants::Text => plain(StatusCode::OK, format!("{}\n", done.sentence())),
            Wants::Html => see_other(&format!("{back}&done={}", done.word())),
        },
    })
}

/// Whether the form has the token.
async fn authorize(site: &Site, form: &Query, answer: &Answer) -> Result<(), Response<Body>> {
    let Some(token) = site.token() else {
        let message = "The inspector is read-only. `allow_changes(token)` allows changes with that token.";
        return Err(answer.refuse(StatusCode::FORBIDDEN, message, ""));
    };
    let given = form.get("token").unwrap_or_default();
    if is_equal(given.as_bytes(), token.as_bytes()) {
        return Ok(());
    }
    // Slows down guessing.
    let _turn = site.wrong_token().await;
    sleep(PAUSE).await;
    Err(answer.refuse(
        StatusCode::FORBIDDEN,
        "The token is wrong. Nothing was changed.",
        &back(&answer.place, form),
    ))
}

/// Takes the same time for all tokens of one length.
fn is_equal(given: &[u8], token: &[u8]) -> bool {
    let differences = given
        .iter()
        .zip(token)
        .fold(0, |all, (one, other)| all | (one ^ other));
    given.len() == token.len() && std::hint::black_box(differences) == 0
}

/// The page with the form.
fn back(place: &Place, form: &Query) -> String {
    let pairs = ["ring", "storage", "from"].map(|name| form.get(name).map(|value| (name, value)));
    with_query(&format!("{}/ring", place.base), pairs.into_iter().flatten())
}
