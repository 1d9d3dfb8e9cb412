//! The key of a page, with its `Vary` and tags as far as they are known before it is looked up.

use std::sync::Arc;

use http::HeaderMap;

use crate::key::PageKey;
use crate::storage::PageStorage;
use crate::varies::Varies;

/// Where the page of a request lies.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The key of the URI.
    pub(crate) first: PageKey,
    /// The key of the page: that of the URI, or of a variant.
    pub(crate) key: PageKey,
    /// The headers that the page varies by, and its tags, as far as they are known.
    pub(crate) varies: Option<Varies>,
    /// The version of the key's tags, if it was read.
    pub(crate) version: Option<u64>,
}

impl Place {
    pub(crate) fn first(key: &PageKey) -> Self {
        Place {
            first: key.clone(),
            key: key.clone(),
            varies: None,
            version: None,
        }
    }

    /// The place of a variant.
    pub(crate) fn variant(&self, varies: Varies, headers: &HeaderMap) -> Self {
        Place {
            first: self.first.clone(),
            key: self.first.variant(&varies, headers),
            varies: Some(varies),
            version: None,
        }
    }

    /// Whether the page is one of several, by the headers of requests.
    pub(crate) fn varies_by_headers(&self) -> bool {
        self.varies
            .as_ref()
            .is_some_and(|varies| !varies.names.is_empty())
    }

    /// Reads the version of the key's tags, unless it was read or there are none.
    pub(crate) async fn see(&mut self, storage: &Arc<dyn PageStorage>) {
        if !self.key.tags.is_empty() && self.version.is_none() {
            self.version = Arc::clone(storage).see(self.key.clone()).await;
        }
    }

    /// Whether no tag was forgotten since the version was read; false if it was not read.
    pub(crate) async fn is_current(&self, storage: &Arc<dyn PageStorage>) -> bool {
        let has_tags = !self.key.tags.is_empty();
        let now = || Arc::clone(storage).see(self.key.clone());
        !has_tags || (self.version.is_some() && now().await == self.version)
    }

    /// The key, for an entry that is computed after the version was read.
    pub(crate) fn written_key(&self) -> PageKey {
        self.key.of_version(self.version)
    }
}
