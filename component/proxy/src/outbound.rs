//! One request, sent once.

use linkgate_policy::edition::Server;
use linkgate_policy::{Failure, Forward, Header, HeaderEdits};
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingRequest, RequestOptions, Scheme,
};
use wasi::io::streams::StreamError;

use crate::body::{CHUNK, Source};
use crate::client::{Client, Taken};
use crate::deadline::Deadline;
use crate::failure;
use crate::fields;
use crate::flow::{Flow, Progress, Side};
use crate::gate::NANOS_IN_MS;
use crate::request;

/// An answer of the upstream: its head, and its body unread.
pub(crate) struct Held {
    /// What is left of the request's own body: an upstream may answer before it has it all.
    pub(crate) upload: Option<Flow>,
    pub(crate) response: IncomingResponse,
}

/// Milliseconds to connect. The upstream is near or down; raised, an outage costs each request that
/// much more.
const CONNECT_TIMEOUT_MS: u32 = 3_000;

/// Milliseconds between two pieces of an answer. Raised, a peer that stalls holds its
/// exchange for longer.
pub(crate) const STALL_TIMEOUT_MS: u32 = 30_000;

/// Sends the policy's request: exactly what the step says.
pub(crate) fn forward(forward: Forward, upstream: &Server) -> Result<Held, Failure> {
    let Forward { method, path, headers, body, timeout_ms, .. } = forward;
    let (request, upload) = made(method, &path, &headers, body, upstream)?;
    Ok(send(request, upload, &Deadline::after(timeout_ms), timeout_ms)?)
}

/// A request of the policy's own making and what gives its body.
pub(crate) fn made(
    method: &str,
    path: &str,
    lines: &[Header],
    body: Option<Vec<u8>>,
    to: &Server,
) -> Result<(OutgoingRequest, Option<Flow>), NoAnswer> {
    let length = body.as_deref().map(fields::content_length);
    let lines = lines.iter().cloned().chain(length);
    let headers = fields::all(lines).map_err(|_refused| NoAnswer::Unmade)?;
    let request = outgoing(&Method::Other(method.to_owned()), path, headers, to)?;
    let upload = match body {
        None => None,
        Some(bytes) => {
            let body = request.body().map_err(|()| NoAnswer::Unmade)?;
            Some(Flow::of_bytes(bytes, body).ok_or(NoAnswer::Unmade)?)
        }
    };
    Ok((request, upload))
}

/// Sends the client's own request on: the same method, target, headers with the policy's edits, body and
/// trailers. What was read of the body goes first.
pub(crate) fn pass(
    client: &mut Client<'_>,
    upstream: &Server,
    edits: HeaderEdits,
    timeout_ms: u32,
) -> Result<Held, NoAnswer> {
    let deadline = Deadline::after(timeout_ms);
    let head = client.request();
    let path = head.path_with_query().ok_or(NoAnswer::Unmade)?;
    let Taken { bytes, source } = client.take().ok_or(NoAnswer::Unmade)?;
    // `wasi:http` does not say whether there is a body at all, and an empty one is not none.
    let first = if bytes.is_empty() { first_chunk(&source, &deadline)? } else { Some(bytes) };
    let lines = edits.applied(request::lines(head));
    let headers = fields::carried(lines).ok_or(NoAnswer::Unmade)?;
    let request = outgoing(&head.method(), &path, headers, upstream)?;
    let upload = match first {
        None => None,
        Some(bytes) => {
            let body = request.body().map_err(|()| NoAnswer::Unmade)?;
            Some(Flow::of_body(bytes, source, body).ok_or(NoAnswer::Unmade)?)
        }
    };
    send(request, upload, &deadline, timeout_ms)
}

