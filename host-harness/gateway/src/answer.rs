//! Answers to the client: the upstream's with edits, the policy's own, or the gateway's last word.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Response, StatusCode};

use crate::answer_body::AnswerBody;
use crate::content::length_in;
use crate::contract::{End, HeaderEdits, Reply};
use crate::exchange::Exchange;
use crate::hop;
use crate::lease::{Held, Lease};
use crate::pace::Pace;
use crate::request::parse_line;
use crate::streams;

/// The upstream's answer, its head edited, its body and trailers streamed at that pace at least.
///
/// Gives the exchange back when an edit is no header line.
pub(crate) fn relay(
    held: Held,
    edits: &HeaderEdits,
    exchange: Exchange,
    pace: Pace,
) -> Result<Response<Answer>, Exchange> {
    let Held { head, body, lease } = held;
    let mut headers = head.headers;
    hop::strip(&mut headers);
    for pattern in &edits.remove {
        remove(&mut headers, pattern);
    }
    for line in &edits.append {
        let Some((name, value)) = parse_line(line) else {
            return Err(exchange);
        };
        if !hop::is_framing(&name) {
            headers.append(name, value);
        }
    }
    let source = Source::Upstream { body, lease, pace: Box::new(pace) };
    Ok(assemble(head.status, headers, Answer { source, exchange: Some(exchange), unsent: false }))
}

/// The policy's own reply.
///
/// Gives the exchange back when the reply is none that HTTP can say.
pub(crate) fn respond(
    reply: Reply,
    method: &Method,
    exchange: Exchange,
) -> Result<Response<Answer>, Exchange> {
    let status =
        StatusCode::from_u16(reply.status).ok().filter(|status| !status.is_informational());
    let Some(status) = status else {
        return Err(exchange);
    };
    let mut headers = HeaderMap::new();
    for line in &reply.headers {
        let Some((name, value)) = parse_line(line) else {
            return Err(exchange);
        };
        if !hop::is_framing(&name) {
            headers.append(name, value);
        }
    }
    // hyper drops such a body without asking for it.
    let unsent = method == Method::HEAD
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED;
    let source = Source::Own(Some(reply.body.into()));
    Ok(assemble(status, headers, Answer { source, exchange: Some(exchange), unsent }))
}

/// The answer when there is no evaluator to ask: fixed, and without a word about why.
pub(crate) fn unavailable() -> Response<Answer> {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// The answer when the evaluator was lost in the middle of an exchange. Once something was sent, the
/// upstream may have acted: no client is invited to send it again.
pub(crate) fn lost(sent: bool) -> Response<Answer> {
    if sent { problem(StatusCode::GATEWAY_TIMEOUT, OUTCOME_UNKNOWN) } else { unavailable() }
}

/// The answer to a request whose bytes two readers saw differently.
pub(crate) fn unreadable() -> Response<Answer> {
    problem(StatusCode::BAD_REQUEST, UNREADABLE)
}

/// The body of an answer to a client, of whichever origin. It owns the exchange and closes it with
/// the last byte; dropped before that, the exchange ends as `client-gone`.
pub(crate) struct Answer {
    source: Source,
    exchange: Option<Exchange>,
    /// Nothing of the body is sent, so that dropping it is the proper end.
    unsent: bool,
}

enum Source {
    Own(Option<Bytes>),
    /// The connection is given back at the end of the body.
    Upstream {
        body: AnswerBody,
        lease: Option<Box<Lease>>,
        pace: Box<Pace>,
    },
}

/// Nothing in it is pinned in place.
impl Unpin for Answer {}

impl Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        streams::asked_for_more();
        let this = self.get_mut();
        let frame = match &mut this.source {
            Source::Own(bytes) => Poll::Ready(
                bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))),
            ),
            Source::Upstream { body, pace, .. } => {
                let frame = Pin::new(body).poll_frame(cx).map(Option::transpose);
                pace.bound(cx, frame, |frame| length_in(frame.as_ref())).map(Result::transpose)
            }
        };
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            streams::given(frame.data_ref().map_or(0, Bytes::len));
        }
        if let Poll::Ready(frame) = &frame {
            this.note(frame.as_ref());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Own(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Source::Upstream { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Own(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Source::Upstream { body, .. } => body.size_hint(),
        }
    }
}

impl Answer {
    /// Looks for the end in what was polled of the body.
    fn note(&mut self, frame: Option<&io::Result<Frame<Bytes>>>) {
        if let Some(Err(_broken)) = frame {
            self.give_back(drop);
        }
        if is_last(frame) || self.is_end_stream() {
            self.finish();
        }
    }

    fn give_back(&mut self, how: impl FnOnce(Box<Lease>)) {
        if let Source::Upstream { lease, .. } = &mut self.source {
            lease.take().map(how);
        }
    }

    /// The last step was carried out, as far as the host can: also when the upstream broke off.
    fn finish(&mut self) {
        self.give_back(|lease| lease.finish());
        if let Some(exchange) = self.exchange.take() {
            exchange.close(End::Finished);
        }
    }

    /// Its client went away before it could be sent.
    pub(crate) fn abandon(mut self) {
        drop(self.exchange.take());
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.unsent || self.is_end_stream() {
            self.finish();
        }
    }
}

/// Whether no frame follows: hyper asks for none after trailers.
fn is_last(frame: Option<&io::Result<Frame<Bytes>>>) -> bool {
    !matches!(frame, Some(Ok(frame)) if frame.is_data())
}

fn assemble(status: StatusCode, headers: HeaderMap, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn problem(status: StatusCode, text: &'static str) -> Response<Answer> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let source = Source::Own(Some(Bytes::from_static(text.as_bytes())));
    assemble(status, headers, Answer { source, exchange: None, unsent: false })
}

/// Removes the lines `pattern` names: one name, or a prefix of names when it ends in `*`.
fn remove(headers: &mut HeaderMap, pattern: &str) {
    let Some(prefix) = pattern.strip_suffix('*') else {
        headers.remove(pattern);
        return;
    };
    let names: Vec<_> =
        headers.keys().filter(|name| name.as_str().starts_with(prefix)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// RFC 9457.
const UNAVAILABLE: &str = r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The gateway could not decide on this request."}"#;

/// RFC 9457.
const OUTCOME_UNKNOWN: &str = r#"{"type":"about:blank","title":"Gateway Timeout","status":504,"detail":"The upstream may have acted: look before trying again."}"#;

/// RFC 9457.
const UNREADABLE: &str = r#"{"type":"about:blank","title":"Bad Request","status":400,"detail":"The request is not well-formed HTTP."}"#;
