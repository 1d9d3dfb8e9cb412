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

use crate::asked::Asked;
use crate::body::PageBody;
use crate::directives::members;
use crate::flow::{End, Flow, Head};
use crate::key::{HeadKey, new_generation};
use crate::lookup::Place;
use crate::reading::{Read, pass_on, read};
use crate::site::Site;
use crate::storable::{Storable, storable};
use crate::storage::Produced;
use crate::stored::{Entry, Page, StoredResponse, Varies, headers_size};
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
    pub(crate) flow: Arc<Flow>,
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
        job.place.key.clone(),
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
    let (parts, body) = match visit.run().await {
        Ok(response) => response.into_parts(),
        Err(error) => return decline(Declined::Error(error)),
    };
    let length = length(&parts.headers, &body);
    let Some(plan) = plan(&job, &parts, length).await else {
        return decline(Declined::Answer(Response::from_parts(parts, body)));
    };
    job.pages.end_passing(&job.head_key);
    let head = head(parts, &plan);
    job.flow.publish(head.clone());
    let room = job
        .pages
        .settings
        .max_size
        .saturating_sub(headers_size(&head.headers));
    match read(&job.flow, body, head.length, room).await {
        Read::Whole(chunks, last) => {
            let page = Arc::new(page(head, chunks, &plan.storable));
            *rest.lock() = Some(Rest::Stored(Arc::clone(&page), last));
            Ok(entry(&job.pages, plan, page).await)
        }
        Read::Rest(body) => {
            job.pages.begin_passing(&job.head_key);
            *rest.lock() = Some(Rest::Body(body));
            Err(())
        }
        Read::Unfit => Err(()),
    }
}

/// The decision for a response that is stored.
struct Plan {
    storable: Storable,
    place: Place,
    /// Whether the names that the page varies by are new.
    is_new_variant: bool,
    length: Option<u64>,
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
    if size > pages.settings.max_size as u64 {
        return None;
    }
    let (place, is_new_variant) = match &job.place.varies {
        None if storable.vary.is_empty() => (job.place.clone(), false),
        None => {
            let varies = Varies {
                generation: new_generation(),
                names: storable.vary.clone(),
            };
            (job.place.variant(varies, &job.asked.headers), true)
        }
        Some(varies) if storable.vary.iter().all(|name| varies.names.contains(name)) => {
            (job.place.clone(), false)
        }
        // It varies by more than was known. The next request learns it anew.
        Some(_) => {
            let storage = Arc::clone(&pages.storage);
            let _ = storage.delete(pages.ring, job.place.first.clone()).await;
            return None;
        }
    };
    Some(Plan {
        storable,
        place,
        is_new_variant,
        length,
    })
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

fn head(parts: Parts, plan: &Plan) -> Head {
    let Place { key, varies, .. } = &plan.place;
    Head {
        status: parts.status,
        headers: cleaned(parts.headers, plan),
        length: plan.length,
        variant: varies.clone().map(|varies| (varies, key.clone())),
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

fn page(head: Head, chunks: Vec<Bytes>, storable: &Storable) -> Page {
    let body = joined(chunks);
    let Head {
        status, mut headers, ..
    } = head;
    if status == StatusCode::OK && !headers.contains_key(ETAG) {
        headers.extend(tag(&headers, &body).map(|tag| (ETAG, tag)));
    }
    Page {
        status,
        headers,
        body,
        ageing: storable.ageing,
    }
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

/// The entry for the key that is updated. Where names are new that the page varies by, that is the names: the page lies
/// under a key of its own, which nobody looks up if the names are not stored because a `delete` came first.
async fn entry(pages: &Site, plan: Plan, page: Arc<Page>) -> StoredResponse {
    let stored = StoredResponse(Entry::Page(page));
    match plan.place.varies {
        Some(varies) if plan.is_new_variant => {
            let storage = Arc::clone(&pages.storage);
            let _ = storage.set(pages.ring, plan.place.key, stored).await;
            StoredResponse::varies(varies)
        }
        _ => stored,
    }
}
