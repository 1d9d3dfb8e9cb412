//! The layer and its service.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::PageBody;
use crate::serve::serve;
use crate::site::Site;
use crate::{BoxError, BoxFuture};

/// Caches the responses of a service: made by [`Pages::layer`](crate::Pages::layer).
#[derive(Clone)]
pub struct PagesLayer {
    pages: Arc<Site>,
}

impl PagesLayer {
    pub(crate) fn new(pages: Arc<Site>) -> Self {
        PagesLayer { pages }
    }
}

impl<S> Layer<S> for PagesLayer {
    type Service = PagesService<S>;

    fn layer(&self, service: S) -> PagesService<S> {
        PagesService {
            pages: Arc::clone(&self.pages),
            service,
        }
    }
}

/// A service whose responses are cached.
#[derive(Clone)]
pub struct PagesService<S> {
    pages: Arc<Site>,
    service: S,
}

impl<S, Q, B> Service<Request<Q>> for PagesService<S>
where
    S: Service<Request<Q>, Response = Response<B>, Error: Send + 'static, Future: Send + 'static>
        + Clone
        + Send
        + 'static,
    Q: Body + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<PageBody>;
    type Error = S::Error;
    type Future = BoxFuture<Result<Response<PageBody>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        // The one that is ready is used, and a clone is left.
        let clone = self.service.clone();
        let service = mem::replace(&mut self.service, clone);
        Box::pin(serve(Arc::clone(&self.pages), service, request))
    }
}

impl fmt::Debug for PagesLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagesLayer").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for PagesService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PagesService").finish_non_exhaustive()
    }
}
