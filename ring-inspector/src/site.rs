//! The state of all requests: the token, the history, and permits for blocking threads.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{FromRequestParts, NestedPath};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use parking_lot::Mutex;
use ring_cache_core::inspect::Inspected;
use tokio::sync::Semaphore;

use crate::done::Done;
use crate::history::History;
use crate::query::Query;
use crate::reply::plain;
use crate::snapshot::{Place, RingPage, SHOWN, Snapshot, keys_of};

/// The number of concurrent requests: a storage that hangs blocks no more threads.
const AT_A_TIME: usize = 4;

/// The state of all requests.
#[derive(Clone)]
pub(crate) struct Site(Arc<Shared>);

struct Shared {
    token: Option<Arc<str>>,
    history: Mutex<History>,
    /// Permits for reading counters.
    readers: Arc<Semaphore>,
    /// Permits for requests to storages, which may hang.
    askers: Arc<Semaphore>,
    /// Held while a wrong token is answered: one at a time.
    wrong_tokens: tokio::sync::Mutex<()>,
}

/// The path of the service above the routes; empty at the top.
pub(crate) struct Base(String);

impl<S: Sync> FromRequestParts<S> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let nested = parts.extensions.get::<NestedPath>().map(NestedPath::as_str);
        let base = nested.unwrap_or_default().trim_end_matches('/');
        Ok(Base(base.to_owned()))
    }
}

impl Site {
    pub(crate) fn new(token: Option<Arc<str>>) -> Self {
        Site(Arc::new(Shared {
            token,
            history: Mutex::default(),
            readers: Arc::new(Semaphore::new(AT_A_TIME)),
            askers: Arc::new(Semaphore::new(AT_A_TIME)),
            wrong_tokens: tokio::sync::Mutex::default(),
        }))
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.0.token.as_deref()
    }

    /// Waits until no other wrong token is being answered.
    pub(crate) async fn wrong_token(&self) -> impl Drop + '_ {
        self.0.wrong_tokens.lock().await
    }

    /// The storage of a form. To be called where it may block.
    pub(crate) fn find(&self, form: &Query) -> Option<Inspected> {
        let (ring, number) = (form.get("ring")?, form.number("storage"));
        let mut row = Snapshot::read().take_row(ring, number)?;
        match number {
            Some(number) => row
                .storages
                .into_iter()
                .find(|storage| storage.number() == number),
            None => row.storages.pop(),
        }
    }

    pub(crate) fn place(&self, base: Base) -> Place {
        Place {
            base: base.0,
            allows_changes: self.token().is_some(),
        }
    }

    /// Reads counters on a blocking thread.
    pub(crate) async fn read<R: Send + 'static>(
        &self,
        read: impl FnOnce(&Site) -> R + Send + 'static,
    ) -> Result<R, Response<Body>> {
        self.work(&self.0.readers, read).await
    }

    /// Queries a storage on a blocking thread.
    pub(crate) async fn ask<R: Send + 'static>(
        &self,
        ask: impl FnOnce(&Site) -> R + Send + 'static,
    ) -> Result<R, Response<Body>> {
        self.work(&self.0.askers, ask).await
    }

    /// A panic becomes an error of this request.
    async fn work<R: Send + 'static>(
        &self,
        permits: &Arc<Semaphore>,
        work: impl FnOnce(&Site) -> R + Send + 'static,
    ) -> Result<R, Response<Body>> {
        let failed = |_| {
            let text = "The inspector could not do that: the service ends, or a storage panicked.\n";
            plain(StatusCode::INTERNAL_SERVER_ERROR, text.into())
        };
        let Ok(permit) = Arc::clone(permits).acquire_owned().await else {
            return Err(plain(StatusCode::INTERNAL_SERVER_ERROR, String::new()));
        };
        let site = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            // Held to the end of the work, also if the request is dropped.
            let _permit = permit;
            work(&site)
        });
        work.await.map_err(failed)
    }

    /// All rings, with their history. To be called where it may block.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::read();
        let mut history = self.0.history.lock();
        let counted = snapshot
            .rows
            .iter()
            .take(SHOWN)
            .map(|row| (&*row.id, row.info.stats()));
        history.note(Instant::now(), counted);
        for row in &mut snapshot.rows {
            row.recent = history.recent(&row.id);
        }
        snapshot
    }

    /// A ring. To be called where it may block.
    pub(crate) fn ring_page(&self, query: &Query) -> Option<RingPage> {
        let mut snapshot = self.snapshot();
        let (ring, number) = (query.get("ring")?, query.number("storage"));
        let row = snapshot.take_row(ring, number)?;
        let named = row
            .storages
            .iter()
            .position(|storage| Some(storage.number()) == number);
        let chosen = named.or_else(|| row.storages.len().checked_sub(1));
        let from = query.get("from").unwrap_or_default().to_owned();
        let keys = chosen.map(|place| keys_of(&row.storages[place], &from));
        let name = row.info.name();
        let findings = snapshot
            .findings
            .into_iter()
            .filter(|finding| finding.ring() == name);
        Some(RingPage {
            findings: findings.collect(),
            done: query.get("done").and_then(Done::of_word),
            row,
            chosen,
            keys,
            from,
        })
    }
}
