//! Functions, traits, coders.

use std::sync::LazyLock;

use rings::coder::Json;
use rings::{Map, RingKey, ring, ring_impl};

use crate::Page;

static BYTES: LazyLock<Map<Vec<u8>>> = LazyLock::new(Map::new);

/// A free function.
#[must_use]
#[ring]
pub fn free(number: u32) -> u32 {
    number + private(1)
}

#[ring(map = BYTES, coder = Json, key_prefix = "renamed:private")]
fn private(number: u32) -> u32 {
    number
}

/// A generic function.
#[ring]
pub fn generic<T: RingKey + Clone + Send + Sync + 'static>(value: T) -> Vec<T> {
    vec![value]
}

/// A trait of the crate.
pub trait Fetch {
    /// What is fetched.
    type Item;

    /// Fetches.
    fn fetch(&self, n: u32) -> Self::Item;
}

#[ring_impl]
impl Fetch for Page {
    type Item = String;

    #[ring(expire = 60)]
    fn fetch(&self, n: u32) -> Self::Item {
        format!("{n}{}", self.content())
    }
}

#[ring_impl(accessors = FetchRing)]
impl<T: RingKey> Fetch for Vec<T> {
    type Item = usize;

    #[ring]
    fn fetch(&self, n: u32) -> Self::Item {
        self.len() + n as usize
    }
}

/// Not to be used any more.
#[must_use]
#[deprecated]
#[ring]
pub fn old() -> u32 {
    1
}
