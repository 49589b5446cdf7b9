//! One request on a stream of HTTP/2.
//!
//! It is sent once. A request may be had again only where the upstream cannot have begun with it:
//!
//! ```text
//!  not yet on a stream; nothing at all was written since; REFUSED_STREAM; GOAWAY that leaves its stream out ─▶ unsent
//!  anything else without a head of an answer                                                               ─▶ unknown
//! ```

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::{Authority, Scheme};
use hyper::{Request, Response, Uri};
use tokio::task::{AbortHandle, spawn};
use tokio::time::{Instant, timeout_at};

use crate::content::{Content, Health};
use crate::hop;
use crate::no_answer::{NoAnswer, Unsent, copied};
use crate::upstream_pool::{Place, Slot};

/// A request on a stream. Dropped, the stream is reset, and its connection is there for the next.
pub(crate) struct StreamLease {
    /// Before the slot, so that the stream is reset while its connection is open.
    upload: Upload,
    /// The body of the request.
    body: Health,
    slot: Slot,
    place: Place,
}

/// Why there is no answer.
enum Failed {
    /// Nothing of the request is on a stream.
    Unbegun(String),
    Stream(h2::Error),
    /// The answer has more header lines than are taken.
    TooManyLines,
}

impl StreamLease {
    pub(crate) fn new(slot: Slot, place: Place, request: &Request<Content>) -> Self {
        Self { upload: Upload(None), body: request.body().health(), slot, place }
    }

    /// Sends `request` and waits for the head of its answer.
    pub(crate) async fn send(
        mut self,
        request: Request<Content>,
        deadline: Instant,
    ) -> Result<Response<StreamBody>, NoAnswer> {
        let copy = copied(&request);
        let written = self.slot.link.progress.written();
        match timeout_at(deadline, self.ask(request)).await {
            Ok(Ok(answer)) => {
                let (head, stream) = answer.into_parts();
                let body = StreamBody::new(stream, &head.headers, self);
                Ok(Response::from_parts(head, body))
            }
            Ok(Err(failed)) => {
                // A client that broke off has ended its stream alone: the connection is good.
                let has_failed = !self.body.is_broken();
                let is_unwritten = || self.slot.link.progress.is_unwritten_since(written);
                let is_unsent = failed.is_unprocessed() || has_failed && is_unwritten();
                if has_failed {
                    self.slot.retire();
                }
                let why = format!("no answer: {failed}");
                if !is_unsent {
                    return Err(NoAnswer::Unknown(why));
                }
                let unsent = Unsent { request: copy, place: self.place, why };
                Err(NoAnswer::Unsent(Box::new(unsent)))
            }
            Err(_elapsed) => {
                // As with a connection of its own: an upstream that vanished ends no connection.
                self.slot.retire();
                self.slot.pool.forget();
                Err(NoAnswer::Unknown("no head of an answer in time".to_owned()))
            }
        }
    }

    async fn ask(&mut self, request: Request<Content>) -> Result<Response<RecvStream>, Failed> {
        let (head, body) = request.into_parts();
        let is_empty = body.is_end_stream();
        let head = on_a_stream(head)
            .ok_or_else(|| Failed::Unbegun("HTTP/2 cannot say what was to be sent".to_owned()))?;
        let mut sender = self.slot.link.sender.clone();
        let (answer, stream) = sender
            .send_request(head, is_empty)
            .map_err(|refused| Failed::Unbegun(refused.to_string()))?;
        if !is_empty {
            self.upload = Upload::begin(body, stream).await;
        }
        let answer = answer.await.map_err(Failed::Stream)?;
        if answer.headers().len() > self.slot.pool.limits().head_lines {
            return Err(Failed::TooManyLines);
        }
        Ok(answer)
    }

    /// The answer was read to its end.
    fn finish(mut self) {
        self.slot.is_whole = self.body.is_whole() && self.upload.is_over();
    }
}

impl Failed {
    /// RFC 9113 section 8.7: whether the upstream says that it has not begun with the request. h2 gives a stream the
    /// upstream's GOAWAY for its end only where that leaves the stream out (section 6.8).
    fn is_unprocessed(&self) -> bool {
        match self {
            Self::Unbegun(_) => true,
            Self::TooManyLines => false,
            // An answer that is too large h2 itself resets, with this very reason.
            Self::Stream(error) if !error.is_remote() => false,
            Self::Stream(error) => {
                error.is_go_away()
                    || error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM)
            }
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unbegun(why) => f.write_str(why),
            Self::Stream(error) => error.fmt(f),
            Self::TooManyLines => f.write_str("too many header lines"),
        }
    }
}

