//! A body that ends before the length it was announced with.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// Sends a part of a body and then fails, which makes hyper close the connection.
///
/// It fails only after the part has left: what hyper still had in its buffer would be lost with the connection.
pub(crate) struct CutBody {
    part: Option<Bytes>,
    announced: u64,
    flushed: Arc<Notify>,
    flush: Option<Pin<Box<OwnedNotified>>>,
}

impl CutBody {
    /// The first `bytes` of `whole`, or all of it. `flushed` tells when the socket has passed on all that was written.
    pub(crate) fn new(whole: &Bytes, bytes: Option<usize>, flushed: Arc<Notify>) -> Self {
        let part = whole.slice(..bytes.unwrap_or(whole.len()).min(whole.len()));
        let announced = whole.len().max(part.len().saturating_add(1));
        Self {
            part: Some(part).filter(|part| !part.is_empty()),
            announced: u64::try_from(announced).unwrap_or(u64::MAX),
            flushed,
            flush: None,
        }
    }
}

impl Body for CutBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        if let Some(part) = self.part.take() {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        let flushed = Arc::clone(&self.flushed);
        let flush = self.flush.get_or_insert_with(|| Box::pin(flushed.notified_owned()));
        ready!(flush.as_mut().poll(context));
        Poll::Ready(Some(Err(CutOff)))
    }

    /// This is where hyper takes `Content-Length` from.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}

/// The end of a body that was to be cut off there.
#[derive(Debug)]
pub(crate) struct CutOff;

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut off, as a fault asked for")
    }
}

impl std::error::Error for CutOff {}
