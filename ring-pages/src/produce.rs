//! The making of a response: the application's, read while it is passed on, and stored if it is whole.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{
    AGE, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, ETAG, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::response::Parts;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body as _;
use parking_lot::Mutex;
use ring_cache_core::Tag;
use ring_cache_core::storage::Moment;

use crate::asked::Asked;
use crate::body::PageBody;
use crate::directives::members;
use crate::flow::{End, Flow, Head};
use crate::key::HeadKey;
use crate::place::Place;
use crate::reading::{Read, pass_on, read};
use crate::revalidate::{has_validator, renewed, whole};
use crate::site::Site;
use crate::storable::{Storable, storable};
use crate::storage::Produced;
use crate::stored::{Page, StoredResponse, headers_size};
use crate::tags::{MOST_TAGS, Tags};
use crate::varies::Varies;
use crate::visit::{Declined, Visit};

/// What one future leaves for another.
pub(crate) type Slot<T> = Arc<Mutex<Option<T>>>;

pub(crate) fn slot<T>(value: Option<T>) -> Slot<T> {
    Arc::new(Mutex::new(value))
}

/// One computation of a page.
pub(crate) struct Job {
    pub(crate) pages: Arc<Site>,
    pub(crate) asked: Asked,
    pub(crate) place: Place,
    pub(crate) head_key: HeadKey,
    /// The page that the application may say of that it has not changed.
    pub(crate) stale: Option<Arc<Page>>,
    pub(crate) flow: Arc<Flow>,
    /// Before the application was asked.
    begun: Moment,
}

impl Job {
    pub(crate) fn new(
        pages: Arc<Site>,
        asked: Asked,
        place: Place,
        head_key: HeadKey,
        stale: Option<Arc<Page>>,
    ) -> Self {
        Job {
            flow: Flow::new(pages.settings.max_size),
            begun: Moment::now(),
            pages,
            asked,
            place,
            head_key,
            stale,
        }
    }
}

/// What is left to do when the update of the page ends.
enum Rest {
    /// The page, and the last piece of its body, which its readers get when it is stored.
    Stored(Arc<Page>, Option<Bytes>),
    /// The rest of a body that is too large.
    Body(PageBody),
}

/// Makes the response. If it may not be stored, `declined` gets it.
pub(crate) async fn drive<E>(job: Job, visit: Visit<E>, declined: Slot<Declined<E>>)
where
    E: Send + 'static,
{
    let (pages, flow, key) = (
        Arc::clone(&job.pages),
        Arc::clone(&job.flow),
        job.place.written_key(),
    );
    let rest = slot(None);
    let body = Box::pin(produce(job, visit, declined, Arc::clone(&rest)));
    let storage = Arc::clone(&pages.storage);
    // An `update`: what it overtakes is not stored, and nobody joins it but through the heads.
    let _ = storage.update(pages.ring, key, body).await;
    let rest = rest.lock().take();
    match rest {
        Some(Rest::Stored(page, last)) => {
            last.into_iter().for_each(|last| flow.push(last));
            flow.finish(End::Whole(page));
        }
        Some(Rest::Body(body)) => pass_on(&flow, body).await,
        None => flow.finish(End::Failed),
    }
}

/// The body of the update.
async fn produce<E>(job: Job, visit: Visit<E>, declined: Slot<Declined<E>>, rest: Slot<Rest>) -> Produced {
    let decline = |why| {
        job.pages.begin_passing(&job.head_key);
        *declined.lock() = Some(why);
        Err(())
    };
    let Came {
        parts,
        body,
        is_renewed,
    } = match ask(&job, visit).await {
        Ok(came) => came,
        Err(why) => return decline(why),
    };
    let length = length(&parts.headers, &body);
    let Some(plan) = plan(&job, &parts, length).await else {
        return decline(Declined::Answer(Response::from_parts(parts, body)));
    };
    job.pages.end_passing(&job.head_key);
    let head = head(parts, &plan, is_renewed);
    job.flow.publish(head.clone());
    let room = job
        .pages
        .settings
        .max_size
        .saturating_sub(headers_size(&head.headers));
    match read(&job.flow, body, head.length, room).await {
        Read::Whole(chunks, last) => {
            let page = Arc::new(page(head, chunks, &plan, &job.pages));
            *rest.lock() = Some(Rest::Stored(Arc::clone(&page), last));
            entry(&job.pages, plan, page).await
        }
        Read::Rest(body) => {
            job.pages.begin_passing(&job.head_key);
            *rest.lock() = Some(Rest::Body(body));
            Err(())
        }
        Read::Unfit => Err(()),
    }
}