/// The head as HTTP/2 has it: `:authority` for `Host` (RFC 9113 section 8.3.1), and nothing of the connection (section
/// 8.2.2).
fn on_a_stream(mut head: Parts) -> Option<Request<()>> {
    let host = head.headers.remove(header::HOST)?;
    let authority = Authority::try_from(host.as_bytes()).ok()?;
    let takes_trailers = head.headers.get(header::TE).is_some_and(|value| value == "trailers");
    hop::strip(&mut head.headers);
    if takes_trailers {
        head.headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    let target = head.uri.path_and_query()?.clone();
    let uri = Uri::builder().scheme(Scheme::HTTPS).authority(authority).path_and_query(target);
    let mut request = Request::new(());
    *request.method_mut() = head.method;
    *request.uri_mut() = uri.build().ok()?;
    *request.headers_mut() = head.headers;
    Some(request)
}

/// The body on its way, on a task of its own: an upstream may answer before it has read all of it, and a client may
/// read nothing of the answer before it has sent all of it.
struct Upload(Option<AbortHandle>);

impl Upload {
    /// Sends what can be sent at once; as a rule that is all.
    async fn begin(body: Content, stream: SendStream<Bytes>) -> Self {
        let mut rest = Box::pin(send_body(body, stream));
        let is_over = poll_fn(|cx| Poll::Ready(rest.as_mut().poll(cx).is_ready())).await;
        Self((!is_over).then(|| spawn(rest).abort_handle()))
    }
}

impl Upload {
    fn is_over(&self) -> bool {
        self.0.as_ref().is_none_or(AbortHandle::is_finished)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.abort();
        }
    }
}

/// The answer says how it ended, so nothing is said here. A body that breaks off, or has trailers that HTTP/2 does not
/// take, resets its stream.
async fn send_body(mut body: Content, mut stream: SendStream<Bytes>) {
    if send_frames(&mut body, &mut stream).await.is_err() {
        stream.send_reset(Reason::CANCEL);
    }
}

async fn send_frames(body: &mut Content, stream: &mut SendStream<Bytes>) -> Result<(), h2::Error> {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            stream.send_reset(Reason::CANCEL);
            return Ok(());
        };
        match frame.into_data().map_err(Frame::into_trailers) {
            Ok(data) => {
                let is_last = body.is_end_stream();
                send_data(stream, data, is_last).await?;
                if is_last {
                    return Ok(());
                }
            }
            Err(Ok(trailers)) => return stream.send_trailers(trailers),
            Err(Err(_unknown)) => {}
        }
    }
    stream.send_data(Bytes::new(), true)
}

/// Sends `data` as far as the upstream has room for it, and waits for more.
async fn send_data(
    stream: &mut SendStream<Bytes>,
    mut data: Bytes,
    is_last: bool,
) -> Result<(), h2::Error> {
    loop {
        stream.reserve_capacity(data.len());
        while stream.capacity() < data.len().min(1) {
            match poll_fn(|cx| stream.poll_capacity(cx)).await {
                Some(room) => _ = room?,
                None => return Err(Reason::STREAM_CLOSED.into()),
            }
        }
        let room = stream.capacity();
        if room >= data.len() {
            return stream.send_data(data, is_last);
        }
        stream.send_data(data.split_to(room), false)?;
    }
}

/// The body of an answer on a stream. Dropped before its end, the stream is reset.
pub(crate) struct StreamBody {
    stream: RecvStream,
    /// Bytes still to come, when the head says.
    length: Option<u64>,
    is_read: bool,
    /// Until the end.
    lease: Option<StreamLease>,
}

impl StreamBody {
    fn new(stream: RecvStream, headers: &HeaderMap, lease: StreamLease) -> Self {
        let length = headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        Self { stream, length, is_read: false, lease: Some(lease) }
    }

    /// One more frame was read; finds out whether it was the last. RFC 9113 section 8.1.1: h2 refuses an answer that is
    /// not as long as it says.
    fn note(&mut self, frame: Option<&Result<Frame<Bytes>, h2::Error>>) {
        match frame {
            Some(Err(_broken)) => {
                if let Some(lease) = self.lease.take() {
                    lease.slot.retire();
                }
            }
            Some(Ok(frame)) if frame.is_data() => {
                let read = frame.data_ref().map_or(0, Bytes::len);
                self.length = self.length.map(|length| length.saturating_sub(read as u64));
                // What is handed over is no longer held here.
                let _closed = self.stream.flow_control().release_capacity(read);
                self.finish_at_end();
            }
            Some(Ok(_)) | None => self.finish(),
        }
    }

    fn finish_at_end(&mut self) {
        if self.stream.is_end_stream() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.finish();
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        if !self.is_read {
            if let Some(data) = ready!(self.stream.poll_data(cx)) {
                return Poll::Ready(Some(data.map(Frame::data)));
            }
            self.is_read = true;
        }
        let trailers = ready!(self.stream.poll_trailers(cx)).transpose();
        Poll::Ready(trailers.map(|trailers| trailers.map(Frame::trailers)))
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let frame = ready!(this.poll_next(cx));
        this.note(frame.as_ref());
        Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_end_stream() {
            return SizeHint::with_exact(0);
        }
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        // One without a body is not read.
        self.finish_at_end();
    }
}
