//! The names in `Vary`, and the tags, of the responses of a URI.

use std::hash::{BuildHasher, RandomState};

use http::HeaderName;
use ring_cache_core::Tag;

use crate::tags::{MOST_TAGS, distinct};

/// More names in `Vary` are not stored.
pub(crate) const MOST_VARIED: usize = 16;

/// The data to look up a response of a URI: the names of the headers that its responses vary by, and their tags.
///
/// `generation` is a random number in the keys of these responses. A `delete` of the URI ends it, so no older response is
/// found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Varies {
    pub(crate) generation: u64,
    pub(crate) names: Vec<HeaderName>,
    pub(crate) tags: Vec<Tag>,
}

impl Varies {
    /// The known names and tags with these, for later responses; above the limits, these only.
    pub(crate) fn with(known: Option<&Self>, names: &[HeaderName], tags: &[Tag]) -> Self {
        let names_of = |known: &Self| known.names.iter().chain(names).cloned().collect();
        let mut all: Vec<HeaderName> = known.map_or_else(|| names.to_vec(), names_of);
        all.sort_by(|one, other| one.as_str().cmp(other.as_str()));
        all.dedup();
        let known_tags = known.map_or(&[][..], |known| &known.tags);
        let mut all_tags = distinct(known_tags.iter().chain(tags).copied());
        if all.len() > MOST_VARIED || all_tags.len() > MOST_TAGS {
            (all, all_tags) = (names.to_vec(), tags.to_vec());
        }
        Varies {
            generation: new_generation(),
            names: all,
            tags: all_tags,
        }
    }

    /// Whether a response with these is one of those that are known.
    pub(crate) fn covers(&self, names: &[HeaderName]) -> bool {
        names.iter().all(|name| self.names.contains(name))
    }
}

/// A random number, different in each process.
fn new_generation() -> u64 {
    RandomState::new().hash_one(std::time::SystemTime::now())
}
