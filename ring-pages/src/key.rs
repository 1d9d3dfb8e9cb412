//! The key of a page: host, variant, URI.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use http::HeaderMap;

use crate::stored::Varies;

/// The variant of the entry that a look-up of a URI begins with.
const FIRST: &str = "page";

/// The key of an entry. `uri` is the path with the whole query, as the client wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageKey {
    host: Arc<str>,
    variant: Arc<str>,
    uri: Arc<str>,
}

impl PageKey {
    pub(crate) fn new(host: &str, uri: &str) -> Self {
        PageKey {
            host: host.into(),
            variant: FIRST.into(),
            uri: uri.into(),
        }
    }

    /// The key of the variant for these headers of a request.
    pub(crate) fn variant(&self, varies: &Varies, request: &HeaderMap) -> Self {
        PageKey {
            variant: variant(varies, request).into(),
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
        let value = combined(request, name.as_str());
        for part in [Some(name.as_str().as_bytes()), value.as_deref()] {
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            hasher.update(&length.to_le_bytes());
            hasher.update(part.unwrap_or_default());
        }
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// All lines of a header as one, without the whitespace around its members. RFC 9111, 4.1.
fn combined(request: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    if !request.contains_key(name) {
        return None;
    }
    let mut combined = Vec::new();
    for line in request.get_all(name) {
        for member in crate::directives::members(line.as_bytes()).0 {
            combined.extend_from_slice(member);
            combined.push(b',');
        }
    }
    Some(combined)
}

/// A number that no other process comes to.
pub(crate) fn new_generation() -> u64 {
    RandomState::new().hash_one(std::time::SystemTime::now())
}