/// The first bytes of a body; nothing when it has none.
fn first_chunk(source: &Source, deadline: &Deadline) -> Result<Option<Vec<u8>>, NoAnswer> {
    loop {
        match source.stream.read(CHUNK) {
            Ok(chunk) if chunk.is_empty() => {
                if !deadline.wait(&[&source.stream.subscribe()]) {
                    return Err(NoAnswer::CutOff);
                }
            }
            Ok(chunk) => return Ok(Some(chunk)),
            Err(StreamError::Closed) => return Ok(None),
            Err(StreamError::LastOperationFailed(_)) => return Err(NoAnswer::CutOff),
        }
    }
}

fn outgoing(
    method: &Method,
    path: &str,
    headers: Fields,
    upstream: &Server,
) -> Result<OutgoingRequest, NoAnswer> {
    let request = OutgoingRequest::new(headers);
    let scheme = if upstream.is_https() { Scheme::Https } else { Scheme::Http };
    let made = request
        .set_method(method)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(upstream.authority())))
        .and_then(|()| request.set_path_with_query(Some(path)));
    made.map(|()| request).map_err(|()| NoAnswer::Unmade)
}

/// Why a request got no answer.
pub(crate) enum NoAnswer {
    /// There is no way to say it to the host: nothing was sent.
    Unmade,
    /// The host refused it as such: nothing was sent.
    Refused(ErrorCode),
    /// It came to nothing on the way.
    Failed(ErrorCode),
    /// The time ran out.
    Late,
    /// The client's body broke off, or kept the request waiting until the time ran out.
    CutOff,
}

impl From<NoAnswer> for Failure {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Unmade | NoAnswer::Refused(_) => Self::NotSent,
            NoAnswer::Failed(code) => failure::of(&code),
            NoAnswer::Late | NoAnswer::CutOff => Self::Unknown,
        }
    }
}

/// Hands the request to the host and waits for the head of its answer.
pub(crate) fn send(
    request: OutgoingRequest,
    mut upload: Option<Flow>,
    deadline: &Deadline,
    timeout_ms: u32,
) -> Result<Held, NoAnswer> {
    // An error here is about the request as such; one of the network comes later.
    let sending =
        outgoing_handler::handle(request, Some(options(timeout_ms))).map_err(NoAnswer::Refused)?;
    loop {
        match sending.get() {
            Some(Ok(Ok(response))) => return Ok(Held { upload, response }),
            Some(Ok(Err(code))) => return Err(NoAnswer::Failed(code)),
            Some(Err(())) => return Err(NoAnswer::Failed(ErrorCode::InternalError(None))),
            None => {}
        }
        let (in_time, late) = match upload.as_mut().map(Flow::advance) {
            Some(Progress::Waits(moves, Side::Source)) => {
                (deadline.wait(&[&sending.subscribe(), &moves]), NoAnswer::CutOff)
            }
            Some(Progress::Waits(moves, Side::Sink)) => {
                (deadline.wait(&[&sending.subscribe(), &moves]), NoAnswer::Late)
            }
            Some(Progress::Broken(Side::Source)) => return Err(NoAnswer::CutOff),
            // An upstream that takes no more is no answer: the host has one, or the time runs out.
            Some(Progress::Whole | Progress::Broken(Side::Sink)) | None => {
                (deadline.wait(&[&sending.subscribe()]), NoAnswer::Late)
            }
        };
        if !in_time {
            return Err(late);
        }
    }
}

/// The host's own timeouts. It may not support them: [`send`] has its deadline in any case.
fn options(timeout_ms: u32) -> RequestOptions {
    let nanoseconds = |milliseconds: u32| Some(u64::from(milliseconds).saturating_mul(NANOS_IN_MS));
    let options = RequestOptions::new();
    let _ = options.set_connect_timeout(nanoseconds(timeout_ms.min(CONNECT_TIMEOUT_MS)));
    let _ = options.set_first_byte_timeout(nanoseconds(timeout_ms));
    let _ = options.set_between_bytes_timeout(nanoseconds(STALL_TIMEOUT_MS));
    options
}
