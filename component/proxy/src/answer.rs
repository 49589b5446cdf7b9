//! Answers to the client: the upstream's with edits, or the policy's own.

use linkgate_policy::{End, HeaderEdits, Reply};
use wasi::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use crate::body::Source;
use crate::call;
use crate::deadline::Deadline;
use crate::fields;
use crate::flow::{Flow, Progress, Side};
use crate::outbound::{Held, STALL_TIMEOUT_MS};

/// The upstream's answer, its head edited, its body and trailers streamed.
pub(crate) fn relay(held: Held, edits: &HeaderEdits, reply_to: ResponseOutparam) -> End {
    let Held { mut upload, response } = held;
    let begun = fields::carried(edits.kept(call::lines(&response)))
        .filter(|headers| fields::append(headers, &edits.append).is_ok())
        .and_then(|headers| begin(response.status(), headers))
        .and_then(|answer| Some((answer, Source::of_answer(&response)?)));
    let Some(((answer, body), source)) = begun else {
        return unavailable(reply_to);
    };
    ResponseOutparam::set(reply_to, Ok(answer));
    match Flow::of_body(Vec::new(), source, body) {
        Some(download) => stream(download, upload.as_mut()),
        None => End::ClientGone,
    }
}

/// The policy's own reply.
pub(crate) fn respond(client: &IncomingRequest, reply: Reply, reply_to: ResponseOutparam) -> End {
    give(reply, matches!(client.method(), Method::Head), reply_to)
}

/// The reply when there is no policy to ask, or it asked for what cannot be done.
pub(crate) fn unavailable(reply_to: ResponseOutparam) -> End {
    give(linkgate_policy::unavailable(), false, reply_to);
    End::Shutdown
}

fn give(reply: Reply, to_head: bool, reply_to: ResponseOutparam) -> End {
    let length = (!reply.body.is_empty()).then(|| fields::content_length(&reply.body));
    // A line that a host refuses is not worth the reply.
    let headers = fields::taken(reply.headers.into_iter().chain(length));
    let answer = OutgoingResponse::new(headers);
    let _ = answer.set_status_code(reply.status);
    // RFC 9110 section 9.3.2: the length of a body, and not the body. Without one there is none.
    let body = if to_head || reply.body.is_empty() { None } else { answer.body().ok() };
    ResponseOutparam::set(reply_to, Ok(answer));
    match body.and_then(|body| Flow::of_bytes(reply.body, body)) {
        Some(download) => stream(download, None),
        None => End::Finished,
    }
}

fn begin(status: u16, headers: Fields) -> Option<(OutgoingResponse, OutgoingBody)> {
    let answer = OutgoingResponse::new(headers);
    answer.set_status_code(status).ok()?;
    let body = answer.body().ok()?;
    Some((answer, body))
}

/// Gives the body to the client, and what is left of the client's to the upstream.
fn stream(mut download: Flow, mut upload: Option<&mut Flow>) -> End {
    loop {
        let (moves, side) = match download.advance() {
            Progress::Waits(moves, side) => (moves, side),
            // An answer that the upstream broke off was still carried as far as there was one.
            Progress::Whole | Progress::Broken(Side::Source) => return End::Finished,
            Progress::Broken(Side::Sink) => return End::ClientGone,
        };
        let stall = Deadline::after(STALL_TIMEOUT_MS);
        let in_time = match upload.as_mut().map(|upload| upload.advance()) {
            Some(Progress::Waits(uploads, _)) => stall.wait(&[&moves, &uploads]),
            Some(Progress::Whole | Progress::Broken(_)) | None => stall.wait(&[&moves]),
        };
        if !in_time {
            return if side == Side::Source { End::Finished } else { End::ClientGone };
        }
    }
}
