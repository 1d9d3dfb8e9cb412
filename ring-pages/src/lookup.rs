//! The look-up of a page: by its URI, and if that varies by the headers of the request.

use std::sync::Arc;

use http::HeaderMap;

use crate::key::PageKey;
use crate::site::Site;
use crate::stored::{Entry, StoredResponse, Varies};

/// Where the page of a request lies.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The key of the URI.
    pub(crate) first: PageKey,
    /// The key of the page: that of the URI, or of a variant.
    pub(crate) key: PageKey,
    /// What the page varies by, as far as it is known.
    pub(crate) varies: Option<Varies>,
}

impl Place {
    pub(crate) fn first(key: &PageKey) -> Self {
        Place {
            first: key.clone(),
            key: key.clone(),
            varies: None,
        }
    }

    /// The place of a variant.
    pub(crate) fn variant(&self, varies: Varies, headers: &HeaderMap) -> Self {
        Place {
            first: self.first.clone(),
            key: self.first.variant(&varies, headers),
            varies: Some(varies),
        }
    }
}

/// Looks up a page. A failure of the storage finds nothing; the ring counts it.
pub(crate) async fn look_up(
    pages: &Site,
    key: &PageKey,
    headers: &HeaderMap,
) -> (Place, Option<StoredResponse>) {
    let first = Place::first(key);
    let Some(entry) = get(pages, key).await else {
        return (first, None);
    };
    let varies = match &entry.0 {
        Entry::Page(_) => return (first, Some(entry)),
        Entry::Varies(varies) => Varies::clone(varies),
    };
    let place = first.variant(varies, headers);
    let page = get(pages, &place.key).await;
    (place, page.filter(|entry| entry.as_page().is_some()))
}

async fn get(pages: &Site, key: &PageKey) -> Option<StoredResponse> {
    let storage = Arc::clone(&pages.storage);
    storage.get(pages.ring, key.clone()).await.ok().flatten()
}
