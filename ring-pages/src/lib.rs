//! Whole HTTP responses in the storages of [ring-cache](https://docs.rs/ring-cache): a tower layer, the twin of Django's
//! `cache_page`. Depend on `ring-cache` with the feature `pages`, which names this crate `ring_cache::pages`.
//!
//! ```
//! use std::time::Duration;
//! use axum::{Router, routing::get};
//! use ring_cache::{Lru, pages::Pages};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let pages = Pages::new(Lru::new(1_000)).expire(Duration::from_secs(60));
//! let app: Router = Router::new()
//!     .route("/articles/{id}", get(async || "an article"))
//!     .layer(pages.layer());
//!
//! let article = pages.ring("http://example.com/articles/1");
//! article.update(app).await?;
//! assert!(article.has().await?);
//! article.delete().await?;
//! assert!(article.get().await?.is_none());
//! # Ok::<_, Box<dyn std::error::Error + Send + Sync>>(()) }).unwrap();
//! ```
//!
//! A response is stored if RFC 9111 allows a shared cache to, and for as long as its `Cache-Control` and `Expires` say, or
//! for [`Pages::expire`] if it says nothing. [`Pages`] lists the rules.
//!
//! # Where to put the layer
//!
//! Around the whole site: the key is made of the URI that the layer sees, and routers change it. In axum, a router that is
//! nested under `/a` sees `/x` where the client asked for `/a/x`. Inside of one, name the client's URI by
//! [`Pages::uri_by`]; otherwise two routers with one `Pages` get each other's responses.
//!
//! # How a miss goes
//!
//! Two rings of [`Flights`](ring_cache_core::flights::Flights) work together.
//!
//! 1. The ring of *heads*, in memory: one call computes a response's head, and the others wait for it, as for any cached
//!    method. The value of this flight is a handle to a response that is under way, `Live`: its head, the part of its body
//!    that came so far, and the future that makes the rest. All that hold the handle read the same stream. Whoever needs
//!    the next piece polls that future, so a slow client delays nobody, and none of them has to stay: the response is given
//!    up when the last reader is gone.
//! 2. The ring of *pages*, in your storage: that future is an `update` of the page's call. Its value is the whole response, so
//!    a response that is cut short, or that turns out to be too large, is not stored. As for any ring, a computation that
//!    began before a `delete` is not stored after it.
//!
//! A body whose length is not known is shared in the same way. If it grows over [`Pages::max_size`], newcomers cannot join it any
//! more, its readers go at the pace of the slowest of them, and one that does not move for ten seconds is cut off.
//!
//! A page with tags is read together with their versions. Those that follow from the URI are known before the look-up; those
//! that responses tell lie under the key of the URI with the names of `Vary`, and the page under one of its own. The handle of a
//! response under way has the version from before it began, and a request takes it only if that is the one of now.
//!
//! The end of a body is passed on when the page is stored, as a cached method returns when its value is stored. A response
//! that may not be stored goes to the one that asked for it; the others compute their own, and for five seconds newcomers do
//! so at once.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod asked;
mod body;
mod coder;
mod compute;
mod conditions;
mod directives;
mod flow;
mod keeping;
mod key;
mod layer;
mod live;
mod lookup;
mod pages;
mod place;
mod produce;
mod reading;
mod revalidate;
mod ring;
mod serve;
mod site;
mod storable;
mod storage;
mod stored;
mod tags;
mod timed;
mod varies;
mod visit;

pub use body::PageBody;
pub use coder::PageCoder;
pub use layer::{PagesLayer, PagesService};
pub use pages::Pages;
pub use ring::PageRing;
pub use storage::PageStorage;
pub use stored::StoredResponse;
pub use tags::Tags;

/// What [`page_storage!`] names, and nothing else does.
#[doc(hidden)]
pub mod generated {
    pub use crate::keeping::{Beside, Inside};
    pub use crate::key::PageKey;
    pub use crate::storage::{Answer, Found, Produced, delete, get, see, set, stats, update};
    pub use ring_cache_core::storage::{CodedStorage, HoldsBytes, Moment};
    pub use ring_cache_core::{Error, Ring, Stats, Tag};
}

/// An error of any type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A future that is sent between threads.
pub(crate) type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;
