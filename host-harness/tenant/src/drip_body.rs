//! A body that comes piece by piece.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::faults::Drip;

/// Sends a piece of a body, waits, and sends the next one. The first piece goes with the head.
pub(crate) struct DripBody {
    rest: Bytes,
    drip: Drip,
    pause: Option<Pin<Box<Sleep>>>,
}

impl DripBody {
    pub(crate) fn new(body: Bytes, drip: Drip) -> Self {
        Self { rest: body, drip, pause: None }
    }
}

impl Body for DripBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(pause) = self.pause.as_mut() {
            ready!(pause.as_mut().poll(context));
        }
        // A piece without a byte would not bring the end any nearer.
        let bytes = self.drip.bytes.max(1).min(self.rest.len());
        let piece = self.rest.split_to(bytes);
        self.pause = Some(Box::pin(sleep(self.drip.every)));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    /// This is where hyper takes `Content-Length` from.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.rest.len()).unwrap_or(u64::MAX))
    }
}