/// The response that came of the application.
struct Came {
    parts: Parts,
    body: PageBody,
    /// Whether it said that the stale page has not changed.
    is_renewed: bool,
}

/// Asks the application. Where it says that the stale page has not changed, the response is that page.
async fn ask<E>(job: &Job, visit: Visit<E>) -> Result<Came, Declined<E>> {
    let response = visit.run(job.stale.as_deref()).await;
    let (mut parts, mut body) = response.map_err(Declined::Error)?.into_parts();
    let stale = job.stale.as_ref();
    let stale = stale.filter(|_| parts.status == StatusCode::NOT_MODIFIED);
    let is_renewed = stale.is_some();
    if let Some(stale) = stale {
        let renewed = renewed(stale, &parts).ok_or_else(|| Declined::Answer(whole(stale)))?;
        (parts, body) = renewed.into_parts();
    }
    Ok(Came {
        parts,
        body,
        is_renewed,
    })
}

/// The decision for a response that is stored.
struct Plan {
    storable: Storable,
    /// Where it lies, and those are to look that wait for it.
    place: Place,
    /// The entry that is written under the updated key.
    entry: Entry,
    length: Option<u64>,
}

/// The entry that is written under the updated key.
enum Entry {
    Page,
    /// The headers and tags by which the page is looked up, which has its own key. If a `delete` keeps this entry from being
    /// stored, no request looks the page up.
    Varies,
    Nothing,
}

/// The decision for a response, if it is to be stored.
#[allow(clippy::option_option)]
async fn plan(job: &Job, parts: &Parts, length: Option<Option<u64>>) -> Option<Plan> {
    let pages = &job.pages;
    let Parts { status, headers, .. } = parts;
    let storable = storable(
        job.asked.credentialed,
        *status,
        headers,
        pages.settings.expire,
        pages.now(),
    )?;
    let length = length?;
    let size = headers_size(headers) as u64 + length.unwrap_or(0);
    let tags = parts.extensions.get::<Tags>().map_or(&[][..], Tags::all);
    if size > pages.settings.max_size as u64 || tags.len() > MOST_TAGS {
        return None;
    }
    let (place, entry) = place(job, &storable.vary, tags).await;
    Some(Plan {
        storable,
        place,
        entry,
        length,
    })
}

/// Where a response lies that varies by these headers and has these tags.
async fn place(job: &Job, vary: &[HeaderName], tags: &[Tag]) -> (Place, Entry) {
    let (pages, known) = (&job.pages, job.place.varies.as_ref());
    let has_known_tags = tags.iter().all(|tag| job.place.key.tags.contains(tag));
    if has_known_tags && known.map_or(vary.is_empty(), |known| known.covers(vary)) {
        return (job.place.clone(), Entry::Page);
    }
    let varies = Varies::with(known, vary, tags);
    let mut place = job.place.variant(varies.clone(), &job.asked.headers);
    place.version = if has_known_tags && place.key.tags == job.place.key.tags {
        job.place.version
    } else {
        pages.storage.version_since(job.begun, &place.key.tags)
    };
    if known.is_none() {
        return (place, Entry::Varies);
    }
    // It is other than was known. The next request stores it, if it finds this: a page that lay there already might be one
    // that was deleted meanwhile.
    let (storage, first) = (Arc::clone(&pages.storage), job.place.first.clone());
    let _ = storage
        .set(pages.ring, first, StoredResponse::varies(varies))
        .await;
    (place, Entry::Nothing)
}

