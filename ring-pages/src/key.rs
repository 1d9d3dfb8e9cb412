//! The key of a page: host, variant, URI; and the tags of what lies there.

use std::sync::Arc;

use http::HeaderMap;
use ring_cache_core::Tag;

use crate::directives::trimmed;
use crate::tags::distinct;
use crate::varies::Varies;

/// The variant of the entry that a look-up of a URI begins with.
const FIRST: &str = "page";

/// The key of an entry. `uri` is the path with the whole query, as the client wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageKey {
    host: Arc<str>,
    variant: Arc<str>,
    uri: Arc<str>,
    pub(crate) tags: Arc<[Tag]>,
    /// The version of the tags, if it was read before.
    pub(crate) version: Option<u64>,
}

impl PageKey {
    /// The key of a URI, whose entry has these tags.
    pub(crate) fn new(host: &str, uri: &str, tags: Vec<Tag>) -> Self {
        PageKey {
            host: host.into(),
            variant: FIRST.into(),
            uri: uri.into(),
            tags: tags.into(),
            version: None,
        }
    }

    /// The same key, for an entry that was computed after this version of its tags was read.
    pub(crate) fn of_version(&self, version: Option<u64>) -> Self {
        PageKey {
            version,
            ..self.clone()
        }
    }

    /// The key of the variant for these headers of a request.
    pub(crate) fn variant(&self, varies: &Varies, request: &HeaderMap) -> Self {
        let tags = self.tags.iter().chain(&varies.tags);
        PageKey {
            variant: variant(varies, request).into(),
            tags: distinct(tags.copied()).into(),
            ..self.clone()
        }
    }

    /// The segments of the key: its text ends with the URI, which thereby stays readable.
    pub(crate) fn parts(&self) -> (Arc<str>, Arc<str>, Arc<str>) {
        (self.host.clone(), self.variant.clone(), self.uri.clone())
    }
}

/// The key of a head. Requests with credentials have flights of their own: what the others get may not be for them.
#[derive(Clone, Debug)]
pub(crate) struct HeadKey {
    pub(crate) page: PageKey,
    pub(crate) credentialed: bool,
}

impl HeadKey {
    /// The segments of its key.
    pub(crate) fn parts(&self) -> (Arc<str>, Arc<str>, Arc<str>, bool) {
        let (host, variant, uri) = self.page.parts();
        (host, variant, uri, self.credentialed)
    }
}

/// A hash of the headers that a response varies by: headers can be secrets, which keys must not show.
fn variant(varies: &Varies, request: &HeaderMap) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&varies.generation.to_le_bytes());
    for name in &varies.names {
        let lines = request.get_all(name).iter();
        let lines: Vec<_> = lines.map(|line| trimmed(line.as_bytes())).collect();
        hasher.update(&(lines.len() as u64).to_le_bytes());
        // Line by line, as they came: RFC 9111, 4.1, would take `a, b` for `a` and `b`, or for `a,,b`, but an application that
        // compares texts does not, and a client could choose what others get.
        for part in [name.as_str().as_bytes()].into_iter().chain(lines) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
