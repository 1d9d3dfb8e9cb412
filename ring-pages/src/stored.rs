//! A response as it is stored.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

use crate::varies::Varies;

/// The time for which the names of `Vary`, and tags, are remembered.
pub(crate) const VARIES_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// Responses with more headers are not stored. A map of headers panics at some tens of thousands.
pub(crate) const MOST_HEADERS: usize = 1_000;

/// A response in a storage. Clones share its body.
///
/// Memory storages hold it as it is: `Lru<StoredResponse>`. Others hold the bytes that [`PageCoder`](crate::PageCoder) makes
/// of it.
#[derive(Clone)]
pub struct StoredResponse {
    pub(crate) entry: Entry,
    /// In memory storages, the version of its tags from before it was computed.
    pub(crate) version: u64,
}

/// The two kinds of entries.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// A response.
    Page(Arc<Page>),
    /// The responses of this URI differ by headers of requests, or have tags: see [`Varies`].
    Varies(Arc<Varies>),
}

/// A whole response.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    /// Without those of the connection, `Age` and `Set-Cookie`; with `Date`.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) ageing: Ageing,
    /// Whether its `ETag` was made here, so that the application does not know it.
    pub(crate) tag_is_ours: bool,
}

/// How old a response is, and how old it may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ageing {
    pub(crate) stored_at: SystemTime,
    /// Its age when it was stored.
    pub(crate) initial_age: Duration,
    /// Up to this age it is fresh.
    pub(crate) fresh: Duration,
    /// For so long after that it may be returned while a new one is made.
    pub(crate) while_revalidate: Duration,
    /// For so long after that it may be returned if making a new one fails.
    pub(crate) if_error: Duration,
    /// For so long after that the application may be asked whether it has changed.
    pub(crate) kept: Duration,
    /// Whether a client that asks for stale responses may get one.
    pub(crate) may_be_stale: bool,
    /// Whether it may be returned to requests with credentials.
    pub(crate) shared: bool,
}

impl Ageing {
    /// Its age.
    pub(crate) fn age(&self, now: SystemTime) -> Duration {
        let resident = now.duration_since(self.stored_at).unwrap_or_default();
        self.initial_age.saturating_add(resident)
    }

    /// The time for which it is of use from its storing on.
    pub(crate) fn life(&self) -> Duration {
        let late = self.while_revalidate.max(self.if_error).max(self.kept);
        let whole = self.fresh.saturating_add(late);
        whole.saturating_sub(self.initial_age)
    }

    /// The rest of its freshness; `Err` of the time since its end.
    pub(crate) fn left(&self, now: SystemTime) -> Result<Duration, Duration> {
        let age = self.age(now);
        if self.fresh > age {
            Ok(self.fresh - age)
        } else {
            Err(age - self.fresh)
        }
    }
}

impl StoredResponse {
    pub(crate) fn page(page: Arc<Page>) -> Self {
        StoredResponse {
            entry: Entry::Page(page),
            version: 0,
        }
    }

    pub(crate) fn varies(varies: Varies) -> Self {
        StoredResponse {
            entry: Entry::Varies(Arc::new(varies)),
            version: 0,
        }
    }

    pub(crate) fn as_page(&self) -> Option<&Arc<Page>> {
        match &self.entry {
            Entry::Page(page) => Some(page),
            Entry::Varies(_) => None,
        }
    }

    /// The time for which it is of use from its storing on.
    pub(crate) fn life(&self) -> Duration {
        match &self.entry {
            Entry::Page(page) => page.ageing.life(),
            Entry::Varies(_) => VARIES_LIFE,
        }
    }

    /// The response, if this is one: where responses vary by headers of requests, or have tags, an entry holds the names of
    /// these.
    pub fn response(&self) -> Option<Response<Bytes>> {
        let page = self.as_page()?;
        let mut response = Response::new(page.body.clone());
        *response.status_mut() = page.status;
        *response.headers_mut() = page.headers.clone();
        Some(response)
    }

    /// The bytes of its headers and its body.
    pub fn size(&self) -> usize {
        self.as_page()
            .map_or(0, |page| headers_size(&page.headers) + page.body.len())
    }
}

/// The bytes of names and values.
pub(crate) fn headers_size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum()
}

/// Omits headers and body.
impl fmt::Debug for StoredResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("StoredResponse");
        match &self.entry {
            Entry::Page(page) => shown.field("status", &page.status).field("size", &self.size()),
            Entry::Varies(varies) => shown
                .field("varies", &varies.names)
                .field("tags", &varies.tags.len()),
        };
        shown.finish_non_exhaustive()
    }
}
