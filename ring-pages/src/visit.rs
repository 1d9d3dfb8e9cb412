//! The application, asked once, and what comes of it if its response is not shared.

use http::Response;

use crate::BoxFuture;
use crate::body::PageBody;
use crate::stored::{Page, StoredResponse};

/// The response of the application.
type Answer<E> = BoxFuture<Result<Response<PageBody>, E>>;
type Ask<E> = dyn FnOnce(Option<&Page>) -> Answer<E> + Send;

/// The application, called with one request.
pub(crate) struct Visit<E>(Box<Ask<E>>);

impl<E> Visit<E> {
    pub(crate) fn new<F>(visit: F) -> Self
    where
        F: FnOnce(Option<&Page>) -> Answer<E> + Send + 'static,
    {
        Visit(Box::new(visit))
    }

    /// Asks the application: for a whole response, or whether a page has changed.
    pub(crate) async fn run(self, stale: Option<&Page>) -> Result<Response<PageBody>, E> {
        let answer = (self.0)(stale);
        answer.await
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
