//! The handle of all cached pages of a site: settings, storage, and what is under way.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{Extensions, HeaderMap, Uri};
use ring_cache_core::{Name, Ring, Stats, Tag};

use crate::layer::PagesLayer;
use crate::live::Handle;
use crate::ring::PageRing;
use crate::site::{Site, leaked};
use crate::storage::PageStorage;

/// Cached responses of a site, and the [layer](Self::layer) that caches them. Clones share all.
///
/// # What is stored
///
/// A response to a GET, if
///
/// - its status is one that caches know, such as 200, 301 or 404, and it says how long it is fresh, by `s-maxage`,
///   `max-age` or `Expires`; or its status is 200, and [`expire`](Self::expire) is set;
/// - its `Cache-Control`, in any case and on any line, has no `no-store`, `private` or `no-cache`, also not for a single
///   header (`private="x"`), and can be read;
/// - it has no `Set-Cookie`, `Content-Range`, `Trailer` or `Vary: *`;
/// - the request has neither `Authorization` nor a cookie, unless the response says `public` or `s-maxage`;
/// - its headers and body have at most [`max_size`](Self::max_size) bytes, and the body ends without an error.
///
/// Freshness that cannot be read (`max-age=-1`, two numbers, a date that is none) counts as stale.
///
/// # Which request gets it
///
/// One with the same host (in any case), path and query, whose URI names no user. Nothing is normalised, as the application may tell the forms
/// apart. If the response has `Vary`, the headers that it names must be equal too, line by line, but for whitespace at the ends of lines. A request with
/// credentials gets only responses with `public` or `s-maxage`. HEAD is answered from the response to a GET.
///
/// Requests with a body, `Range`, `If-Match`, `Upgrade` or `Cache-Control: no-store` go to the application. `no-cache`,
/// `max-age`, `min-fresh`, `max-stale` and `only-if-cached` of requests are obeyed: see
/// [`obey_clients`](Self::obey_clients). A successful request with another method, such as POST, removes the page of its URI.
///
/// # What the client sees
///
/// `Age`, `Date`, `Cache-Status` (RFC 9211), and an `ETag`: the application's own, or a weak one from a hash of the whole
/// response, which therefore first comes with the second answer. `If-None-Match` and `If-Modified-Since` are answered by a
/// 304.
///
/// A response with `stale-while-revalidate=N` is returned for N seconds after the end of its freshness while a new one is
/// made in the background; with `stale-if-error=N` if the application fails or answers with 500, 502, 503 or 504.
/// `must-revalidate` and `proxy-revalidate` forbid both.
///
/// # What it does not do
///
/// It answers no ranges from a stored page, stores no trailers, guesses no freshness, and asks the application for whole pages
/// only, unless [`revalidate`](Self::revalidate) lets it ask whether a stale one has changed. It does not know which headers
/// the application reads: name them in `Vary`.
///
/// # Tags
///
/// Pages have tags, as the entries of cached methods do: a `forget` of a [`Tag`] ends both. A response names its tags itself,
/// by [`Tags`](crate::Tags) in its extensions; those that follow from the URI are named by [`tags`](Self::tags). A request
/// that comes after a `forget` gets no response whose computation began before it, neither a stored one nor one under way,
/// also not as a stale one.
///
/// In memory a response is stored with the tags that it names. In a storage that others share, a tag must be known before
/// the response is computed: otherwise it could have been forgotten meanwhile. There the first response of a URI with tags of
/// its own is not stored, nor is one with a tag that those before did not have; for a day its tags are known, and the next one
/// is stored. Name tags by [`tags`](Self::tags) where that matters, and give a list that changes its members one tag as a
/// list. A page with tags of its own takes two look-ups in the storage, the others one.
#[derive(Clone)]
pub struct Pages {
    site: Arc<Site>,
}

impl Pages {
    /// Pages in a storage: see [`PageStorage`].
    ///
    /// Make it once: each call leaks the few hundred bytes of a ring.
    pub fn new(storage: impl PageStorage) -> Self {
        Pages {
            site: Arc::new(Site::new(Arc::new(storage))),
        }
    }

    /// The freshness of responses with status 200 that state none. Without it, and by default, they are not stored.
    #[must_use]
    pub fn expire(self, expire: Duration) -> Self {
        self.set(|site| site.settings.expire = Some(expire))
    }

    /// The largest response that is stored, in bytes of headers and body. The default is 1 MiB. A response that is under
    /// way takes as much memory, and one that turned out to be larger twice as much.
    #[must_use]
    pub fn max_size(self, bytes: usize) -> Self {
        self.set(|site| site.settings.max_size = bytes)
    }

    /// The tags of the page of a URI, by its host, in lower case, and its path with the query: known before the page is
    /// computed. A response may name [more](crate::Tags).
    ///
    /// ```
    /// use ring_cache::{Lru, pages::Pages, tag};
    ///
    /// let pages = Pages::new(Lru::new(1_000)).tags(|host, _| [tag(format!("site {host}"))]);
    /// tag("site example.com").forget();
    /// ```
    #[must_use]
    pub fn tags<F, I>(self, tags: F) -> Self
    where
        F: Fn(&str, &str) -> I + Send + Sync + 'static,
        I: IntoIterator<Item = Tag>,
    {
        let tags_of = move |host: &str, path: &str| tags(host, path).into_iter().collect();
        self.set(|site| site.settings.tags_of = Some(Arc::new(tags_of)))
    }

