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

/// A function that makes cached values out of date.
///
/// # Errors
///
/// If there is no number.
#[ring(invalidates(free(number), private(..), |twice| free(*twice)), on = ok)]
pub fn change(number: u32) -> Result<u32, String> {
    if number == 0 {
        return Err("none".to_owned());
    }
    Ok(number * 2)
}

/// The same, async.
#[ring(invalidates(free(number)))]
pub async fn change_later(number: u32) -> u32 {
    std::future::ready(number).await
}

/// An async function.
///
/// # Errors
///
/// If the text is not a number.
#[ring(flight_timeout = 2)]
pub async fn parsed(text: &str) -> Result<u32, std::num::ParseIntError> {
    let number = std::future::ready(text.parse()).await?;
    Ok(number)
}

#[ring(map = BYTES, coder = Json, key_prefix = "renamed:later")]
async fn later<T: RingKey + Send>(value: T) -> u32 {
    drop(std::future::ready(value).await);
    private(2)
}

/// A trait of the crate with an async method.
pub trait FetchLater {
    /// Fetches.
    fn fetch_later(&self, n: u32) -> impl Future<Output = u32> + Send;
}

#[ring_impl]
impl FetchLater for Page {
    #[ring(unless = |value| *value == 0)]
    async fn fetch_later(&self, n: u32) -> u32 {
        later(n).await + n
    }
}

/// A trait of the crate.
pub trait Fetch {
    /// The fetched type.
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

/// Deprecated.
#[must_use]
#[deprecated]
#[ring]
pub fn old() -> u32 {
    1
}
