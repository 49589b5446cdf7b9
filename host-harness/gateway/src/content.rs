//! The body of a request, read by the policy or streamed to the upstream, or both.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::timeout;

use crate::contract::Event;
use crate::pace::Pace;
use crate::settings::Limits;

/// A request's body: what was read of it, then what the client has yet to send. As a [`Body`] it is
/// both, so a request that was read can still be passed on whole.
#[derive(Default)]
pub(crate) struct Content {
    /// Copied together: a frame of a single byte keeps a buffer of 8 KiB of hyper's.
    read: Vec<u8>,
    /// What was read behind it.
    trailers: VecDeque<Frame<Bytes>>,
    /// What the client has yet to send, and how slow it may be when that is passed on.
    rest: Option<(Incoming, Pace)>,
    /// Bytes in both, when the framing tells.
    length: Option<u64>,
    health: Health,
}

/// Whether a body came to its end as its framing has it. It outlives the body.
#[derive(Clone, Default)]
pub(crate) struct Health(Arc<Ended>);

#[derive(Default)]
struct Ended {
    is_whole: AtomicBool,
    is_broken: AtomicBool,
}

impl Health {
    /// Whether the body broke off, was too slow, or is framed as HTTP has it not.
    pub(crate) fn is_broken(&self) -> bool {
        self.0.is_broken.load(Ordering::Acquire)
    }

    /// Whether all of the body was taken.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.is_whole.load(Ordering::Acquire)
    }
}

impl Content {
    /// The body of a client's request, nothing of it read. hyper asks for it (`100 Continue`) when
    /// it is first polled.
    pub(crate) fn incoming(body: Incoming, limits: &Limits) -> Self {
        let length = body.size_hint().exact();
        let rest = Some((body, Pace::new(limits)));
        Self { rest, length, ..Self::default() }
    }

    /// A body of the policy's own.
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
        let length = Some(bytes.len() as u64);
        Self { read: bytes, length, ..Self::default() }
    }

    /// To be read when the request that carried the body was sent.
    pub(crate) fn health(&self) -> Health {
        // One without a byte is not asked for any.
        self.note_end();
        self.health.clone()
    }

    /// The same body once more, if all of it is here.
    pub(crate) fn copied(&self) -> Option<Self> {
        if self.rest.as_ref().is_some_and(|(rest, _pace)| !rest.is_end_stream()) {
            return None;
        }
        let trailers = self.trailers.iter().map(copied).collect();
        let read = self.read.clone();
        Some(Self { read, trailers, length: self.length, ..Self::default() })
    }

    fn note_end(&self) {
        if self.is_end_stream() {
            self.health.0.is_whole.store(true, Ordering::Release);
        }
    }

    /// Reads the body whole, but keeps it.
    pub(crate) async fn read(&mut self, max_bytes: u32, limit: Duration) -> Event {
        let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        if self.length.is_some_and(|length| length > max_bytes as u64) {
            return Event::BodyTooLarge;
        }
        timeout(limit, self.gather(max_bytes)).await.unwrap_or(Event::BodyFailed)
    }

    async fn gather(&mut self, max_bytes: usize) -> Event {
        while let Some((rest, _pace)) = &mut self.rest {
            match rest.frame().await {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.read.extend_from_slice(&data),
                    Err(trailers) => self.trailers.push_back(trailers),
                },
                Some(Err(_broken)) => return Event::BodyFailed,
                None => self.rest = None,
            }
            if self.read.len() > max_bytes {
                return Event::BodyTooLarge;
            }
        }
        Event::Body(self.read.clone())
    }

    /// The next of what was read.
    fn next_read(&mut self) -> Option<Frame<Bytes>> {
        if self.read.is_empty() {
            return self.trailers.pop_front();
        }
        Some(Frame::data(std::mem::take(&mut self.read).into()))
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let frame = match (this.next_read(), &mut this.rest) {
            (Some(frame), _) => Poll::Ready(Some(Ok(frame))),
            (None, Some((rest, pace))) => {
                let frame = Pin::new(rest).poll_frame(cx);
                let frame = frame.map(|frame| frame.transpose().map_err(io::Error::other));
                pace.bound(cx, frame, |frame| length_in(frame.as_ref())).map(Result::transpose)
            }
            (None, None) => Poll::Ready(None),
        };
        match &frame {
            Poll::Ready(Some(Err(_))) => this.health.0.is_broken.store(true, Ordering::Release),
            Poll::Ready(None) => this.health.0.is_whole.store(true, Ordering::Release),
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => {
                this.health.0.is_whole.store(true, Ordering::Release);
            }
            Poll::Ready(Some(Ok(_))) => this.note_end(),
            Poll::Pending => {}
        }
        if let (Poll::Ready(Some(Ok(frame))), Some(length)) = (&frame, &mut this.length) {
            *length = length.saturating_sub(data_length(frame) as u64);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty()
            && self.trailers.is_empty()
            && self.rest.as_ref().is_none_or(|(rest, _pace)| rest.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Bytes of data in what was polled of a body; trailers and the end have none.
pub(crate) fn length_in(frame: Option<&Frame<Bytes>>) -> usize {
    frame.map_or(0, data_length)
}

fn copied(frame: &Frame<Bytes>) -> Frame<Bytes> {
    match frame.trailers_ref() {
        Some(trailers) => Frame::trailers(trailers.clone()),
        None => Frame::data(frame.data_ref().cloned().unwrap_or_default()),
    }
}

fn data_length(frame: &Frame<Bytes>) -> usize {
    frame.data_ref().map_or(0, Bytes::len)
}