/// The length of the body, if it is known; `None` if the header and the body differ.
#[allow(clippy::option_option)]
fn length(headers: &HeaderMap, body: &PageBody) -> Option<Option<u64>> {
    let known = body.size_hint().exact();
    let mut stated = headers.get_all(CONTENT_LENGTH).iter();
    match (stated.next(), stated.next()) {
        (None, _) => Some(known),
        (Some(stated), None) => {
            let stated = crate::directives::delta_seconds(stated.to_str().ok()?)?;
            (known.is_none_or(|known| known == stated)).then_some(Some(stated))
        }
        _ => None,
    }
}

fn head(parts: Parts, plan: &Plan, is_renewed: bool) -> Head {
    Head {
        status: parts.status,
        headers: cleaned(parts.headers, plan),
        length: plan.length,
        place: plan.place.clone(),
        is_renewed,
    }
}

/// The headers that are stored and passed on: not those of a connection, and with a date.
fn cleaned(mut headers: HeaderMap, plan: &Plan) -> HeaderMap {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| members(line.as_bytes()).0)
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .collect();
    let of_connections = [
        AGE,
        CONNECTION,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        HeaderName::from_static("proxy-authentication-info"),
        PROXY_AUTHENTICATE,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    for name in named.iter().chain(&of_connections) {
        headers.remove(name);
    }
    if !headers.contains_key(DATE) {
        let date = httpdate::fmt_http_date(plan.storable.ageing.stored_at);
        headers.extend(HeaderValue::from_str(&date).ok().map(|date| (DATE, date)));
    }
    headers
}

fn page(head: Head, chunks: Vec<Bytes>, plan: &Plan, pages: &Site) -> Page {
    let body = joined(chunks);
    let Head {
        status, mut headers, ..
    } = head;
    let tag_is_ours = status == StatusCode::OK && !headers.contains_key(ETAG);
    if tag_is_ours {
        headers.extend(tag(&headers, &body).map(|tag| (ETAG, tag)));
    }
    let mut page = Page {
        status,
        headers,
        body,
        ageing: plan.storable.ageing,
        tag_is_ours,
    };
    if has_validator(&page) {
        page.ageing.kept = pages.settings.revalidate.unwrap_or_default();
    }
    page
}

fn joined(mut chunks: Vec<Bytes>) -> Bytes {
    if chunks.len() <= 1 {
        return chunks.pop().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(chunks.iter().map(Bytes::len).sum());
    chunks.iter().for_each(|chunk| whole.extend_from_slice(chunk));
    whole.freeze()
}

/// A weak tag, since layers outside of this one may change the bytes, as by compression.
fn tag(headers: &HeaderMap, body: &[u8]) -> Option<HeaderValue> {
    let mut hasher = blake3::Hasher::new();
    for name in [CONTENT_TYPE, CONTENT_ENCODING] {
        let value = headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
        hasher.update(&(value.len() as u64).to_le_bytes()).update(value);
    }
    let hash = hasher.update(body).finalize().to_hex();
    HeaderValue::from_str(&format!("W/\"{}\"", &hash[..32])).ok()
}

/// The entry for the key that is updated, if there is to be one.
async fn entry(pages: &Site, plan: Plan, page: Arc<Page>) -> Produced {
    let stored = StoredResponse::page(page);
    match (plan.entry, plan.place.varies.clone()) {
        (Entry::Page, _) => Ok(stored),
        (Entry::Varies, Some(varies)) => {
            // An outdated one would overtake a newer one that is under way.
            if plan.place.is_current(&pages.storage).await {
                let storage = Arc::clone(&pages.storage);
                let _ = storage.set(pages.ring, plan.place.written_key(), stored).await;
            }
            Ok(StoredResponse::varies(varies))
        }
        (Entry::Varies | Entry::Nothing, _) => Err(()),
    }
}
