//! Answers to the client: the API's with edits, or the policy's own.

use linkgate_policy::{End, Header, HeaderEdits, Reply};

use crate::bindings::types::{Fields, Response};
use crate::bindings::{FutureWriter, StreamResult, StreamWriter, wit_future, wit_stream};
use crate::body::{CHUNK, Ending, Source};
use crate::deadline::Deadline;
use crate::outbound::{self, STALL_TIMEOUT_MS};
use crate::request;

/// An answer, and what is left to do for it once the host has its head.
pub(crate) struct Answer {
    response: Response,
    body: Body,
}

/// A body on its way to the client.
enum Body {
    /// There is none.
    None,
    Bytes(Vec<u8>, StreamWriter<u8>, FutureWriter<Ending>),
    Stream(Source, StreamWriter<u8>, FutureWriter<Ending>),
}

impl Answer {
    /// The head for the host, and the work of giving it the body.
    pub(crate) fn split(self) -> (Response, impl Future<Output = End>) {
        (self.response, self.body.give())
    }

    /// The head for the host, its body given by a task of its own.
    pub(crate) fn sent(self) -> Response {
        let (response, body) = self.split();
        wit_bindgen::spawn_local(async move {
            body.await;
        });
        response
    }
}

/// The API's answer, its head edited, its body and trailers streamed. Its body may have none to give:
/// an answer `to_head`, or a status without one (RFC 9110 section 6.4.1).
pub(crate) fn relay(held: Response, edits: &HeaderEdits, to_head: bool) -> Answer {
    let status = held.get_status_code();
    let fields = Fields::new();
    for line in edits.kept(request::lines(&held.get_headers())) {
        // What a host refuses here it has its own word on.
        let _ = fields.append(&line.name, &line.value);
    }
    if outbound::append(&fields, &edits.append).is_none() {
        return unavailable();
    }
    let source = Source::of_answer(held);
    if to_head || matches!(status, 204 | 304) {
        return Answer { response: head(status, fields), body: Body::None };
    }
    let (writer, contents) = wit_stream::new();
    let (ending, when_ended) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(fields, Some(contents), when_ended);
    let _ = response.set_status_code(status);
    Answer { response, body: Body::Stream(source, writer, ending) }
}

/// The reply when there is no policy to ask, or it asked for what cannot be done.
pub(crate) fn unavailable() -> Answer {
    respond(linkgate_policy::unavailable(), false)
}

/// The policy's own reply.
pub(crate) fn respond(reply: Reply, to_head: bool) -> Answer {
    let Reply { status, headers: mut lines, body } = reply;
    if !body.is_empty() {
        lines.push(Header::new("content-length", &body.len().to_string()));
    }
    let fields = Fields::new();
    for line in &lines {
        // A line that a host refuses is not worth the reply.
        let _ = fields.append(&line.name, &line.value);
    }
    // RFC 9110 section 9.3.2: the length of a body, and not the body.
    if to_head || body.is_empty() {
        return Answer { response: head(status, fields), body: Body::None };
    }
    let (writer, contents) = wit_stream::new();
    let (ending, when_ended) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(fields, Some(contents), when_ended);
    let _ = response.set_status_code(status);
    Answer { response, body: Body::Bytes(body, writer, ending) }
}

/// An answer without a body.
fn head(status: u16, fields: Fields) -> Response {
    let (_ending, when_ended) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(fields, None, when_ended);
    let _ = response.set_status_code(status);
    response
}

impl Body {
    async fn give(self) -> End {
        match self {
            Self::None => End::Finished,
            Self::Bytes(bytes, mut writer, ending) => {
                if !written(&mut writer, bytes).await {
                    return End::ClientGone;
                }
                drop(writer);
                end(ending, Ok(None)).await
            }
            Self::Stream(source, writer, ending) => stream(source, writer, ending).await,
        }
    }
}

/// Gives a body that comes in to the client. An answer that its sender broke off was still carried as
/// far as there was one.
async fn stream(source: Source, mut to: StreamWriter<u8>, ending: FutureWriter<Ending>) -> End {
    let Source { stream: mut from, ending: ended, handled: _handled } = source;
    loop {
        let stall = Deadline::after(STALL_TIMEOUT_MS);
        let Some((result, chunk)) = stall.bound(from.read(Vec::with_capacity(CHUNK))).await else {
            return end(ending, Err(late())).await;
        };
        if !chunk.is_empty() && !written(&mut to, chunk).await {
            return End::ClientGone;
        }
        match result {
            StreamResult::Complete(_) => {}
            StreamResult::Dropped | StreamResult::Cancelled => break,
        }
    }
    drop(to);
    let ended = Deadline::after(STALL_TIMEOUT_MS).bound(ended.into_future()).await;
    end(ending, ended.unwrap_or_else(|| Err(late()))).await
}

fn late() -> crate::bindings::types::ErrorCode {
    crate::bindings::types::ErrorCode::HttpResponseTimeout
}

/// Gives bytes. `false` when the host takes none any more.
async fn written(to: &mut StreamWriter<u8>, bytes: Vec<u8>) -> bool {
    let left = Deadline::after(STALL_TIMEOUT_MS).bound(to.write_all(bytes)).await;
    left.is_some_and(|left| left.is_empty())
}

/// Says how the body ended.
async fn end(ending: FutureWriter<Ending>, how: Ending) -> End {
    match Deadline::after(STALL_TIMEOUT_MS).bound(ending.write(how)).await {
        Some(Ok(())) => End::Finished,
        Some(Err(_)) | None => End::ClientGone,
    }
}
