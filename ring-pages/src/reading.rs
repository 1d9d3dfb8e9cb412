//! A body that is read, passed on and kept at once.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;

use crate::BoxError;
use crate::body::PageBody;
use crate::flow::{End, Flow};

/// What comes of reading a body.
pub(crate) enum Read {
    /// All pieces. The last one is not passed on yet, if it is known to be the last: who has it may leave.
    Whole(Vec<Bytes>, Option<Bytes>),
    /// It is too large: the rest of it.
    Rest(PageBody),
    /// It broke off, was not as long as announced, or ended with trailers.
    Unfit,
}

/// A body under way.
struct Reading<'f> {
    flow: &'f Flow,
    /// The bytes that may be kept.
    room: usize,
    /// The length, if it is known.
    length: Option<u64>,
    size: usize,
    chunks: Vec<Bytes>,
    last: Option<Bytes>,
}

/// Reads a body of this length, and keeps it if there is room for it.
pub(crate) async fn read(flow: &Flow, mut body: PageBody, length: Option<u64>, room: usize) -> Read {
    let mut reading = Reading {
        flow,
        room,
        length,
        size: 0,
        chunks: Vec::new(),
        last: None,
    };
    while !body.is_end_stream() {
        let Some(frame) = next(&mut body, reading.is_whole()).await else {
            break;
        };
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) if reading.has_room(&data) => reading.keep(data, body.is_end_stream()),
            Ok(Ok(data)) => {
                reading.release();
                flow.push(data);
                flow.begin_passing();
                return Read::Rest(body);
            }
            Ok(Err(frame)) => {
                reading.release();
                pass_trailers(flow, frame);
                flow.finish(End::Passed);
                return Read::Unfit;
            }
            Err(_) => return Read::Unfit,
        }
    }
    reading.end()
}

impl Reading<'_> {
    fn is_whole(&self) -> bool {
        self.length == Some(self.size as u64)
    }

    fn has_room(&self, data: &Bytes) -> bool {
        self.size.saturating_add(data.len()) <= self.room
    }

    fn keep(&mut self, data: Bytes, is_last: bool) {
        self.release();
        self.size += data.len();
        self.chunks.push(data.clone());
        if is_last || self.is_whole() {
            self.last = Some(data);
        } else {
            self.flow.push(data);
        }
    }

    /// Passes on a piece that was not the last one.
    fn release(&mut self) {
        self.last.take().into_iter().for_each(|last| self.flow.push(last));
    }

    fn end(self) -> Read {
        if self.length.is_none() || self.is_whole() {
            Read::Whole(self.chunks, self.last)
        } else {
            Read::Unfit
        }
    }
}

/// The next frame of a body. Where its whole length has come, none is waited for: a server does not ask for one either.
async fn next(body: &mut PageBody, is_whole: bool) -> Option<Result<Frame<Bytes>, BoxError>> {
    poll_fn(|context| match Pin::new(&mut *body).poll_frame(context) {
        Poll::Pending if is_whole => Poll::Ready(None),
        polled => polled,
    })
    .await
}

/// Passes on the rest of a body that is not kept, at the pace of its slowest reader.
pub(crate) async fn pass_on(flow: &Flow, mut body: PageBody) {
    loop {
        flow.room().await;
        match body.frame().await.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => flow.push(data),
            Some(Ok(Err(frame))) => pass_trailers(flow, frame),
            Some(Err(_)) => return flow.finish(End::Failed),
            None => return flow.finish(End::Passed),
        }
    }
}

fn pass_trailers(flow: &Flow, frame: Frame<Bytes>) {
    let trailers = frame.into_trailers();
    trailers
        .into_iter()
        .for_each(|trailers| flow.push_trailers(trailers));
}
