//! Tags of pages: which ones a page has, and whether a response may be stored with them.
//!
//! A page is stored with the versions that its tags had before it was computed, as any entry is. The tags that
//! [`Pages::tags`](crate::Pages::tags) names are known before. Those that a response has itself are known only after: a
//! version that is read then may be that of a `forget` in between, so it counts only
//!
//! - in memory, if the tag was not forgotten since the computation began, which the process knows;
//! - elsewhere, for no response. Its tags are remembered with the names of `Vary`, under the key of the URI, and the
//!   versions of these are read before the next one.

use std::sync::Arc;

use ring_cache_core::Tag;

/// More tags are not kept: their versions are read with each look-up of the page.
pub(crate) const MOST_TAGS: usize = 128;

/// In the extensions of a response: the tags of its page.
///
/// `tag(..).forget()` ends all pages in memory that have the tag, and `tag(..).forget_in_awaited(&storage)` those in a
/// storage that is shared, together with the entries of cached methods that have it. A response with more than 128 tags is
/// not stored.
///
/// ```
/// use std::time::Duration;
/// use axum::{Extension, Router, extract::Path, routing::get};
/// use ring_cache::{Lru, pages::{Pages, Tags}, tag};
///
/// async fn article(Path(id): Path<u32>) -> (Extension<Tags>, String) {
///     let tags = Tags::new([tag("articles"), tag(format!("article:{id}"))]);
///     (Extension(tags), format!("article {id}"))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let pages = Pages::new(Lru::new(1_000)).expire(Duration::from_secs(60));
/// let app: Router = Router::new().route("/articles/{id}", get(article)).layer(pages.layer());
/// let page = pages.ring("http://example.com/articles/1");
/// page.update(app).await?;
/// assert!(page.has().await?);
/// tag("article:1").forget();
/// assert!(!page.has().await?);
/// # Ok::<_, Box<dyn std::error::Error + Send + Sync>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tags(Arc<[Tag]>);

impl Tags {
    /// These tags.
    pub fn new(tags: impl IntoIterator<Item = Tag>) -> Self {
        Tags(distinct(tags).into())
    }

    pub(crate) fn all(&self) -> &[Tag] {
        &self.0
    }
}

/// Each tag once.
pub(crate) fn distinct(tags: impl IntoIterator<Item = Tag>) -> Vec<Tag> {
    let mut distinct = Vec::new();
    for tag in tags {
        if !distinct.contains(&tag) {
            distinct.push(tag);
        }
    }
    distinct
}
