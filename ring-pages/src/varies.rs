//! What is known of the responses of a URI: the names of `Vary`, and tags.

use std::hash::{BuildHasher, RandomState};

use http::HeaderName;
use ring_cache_core::Tag;

use crate::tags::{MOST_TAGS, distinct};

/// More names in `Vary` are not stored.
pub(crate) const MOST_VARIED: usize = 16;

/// What is to be known before a response of a URI is looked up: the names of the headers that tell its responses apart, and
/// the tags that they have.
///
/// `generation` is a random number, and part of the keys of these responses. After a `delete` of the URI there is another
/// one, so that no older response is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Varies {
    pub(crate) generation: u64,
    pub(crate) names: Vec<HeaderName>,
    pub(crate) tags: Vec<Tag>,
}

impl Varies {
    /// What was known, and also this, for all responses to come. If that is too much, only this.
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

/// A number that no other process comes to.
fn new_generation() -> u64 {
    RandomState::new().hash_one(std::time::SystemTime::now())
}
