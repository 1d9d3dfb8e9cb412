//! The application, asked once, and what comes of it if its response is not shared.

use http::Response;

use crate::BoxFuture;
use crate::body::PageBody;
use crate::stored::StoredResponse;

/// The application, called with one request.
pub(crate) struct Visit<E>(Box<dyn FnOnce() -> BoxFuture<Result<Response<PageBody>, E>> + Send>);

impl<E> Visit<E> {
    pub(crate) fn new<F>(visit: F) -> Self
    where
        F: FnOnce() -> BoxFuture<Result<Response<PageBody>, E>> + Send + 'static,
    {
        Visit(Box::new(visit))
    }

    /// Asks the application.
    pub(crate) async fn run(self) -> Result<Response<PageBody>, E> {
        (self.0)().await
    }
}

/// Why there is no response to share.
pub(crate) enum Declined<E> {
    /// It is for the request that computed it.
    Answer(Response<PageBody>),
    Error(E),
    /// There is a page by now.
    Found(StoredResponse),
    /// The request asks the application itself.
    Pass(Visit<E>),
    /// The application panicked.
    Lost,
}
