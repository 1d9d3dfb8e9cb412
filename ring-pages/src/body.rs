//! The body of a response that passed the layer.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;

use crate::BoxError;
use crate::flow::{Part, aborted};
use crate::live::Live;

/// The body of a response: stored, under way, or the application's own. The default is empty.
#[derive(Default)]
pub struct PageBody(Kind);

#[derive(Default)]
enum Kind {
    #[default]
    Ended,
    Whole(Bytes),
    Live(Reader),
    Own(UnsyncBoxBody<Bytes, BoxError>),
}

/// One reader of a response that is under way.
struct Reader {
    live: Arc<Live>,
    number: usize,
    /// The bytes that are left, if the length is known.
    left: Option<u64>,
}

impl PageBody {
    pub(crate) fn whole(body: Bytes) -> Self {
        PageBody(if body.is_empty() {
            Kind::Ended
        } else {
            Kind::Whole(body)
        })
    }

    /// The body of a response that is under way, unless a part of it is gone.
    pub(crate) fn live(live: Arc<Live>, length: Option<u64>) -> Option<Self> {
        let number = live.flow.join()?;
        Some(PageBody(Kind::Live(Reader {
            live,
            number,
            left: length,
        })))
    }

    /// The same body, whose length is known by now.
    pub(crate) fn of_length(mut self, length: Option<u64>) -> Self {
        if let Kind::Live(reader) = &mut self.0 {
            reader.left = length;
        }
        self
    }

    pub(crate) fn own<B>(body: B) -> Self
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        PageBody(Kind::Own(body.map_err(Into::into).boxed_unsync()))
    }
}

impl Reader {
    fn next(&mut self, context: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let flow = &self.live.flow;
        let part = flow.next(self.number).or_else(|| {
            self.live.drive(context);
            flow.next(self.number)
        });
        Poll::Ready(match part {
            None => return Poll::Pending,
            Some(Part::Data(data)) => {
                let length = data.len() as u64;
                self.left = self.left.map(|left| left.saturating_sub(length));
                Some(Ok(Frame::data(data)))
            }
            Some(Part::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Part::End) => None,
            Some(Part::Failed) => Some(Err(aborted())),
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.live.flow.leave(self.number);
    }
}

impl Body for PageBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Ended => Poll::Ready(None),
            Kind::Whole(body) => {
                let body = std::mem::take(body);
                self.0 = Kind::Ended;
                Poll::Ready(Some(Ok(Frame::data(body))))
            }
            Kind::Live(reader) => {
                let polled = reader.next(context);
                if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
                    self.0 = Kind::Ended;
                }
                polled
            }
            Kind::Own(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Ended => true,
            // The end comes when the page is stored.
            Kind::Whole(_) | Kind::Live(_) => false,
            Kind::Own(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Ended => SizeHint::with_exact(0),
            Kind::Whole(body) => SizeHint::with_exact(body.len() as u64),
            Kind::Live(reader) => reader.left.map_or_else(SizeHint::default, SizeHint::with_exact),
            Kind::Own(body) => body.size_hint(),
        }
    }
}

/// Omits the body.
impl fmt::Debug for PageBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageBody").finish_non_exhaustive()
    }
}
