//! Keys in the form of a call, and in the form of a cache.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

use equivalent::Equivalent;
use ring_cache::RingKey;

use crate::random::Random;

/// The number of keys of workloads in which all calls are hits.
pub const KEYS: u64 = 1_000;

/// The number of visits of each key in a pass.
const SHUFFLES: usize = 4;

/// The number of visits in a pass.
pub const VISITS: usize = KEYS as usize * SHUFFLES;

/// A key in the form of a call, which may borrow. Caches that can look up by this form do so.
pub trait Borrowed:
    Copy + Hash + Equivalent<Self::Owned> + PartialEq<Self::Owned> + Send + Sync + 'static
{
    /// The key as a cache keeps it.
    type Owned: Borrow<Self::Lookup> + Clone + Eq + Hash + Send + Sync + 'static;

    /// The form for caches that look up by `Borrow` only, as std's maps do.
    type Lookup: Eq + Hash + ?Sized;

    /// The key of a number.
    fn of(number: u64) -> Self;

    /// The number that the key was made from.
    fn number(self) -> u64;

    /// The key as a cache keeps it.
    fn owned(self) -> Self::Owned;

    /// Looks up by `Borrow`; with an owned key, if `Borrow` cannot give the form of the call.
    fn by_borrow<R>(self, look_up: impl FnOnce(&Self::Lookup) -> R) -> R;
}

impl Borrowed for u64 {
    type Owned = u64;
    type Lookup = u64;

    #[inline]
    fn of(number: u64) -> Self {
        // Spread, as identifiers are.
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    #[inline]
    fn number(self) -> u64 {
        self
    }

    #[inline]
    fn owned(self) -> u64 {
        self
    }

    #[inline]
    fn by_borrow<R>(self, look_up: impl FnOnce(&u64) -> R) -> R {
        look_up(&self)
    }
}

/// The arguments of a call with a URL of 32 characters and a number.
#[derive(Clone, Copy, Debug, Hash)]
pub struct Url {
    /// The URL.
    pub url: &'static str,
    /// The number.
    pub number: u64,
}

/// [`Url`], owned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnedUrl {
    url: String,
    number: u64,
}

impl PartialEq<OwnedUrl> for Url {
    #[inline]
    fn eq(&self, other: &OwnedUrl) -> bool {
        self.number == other.number && self.url == other.url
    }
}

impl Equivalent<OwnedUrl> for Url {
    #[inline]
    fn equivalent(&self, key: &OwnedUrl) -> bool {
        self == key
    }
}

impl Borrowed for Url {
    type Owned = OwnedUrl;
    type Lookup = OwnedUrl;

    fn of(number: u64) -> Self {
        Url {
            url: url(number).leak(),
            number,
        }
    }

    #[inline]
    fn number(self) -> u64 {
        self.number
    }

    #[inline]
    fn owned(self) -> OwnedUrl {
        OwnedUrl {
            url: self.url.to_owned(),
            number: self.number,
        }
    }

    #[inline]
    fn by_borrow<R>(self, look_up: impl FnOnce(&OwnedUrl) -> R) -> R {
        look_up(&self.owned())
    }
}

/// A type with cached methods, whose key is a `String`.
#[derive(Debug, RingKey)]
pub struct Page {
    /// The key.
    pub url: String,
    /// The number that values are computed from.
    #[ring_key(skip)]
    pub number: u64,
}

impl Hash for Page {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.url.hash(state);
    }
}

impl PartialEq<String> for &'static Page {
    #[inline]
    fn eq(&self, other: &String) -> bool {
        self.url == *other
    }
}

impl Equivalent<String> for &'static Page {
    #[inline]
    fn equivalent(&self, key: &String) -> bool {
        self.url == *key
    }
}

impl Borrowed for &'static Page {
    type Owned = String;
    type Lookup = str;

    fn of(number: u64) -> Self {
        Box::leak(Box::new(Page {
            url: url(number),
            number,
        }))
    }

    #[inline]
    fn number(self) -> u64 {
        self.number
    }

    #[inline]
    fn owned(self) -> String {
        self.url.clone()
    }

    #[inline]
    fn by_borrow<R>(self, look_up: impl FnOnce(&str) -> R) -> R {
        look_up(&self.url)
    }
}

fn url(number: u64) -> String {
    let url = format!("https://example.com/page/{number:07}");
    assert_eq!(url.len(), 32);
    url
}

/// All keys, one after another.
pub fn all<K: Borrowed>() -> Vec<K> {
    (0..KEYS).map(K::of).collect()
}

/// All keys several times over, in an order that is the same for all contenders, and another for each `seed`.
pub fn visits<K: Borrowed>(keys: &[K], seed: u64) -> Vec<K> {
    let mut random = Random::new(seed);
    let mut visits = keys.repeat(SHUFFLES);
    visits
        .chunks_mut(keys.len())
        .for_each(|pass| random.shuffle(pass));
    visits
}