    /// Keeps pages that have an `ETag` or `Last-Modified` of the application for so long after their freshness, and asks
    /// whether they have changed: the request that makes such a page anew has `If-None-Match` or `If-Modified-Since`, and a
    /// 304 of the application renews the page, with the headers of the 304. The default is not to: most handlers make the
    /// whole response in any case, and stale pages take room.
    ///
    /// `Cache-Status` says `fwd-status=304` then. [`update`](crate::PageRing::update) asks for the whole page.
    #[must_use]
    pub fn revalidate(self, keep: Duration) -> Self {
        self.set(|site| site.settings.revalidate = Some(keep))
    }

    /// Whether `Cache-Control` of requests is obeyed, but for `no-store`, which always is. The default is yes, as RFC 9111
    /// asks for. With `false`, clients cannot make the application work by `no-cache`.
    #[must_use]
    pub fn obey_clients(self, obey: bool) -> Self {
        self.set(|site| site.settings.obeys_clients = obey)
    }

    /// Whether responses get a `Cache-Status`. The default is yes.
    #[must_use]
    pub fn cache_status(self, show: bool) -> Self {
        self.set(|site| site.settings.shows_status = show)
    }

    /// The text that the keys of pages begin with. The default is `pages`. Sites that share a storage need different ones
    /// only if they share hosts.
    ///
    /// Pages of the old prefix are not seen by this handle any more.
    #[must_use]
    pub fn key_prefix(self, prefix: &str) -> Self {
        self.set(|site| site.rename(prefix))
    }

    /// The time that a request waits for the head of another one's response before it asks the application itself. The
    /// default is 10 s.
    #[must_use]
    pub fn flight_timeout(self, timeout: Duration) -> Self {
        self.set(|site| site.heads_ring = leaked(Ring::with_prefix("pages").flight_timeout(timeout)))
    }

    /// How to find the URI that the client asked for, if it is not the one that the layer sees: inside of a nested router of
    /// axum it is `OriginalUri`. With `None` the request's own URI is used.
    ///
    /// ```
    /// use axum::extract::OriginalUri;
    /// use ring_cache::{Lru, pages::Pages};
    ///
    /// let pages = Pages::new(Lru::new(1_000))
    ///     .uri_by(|_, extensions| extensions.get::<OriginalUri>().map(|uri| uri.0.clone()));
    /// ```
    #[must_use]
    pub fn uri_by<F>(self, uri_by: F) -> Self
    where
        F: Fn(&HeaderMap, &Extensions) -> Option<Uri> + Send + Sync + 'static,
    {
        self.set(|site| site.settings.uri_by = Some(Arc::new(uri_by)))
    }

    /// What runs the refresh of stale pages. The default is the tokio runtime of the request, with the feature `tokio`.
    /// Without either the request that finds a stale page makes the new one, and returns the stale one if that fails.
    #[must_use]
    pub fn spawner<F>(self, spawner: F) -> Self
    where
        F: Fn(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync + 'static,
    {
        self.set(|site| site.settings.spawner = Some(Arc::new(spawner)))
    }

    /// The clock by which pages age, for tests. Entries of the storage expire by the storage's own.
    #[must_use]
    pub fn clock(self, now: fn() -> SystemTime) -> Self {
        self.set(|site| site.settings.now = now)
    }

    fn set(mut self, set: impl FnOnce(&mut Site)) -> Self {
        set(Arc::make_mut(&mut self.site));
        self
    }

    /// The layer that caches the responses of a service.
    pub fn layer(&self) -> PagesLayer {
        PagesLayer::new(Arc::clone(&self.site))
    }

    /// The page of a URI, with the verbs of a call. The URI has the host that clients ask for, such as
    /// `http://example.com/articles?page=2`. Verbs return an error if it is not a URI with a path.
    pub fn ring(&self, uri: impl AsRef<str>) -> PageRing {
        PageRing::new(Arc::clone(&self.site), uri.as_ref())
    }

    /// The counters of the pages: look-ups that found an entry or none, and what was stored. A page that varies or has tags of its own takes two
    /// look-ups, and one that is not stored two as well: the request that makes it looks again. `coalesced` are requests that
    /// took the response of another one.
    pub fn stats(&self) -> Stats {
        let heads = self.site.heads().stats::<Handle>();
        let mut stats = self.site.storage.stats(self.site.ring);
        stats.coalesced += heads.coalesced;
        stats
    }

    /// The name that the keys of pages begin with.
    pub fn name(&self) -> &'static Name {
        self.site.ring.name()
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.site.settings;
        f.debug_struct("Pages")
            .field("name", self.name())
            .field("expire", &settings.expire)
            .field("max_size", &settings.max_size)
            .finish_non_exhaustive()
    }
}
