//! The look-up of a page: by its URI, and if that varies or has tags by the headers of the request and with the tags.

use std::sync::Arc;

use http::HeaderMap;

use crate::key::PageKey;
use crate::place::Place;
use crate::site::Site;
use crate::storage::Found;
use crate::stored::{Entry, StoredResponse};
use crate::varies::Varies;

/// Looks up a page. A failure of the storage finds nothing; the ring counts it.
pub(crate) async fn look_up(
    pages: &Site,
    key: &PageKey,
    headers: &HeaderMap,
) -> (Place, Option<StoredResponse>) {
    let mut first = Place::first(key);
    let Some(entry) = get(pages, &mut first).await else {
        return (first, None);
    };
    let varies = match &entry.entry {
        Entry::Page(_) => return (first, Some(entry)),
        Entry::Varies(varies) => Varies::clone(varies),
    };
    let mut place = first.variant(varies, headers);
    let page = get(pages, &mut place).await;
    (place, page.filter(|entry| entry.as_page().is_some()))
}

async fn get(pages: &Site, place: &mut Place) -> Option<StoredResponse> {
    let storage = Arc::clone(&pages.storage);
    let found = storage.get(pages.ring, place.key.clone()).await;
    let Found { entry, version } = found.unwrap_or_default();
    place.version = version;
    entry
}
