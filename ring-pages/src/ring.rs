//! The verbs of a page.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use http_body::Body;
use http_body_util::BodyExt as _;
use ring_cache_core::Error;
use tower_service::Service;

use crate::BoxError;
use crate::asked::{Update, host_of, path_of};
use crate::body::PageBody;
use crate::key::HeadKey;
use crate::key::PageKey;
use crate::lookup::look_up;
use crate::site::Site;
use crate::stored::StoredResponse;

/// The page of one URI, with the verbs of a [`Call`](ring_cache_core::AsyncCall): made by
/// [`Pages::ring`](crate::Pages::ring).
#[derive(Clone)]
#[must_use = "a page does nothing until a verb follows, such as `.delete()`"]
pub struct PageRing {
    pages: Arc<Site>,
    uri: Option<Uri>,
    headers: HeaderMap,
}

impl PageRing {
    pub(crate) fn new(pages: Arc<Site>, uri: &str) -> Self {
        PageRing {
            pages,
            uri: uri.parse().ok().filter(|uri| path_of(uri).is_some()),
            headers: HeaderMap::new(),
        }
    }

    /// Adds a header of requests, for pages that vary by it. Without it, the page is that of a request without the header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The page, if it is stored and fresh. Never asks the application.
    ///
    /// # Errors
    ///
    /// If the storage fails, or the URI is none.
    pub async fn get(&self) -> Result<Option<StoredResponse>, Error> {
        let (key, pages) = (self.key("get")?, &self.pages);
        let storage = || Arc::clone(&pages.storage);
        let Some(entry) = storage().get(pages.ring, key.clone()).await?.entry else {
            return Ok(None);
        };
        // Found, so that the storage answers: what fails after it is a miss.
        let page = match entry.as_page() {
            Some(_) => Some(entry),
            None => look_up(pages, &key, &self.headers).await.1,
        };
        let now = pages.now();
        Ok(page.filter(|stored| stored.as_page().is_some_and(|page| page.ageing.left(now).is_ok())))
    }

    /// Whether the page is stored and fresh.
    ///
    /// # Errors
    ///
    /// If the storage fails, or the URI is none.
    pub async fn has(&self) -> Result<bool, Error> {
        Ok(self.get().await?.is_some())
    }

    /// Removes the page in all its variants, also one that is under way. Returns whether there was an entry.
    ///
    /// # Errors
    ///
    /// If the storage fails, or the URI is none.
    pub async fn delete(&self) -> Result<bool, Error> {
        delete(&self.pages, self.key("delete")?).await
    }

    /// Asks the application for the page, and stores it, whatever is stored. In a storage that others share it is not stored
    /// if the response has a [tag](crate::Tags) that was not known before, and is the next time. `app` is the whole application with the layer,
    /// such as a clone of axum's `Router`. Returns the whole response.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use axum::{Router, routing::get};
    /// # use ring_cache::{Lru, pages::Pages};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let pages = Pages::new(Lru::new(1_000)).expire(Duration::from_secs(60));
    /// let app: Router = Router::new().route("/", get(async || "home")).layer(pages.layer());
    /// let response = pages.ring("http://example.com/").update(app).await?;
    /// assert_eq!(response.body().as_ref(), b"home");
    /// # Ok::<_, Box<dyn std::error::Error + Send + Sync>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// If the application fails, its body breaks off, or the URI is none.
    pub async fn update<A, B>(&self, mut app: A) -> Result<Response<Bytes>, BoxError>
    where
        A: Service<Request<PageBody>, Response = Response<B>, Error: Into<BoxError>>,
        B: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        let request = self.request()?;
        poll_fn(|context| app.poll_ready(context))
            .await
            .map_err(Into::into)?;
        let (parts, body) = app.call(request).await.map_err(Into::into)?.into_parts();
        let body = body.collect().await.map_err(Into::into)?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }

    /// The request of a client, marked as an update.
    fn request(&self) -> Result<Request<PageBody>, Error> {
        self.key("update")?;
        let mut request = Request::new(PageBody::default());
        *request.headers_mut() = self.headers.clone();
        if let Some(uri) = &self.uri {
            let host = host_of(uri).and_then(|host| HeaderValue::try_from(host).ok());
            host.into_iter()
                .for_each(|host| _ = request.headers_mut().insert(HOST, host));
            *request.uri_mut() = path_of(uri)
                .and_then(|path| path.parse().ok())
                .unwrap_or_default();
        }
        request.extensions_mut().insert(Update);
        Ok(request)
    }

    fn key(&self, operation: &'static str) -> Result<PageKey, Error> {
        let uri = self.uri.as_ref();
        let settings = &self.pages.settings;
        let key = uri.and_then(|uri| Some(settings.key(&host_of(uri).unwrap_or_default(), path_of(uri)?)));
        key.ok_or_else(|| Error::storage("pages", operation, "not a URI with a path"))
    }
}

/// Removes a page in all its variants: without the entry of its URI none is found. Requests that come after it join no
/// response that began before.
pub(crate) async fn delete(pages: &Arc<Site>, key: PageKey) -> Result<bool, Error> {
    let deleted = Arc::clone(&pages.storage).delete(pages.ring, key.clone()).await;
    for credentialed in [false, true] {
        let head_key = HeadKey {
            page: key.clone(),
            credentialed,
        };
        pages.forget_under_way(&head_key).await;
    }
    deleted
}

impl fmt::Debug for PageRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageRing")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}
